import Foundation
import Jobs
import PostgresClient
import Tenancy

/// What came of the wish to run a job again, or now.
public enum Retrial: Sendable, Equatable {
    /// Waits for its turn, in this run.
    case waiting(run: Int)
    /// Runs at this moment.
    case running
    /// It was done; what is done is not done again.
    case completed
    /// Its unique key is held by another job that has not ended.
    case keyHeld(by: JobID)
    /// Its arguments were blanked when its tenant's retention was over.
    case expired
    /// There is no such job of this tenant.
    case unknown
}

extension PostgresTransaction {
    /// Gives a job that was set aside or cancelled another run, with the same id and fresh attempts; makes one that waits due now.
    ///
    /// The index learns of it from the relay, a second later: by then it has heard of the end of the run before.
    public func retry(_ job: JobID, of tenant: TenantID) throws -> Retrial {
        let live = try query(
            "SELECT state::text, run FROM job_live WHERE id = \(job.rawValue) AND tenant_id = \(tenant.rawValue) FOR UPDATE")
        if let row = live.first {
            guard try row.get("state", as: String.self) != "running" else { return .running }
            _ = try query(.hasten(job.rawValue))
            return .waiting(run: Int(try row.get("run", as: Int32.self)))
        }
        let past = try query(
            """
            SELECT state::text, run, kind, unique_key FROM job_history WHERE id = \(job.rawValue) AND tenant_id = \(tenant.rawValue)
            ORDER BY run DESC LIMIT 1
            """)
        guard let row = past.first else { return .unknown }
        guard try row.get("state", as: String.self) != JobEnd.completed.rawValue else { return .completed }
        guard try query(.runAgain([job.rawValue], redrive: nil)).isEmpty else {
            return .waiting(run: Int(try row.get("run", as: Int32.self)) + 1)
        }
        return try whatPrevents(job, of: tenant, kind: row.get("kind"), key: row.get("unique_key"))
    }

    private func whatPrevents(_ job: JobID, of tenant: TenantID, kind: String, key: String?) throws -> Retrial {
        let holder = try query(
            "SELECT job_id FROM job_unique WHERE tenant_id = \(tenant.rawValue) AND kind = \(kind) AND key = \(key) AND job_id <> \(job.rawValue)"
        )
        if let row = holder.first { return .keyHeld(by: JobID(try row.get("job_id"))) }
        let isExpired = try query("SELECT args = 'null' AS expired FROM job WHERE id = \(job.rawValue)")
        if try isExpired.first?.get("expired", as: Bool.self) == true { return .expired }
        // Somebody else gave it another run at the same moment.
        let live = try query("SELECT run FROM job_live WHERE id = \(job.rawValue)")
        return try live.first.map { .waiting(run: Int(try $0.get("run", as: Int32.self))) } ?? .unknown
    }
}

extension Statement {
    /// Makes a locked job that waits due now.
    fileprivate static func hasten(_ job: Int64) -> Statement {
        """
        WITH s AS (DELETE FROM job_sched USING job_live l WHERE l.id = \(job) AND job_sched.run_at = l.run_at AND job_sched.id = l.id),
            u AS (UPDATE job_live SET run_at = LEAST(run_at, clock_timestamp()), state = 'available' WHERE id = \(job) AND state <> 'running' RETURNING id)
        INSERT INTO outbox (ids) SELECT array_agg(id) FROM u HAVING count(*) > 0
        """
    }

    /// Gives ended jobs another run: same id, next run, fresh attempts, the fence goes on. Returns the ids of those that got one; the
    /// others are live already, were completed, are blanked, or their unique key is held.
    static func runAgain(_ ids: [Int64], redrive: Int64?) -> Statement {
        """
        WITH h AS (SELECT DISTINCT ON (h.id) h.* FROM job_history h JOIN job j ON j.id = h.id AND j.args <> 'null'
                WHERE h.id = ANY(\(ids)) ORDER BY h.id, run DESC),
            k AS (INSERT INTO job_unique (tenant_id, kind, key, job_id)
                SELECT tenant_id, kind, unique_key, id FROM h WHERE unique_key IS NOT NULL AND state <> 'completed' ORDER BY 1, 2, 3
                ON CONFLICT DO NOTHING RETURNING job_id),
            l AS (INSERT INTO job_live (id, tenant_id, kind, flow, priority, state, run_at, enqueued_at, max_attempts, unique_key, run, fence)
                SELECT id, tenant_id, kind, COALESCE(flow, kind), COALESCE(priority, 5), 'available', clock_timestamp(), clock_timestamp(),
                    COALESCE(max_attempts, 5), unique_key, run + 1, fence
                FROM h WHERE state <> 'completed' AND (unique_key IS NULL OR id IN (SELECT job_id FROM k))
                ON CONFLICT (id) DO NOTHING RETURNING id),
            d AS (UPDATE dlq SET redriven_at = clock_timestamp(), redrive_id = \(redrive) FROM l WHERE dlq.id = l.id),
            o AS (INSERT INTO outbox (ids) SELECT array_agg(id) FROM l HAVING count(*) > 0)
        SELECT id FROM l
        """
    }
}
