import Foundation
import Jobs
import PostgresClient
import Tenancy

/// Where a job is, as its tenant sees it.
public enum JobState: String, Sendable, CaseIterable {
    case scheduled, available, running, retryable, parked
    case completed, cancelled, discarded

    /// Whether a job in this state has ended.
    public var isTerminal: Bool {
        switch self {
        case .completed, .cancelled, .discarded: true
        case .scheduled, .available, .running, .retryable, .parked: false
        }
    }
}

/// A job as its tenant sees it.
public struct JobView: Sendable, Hashable {
    public let id: JobID
    public let kind: String
    public let state: JobState
    /// A JSON object.
    public let arguments: JSONBytes
    public let attempt: Int
    public let maxAttempts: Int?
    public let lost: Int
    public let outcome: String?
    public let errorClass: String?
    public let error: String?
    public let ruleVersion: String?
    public let arm: String?
    public let createdAt: Date
    public let enqueuedAt: Date
    public let runAt: Date?
    public let startedAt: Date?
    public let finishedAt: Date?
    /// Which run this is; 1 until it is redriven or retried after its end.
    public let run: Int
    /// Set while it runs although it was asked to stop.
    public let cancelRequestedAt: Date?
    /// The batch it is of.
    public let batch: JobID?
    /// JSON, what its handler answered.
    public let result: JSONBytes?
    /// Its line within the tenant; nil once it has ended.
    public let flow: String?
    public let priority: Int?
    /// W3C traceparent it was enqueued under.
    public let trace: TraceParent?
    /// What its running attempt told last of how far it is, and when.
    public let progress: JobProgress?
    public let progressAt: Date?
}

extension Records {
    /// The most jobs one page looks through; beyond, it ends short and names where to go on.
    private static let looksThrough = 5_000

    /// A job and the attempts of its last five runs, the oldest first; nil when there is none of that id.
    public func job(_ id: JobID, of tenant: TenantID) async throws -> (job: JobView, attempts: [JobAttempt])? {
        let results = try await app.pipeline([
            .tenants([tenant]),
            """
            SELECT \(unescaped: JobView.columns)
            FROM job j \(unescaped: JobView.joins)
            WHERE j.tenant_id = \(tenant.rawValue) AND j.id = \(id.rawValue) AND (l.id IS NOT NULL OR h.id IS NOT NULL)
            """,
            .runs(of: id, tenant),
        ])
        guard let job = try results[1].first.map(JobView.init) else { return nil }
        return (job, try results[2].flatMap { try RunRecord($0).attempts })
    }

    /// Jobs, the newest first.
    public func jobs(of tenant: TenantID, _ search: JobSearch, before cursor: Int64 = .max, limit: Int) async throws -> Page<JobView> {
        let looksThrough = Int64(Self.looksThrough)
        let ids = try await ids(namedBy: search, of: tenant, before: cursor, most: looksThrough)
        // Two texts, so that each has a plan of its own: among those that are named, or from the newest on.
        let among = ids == nil ? "cardinality(" : "id = ANY("
        let isAmong = ids == nil ? ") = 0" : ")"
        let results = try await app.pipeline([
            .tenants([tenant]),
            // How far this page looks; null when that is the end.
            """
            SELECT min(id) AS last, count(*) AS seen
            FROM (
                SELECT id FROM job WHERE tenant_id = \(tenant.rawValue) AND id < \(cursor) AND \(unescaped: among)\(ids ?? [])\(unescaped: isAmong)
                ORDER BY id DESC LIMIT \(looksThrough)
            ) j
            """,
            """
            SELECT \(unescaped: JobView.columns)
            FROM (
                SELECT * FROM job WHERE tenant_id = \(tenant.rawValue) AND id < \(cursor) AND \(unescaped: among)\(ids ?? [])\(unescaped: isAmong)
                ORDER BY id DESC LIMIT \(looksThrough)
            ) j \(unescaped: JobView.joins)
            WHERE (l.id IS NOT NULL OR h.id IS NOT NULL)
                AND (\(search.state?.rawValue)::text IS NULL OR \(unescaped: JobView.stateNow) = \(search.state?.rawValue))
                AND (\(search.kind)::text IS NULL OR j.kind = \(search.kind))
                AND (\(search.errorClass?.rawValue)::text IS NULL OR COALESCE(l.error_class, h.error_class) = \(search.errorClass?.rawValue))
                AND (\(search.since)::timestamptz IS NULL OR j.created_at >= \(search.since))
                AND (\(search.until)::timestamptz IS NULL OR j.created_at < \(search.until))
            ORDER BY j.id DESC
            LIMIT \(limit + 1)
            """,
        ])
        let items = try results[2].prefix(limit).map(JobView.init)
        if results[2].count > limit { return Page(items: items, next: items.last?.id.rawValue) }
        let seen: Int64 = try results[1].first!.get("seen")
        return Page(items: items, next: seen == looksThrough ? try results[1].first!.get("last") : nil)
    }

    /// How many jobs of each kind a tenant has ready. Reads all its waiting jobs: for those near their quota only.
    public func readyJobs(of tenant: TenantID) async throws -> [String: Int] {
        try await read(
            tenant,
            "SELECT kind, count(*) AS ready FROM job_live WHERE tenant_id = \(tenant.rawValue) AND state = 'available' GROUP BY kind"
        ).reduce(into: [:]) { $0[try $1.get("kind")] = try $1.get("ready") }
    }
}

extension JobView {
    /// A job is parked while something that is closed holds its flow back. What is closed is asked once a statement, not once a row.
    fileprivate static let stateNow = """
        CASE WHEN l.state <> 'running' AND l.run_at <= now() AND (
            (SELECT bool_or(paused_at IS NOT NULL) FROM tenant)
            OR ARRAY['k:' || l.kind, l.tenant_id || '/k:' || l.kind, 'd:' || split_part(l.flow, '@', 2), l.tenant_id || '/d:' || split_part(l.flow, '@', 2)]
                && (SELECT array_agg(gate) FROM (
                    SELECT gate FROM gate_limit WHERE "limit" = 0 UNION ALL SELECT gate FROM breaker WHERE "limit" = 0
                ) closed)
        ) THEN 'parked' ELSE COALESCE(l.state::text, h.state::text) END
        """

    static let columns = """
        j.id, j.kind, j.args, j.created_at, \(stateNow) AS state, l.flow, l.priority, COALESCE(l.attempt, h.attempt) AS attempt, l.max_attempts,
        COALESCE(l.lost, h.lost) AS lost, h.outcome, COALESCE(l.error_class, h.error_class) AS error_class, COALESCE(l.error, h.error) AS error,
        h.rule_version, h.arm, COALESCE(l.enqueued_at, h.enqueued_at) AS enqueued_at, l.run_at,
        CASE WHEN l.id IS NOT NULL THEN l.started_at ELSE h.started_at END AS started_at, h.finished_at,
        COALESCE(l.run, h.run) AS run, c.requested_at AS cancel_requested_at,
        COALESCE(l.batch_id, h.batch_id) AS batch_id, h.result, j.trace_context, p.fraction, p.note, p.at AS progress_at
        """

    /// A job is live, or its last run is in the history: a redriven job is both, and then its new life counts.
    static let joins = """
        LEFT JOIN job_live l ON l.id = j.id
        LEFT JOIN job_cancel c ON c.id = l.id AND c.run = l.run
        LEFT JOIN job_progress p ON p.id = l.id AND p.fence = l.fence AND l.state = 'running'
        LEFT JOIN LATERAL (
            SELECT * FROM job_history h WHERE h.id = j.id AND l.id IS NULL ORDER BY h.run DESC LIMIT 1
        ) h ON true
        """

    init(_ row: Row) throws {
        id = JobID(try row.get("id"))
        kind = try row.get("kind")
        state = JobState(rawValue: try row.get("state"))!  // the two enum types hold no other
        arguments = try row.get("args")
        attempt = Int(try row.get("attempt", as: Int32.self))
        maxAttempts = try row.get("max_attempts", as: Int32?.self).map(Int.init)
        lost = Int(try row.get("lost", as: Int32.self))
        outcome = try row.get("outcome")
        errorClass = try row.get("error_class")
        error = try row.get("error")
        ruleVersion = try row.get("rule_version")
        arm = try row.get("arm")
        createdAt = try row.get("created_at")
        enqueuedAt = try row.get("enqueued_at")
        runAt = try row.get("run_at")
        startedAt = try row.get("started_at")
        finishedAt = try row.get("finished_at")
        run = Int(try row.get("run", as: Int32.self))
        cancelRequestedAt = try row.get("cancel_requested_at")
        batch = try row.get("batch_id", as: Int64?.self).map(JobID.init)
        result = try row.get("result")
        trace = try row.get("trace_context", as: String?.self).flatMap(TraceParent.init)
        progress = try row.get("fraction", as: Double?.self).map { JobProgress($0, try row.get("note")) }
        progressAt = try row.get("progress_at")
        flow = try row.get("flow")
        priority = try row.get("priority", as: Int16?.self).map(Int.init)
    }
}
