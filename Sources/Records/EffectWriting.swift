import Jobs
import Ledger
import PostgresClient

/// Writes every kind of effect handlers can ask for, set by set.
public struct RecordsEffectWriter: EffectWriter {
    public init() {}

    public func mustBeJudged(_ effect: any Effect) -> Bool {
        !(effect is ProbeEffect || effect is SandboxRoundEffect || effect is DeliveryEffect)
    }

    public func stale(among settlements: [Settlement], missing: [Settlement], in transaction: PostgresTransaction) throws -> Set<JobID> {
        try LeadDecisionEffect.stale(among: settlements, in: transaction).union(
            ReleaseHeldEffect.stale(among: settlements, in: transaction)
        ).union(TakeBackEffect.stale(among: settlements, in: transaction))
    }

    public func statements(for effects: [SettledEffect]) throws -> [Statement] {
        LeadDecisionEffect.statements(for: effects) + ReleaseHeldEffect.statements(for: effects) + TakeBackEffect.statements(for: effects)
            + ProbeEffect.statements(for: effects) + SandboxRoundEffect.statements(for: effects) + DeliveryEffect.statements(for: effects)
    }

    public func statements(for discarded: [DiscardedJob]) throws -> [Statement] {
        FailedAssignment.statements(for: discarded) + SandboxRoundEffect.statements(for: discarded)
            + DeliveryEffect.statements(for: discarded)
    }

    /// What is asked of decisions before they are written, for measuring what Postgres alone can do with our SQL.
    package func judging(_ settlements: [Settlement]) -> [Statement] { LeadDecisionEffect.judging(settlements) }
}
