import Foundation
import Jobs
import Ledger
import PostgresClient
import SalesModel
import Tenancy

/// A lead that a version which was taken back had decided, and that nobody has touched since.
public struct HarmedLead: Sendable, Hashable {
    public let id: LeadID
    public let epoch: Int
    /// Who has it now; nil: a pool, marketing or the manual queue.
    let seller: Int64?
    let sellerName: String?
}

extension RoutingReader {
    /// Leads the rollout's canary decided that are still where it put them, untouched, in the order of their ids. Held ones are not among
    /// them: those are released with all other held leads.
    public func harmedLeads(by rollout: Int64, of tenant: TenantID, after: LeadID, limit: Int) async throws -> [HarmedLead] {
        try await postgres.pipeline([
            .tenants([tenant]),
            """
            SELECT c.lead_id, c.epoch, a.seller_id, s.external_id
            FROM rollout_case c
                JOIN lead l ON l.tenant_id = c.tenant_id AND l.id = c.lead_id AND l.assignment_epoch = c.epoch
                LEFT JOIN assignment a ON a.tenant_id = c.tenant_id AND a.lead_id = c.lead_id AND a.epoch = c.epoch AND a.active
                LEFT JOIN seller s ON s.tenant_id = a.tenant_id AND s.id = a.seller_id
            WHERE c.tenant_id = \(tenant.rawValue) AND c.rollout_id = \(rollout) AND c.arm = 'canary' AND c.lead_id > \(after.rawValue)
                AND l.state IN ('assigned', 'pooled', 'with_marketing', 'manual_queue') AND l.touched_at IS NULL AND a.touched_at IS NULL
            ORDER BY c.lead_id LIMIT \(limit)
            """,
        ])[1].map { row in
            HarmedLead(
                id: LeadID(try row.get("lead_id")), epoch: Int(try row.get("epoch", as: Int32.self)), seller: try row.get("seller_id"),
                sellerName: try row.get("external_id"))
        }
    }
}

/// Takes leads back from where a bad version put them, so that each is assigned once more: the owner's load falls, the owner is
/// told why, the lead begins another epoch, for which the job that takes it back enqueues another assignment.
public struct MakeWholeEffect: Effect, Equatable {
    public var rollout: Int64
    public var leads: [HarmedLead]

    public init(rollout: Int64, leads: [HarmedLead]) {
        self.rollout = rollout
        self.leads = leads
    }

    /// Those some of whose leads were touched or moved in the meantime: they look again. Locks the routing version, the loads and
    /// the leads, in the order deciding does.
    static func stale(among settlements: [Settlement], in transaction: PostgresTransaction) throws -> Set<JobID> {
        let makings = settlements.flatMap { settlement in
            settlement.outcome.effects.compactMap { $0 as? MakeWholeEffect }.map { (attempt: settlement.attempt, effect: $0) }
        }
        var taken: [TenantID: Set<LeadID>] = [:]
        return try makings.sorted { ($0.attempt.tenant, $0.attempt.id) < ($1.attempt.tenant, $1.attempt.id) }.reduce(into: []) {
            stale, making in
            let (tenant, leads) = (making.attempt.tenant.rawValue, making.effect.leads)
            // Of two jobs that take the same lead back, the second looks again.
            guard taken[making.attempt.tenant, default: []].isDisjoint(with: leads.map(\.id)) else {
                stale.insert(making.attempt.id)
                return
            }
            taken[making.attempt.tenant, default: []].formUnion(leads.map(\.id))
            let rows = try transaction.pipeline([
                "SELECT version FROM routing_state WHERE tenant_id = \(tenant) FOR UPDATE",
                .moveLoads(of: making.attempt.tenant),
                """
                SELECT FROM seller_load WHERE tenant_id = \(tenant) AND seller_id = ANY(\(Set(leads.compactMap(\.seller)).sorted()))
                ORDER BY seller_id FOR UPDATE
                """,
                """
                SELECT FROM lead l JOIN unnest(\(leads.map(\.id.rawValue)), \(leads.map { Int32($0.epoch) })) AS n(id, epoch) ON l.id = n.id
                WHERE l.tenant_id = \(tenant) AND l.assignment_epoch = n.epoch AND l.touched_at IS NULL
                    AND l.state IN ('assigned', 'pooled', 'with_marketing', 'manual_queue')
                ORDER BY l.id FOR UPDATE OF l
                """,
            ])
            if rows[3].count < leads.count { stale.insert(making.attempt.id) }
        }
    }

    static func statements(for effects: [SettledEffect]) -> [Statement] {
        effects.flatMap { settled -> [Statement] in
            guard let making = settled.effect as? MakeWholeEffect, !making.leads.isEmpty else { return [] }
            return making.statements(of: settled.tenant)
        }
    }

    private func statements(of tenant: TenantID) -> [Statement] {
        let owned = leads.filter { $0.seller != nil }
        let counts = Dictionary(grouping: owned, by: { $0.seller ?? 0 }).mapValues { Int32($0.count) }.sorted { $0.key < $1.key }
        return [
            .bumpRouting(tenant),
            """
            UPDATE seller_load l SET pending = l.pending - n.count
            FROM unnest(\(counts.map(\.key)), \(counts.map(\.value))) AS n(seller, count)
            WHERE l.tenant_id = \(tenant.rawValue) AND l.seller_id = n.seller
            """,
            """
            INSERT INTO load_change (tenant_id, seq, lead_id, seller_id, change)
            SELECT c.tenant_id, c.load_seq, n.id, n.seller, -1
            FROM unnest(\(owned.map(\.id.rawValue)), \(owned.map { $0.seller ?? 0 })) AS n(id, seller)
                JOIN routing_clock c ON c.tenant_id = \(tenant.rawValue)
            """,
            """
            UPDATE assignment a SET active = false
            FROM unnest(\(owned.map(\.id.rawValue)), \(owned.map { Int32($0.epoch) })) AS n(id, epoch)
            WHERE a.tenant_id = \(tenant.rawValue) AND a.lead_id = n.id AND a.epoch = n.epoch AND a.active
            """,
            """
            WITH done AS (
                UPDATE lead SET state = 'awaiting_assignment', owner_id = NULL, pool = NULL, held_reason = NULL, held_detail = NULL,
                    assignment_epoch = assignment_epoch + 1, job_id = NULL, updated_at = now()
                WHERE tenant_id = \(tenant.rawValue) AND id = ANY(\(leads.map(\.id.rawValue)))
                RETURNING id)
            SELECT expect_rows(count(*), \(leads.count)) FROM done
            """,
        ]
            + owned.map { lead in
                .notify(
                    lead.sellerName ?? "", "lead_taken_back", lead.id.description, of: tenant,
                    english:
                        "Lead \(lead.id) is assigned again: the rule change \(rollout) that gave it to you was taken back before you touched it.",
                    chinese: "线索 \(lead.id) 将重新分配：将其分配给您的规则变更 \(rollout) 在您首次跟进之前已被撤回。")
            }
    }
}

extension NewJob {
    /// The job that has the untouched leads of a rollout's canary assigned again after it was taken back.
    /// - Parameter after: where to go on.
    public static func makeWhole(rollout: Int64, of tenant: TenantID, after: LeadID = LeadID(0)) -> NewJob {
        NewJob(tenant: tenant, kind: "make_whole", arguments: Array(#"{"rollout_id":"\#(rollout)","after":"\#(after)"}"#.utf8))
    }
}
