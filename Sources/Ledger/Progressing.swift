import Foundation
import Jobs
import PostgresClient

/// Word of how far an attempt is, on its way into the ledger.
public struct ToldProgress: Sendable {
    public let id: JobID
    public let fence: Int64
    public let progress: JobProgress

    public init(_ attempt: Attempt, _ progress: JobProgress) {
        id = attempt.id
        fence = attempt.fence
        self.progress = progress
    }
}

extension Ledger {
    /// Keeps how far running jobs are, each only under its fence: what a late attempt tells is not written.
    public func tell(_ told: [ToldProgress]) async throws {
        let (ids, fences) = (told.map(\.id.rawValue), told.map(\.fence))
        _ = try await postgres.query(
            """
            WITH c AS (SELECT * FROM unnest(\(ids), \(fences), \(told.map(\.progress.fraction)), \(told.map(\.progress.note))) AS c(id, fence, fraction, note)),
                d AS (INSERT INTO job_progress AS p (id, fence, tenant_id, fraction, note)
                    SELECT l.id, l.fence, l.tenant_id, c.fraction, c.note
                    FROM c JOIN job_live l ON l.id = c.id AND l.fence = c.fence WHERE l.state = 'running' ORDER BY l.id
                    ON CONFLICT (id) DO UPDATE SET fence = excluded.fence, fraction = excluded.fraction, note = excluded.note, at = clock_timestamp()
                        WHERE p.fence <= excluded.fence
                    RETURNING id, tenant_id, fraction, note)
            INSERT INTO event (tenant_id, type, body)
            SELECT tenant_id, 'job.progress', jsonb_build_object('job_id', id::text, 'progress', fraction, 'note', note)
            FROM d WHERE \(unescaped: isListenedTo) ORDER BY id
            """)
    }

    /// Forgets how far jobs were that have ended, or begun anew.
    public func sweepProgress() async throws {
        _ = try await postgres.query(
            """
            DELETE FROM job_progress p WHERE NOT EXISTS (
                SELECT FROM job_live l WHERE l.id = p.id AND l.fence = p.fence AND l.state = 'running')
            """)
    }
}
