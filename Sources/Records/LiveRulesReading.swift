import PostgresClient
import Rules
import SalesModel
import Tenancy

/// A live rule set, or one that is rolled out, that this version cannot read. What a live one decides waits until it is published anew; one
/// that is rolled out is taken back.
public struct UnreadableRules: Sendable, Hashable, CustomStringConvertible {
    public let tenant: TenantID
    public let ruleSet: RuleSetReference
    public let isRolledOut: Bool
    /// The first of its faults.
    public let fault: String

    /// `tenant 7: route/default@3: …`
    public var description: String { "tenant \(tenant): \(ruleSet)\(isRolledOut ? ", rolled out" : ""): \(fault)" }
}

extension PostgresPool {
    /// Reads the live rules of every tenant and those it rolls out, one tenant at a time, each as they stand beside its live maps.
    ///
    /// - Precondition: a pool under the role `kiteline_engine`.
    /// - Returns: those that cannot be read, and how many were.
    public func readingLiveRules() async throws -> (unreadable: [UnreadableRules], readable: Int) {
        let tenants = try await query("SELECT id FROM tenant ORDER BY id").map { TenantID(try $0.get("id")) }
        var (unreadable, readable): ([UnreadableRules], Int) = ([], 0)
        for tenant in tenants {
            let rows = try await pipeline([
                .tenants([tenant]),
                """
                SELECT kind, name, version, source, state = 'live' AS live FROM ruleset_version
                WHERE tenant_id = \(tenant.rawValue) AND (state = 'live' OR (kind, name, version) IN (
                    SELECT kind, name, version FROM rollout WHERE tenant_id = \(tenant.rawValue) AND state IN ('shadow', 'canary')))
                ORDER BY kind <> 'map', state <> 'live', kind, name
                """,
            ])[1]
            var maps: [RuleSet] = []
            for row in rows {
                // A trained model is kept beside the rules and is none.
                guard let kind = RuleKind(rawValue: try row.get("kind")) else { continue }
                let (name, isLive) = (try row.get("name", as: String.self), try row.get("live", as: Bool.self))
                let catalogue: FieldCatalogue = kind == .map ? .standard : .of(maps)
                switch RuleSet.parse(kind: kind, name: name, source: try row.get("source"), catalogue: catalogue) {
                case .success(let ruleSet):
                    readable += 1
                    if kind == .map, isLive { maps.append(ruleSet) }
                case .failure(let faults):
                    let reference = RuleSetReference(
                        kind: kind.rawValue, name: name, version: Int(try row.get("version", as: Int32.self)))
                    unreadable.append(
                        UnreadableRules(
                            tenant: tenant, ruleSet: reference, isRolledOut: !isLive, fault: faults.faults.first?.message ?? ""))
                }
            }
        }
        return (unreadable, readable)
    }
}
