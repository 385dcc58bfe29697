import Foundation
import PostgresClient

extension Ledger {
    /// What a settle sends, trip by trip, for measuring what Postgres alone can do with our SQL. Jobs that follow are not for it.
    ///
    /// - Parameter judging: what is asked of decisions that must be judged; none: everything goes in one trip.
    package static func trips(settling batch: [Settlement], effects: any EffectWriter, judging: [Statement] = []) throws -> [[Statement]] {
        let settle = SettleTransaction(batch: batch, followUps: FollowUps(ids: [], horizon: 600), effects: effects, now: Date())
        guard settle.mustBeJudged else { return [["BEGIN"] + (try settle.statementsAtOnce().statements) + ["COMMIT"]] }
        return [["BEGIN"] + settle.lockStatements, judging, try settle.writes(for: batch).statements, ["COMMIT"]]
    }
}
