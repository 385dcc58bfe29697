import Foundation
import Jobs
import PostgresClient

/// A worker process as it told of itself last.
public struct WorkerProcess: Sendable, Hashable {
    public let id: Int64
    public let host: String
    public let pid: Int32
    public let startedAt: Date
    /// Its last sign of life.
    public let beatAt: Date
    /// When somebody asked it to drain.
    public let drainAskedAt: Date?
    /// What it may run at once (`concurrency`), and what it has done since it started.
    public let counts: [String: Double]
    /// Jobs the ledger has running with it.
    public let running: Int
}

/// A job that runs at this moment.
public struct RunningJob: Sendable, Hashable {
    public let id: JobID
    public let kind: String
    /// The tenant's slug.
    public let tenant: String
    public let worker: Int64
    public let startedAt: Date?
}

extension Ledger {
    /// Processes that have not signed off and gave a sign of life within the hour, by their numbers, 1,000 at most.
    ///
    /// Reads the jobs that have not ended: not to be asked often.
    public func workerProcesses() async throws -> [WorkerProcess] {
        let results = try await postgres.pipeline([
            """
            SELECT id, host, pid, started_at, beat_at, drain_asked_at, counts FROM worker
            WHERE stopped_at IS NULL AND beat_at > clock_timestamp() - interval '1 hour'
            ORDER BY id LIMIT 1000
            """,
            "SELECT worker_id, count(*) AS jobs FROM job_live WHERE state = 'running' AND worker_id IS NOT NULL GROUP BY 1",
        ])
        let running = try results[1].reduce(into: [Int64: Int]()) { $0[try $1.get("worker_id")] = try $1.get("jobs", as: Int.self) }
        return try results[0].map { row in
            let id: Int64 = try row.get("id")
            let counts = try JSONDecoder().decode([String: String].self, from: Data(try row.get("counts", as: JSONBytes.self).bytes))
            return WorkerProcess(
                id: id, host: try row.get("host"), pid: try row.get("pid"), startedAt: try row.get("started_at"),
                beatAt: try row.get("beat_at"), drainAskedAt: try row.get("drain_asked_at"), counts: counts.compactMapValues(Double.init),
                running: running[id] ?? 0)
        }
    }

    /// Whether a process is alive that takes what is ready: one that drains does not.
    public func isWorkTaken() async throws -> Bool {
        try await postgres.query(
            """
            SELECT EXISTS (
                SELECT FROM worker
                WHERE stopped_at IS NULL AND drain_asked_at IS NULL AND beat_at > clock_timestamp() - interval '1 minute') AS is_taken
            """
        ).first!.get("is_taken")
    }

    /// Jobs that run now, the longest first.
    public func runningJobs(limit: Int) async throws -> [RunningJob] {
        try await postgres.query(
            """
            SELECT l.id, l.kind, t.slug, l.worker_id, l.started_at
            FROM job_live l JOIN tenant t ON t.id = l.tenant_id
            WHERE l.state = 'running' AND l.worker_id IS NOT NULL
            ORDER BY l.started_at NULLS LAST, l.id
            LIMIT \(limit)
            """
        ).map { row in
            RunningJob(
                id: JobID(try row.get("id")), kind: try row.get("kind"), tenant: try row.get("slug"), worker: try row.get("worker_id"),
                startedAt: try row.get("started_at"))
        }
    }
}
