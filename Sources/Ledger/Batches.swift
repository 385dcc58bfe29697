import Foundation
import Jobs
import PostgresClient
import Tenancy

extension Ledger {
    /// Statements that make a batch of jobs enqueued in the same transaction; `id` is the completion job's, reserved like theirs.
    ///
    /// The completion job is made in the transaction in which the last member ends.
    public func statements(batch id: JobID, of members: [JobID], completion job: NewJob) -> [Statement] {
        [
            """
            INSERT INTO batch (id, tenant_id, total, kind, args, flow, priority, max_attempts)
            VALUES (\(id.rawValue), \(job.tenant.rawValue), \(Int32(members.count)), \(job.kind), \(JSONBytes(job.arguments)), \(job.flow),
                \(Int16(job.priority)), \(Int32(job.maxAttempts)))
            """,
            "UPDATE job_live SET batch_id = \(id.rawValue) WHERE id = ANY(\(members.map(\.rawValue)))",
        ]
    }
}

extension Statement {
    /// Counts ends of members, once for each batch; whose last member this was gets its completion job, which the relay pushes.
    static func count(_ ends: [(batch: Int64, end: JobEnd)]) -> Statement {
        let batches = Set(ends.map(\.batch)).sorted()
        func counts(_ end: JobEnd) -> [Int32] { batches.map { id in Int32(ends.count { $0.batch == id && $0.end == end }) } }
        return """
            WITH e AS (SELECT * FROM unnest(\(batches), \(counts(.completed)), \(counts(.discarded)), \(counts(.cancelled)))
                    AS e(id, completed, discarded, cancelled)),
                x AS (SELECT b.id FROM batch b JOIN e ON b.id = e.id ORDER BY b.id FOR UPDATE OF b),
                u AS (UPDATE batch b SET completed = b.completed + e.completed, discarded = b.discarded + e.discarded,
                        cancelled = b.cancelled + e.cancelled,
                        finished_at = CASE WHEN b.completed + b.discarded + b.cancelled + e.completed + e.discarded + e.cancelled = b.total
                            THEN clock_timestamp() END
                    FROM e JOIN x ON x.id = e.id WHERE b.id = x.id
                    RETURNING b.*),
                j AS (INSERT INTO job (id, tenant_id, kind, args, created_at)
                    SELECT id, tenant_id, kind, args, finished_at FROM u WHERE finished_at IS NOT NULL),
                l AS (INSERT INTO job_live (id, tenant_id, kind, flow, priority, state, run_at, enqueued_at, max_attempts)
                    SELECT id, tenant_id, kind, flow, priority, 'available', finished_at, finished_at, max_attempts FROM u
                    WHERE finished_at IS NOT NULL RETURNING id)
            INSERT INTO outbox (ids) SELECT array_agg(id) FROM l HAVING count(*) > 0
            """
    }
}
