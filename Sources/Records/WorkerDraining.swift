import Ledger
import PostgresClient

extension Records {
    /// Asks a worker process to drain, which it learns of with its next sign of life; asked again, nothing changes but the audit log. False: there is none of this
    /// number that has not ended.
    public func drain(worker: Int64, reason: String, by actor: String) async throws -> Bool {
        try await engine.transaction { transaction in
            let found = try transaction.query(
                "SELECT drain_asked_at IS NOT NULL AS is_asked FROM worker WHERE id = \(worker) AND stopped_at IS NULL FOR UPDATE")
            guard let row = found.first else { return false }
            let isAsked: Bool = try row.get("is_asked")
            _ = try transaction.pipeline([
                "UPDATE worker SET drain_asked_at = COALESCE(drain_asked_at, clock_timestamp()) WHERE id = \(worker)",
                .audit(
                    nil, by: actor, "worker.drain", String(worker), before: .encoding(["draining": isAsked]),
                    after: .encoding(["draining": true]), reason: reason),
            ])
            return true
        }
    }
}
