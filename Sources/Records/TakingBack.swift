import Foundation
import JSONEnvelope
import Jobs
import Ledger
import PostgresClient
import SalesModel
import Tenancy

/// A lead where an earlier decision put it.
public struct PlacedLead: Sendable, Hashable {
    public let id: LeadID
    public let epoch: Int
    /// Who has it now; nil: a pool, marketing or the manual queue.
    let seller: Int64?
    let sellerName: String?
    let isTouched: Bool
}

/// Why leads are taken back from those who have them.
public enum TakeBackCause: Sendable, Hashable {
    /// The version that decided them was taken back.
    case rolloutAborted(Int64)
    /// Whoever had them does not work here any more (LOAD-07).
    case sellerLeft
    /// Nobody touched them for so many days (LEAD-ROUTE-18). They go to somebody else.
    case untouched(days: Int)
}

/// Takes leads back from where they are, so that each is assigned once more: the owner's load falls, the owner is told why, the lead begins
/// another epoch, for which the job that takes it back enqueues another assignment.
public struct TakeBackEffect: JudgedEffect, Equatable {
    public var cause: TakeBackCause
    public var leads: [PlacedLead]

    public init(_ cause: TakeBackCause, _ leads: [PlacedLead]) {
        self.cause = cause
        self.leads = leads
    }

    var routingLocks: RoutingLocks? {
        RoutingLocks(sellers: leads.compactMap(\.seller), leads: leads.map(\.id.rawValue), movesLoads: true)
    }

    /// Those some of whose leads were touched or moved in the meantime: they look again. Locks the routing version, the loads and
    /// the leads, in the order deciding does.
    static func stale(among settlements: [Settlement], in transaction: PostgresTransaction) throws -> Set<JobID> {
        let takings = settlements.flatMap { settlement in
            settlement.outcome.effects.compactMap { $0 as? TakeBackEffect }.map { (attempt: settlement.attempt, effect: $0) }
        }
        var taken: [TenantID: Set<LeadID>] = [:]
        return try takings.sorted { ($0.attempt.tenant, $0.attempt.id) < ($1.attempt.tenant, $1.attempt.id) }.reduce(into: []) {
            stale, taking in
            let (tenant, leads) = (taking.attempt.tenant.rawValue, taking.effect.leads)
            // Of two jobs that take the same lead back, the second looks again.
            guard taken[taking.attempt.tenant, default: []].isDisjoint(with: leads.map(\.id)) else {
                stale.insert(taking.attempt.id)
                return
            }
            taken[taking.attempt.tenant, default: []].formUnion(leads.map(\.id))
            let rows = try transaction.pipeline([
                "SELECT version FROM routing_state WHERE tenant_id = \(tenant) FOR UPDATE",
                .moveLoads(of: taking.attempt.tenant),
                """
                SELECT FROM seller_load WHERE tenant_id = \(tenant) AND seller_id = ANY(\(Set(leads.compactMap(\.seller)).sorted()))
                ORDER BY seller_id FOR UPDATE
                """,
                """
                SELECT FROM lead l
                    JOIN unnest(\(leads.map(\.id.rawValue)), \(leads.map { Int32($0.epoch) }), \(leads.map(\.isTouched))) AS n(id, epoch, touched)
                        ON l.id = n.id
                WHERE l.tenant_id = \(tenant) AND l.assignment_epoch = n.epoch AND (l.touched_at IS NOT NULL) = n.touched
                    AND l.state IN ('assigned', 'pooled', 'with_marketing', 'manual_queue')
                ORDER BY l.id FOR UPDATE OF l
                """,
            ])
            if rows[3].count < leads.count { stale.insert(taking.attempt.id) }
        }
    }

    static func statements(for effects: [SettledEffect]) -> [Statement] {
        effects.flatMap { settled -> [Statement] in
            guard let taking = settled.effect as? TakeBackEffect, !taking.leads.isEmpty else { return [] }
            return taking.statements(of: settled.tenant)
        }
    }

    private func statements(of tenant: TenantID) -> [Statement] {
        let owned = leads.filter { $0.seller != nil }
        // Only what nobody touched weighs on a seller.
        let pending = owned.filter { !$0.isTouched }
        let counts = Dictionary(grouping: pending, by: { $0.seller ?? 0 }).mapValues { Int32($0.count) }.sorted { $0.key < $1.key }
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
            FROM unnest(\(pending.map(\.id.rawValue)), \(pending.map { $0.seller ?? 0 })) AS n(id, seller)
                JOIN routing_clock c ON c.tenant_id = \(tenant.rawValue)
            """,
            """
            UPDATE assignment a SET active = false, recycled = \(cause.excludesOwner)
            FROM unnest(\(owned.map(\.id.rawValue)), \(owned.map { Int32($0.epoch) })) AS n(id, epoch)
            WHERE a.tenant_id = \(tenant.rawValue) AND a.lead_id = n.id AND a.epoch = n.epoch AND a.active
            """,
            """
            WITH done AS (
                UPDATE lead SET state = 'awaiting_assignment', owner_id = NULL, pool = NULL, held_reason = NULL, held_detail = NULL,
                    touched_at = CASE WHEN owner_id IS NULL AND state <> 'with_marketing' THEN touched_at END,
                    first_touched_at = CASE WHEN state <> 'with_marketing' THEN COALESCE(first_touched_at, touched_at) END,
                    assignment_epoch = assignment_epoch + 1, job_id = NULL, updated_at = now()
                WHERE tenant_id = \(tenant.rawValue) AND id = ANY(\(leads.map(\.id.rawValue)))
                RETURNING id)
            SELECT expect_rows(count(*), \(leads.count)) FROM done
            """,
        ]
            + owned.map { lead in
                let words = cause.words(lead.id)
                return .notify(
                    lead.sellerName ?? "", "lead_taken_back", lead.id.description, of: tenant, english: words.english,
                    chinese: words.chinese)
            }
    }
}

extension TakeBackCause {
    /// Whether the next decision leaves out who had the lead.
    var excludesOwner: Bool { if case .untouched = self { true } else { false } }

    /// What whoever had the lead is told.
    fileprivate func words(_ lead: LeadID) -> (english: String, chinese: String) {
        switch self {
        case .rolloutAborted(let rollout):
            (
                "Lead \(lead) is assigned again: the rule change \(rollout) that gave it to you was taken back before you touched it.",
                "线索 \(lead) 将重新分配：将其分配给您的规则变更 \(rollout) 在您首次跟进之前已被撤回。"
            )
        case .sellerLeft:
            (
                "Lead \(lead) is assigned again: you are not active any more.",
                "线索 \(lead) 将重新分配：您已不在岗。"
            )
        case .untouched(let days):
            (
                "Lead \(lead) is assigned to somebody else: it waited \(days) days for a first touch.",
                "线索 \(lead) 将改派他人：分配后 \(days) 天内未首次跟进。"
            )
        }
    }
}

extension RoutingReader {
    /// A departed seller's leads, touched or not, in the order of their ids; none where the seller is not `inactive`.
    public func leads(leftBy seller: String, of tenant: TenantID, after: LeadID, limit: Int) async throws -> [PlacedLead] {
        try await postgres.pipeline([
            .tenants([tenant]),
            """
            SELECT a.lead_id, a.epoch, a.seller_id, s.external_id, a.touched_at IS NOT NULL AS touched
            FROM seller s
                JOIN assignment a ON a.tenant_id = s.tenant_id AND a.seller_id = s.id AND a.active AND a.lead_id > \(after.rawValue)
            WHERE s.tenant_id = \(tenant.rawValue) AND s.external_id = \(seller) AND s.status = 'inactive'
            ORDER BY a.lead_id LIMIT \(limit)
            """,
        ])[1].map(PlacedLead.init)
    }

    /// Leads that wait longer than this, in seconds, for their first touch, in the order of their ids.
    /// - Parameter lead: only this one.
    public func leads(
        untouchedFor wait: TimeInterval, _ lead: LeadID?, of tenant: TenantID, after: LeadID, limit: Int
    ) async throws -> [PlacedLead] {
        try await postgres.pipeline([
            .tenants([tenant]),
            """
            SELECT a.lead_id, a.epoch, a.seller_id, s.external_id, false AS touched
            FROM assignment a JOIN seller s ON s.tenant_id = a.tenant_id AND s.id = a.seller_id
            WHERE a.tenant_id = \(tenant.rawValue) AND a.active AND a.touched_at IS NULL AND a.assigned_at <= now() - make_interval(secs => \(wait))
                AND a.lead_id > \(after.rawValue) AND (\(lead == nil) OR a.lead_id = \(lead?.rawValue ?? 0))
            ORDER BY a.lead_id LIMIT \(limit)
            """,
        ])[1].map(PlacedLead.init)
    }
}

extension NewJob {
    /// The job that has a departed seller's leads assigned to others.
    public static func rebalance(leftBy seller: String, of tenant: TenantID, after: LeadID = LeadID(0)) -> NewJob {
        let name = JSONWriter.object {
            $0.member("seller", seller)
            $0.member("after", after.description)
        }
        return NewJob(tenant: tenant, kind: "rebalance_leads", arguments: name)
    }

    /// The job that gives leads nobody touched for so many days to somebody else.
    /// - Parameter lead: only this one, however long it waits.
    public static func rebalance(untouchedFor days: Int, lead: LeadID? = nil, of tenant: TenantID, after: LeadID = LeadID(0)) -> NewJob {
        let arguments = JSONWriter.object { object in
            object.member("days", days)
            object.member("after", after.description)
            object.member("lead_id", lead?.description)
        }
        return NewJob(tenant: tenant, kind: "rebalance_leads", arguments: arguments)
    }
}

extension PlacedLead {
    init(_ row: Row) throws {
        self.init(
            id: LeadID(try row.get("lead_id")), epoch: Int(try row.get("epoch", as: Int32.self)), seller: try row.get("seller_id"),
            sellerName: try row.get("external_id"), isTouched: try row.get("touched"))
    }
}
