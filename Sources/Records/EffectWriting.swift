import Jobs
import Ledger
import PostgresClient
import Tenancy

/// An effect that is written as it is.
protocol WrittenEffect: Effect {
    /// What writes those of its kind among the effects.
    static func statements(for effects: [SettledEffect]) -> [Statement]
}

/// An effect that rests on facts which may have changed since, and is judged by them before it is written.
protocol JudgedEffect: WrittenEffect {
    /// Those whose facts have changed: they are handled again.
    static func stale(among settlements: [Settlement], in transaction: PostgresTransaction) throws -> Set<JobID>

    /// What judging it locks of its tenant; nil: not even the routing version.
    var routingLocks: RoutingLocks? { get }
}

extension JudgedEffect {
    var routingLocks: RoutingLocks? { RoutingLocks() }
}

/// What judging an effect locks of its tenant beside the routing version.
struct RoutingLocks {
    /// Whose loads.
    var sellers: [Int64] = []
    var leads: [Int64] = []
    /// Whether it moves the counter of loads.
    var movesLoads = false

    fileprivate mutating func formUnion(_ other: RoutingLocks) {
        sellers += other.sellers
        leads += other.leads
        movesLoads = movesLoads || other.movesLoads
    }
}

/// Writes every kind of effect handlers can ask for, set by set.
public struct RecordsEffectWriter: EffectWriter {
    /// In the order in which they lock and are written.
    private static let kinds: [any WrittenEffect.Type] = [
        LeadDecisionEffect.self, ReleaseHeldEffect.self, TakeBackEffect.self, RecogniseAnewEffect.self, SellerBreakerEffect.self,
        HealthPredictionsEffect.self,
        ProbeEffect.self, AccessProbeEffect.self,
        SandboxRoundEffect.self, ReportEffect.self, EscalationEffect.self, DeliveryEffect.self, ForecastEffect.self, HealthWeeksEffect.self,
        HealthModelEffect.self,
        HealthDiagnosisEffect.self,
    ]
    private static let judged = kinds.compactMap { $0 as? any JudgedEffect.Type }

    public init() {}

    public func mustBeJudged(_ effect: any Effect) -> Bool { effect is any JudgedEffect }

    public func stale(among settlements: [Settlement], missing: [Settlement], in transaction: PostgresTransaction) throws -> Set<JobID> {
        let locks = Self.locks(settlements)
        if !locks.isEmpty { _ = try transaction.pipeline(locks) }
        return try Self.judged.reduce(into: []) { stale, kind in stale.formUnion(try kind.stale(among: settlements, in: transaction)) }
    }

    /// Locks at once what several kinds would lock each for itself: routing versions, counters of loads, loads, leads, each in the order of
    /// their keys, as touches and other settles do. Decisions alone lock theirs so.
    private static func locks(_ settlements: [Settlement]) -> [Statement] {
        let isOfSeveralKinds = settlements.contains { settlement in
            settlement.outcome.effects.contains { !($0 is LeadDecisionEffect) && ($0 as? any JudgedEffect)?.routingLocks != nil }
        }
        guard isOfSeveralKinds else { return [] }
        var locked: [TenantID: RoutingLocks] = [:]
        for settlement in settlements {
            for locks in settlement.outcome.effects.lazy.compactMap({ ($0 as? any JudgedEffect)?.routingLocks }) {
                locked[settlement.attempt.tenant, default: RoutingLocks()].formUnion(locks)
            }
        }
        let sellers = locked.flatMap { tenant, locks in Set(locks.sellers).map { (tenant: tenant.rawValue, id: $0) } }
        let leads = locked.flatMap { tenant, locks in Set(locks.leads).map { (tenant: tenant.rawValue, id: $0) } }
        return [
            "SELECT FROM routing_state WHERE tenant_id = ANY(\(locked.keys.map(\.rawValue))) ORDER BY tenant_id FOR UPDATE",
            """
            INSERT INTO routing_clock AS c (tenant_id)
            SELECT t FROM unnest(\(locked.filter(\.value.movesLoads).keys.map(\.rawValue))) AS t ORDER BY t
            ON CONFLICT (tenant_id) DO UPDATE SET load_seq = c.load_seq
            """,
            """
            SELECT FROM seller_load l JOIN unnest(\(sellers.map(\.tenant)), \(sellers.map(\.id))) AS n(tenant, id)
                ON l.tenant_id = n.tenant AND l.seller_id = n.id
            ORDER BY l.tenant_id, l.seller_id FOR UPDATE OF l
            """,
            """
            SELECT FROM lead l JOIN unnest(\(leads.map(\.tenant)), \(leads.map(\.id))) AS n(tenant, id) ON l.tenant_id = n.tenant AND l.id = n.id
            ORDER BY l.tenant_id, l.id FOR UPDATE OF l
            """,
        ]
    }

    public func statements(for effects: [SettledEffect]) throws -> [Statement] { Self.kinds.flatMap { $0.statements(for: effects) } }

    public func statements(for discarded: [DiscardedJob]) throws -> [Statement] {
        FailedAssignment.statements(for: discarded) + SandboxRoundEffect.statements(for: discarded)
            + ForecastEffect.statements(for: discarded)
            + DeliveryEffect.statements(for: discarded)
            + FailedEscalation.statements(for: discarded)
    }

    /// What is asked of decisions before they are written, for measuring what Postgres alone can do with our SQL.
    package func judging(_ settlements: [Settlement]) -> [Statement] { LeadDecisionEffect.judging(settlements) }
}
