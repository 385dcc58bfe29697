import Foundation
import Identity
import PostgresClient
import SalesModel
import Tenancy

/// Leads that a change which was taken back had decided, a page of them, and what is to be taken back of who they are.
public struct HarmedLeads: Sendable {
    /// Untouched, and where it put them.
    public let leads: [PlacedLead]
    /// Nil: it said of none of them who it is, or somebody has acted on that since.
    public let recognition: RecogniseAnewEffect?
    /// After which to go on; nil: these are the last.
    public let next: LeadID?
}

extension RoutingReader {
    /// Leads that the rollout's canary put elsewhere than the other version would have, or took for another, and that are still there, untouched, in
    /// the order of their ids; with them those of their customers that followed them to an owner, wherever they stand: one that stayed would be a
    /// claim on the others. Held ones are not among them: those are released with all other held leads.
    public func harmedLeads(by rollout: Int64, of tenant: TenantID, after: LeadID, limit: Int) async throws -> HarmedLeads {
        let page = try await placedLeads(by: rollout, of: tenant, after: after, limit: limit)
        let followers = page.isEmpty ? [] : try await followers(of: page, by: rollout, of: tenant)
        let leads = (page + followers).sorted { $0.id < $1.id }
        return HarmedLeads(
            leads: leads, recognition: try await recognition(of: leads, after: rollout, of: tenant),
            next: page.count < limit ? nil : page.last?.id)
    }

    private func recognition(of leads: [PlacedLead], after rollout: Int64, of tenant: TenantID) async throws -> RecogniseAnewEffect? {
        guard !leads.isEmpty else { return nil }
        let rows = try await postgres.pipeline([
            .tenants([tenant]), .doubtful(leads.map(\.id.rawValue), since: rollout, of: tenant),
        ])[1]
        let sellers = Dictionary(leads.map { ($0.id.rawValue, $0.seller) }, uniquingKeysWith: { first, _ in first })
        let doubtful = try rows.map { row in
            let lead: Int64 = try row.get("lead_id")
            return Reconsidering.Lead(
                id: lead, customer: CustomerID(try row.get("customer_id", as: Int64.self)),
                seller: sellers[lead, default: nil].map(SellerID.init))
        }
        guard !doubtful.isEmpty else { return nil }
        return try await reconsidering(doubtful, since: rollout, of: tenant).effect
    }

    /// What they said is read first, by which others are found; what changes in between makes the effect stale.
    private func reconsidering(_ leads: [Reconsidering.Lead], since rollout: Int64, of tenant: TenantID) async throws -> Reconsidering {
        let (rules, population) = try await liveMatch(of: tenant)
        var reconsidering = Reconsidering(rollout: rollout, leads: leads, rules: rules, population: population)
        let named = Set(leads.flatMap { [$0.customer.rawValue, $0.id] }).sorted()
        let own = try await postgres.pipeline([
            .tenants([tenant]), .customers([], known: named, of: tenant),
            """
            SELECT DISTINCT customer_id FROM lead
            WHERE tenant_id = \(tenant.rawValue) AND customer_id = ANY(\(named)) AND id <> customer_id AND id <> ALL(\(leads.map(\.id)))
            """,
        ])
        try reconsidering.add(own[1])
        reconsidering.shared = try Set(own[2].map { CustomerID(try $0.get("customer_id", as: Int64.self)) })
        let found = try await postgres.pipeline([
            .tenants([tenant]),
            "SELECT count(*) AS n FROM customer_key WHERE tenant_id = \(tenant.rawValue) AND key = ANY(\(reconsidering.keys))",
            .customers(reconsidering.keys, known: [], of: tenant),
        ])
        reconsidering.carriers = try found[1].first?.get("n") ?? 0
        try reconsidering.add(found[2])
        let pending = try await postgres.pipeline([.tenants([tenant]), .doubtful(reconsidering.speakers, since: rollout, of: tenant)])[1]
        reconsidering.unheard = try Set(pending.map { try $0.get("lead_id", as: Int64.self) })
        return reconsidering
    }
}

extension Reconsidering {
    /// Customers as they stand; those that are known stay as they were read first.
    fileprivate mutating func add(_ rows: Rows) throws {
        for row in rows {
            let id = CustomerID(try row.get("id", as: Int64.self))
            guard seen[id] == nil else { continue }
            (said[id], seen[id]) = (try SaidValues(row.get("said")), try row.get("updated_at"))
        }
    }
}

// MARK: - Reading

extension RoutingReader {
    private func placedLeads(by rollout: Int64, of tenant: TenantID, after: LeadID, limit: Int) async throws -> [PlacedLead] {
        try await postgres.pipeline([
            .tenants([tenant]),
            """
            \(unescaped: Self.placed)
            WHERE c.tenant_id = \(tenant.rawValue) AND c.rollout_id = \(rollout) AND c.lead_id > \(after.rawValue)
                AND (c.elsewhere OR c.customer_id IS NOT NULL) AND \(unescaped: Self.isUntouched)
            ORDER BY c.lead_id LIMIT \(limit)
            """,
        ])[1].map(PlacedLead.init)
    }

    /// Of one customer no more than this many.
    private static let mostFollowers = 1_000

    private func followers(of leads: [PlacedLead], by rollout: Int64, of tenant: TenantID) async throws -> [PlacedLead] {
        let ids = leads.map(\.id.rawValue)
        return try await postgres.pipeline([
            .tenants([tenant]),
            """
            \(unescaped: Self.placed)
            WHERE c.tenant_id = \(tenant.rawValue) AND c.rollout_id = \(rollout) AND c.lead_id <> ALL(\(ids))
                AND l.customer_id IN (
                    SELECT customer_id FROM lead WHERE tenant_id = \(tenant.rawValue) AND id = ANY(\(ids)) AND customer_id IS NOT NULL)
                AND \(unescaped: Self.isUntouched)
            ORDER BY c.lead_id LIMIT \(Self.mostFollowers)
            """,
        ])[1].map(PlacedLead.init)
    }

    private static let placed = """
        SELECT c.lead_id, c.epoch, a.seller_id, s.external_id, l.touched_at IS NOT NULL AS touched
        FROM rollout_case c
            JOIN lead l ON l.tenant_id = c.tenant_id AND l.id = c.lead_id AND l.assignment_epoch = c.epoch
            LEFT JOIN assignment a ON a.tenant_id = c.tenant_id AND a.lead_id = c.lead_id AND a.epoch = c.epoch AND a.active
            LEFT JOIN seller s ON s.tenant_id = a.tenant_id AND s.id = a.seller_id
        """
    private static let isUntouched = """
        c.arm = 'canary' AND l.state IN ('assigned', 'pooled', 'with_marketing', 'manual_queue')
            AND (l.owner_id IS NULL OR l.touched_at IS NULL AND a.touched_at IS NULL)
        """
}

extension Statement {
    /// Of these leads those that a rollout's canary may have taken for another than the live version would, and that nobody has touched, moved or
    /// answered a question about since.
    fileprivate static func doubtful(_ leads: [Int64], since rollout: Int64, of tenant: TenantID) -> Statement {
        """
        SELECT c.lead_id, c.customer_id
        FROM rollout_case c JOIN lead l ON l.tenant_id = c.tenant_id AND l.id = c.lead_id
            AND l.assignment_epoch = c.epoch AND l.customer_id = c.customer_id
        WHERE c.tenant_id = \(tenant.rawValue) AND c.rollout_id = \(rollout) AND c.lead_id = ANY(\(leads)) AND c.arm = 'canary'
            AND l.touched_at IS NULL
            AND NOT EXISTS (
                SELECT FROM customer_review r
                WHERE r.tenant_id = c.tenant_id AND r.lead_id = c.lead_id AND r.state IN ('linked', 'apart'))
            AND NOT EXISTS (
                SELECT FROM customer_log g
                WHERE g.tenant_id = c.tenant_id AND g.at >= c.decided_at AND g.actor <> \(RolloutActor.undoing)
                    AND (g.customer_id IN (c.customer_id, c.lead_id) OR g.other_id IN (c.customer_id, c.lead_id)))
        ORDER BY c.lead_id
        """
    }
}
