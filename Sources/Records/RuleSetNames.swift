import Foundation
import PostgresClient
import Rules
import Tenancy

/// A name under which a tenant keeps versions of a rule set.
public struct RuleSetName: Sendable, Hashable {
    public let kind: RuleKind
    public let name: String
    /// Nil: no version of it is live.
    public let live: Int?
    public let newest: RuleSetVersion.State
    public let newestVersion: Int
    public let savedAt: Date
    public let savedBy: String
    /// Of the newest version.
    public let rounds: SandboxRounds
}

extension Records {
    /// The names a tenant has rule sets under, by kind and name.
    public func ruleSetNames(of tenant: TenantID) async throws -> [RuleSetName] {
        try await read(
            tenant,
            """
            SELECT v.*, l.version AS live, t.sandbox_rounds AS required,
                (SELECT count(*) FROM sandbox_round r
                 WHERE r.tenant_id = v.tenant_id AND r.kind = v.kind AND r.name = v.name AND r.hash = v.hash AND r.state = 'passed') AS passed
            FROM (
                SELECT DISTINCT ON (kind, name) tenant_id, kind, name, version, hash, state, actor, created_at
                FROM ruleset_version
                WHERE tenant_id = \(tenant.rawValue)
                ORDER BY kind, name, version DESC
                LIMIT 1000
            ) AS v
            JOIN tenant t ON t.id = v.tenant_id
            LEFT JOIN ruleset_version l ON l.tenant_id = v.tenant_id AND l.kind = v.kind AND l.name = v.name AND l.state = 'live'
            ORDER BY v.kind, v.name
            """
        ).compactMap { row in
            guard let kind = RuleKind(rawValue: try row.get("kind")), let state = RuleSetVersion.State(rawValue: try row.get("state"))
            else {
                return nil
            }
            return RuleSetName(
                kind: kind, name: try row.get("name"), live: try row.get("live", as: Int32?.self).map(Int.init), newest: state,
                newestVersion: Int(try row.get("version", as: Int32.self)), savedAt: try row.get("created_at"),
                savedBy: try row.get("actor"), rounds: try SandboxRounds(row))
        }
    }
}
