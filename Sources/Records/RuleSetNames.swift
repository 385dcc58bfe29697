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
}

extension Records {
    /// The names a tenant has rule sets under, by kind and name.
    public func ruleSetNames(of tenant: TenantID) async throws -> [RuleSetName] {
        try await read(
            tenant,
            """
            SELECT DISTINCT ON (v.kind, v.name) v.kind, v.name, v.version, v.state, v.actor, v.created_at, l.version AS live
            FROM ruleset_version v
            LEFT JOIN ruleset_version l ON l.tenant_id = v.tenant_id AND l.kind = v.kind AND l.name = v.name AND l.state = 'live'
            WHERE v.tenant_id = \(tenant.rawValue)
            ORDER BY v.kind, v.name, v.version DESC
            LIMIT 1000
            """
        ).compactMap { row in
            guard let kind = RuleKind(rawValue: try row.get("kind")), let state = RuleSetVersion.State(rawValue: try row.get("state"))
            else {
                return nil
            }
            return RuleSetName(
                kind: kind, name: try row.get("name"), live: try row.get("live", as: Int32?.self).map(Int.init), newest: state,
                newestVersion: Int(try row.get("version", as: Int32.self)), savedAt: try row.get("created_at"),
                savedBy: try row.get("actor"))
        }
    }
}
