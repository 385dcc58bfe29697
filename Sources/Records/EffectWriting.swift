import Jobs
import Ledger
import PostgresClient

/// Writes every kind of effect handlers can ask for, set by set.
public struct RecordsEffectWriter: EffectWriter {
    public init() {}

    public func mustBeJudged(_ effect: any Effect) -> Bool {
        switch effect {
        case is ProbeEffect, is SandboxRoundEffect, is ReportEffect, is DeliveryEffect, is HealthWeeksEffect, is HealthModelEffect,
            is HealthPredictionsEffect, is HealthDiagnosisEffect:
            false
        default: true
        }
    }

    public func stale(among settlements: [Settlement], missing: [Settlement], in transaction: PostgresTransaction) throws -> Set<JobID> {
        try LeadDecisionEffect.stale(among: settlements, in: transaction).union(
            ReleaseHeldEffect.stale(among: settlements, in: transaction)
        ).union(TakeBackEffect.stale(among: settlements, in: transaction)).union(
            ForecastEffect.stale(among: settlements, in: transaction)
        ).union(EscalationEffect.stale(among: settlements, in: transaction))
    }

    public func statements(for effects: [SettledEffect]) throws -> [Statement] {
        let kinds: [([SettledEffect]) -> [Statement]] = [
            LeadDecisionEffect.statements,
            ReleaseHeldEffect.statements,
            TakeBackEffect.statements,
            ProbeEffect.statements,
            SandboxRoundEffect.statements,
            ReportEffect.statements,
            EscalationEffect.statements,
            DeliveryEffect.statements,
            ForecastEffect.statements,
            HealthWeeksEffect.statements,
            HealthModelEffect.statements,
            HealthPredictionsEffect.statements,
            HealthDiagnosisEffect.statements,
        ]
        return kinds.flatMap { $0(effects) }
    }

    public func statements(for discarded: [DiscardedJob]) throws -> [Statement] {
        FailedAssignment.statements(for: discarded) + SandboxRoundEffect.statements(for: discarded)
            + ForecastEffect.statements(for: discarded)
            + DeliveryEffect.statements(for: discarded)
            + FailedEscalation.statements(for: discarded)
    }

    /// What is asked of decisions before they are written, for measuring what Postgres alone can do with our SQL.
    package func judging(_ settlements: [Settlement]) -> [Statement] { LeadDecisionEffect.judging(settlements) }
}
