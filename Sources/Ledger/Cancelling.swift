import Foundation
import Jobs
import PostgresClient
import Tenancy

/// What came of the wish to cancel a job.
public enum Cancellation: Sendable, Equatable {
    /// It waited and has ended now.
    case ended
    /// It runs, and its worker is told to stop it. If its handler ends first, that end counts.
    case asked(since: Date)
    /// It had ended before, in this state.
    case wasOver(JobEnd)
    /// There is no such job of this tenant.
    case unknown
}

extension Ledger {
    /// Cancels a job: ends it if it waits, asks its worker to stop it if it runs. Repeating it changes nothing more.
    ///
    /// The row's lock keeps it apart from a begin at the same time: that either finds the job gone, or runs before and is asked.
    public func cancel(_ job: JobID, of tenant: TenantID, reason: String, in transaction: PostgresTransaction) throws -> Cancellation {
        let live = try transaction.query(
            "SELECT state::text, run FROM job_live WHERE id = \(job.rawValue) AND tenant_id = \(tenant.rawValue) FOR UPDATE")
        guard let row = live.first else {
            let past = try transaction.query(
                "SELECT state::text FROM job_history WHERE id = \(job.rawValue) AND tenant_id = \(tenant.rawValue) ORDER BY run DESC LIMIT 1"
            )
            return try past.first.flatMap { JobEnd(rawValue: try $0.get("state")) }.map(Cancellation.wasOver) ?? .unknown
        }
        guard try row.get("state", as: String.self) == "running" else {
            try cancelWaiting([job.rawValue], reason: reason, in: transaction)
            return .ended
        }
        let asked = try transaction.query(
            """
            INSERT INTO job_cancel (id, run, tenant_id, reason) VALUES (\(job.rawValue), \(try row.get("run", as: Int32.self)), \(tenant.rawValue), \(reason))
            ON CONFLICT (id) DO UPDATE SET run = excluded.run,
                reason = CASE WHEN job_cancel.run = excluded.run THEN job_cancel.reason ELSE excluded.reason END,
                requested_at = CASE WHEN job_cancel.run = excluded.run THEN job_cancel.requested_at ELSE excluded.requested_at END
            RETURNING requested_at
            """)
        return .asked(since: try asked.first!.get("requested_at"))
    }
}

extension Ledger {
    /// Ends locked jobs that wait. What Redis still holds of them is not granted, and dropped.
    private func cancelWaiting(_ ids: [Int64], reason: String, in transaction: PostgresTransaction) throws {
        _ = try transaction.pipeline([
            """
            WITH d AS (DELETE FROM job_live WHERE id = ANY(\(ids)) AND state <> 'running' RETURNING *),
                e AS (INSERT INTO event (tenant_id, type, body)
                    SELECT tenant_id, 'job.cancelled',
                        jsonb_build_object('job_id', id::text, 'kind', kind, 'outcome', NULL, 'error_class', 'cancelled', 'attempt', attempt, 'run', run)
                    FROM d WHERE \(unescaped: isListenedTo) ORDER BY id),
                s AS (DELETE FROM job_sched USING d WHERE job_sched.run_at = d.run_at AND job_sched.id = d.id)
            INSERT INTO job_history (id, run, tenant_id, kind, state, error_class, error, attempt, lost, fence, enqueued_at, started_at, finished_at,
                flow, priority, max_attempts, unique_key, batch_id, attempts)
            SELECT id, run, tenant_id, kind, 'cancelled', 'cancelled', \(reason), attempt, lost, fence, enqueued_at, started_at, clock_timestamp(),
                flow, priority, max_attempts, unique_key, batch_id, attempts FROM d
            """,
            .releaseUniqueKeys(of: ids),
        ])
        try tellDiscarded(ids, Failure(.cancelled, reason), in: transaction)
    }
}

/// A running job that shall stop.
public struct CancelRequest: Sendable, Hashable {
    public let id: JobID
    /// The claim it runs under.
    public let token: Int64
    public let reason: String
}

extension Ledger {
    /// Which of a worker's running jobs were asked to stop.
    public func cancelRequests(for worker: Int64) async throws -> [CancelRequest] {
        try await postgres.query(
            """
            SELECT c.id, l.claim_token, c.reason FROM job_cancel c JOIN job_live l ON l.id = c.id AND l.run = c.run
            WHERE l.state = 'running' AND l.worker_id = \(worker)
            LIMIT 1000
            """
        ).map { CancelRequest(id: JobID(try $0.get("id")), token: try $0.get("claim_token"), reason: try $0.get("reason")) }
    }

    /// Ends jobs that were asked to stop while they ran and have come to wait again, and forgets wishes whose run is over.
    public func finishCancelling() async throws {
        try await postgres.transaction { [self] transaction in
            let waiting = try transaction.query(
                """
                SELECT l.id, c.reason FROM job_cancel c JOIN job_live l ON l.id = c.id AND l.run = c.run
                WHERE l.state <> 'running' ORDER BY l.id LIMIT 1000 FOR UPDATE OF l
                """)
            let reasons = Dictionary(
                grouping: try waiting.map { (id: try $0.get("id", as: Int64.self), reason: try $0.get("reason", as: String.self)) }
            ) {
                $0.reason
            }
            for (reason, jobs) in reasons { try cancelWaiting(jobs.map(\.id), reason: reason, in: transaction) }
            _ = try transaction.query(
                "DELETE FROM job_cancel c WHERE NOT EXISTS (SELECT FROM job_live l WHERE l.id = c.id AND l.run = c.run)")
        }
    }
}
