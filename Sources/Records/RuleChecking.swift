import PostgresClient
import Rules
import Tenancy

extension Records {
    /// More sellers than this are not looked at when a rule set is checked.
    private static let sellersChecked = 5_000

    /// What the checks of a kind may know of the tenant: who could take its leads, where that is asked.
    func checkFacts(for kind: RuleKind, _ live: [RuleSet], of tenant: TenantID) async throws -> RuleCheckFacts {
        var facts = RuleCheckFacts(live: live)
        if kind == .map { facts.candidates = try await candidates(beside: live, of: tenant) }
        guard kind == .route else { return facts }
        let sellers = try await read(
            tenant,
            """
            SELECT external_id, team, coalesce(status = 'active', false) AS active, newcomer, capacity
            FROM seller
            WHERE tenant_id = \(tenant.rawValue)
            LIMIT \(Self.sellersChecked + 1)
            """)
        let teams = try await read(
            tenant, "SELECT external_id FROM team WHERE tenant_id = \(tenant.rawValue) LIMIT \(Self.sellersChecked + 1)")
        // A tenant that has told of nobody yet is setting out; there is nothing to compare with.
        guard (1...Self.sellersChecked).contains(sellers.count), teams.count <= Self.sellersChecked else { return facts }
        facts.sellers = try sellers.map { row in
            RuleCheckFacts.Seller(
                try row.get("external_id"), team: try row.get("team"), isActive: try row.get("active"), isNewcomer: try row.get("newcomer"),
                capacity: Int(try row.get("capacity", as: Int32.self)))
        }
        // A team may be known by its members alone.
        facts.teams = Set(try teams.map { try $0.get("external_id") }).union(facts.sellers?.compactMap(\.team) ?? [])
        return facts
    }

    /// The versions that are being rolled out, as far as they can be read.
    private func candidates(beside live: [RuleSet], of tenant: TenantID) async throws -> [RuleSet] {
        try await read(
            tenant,
            """
            \(unescaped: RuleSetVersion.select)
            WHERE tenant_id = \(tenant.rawValue) AND (kind, name, version) IN (
                SELECT kind, name, version FROM rollout
                WHERE tenant_id = \(tenant.rawValue) AND state IN ('shadow', 'canary') AND kind <> 'warning_model')
            """
        ).map(RuleSetVersion.init).compactMap { $0.parsed(.of(live)) }
    }
}
