import Clocks
import Foundation
import JSONEnvelope
import Jobs
import Ledger
import PostgresClient
import Rules
import SalesModel
import Tenancy

/// Writes down what a look at a subject's clocks found: levels that were missed, whom they are told, what is done about them, and when to
/// look again. It holds only as long as nothing else has happened to the subject.
public struct EscalationEffect: JudgedEffect {
    public let key: ClockKey
    let fence: Int64
    public let verdict: ClockVerdict
    public let messages: [ClockMessage]
    let owner: String?
    let team: String?
    let lead: LeadHolding?
    /// Rollouts by whose candidates it was judged.
    let canaries: [Int64]
    /// Live rules that could not be read.
    let unreadable: [UnreadableRuleSet]
    /// Only some of the clocks were looked at.
    let isPartial: Bool

    /// Whether the subject waits for rules that can be read.
    public var isUnreadable: Bool { !unreadable.isEmpty }

    init(
        _ subject: WatchedSubject, _ verdict: ClockVerdict, _ messages: [ClockMessage], unreadable: [UnreadableRuleSet], isPartial: Bool
    ) {
        self.unreadable = unreadable
        key = subject.key
        fence = subject.fence
        self.verdict = verdict
        self.messages = messages
        owner = subject.line.owner
        team = subject.team
        lead = subject.lead
        canaries = subject.canaries
        self.isPartial = isPartial
    }

    /// The job that gives the lead to somebody else, where its time with this owner is over.
    public func recycling(of tenant: TenantID) -> NewJob? {
        let missed = verdict.missed.first { $0.acts && $0.level.action == .recycle }
        guard let missed, isUntouched, lead?.owner != nil else { return nil }
        let days = Int(missed.dueAt.timeIntervalSince(missed.start) / 86_400)
        return .rebalance(untouchedFor: min(365, max(1, days)), lead: LeadID(key.id), of: tenant)
    }

    /// To whom it goes; nil: it stays.
    var transfer: LeadHolding.Manager? {
        let transfers = verdict.missed.contains { $0.acts && $0.level.action == .transferToManager }
        guard transfers, isUntouched, let manager = lead?.manager, manager.id != lead?.owner else { return nil }
        return manager
    }

    private var isUntouched: Bool { lead?.isTouched == false }

    /// Only a lead that changes hands has to do with routing.
    var routingLocks: RoutingLocks? {
        transfer.map { RoutingLocks(sellers: [lead?.owner, $0.id].compactMap { $0 }, leads: [key.id], movesLoads: true) }
    }
}

// MARK: - Whether it still holds

extension EscalationEffect {
    private typealias Judged = (attempt: Attempt, effect: EscalationEffect)

    private struct Row: Hashable, Comparable {
        let tenant: TenantID
        let key: ClockKey

        static func < (a: Row, b: Row) -> Bool { (a.tenant, a.key) < (b.tenant, b.key) }
    }

    /// The jobs that looked at subjects to which something has happened since: they look again. Locks the leads that change hands as
    /// deciding does, then the subjects, in the order of their keys.
    static func stale(among settlements: [Settlement], in transaction: PostgresTransaction) throws -> Set<JobID> {
        let looks = settlements.flatMap { settlement in
            settlement.outcome.effects.compactMap { $0 as? EscalationEffect }.map { (attempt: settlement.attempt, effect: $0) }
        }
        guard !looks.isEmpty else { return [] }
        var stale = try moved(among: looks.filter { $0.effect.transfer != nil }, in: transaction)
        stale.formUnion(try takenBack(among: looks.filter { !$0.effect.canaries.isEmpty }, in: transaction))
        let rows = Set(looks.map { Row(tenant: $0.attempt.tenant, key: $0.effect.key) }).sorted()
        let found = try transaction.query(
            """
            SELECT c.tenant_id, c.subject_type, c.subject_id, c.fence
            FROM clock_subject c JOIN unnest(\(rows.map(\.tenant.rawValue)), \(rows.map(\.key.type.rawValue)), \(rows.map(\.key.id))) AS n(tenant, type, id)
                ON c.tenant_id = n.tenant AND c.subject_type = n.type AND c.subject_id = n.id
            ORDER BY c.tenant_id, c.subject_type, c.subject_id FOR UPDATE OF c
            """)
        var fences: [Row: Int64] = [:]
        for row in found { fences[Row(tenant: TenantID(try row.get("tenant_id")), key: try ClockKey(row))] = try row.get("fence") }
        var taken: Set<Row> = []
        for (attempt, effect) in looks {
            let row = Row(tenant: attempt.tenant, key: effect.key)
            // Of two that looked at one subject the second looks again.
            if fences[row] != effect.fence || !taken.insert(row).inserted { stale.insert(attempt.id) }
        }
        return stale
    }

    /// Those judged by a candidate that was taken back, or is live now. Whoever ends a rollout waits until this is over.
    private static func takenBack(among tried: [Judged], in transaction: PostgresTransaction) throws -> Set<JobID> {
        guard !tried.isEmpty else { return [] }
        let running = try transaction.query(
            """
            SELECT id FROM rollout
            WHERE tenant_id = ANY(\(Set(tried.map(\.attempt.tenant.rawValue)).sorted())) AND id = ANY(\(Set(tried.flatMap(\.effect.canaries)).sorted()))
                AND state = 'canary'
            ORDER BY tenant_id, id FOR SHARE
            """)
        let ids = Set(try running.map { try $0.get("id", as: Int64.self) })
        return Set(tried.filter { !ids.isSuperset(of: $0.effect.canaries) }.map(\.attempt.id))
    }

    /// Those whose lead is not as it was read. Locks the routing versions, the loads, the leads, as settling and touches do.
    private static func moved(among moving: [Judged], in transaction: PostgresTransaction) throws -> Set<JobID> {
        var moved: Set<JobID> = []
        for tenant in Set(moving.map(\.attempt.tenant)).sorted() {
            let own = moving.filter { $0.attempt.tenant == tenant }
            let sellers = Set(own.flatMap { [$0.effect.lead?.owner, $0.effect.transfer?.id].compactMap { $0 } }).sorted()
            let rows = try transaction.pipeline([
                "SELECT version FROM routing_state WHERE tenant_id = \(tenant.rawValue) FOR UPDATE",
                .moveLoads(of: tenant),
                "SELECT FROM seller_load WHERE tenant_id = \(tenant.rawValue) AND seller_id = ANY(\(sellers)) ORDER BY seller_id FOR UPDATE",
                """
                SELECT id, assignment_epoch, touched_at IS NOT NULL AS touched FROM lead
                WHERE tenant_id = \(tenant.rawValue) AND id = ANY(\(own.map(\.effect.key.id).sorted())) ORDER BY id FOR UPDATE
                """,
                // Whoever freezes holds the routing version.
                """
                SELECT id FROM seller
                WHERE tenant_id = \(tenant.rawValue) AND id = ANY(\(sellers)) AND frozen_at IS NOT NULL
                    AND (frozen_until IS NULL OR frozen_until > now())
                """,
            ])
            let frozen = Set(try rows[4].map { try $0.get("id", as: Int64.self) })
            var epochs: [Int64: Int] = [:]
            for row in rows[3] where try !row.get("touched", as: Bool.self) {
                epochs[try row.get("id")] = Int(try row.get("assignment_epoch", as: Int32.self))
            }
            moved.formUnion(
                own.filter { judged in
                    epochs[judged.effect.key.id] != judged.effect.lead?.epoch
                        || judged.effect.transfer.map { frozen.contains($0.id) } == true
                }.map(\.attempt.id))
        }
        return moved
    }
}
