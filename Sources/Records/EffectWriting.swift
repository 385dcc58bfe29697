import Jobs
import Ledger
import PostgresClient

/// Writes every kind of effect handlers can ask for, set by set.
public struct RecordsEffectWriter: EffectWriter {
    public init() {}

    public func mustBeJudged(_ effect: any Effect) -> Bool { !(effect is ProbeEffect) }

    public func stale(among settlements: [Settlement], missing: [Settlement], in transaction: PostgresTransaction) throws -> Set<JobID> {
        []
    }

    public func statements(for effects: [SettledEffect]) throws -> [Statement] {
        ProbeEffect.statements(for: effects)
    }
}
