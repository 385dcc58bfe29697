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

    /// Whether judging it locks its tenant's routing version.
    var locksRouting: Bool { get }
}

extension JudgedEffect {
    var locksRouting: Bool { true }
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
        let tenants = Self.locked(settlements)
        if tenants.count > 1 {
            _ = try transaction.query(
                "SELECT FROM routing_state WHERE tenant_id = ANY(\(tenants.map(\.rawValue))) ORDER BY tenant_id FOR UPDATE")
        }
        return try Self.judged.reduce(into: []) { stale, kind in stale.formUnion(try kind.stale(among: settlements, in: transaction)) }
    }

    /// The tenants whose routing versions several kinds would lock, each for itself: two settles must not do so in different orders. Decisions
    /// alone lock theirs in order.
    private static func locked(_ settlements: [Settlement]) -> [TenantID] {
        var (tenants, isOfSeveralKinds): (Set<TenantID>, Bool) = ([], false)
        for settlement in settlements {
            for effect in settlement.outcome.effects.lazy.compactMap({ $0 as? any JudgedEffect }) where effect.locksRouting {
                tenants.insert(settlement.attempt.tenant)
                if !(effect is LeadDecisionEffect) { isOfSeveralKinds = true }
            }
        }
        return isOfSeveralKinds ? tenants.sorted() : []
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
