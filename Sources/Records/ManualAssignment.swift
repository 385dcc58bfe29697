import Foundation
import Ledger
import PostgresClient
import Routing
import SalesModel
import Tenancy

/// A person's wish to give a lead to a seller.
public struct ManualAssignment: Sendable {
    public var lead: Int64
    /// External id.
    public var seller: String
    public var reason: String
    /// Although leads are assigned automatically, or this one has an owner.
    public var isOverride: Bool
    /// Only if it still is this assignment of the lead; nil: whatever became of it.
    public var epoch: Int?

    public init(lead: Int64, seller: String, reason: String, isOverride: Bool, epoch: Int? = nil) {
        self.epoch = epoch
        self.lead = lead
        self.seller = seller
        self.reason = reason
        self.isOverride = isOverride
    }
}

/// Why a lead is not given by hand.
public enum ManualRefusal: Error, Sendable, Hashable {
    case noLead
    case noSeller
    case sellerNotActive
    case sellerFrozen
    /// Leads are assigned automatically, and nobody overrides that.
    case automatic
    /// It has an owner, and nobody overrides that.
    case owned(by: String)
    /// The seller has it already.
    case already
    /// It was assigned again since it was looked at; nil: nobody has it.
    case reassigned(to: String?)
}

extension Records {
    /// Gives a lead to a seller by hand, as another assignment of it: jobs that wait for an earlier one find it done.
    /// - Parameter user: the person who does it, if they may; nil: nobody in particular.
    /// - Throws: `ManualRefusal`, `AccessRefusal`.
    public func assign(
        _ wish: ManualAssignment, of tenant: TenantID, by actor: String, user: String? = nil, key: IdempotencyKey?, now: Date = Date(),
        answer: @Sendable @escaping (_ epoch: Int) -> StoredAnswer
    ) async throws -> Once {
        try await write(tenant, on: engine) { transaction in
            try transaction.once(key) {
                if let user { try transaction.admitGiving(wish.lead, by: user, of: tenant) }
                return answer(try Giving(wish, tenant, actor, now, transaction).run())
            }
        }
    }
}

/// One lead's giving, in its transaction.
private struct Giving {
    let wish: ManualAssignment
    let tenant: TenantID
    let actor: String
    let now: Date
    let transaction: PostgresTransaction

    init(_ wish: ManualAssignment, _ tenant: TenantID, _ actor: String, _ now: Date, _ transaction: PostgresTransaction) {
        self.wish = wish
        self.tenant = tenant
        self.actor = actor
        self.now = now
        self.transaction = transaction
    }

    /// Locks as settling does: the routing version, the loads, the lead. Answers the new epoch.
    func run() throws -> Int {
        let rows = try transaction.pipeline([
            .bumpRouting(tenant), .fuse(of: tenant),
            """
            SELECT id, status, frozen_at IS NOT NULL AND (frozen_until IS NULL OR frozen_until > \(now)) AS frozen
            FROM seller WHERE tenant_id = \(tenant.rawValue) AND external_id = \(wish.seller)
            """,
        ])
        let isFuseOpen = try rows[1].first.map(AssignmentFuse.init)?.state == .open
        guard isFuseOpen || wish.isOverride else { throw ManualRefusal.automatic }
        guard let seller = rows[2].first else { throw ManualRefusal.noSeller }
        guard try seller.get("status", as: String?.self) == SellerStatus.active.rawValue else { throw ManualRefusal.sellerNotActive }
        guard try !seller.get("frozen", as: Bool.self) else { throw ManualRefusal.sellerFrozen }
        let owner = SellerID(try seller.get("id"))
        guard let lead = try locked(owner) else { throw ManualRefusal.noLead }
        let before = try lead.get("owner", as: String?.self)
        let last = try lead.get("assignment_epoch", as: Int32.self)
        // As people know them, in what people read.
        let name = try lead.get("owner_name", as: String?.self)
        if let epoch = wish.epoch, epoch != Int(last) { throw ManualRefusal.reassigned(to: name ?? before) }
        if before == wish.seller { throw ManualRefusal.already }
        if let before, !wish.isOverride { throw ManualRefusal.owned(by: name ?? before) }
        let epoch = last + 1
        try write(owner, epoch, job: try lead.get("job_id", as: Int64?.self) ?? 0, before: before)
        // Told after the giving, and so under a number of its own.
        if before == nil, try lead.get("is_touched") {
            _ = try transaction.pipeline([.moveLoads(of: tenant), .endWaiting(of: [wish.lead], tenant)])
        }
        return Int(epoch)
    }

    private func locked(_ owner: SellerID) throws -> Row? {
        try transaction.pipeline([
            .moveLoads(of: tenant),
            """
            SELECT FROM seller_load s
            WHERE s.tenant_id = \(tenant.rawValue) AND (s.seller_id = \(owner.rawValue) OR s.seller_id IN (
                SELECT a.seller_id FROM assignment a WHERE a.tenant_id = \(tenant.rawValue) AND a.lead_id = \(wish.lead) AND a.active))
            ORDER BY s.seller_id
            FOR UPDATE
            """,
            """
            SELECT l.assignment_epoch, l.job_id, l.touched_at IS NOT NULL AND l.state <> 'with_marketing' AS is_touched,
                s.external_id AS owner, s.name AS owner_name
            FROM lead l LEFT JOIN seller s ON s.tenant_id = l.tenant_id AND s.id = l.owner_id
            WHERE l.tenant_id = \(tenant.rawValue) AND l.id = \(wish.lead)
            FOR UPDATE OF l
            """,
        ])[2].first
    }

    private func write(_ owner: SellerID, _ epoch: Int32, job: Int64, before: String?) throws {
        var decision = LeadDecision(outcome: .assigned, decidedAt: now)
        decision.owner = LeadDecision.Owner(id: owner, externalID: wish.seller)
        decision.reasons = [Reason(.assignedByHand, ["reason": .text(wish.reason), "by": .text(actor)])]
        _ = try transaction.pipeline([
            """
            WITH former AS (
                UPDATE assignment SET active = false WHERE tenant_id = \(tenant.rawValue) AND lead_id = \(wish.lead) AND active
                RETURNING seller_id, touched_at),
                told AS (
                    INSERT INTO load_change (tenant_id, seq, lead_id, seller_id, change)
                    SELECT c.tenant_id, c.load_seq, \(wish.lead), n.seller_id, sum(n.change)::integer
                    FROM routing_clock c, (
                        SELECT seller_id, -1 AS change FROM former WHERE touched_at IS NULL UNION ALL SELECT \(owner.rawValue), 1) n
                    WHERE c.tenant_id = \(tenant.rawValue)
                    GROUP BY c.tenant_id, c.load_seq, n.seller_id)
            UPDATE seller_load s SET pending = s.pending - 1 FROM former f
            WHERE s.tenant_id = \(tenant.rawValue) AND s.seller_id = f.seller_id AND f.touched_at IS NULL
            """,
            """
            UPDATE lead SET state = 'assigned', owner_id = \(owner.rawValue), pool = NULL, held_reason = NULL, held_detail = NULL,
                -- The touch of another owner, or of marketing, is not this one's; one from before anybody had it is.
                assignment_epoch = \(epoch), touched_at = CASE WHEN owner_id IS NULL AND state <> 'with_marketing' THEN touched_at END,
                first_touched_at = CASE WHEN state <> 'with_marketing' THEN COALESCE(first_touched_at, touched_at) END, updated_at = now()
            WHERE tenant_id = \(tenant.rawValue) AND id = \(wish.lead)
            """,
            """
            INSERT INTO assignment (tenant_id, lead_id, epoch, seller_id, job_id, assigned_at)
            VALUES (\(tenant.rawValue), \(wish.lead), \(epoch), \(owner.rawValue), \(job), \(now))
            """,
            """
            INSERT INTO seller_load AS s (tenant_id, seller_id, pending, assigned)
            VALUES (\(tenant.rawValue), \(owner.rawValue), 1, 1)
            ON CONFLICT (tenant_id, seller_id) DO UPDATE SET pending = s.pending + 1, assigned = s.assigned + 1
            """,
            """
            INSERT INTO decision_log (tenant_id, lead_id, epoch, job_id, outcome, decided_at, body)
            VALUES (\(tenant.rawValue), \(wish.lead), \(epoch), \(job), \(decision.outcome.rawValue), \(now), \(DecisionBody.json(TriedLead(byHand: decision))))
            """, .failedAssignmentsOver(of: tenant),
            .audit(
                tenant, by: actor, "lead.assign", String(wish.lead), before: .encoding(["owner": before]),
                after: .encoding(["owner": wish.seller]), reason: wish.reason),
            .armClocks(of: .lead, [wish.lead], of: tenant, at: now),
        ])
    }
}
