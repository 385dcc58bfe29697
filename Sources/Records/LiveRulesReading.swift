import PostgresClient
import Rules
import SalesModel
import Tenancy

/// A live rule set that this version cannot read. Whatever it decides waits until it is published anew.
public struct UnreadableLiveRules: Sendable, Hashable, CustomStringConvertible {
    public let tenant: TenantID
    public let ruleSet: RuleSetReference
    /// The first of its faults.
    public let fault: String

    /// `tenant 7: route/default@3: …`
    public var description: String { "tenant \(tenant): \(ruleSet): \(fault)" }
}

extension PostgresPool {
    /// Reads the live rules of every tenant, one tenant at a time, each as they stand beside its live maps.
    ///
    /// - Precondition: a pool under the role `kiteline_engine`.
    /// - Returns: those that cannot be read, and how many were.
    public func readingLiveRules() async throws -> (unreadable: [UnreadableLiveRules], readable: Int) {
        let tenants = try await query("SELECT id FROM tenant ORDER BY id").map { TenantID(try $0.get("id")) }
        var (unreadable, readable): ([UnreadableLiveRules], Int) = ([], 0)
        for tenant in tenants {
            let rows = try await pipeline([
                .tenants([tenant]),
                """
                SELECT kind, name, version, source FROM ruleset_version
                WHERE tenant_id = \(tenant.rawValue) AND state = 'live' ORDER BY kind <> 'map', kind, name
                """,
            ])[1]
            var maps: [RuleSet] = []
            for row in rows {
                // A trained model is kept beside the rules and is none.
                guard let kind = RuleKind(rawValue: try row.get("kind")) else { continue }
                let name: String = try row.get("name")
                let catalogue: FieldCatalogue = kind == .map ? .standard : .of(maps)
                switch RuleSet.parse(kind: kind, name: name, source: try row.get("source"), catalogue: catalogue) {
                case .success(let ruleSet):
                    readable += 1
                    if kind == .map { maps.append(ruleSet) }
                case .failure(let faults):
                    let reference = RuleSetReference(
                        kind: kind.rawValue, name: name, version: Int(try row.get("version", as: Int32.self)))
                    unreadable.append(
                        UnreadableLiveRules(tenant: tenant, ruleSet: reference, fault: faults.faults.first?.message ?? ""))
                }
            }
        }
        return (unreadable, readable)
    }
}
