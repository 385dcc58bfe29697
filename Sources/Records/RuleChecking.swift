import PostgresClient
import Rules
import SalesModel
import Tenancy

extension Records {
    /// More sellers than this are not looked at when a rule set is checked.
    private static let sellersChecked = 5_000

    /// What the checks of a kind may know of the tenant: who could take its leads, where that is asked.
    func checkFacts(for kind: RuleKind, _ live: [RuleSet], of tenant: TenantID) async throws -> RuleCheckFacts {
        var facts = RuleCheckFacts(live: live)
        if kind == .map { facts.candidates = try await candidates(beside: live, of: tenant) }
        guard kind == .route || kind == .score else { return facts }
        facts.nullRates = try await nullRates(live, of: tenant)
        guard kind == .route else { return facts }
        facts.pendingPeak = try await pendingPeak(of: tenant)
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

    /// The most leads that waited for their first contact at the same moment of the last 90 days, of the last 20,000 that came; one that still waits does so
    /// however long ago it came.
    private func pendingPeak(of tenant: TenantID) async throws -> Int? {
        // At the same moment who is touched goes before who comes.
        let rows = try await read(
            tenant,
            """
            WITH l AS (
                SELECT received_at, touched_at FROM lead
                WHERE tenant_id = \(tenant.rawValue) AND state NOT IN ('with_marketing', 'pooled')
                    AND received_at <= LEAST(touched_at, now()) AND (touched_at IS NULL OR received_at > now() - interval '90 days')
                ORDER BY id DESC
                LIMIT 20000)
            SELECT max(waiting) AS peak
            FROM (
                SELECT sum(step) OVER (ORDER BY at, step) AS waiting
                FROM (SELECT received_at AS at, 1 AS step FROM l UNION ALL SELECT touched_at, -1 FROM l WHERE touched_at IS NOT NULL) s) w
            """)
        return try rows.first?.get("peak", as: Int64?.self).map(Int.init)
    }

    /// How often each field came empty in the newest leads, beside those before them. Leads of more than 8 KiB as kept are passed over:
    /// whoever checks a rule waits for this.
    private func nullRates(_ live: [RuleSet], of tenant: TenantID) async throws -> [String: RuleCheckFacts.NullRate] {
        let rows = try await read(
            tenant,
            """
            SELECT * FROM (
                SELECT id, source, received_at, fields FROM lead WHERE tenant_id = \(tenant.rawValue) ORDER BY id DESC LIMIT 500) l
            WHERE pg_column_size(fields) < 8192
            ORDER BY id DESC
            """)
        let leads = try rows.map { row in
            Lead(
                id: LeadID(try row.get("id")), source: try row.get("source"), receivedAt: try row.get("received_at"),
                fields: try OutsideValue.fields(row.get("fields", as: JSONBytes.self).bytes))
        }
        return TenantRules(live.filter { $0.kind == .map }.map { LiveRuleSet($0, version: 0) }).nullRates(newestFirst: leads)
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
