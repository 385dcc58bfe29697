import Foundation
import Jobs
import PostgresClient
import Tenancy

/// How a tenant's jobs of one kind are doing.
public struct JobStatistics: Sendable {
    public let tenant: TenantID
    public let kind: String
    /// Jobs that ended in the window, by how.
    public var ended: [JobEnd: Int] = [:]
    /// Of these, those that failed: by error class, or by the outcome that counts as a failure.
    public var failures: [String: Int] = [:]
    /// Seconds they waited: median and the 99th of a hundred. Nil when none ended.
    public var queueSeconds: (median: Double, p99: Double)?
    /// Jobs that have not ended, by state.
    public var waiting: [String: Int] = [:]
    /// Of these, those whose time has come and that do not run, whatever holds them back.
    public var due = 0
    public var deadLetters = 0

    public var failureShare: Double {
        let judged = ended.filter { $0.key != .cancelled }.values.reduce(0, +)
        return judged == 0 ? 0 : Double(failures.values.reduce(0, +)) / Double(judged)
    }
}

extension Records {
    /// How every tenant's jobs are doing. Reads the jobs that wait and those that ended in the window: not to be asked often.
    ///
    /// What failed is counted as `jobFlow` does: of a job that failed and was run again the last run, of a lead that is held again and again the first.
    public func jobStatistics(window: TimeInterval = 300, now: Date) async throws -> [JobStatistics] {
        let results = try await engine.pipeline([
            .everyTenant,
            """
            SELECT tenant_id, kind, state::text AS state, CASE WHEN \(unescaped: Self.isNews(of: "ended")) AND NOT EXISTS (
                SELECT FROM job_history again WHERE again.id = ended.id AND again.run > ended.run AND again.state <> 'cancelled') THEN cause END AS cause,
                count(*) AS jobs
            FROM (
                SELECT id, run, tenant_id, kind, state, finished_at, \(unescaped: failure) AS cause
                FROM job_history
                WHERE finished_at > \(now.addingTimeInterval(-window)) AND finished_at <= \(now)) AS ended
            GROUP BY 1, 2, 3, 4
            """,
            """
            SELECT tenant_id, kind,
                percentile_cont(ARRAY[0.5, 0.99]) WITHIN GROUP (ORDER BY greatest(0, extract(epoch FROM started_at - enqueued_at))::float8) AS waits
            FROM job_history
            WHERE finished_at > \(now.addingTimeInterval(-window)) AND finished_at <= \(now) AND started_at IS NOT NULL
            GROUP BY 1, 2
            """,
            // A retry or a scheduled job keeps its state when its time has come.
            """
            SELECT tenant_id, kind, state::text AS state, state <> 'running' AND run_at <= \(now) AS is_due, count(*) AS jobs
            FROM job_live GROUP BY 1, 2, 3, 4
            """,
            // One that was run again is kept, and no dead letter any more.
            "SELECT tenant_id, kind, count(*) AS jobs FROM dlq WHERE redriven_at IS NULL GROUP BY 1, 2",
        ])
        var byKind = StatisticsByKind()
        for row in results[1] {
            let jobs: Int = try row.get("jobs")
            let cause: String? = try row.get("cause")
            guard let end = JobEnd(rawValue: try row.get("state")) else { continue }
            try byKind.change(row) { statistics in
                statistics.ended[end, default: 0] += jobs
                if let cause { statistics.failures[cause, default: 0] += jobs }
            }
        }
        for row in results[2] {
            let waits: [Double] = try row.get("waits")
            try byKind.change(row) { $0.queueSeconds = (waits[0], waits[1]) }
        }
        for row in results[3] {
            let (state, jobs): (String, Int) = (try row.get("state"), try row.get("jobs"))
            let isDue: Bool = try row.get("is_due")
            try byKind.change(row) { statistics in
                statistics.waiting[state, default: 0] += jobs
                if isDue { statistics.due += jobs }
            }
        }
        for row in results[4] {
            let jobs: Int = try row.get("jobs")
            try byKind.change(row) { $0.deadLetters = jobs }
        }
        return byKind.all
    }

    /// What failed, by its error class or its outcome; null: nothing did.
    var failure: String { "CASE WHEN \(isFailure) THEN COALESCE(error_class, outcome, 'unknown') END" }

    /// What counts as a failure of a job's kind: given up, held, or left to a person.
    var isFailure: String {
        "(state = 'discarded' OR outcome LIKE 'held\\_%' OR outcome LIKE 'manual\\_queue%' AND outcome <> 'manual_queue_fuse')"
    }
}

private struct StatisticsByKind {
    private struct Name: Hashable {
        var tenant: TenantID
        var kind: String
    }

    private var known: [Name: JobStatistics] = [:]

    /// In the order of tenants and kinds.
    var all: [JobStatistics] { known.values.sorted { ($0.tenant, $0.kind) < ($1.tenant, $1.kind) } }

    mutating func change(_ row: Row, _ change: (inout JobStatistics) -> Void) throws {
        let name = Name(tenant: TenantID(try row.get("tenant_id")), kind: try row.get("kind"))
        change(&known[name, default: JobStatistics(tenant: name.tenant, kind: name.kind)])
    }
}
