import Foundation
import Jobs
import PostgresClient
import Tenancy

/// How a tenant's jobs ended over the last minutes.
public struct JobFlow: Sendable, Hashable {
    /// One kind's, minute by minute.
    public struct Line: Sendable, Hashable {
        public let kind: String
        public var completed: [Int]
        public var failed: [Int]
    }

    /// What failed in one way.
    public struct Failures: Sendable, Hashable {
        /// An error class, or the outcome that counts as a failure.
        public let cause: String
        public let count: Int
        public let lastAt: Date
        /// The newest one's words; nil when it left none.
        public let error: String?
    }

    public let asOf: Date
    /// The start of the first minute.
    public let from: Date
    public let minutes: Int
    /// By kind.
    public let lines: [Line]
    /// The most frequent first.
    public let failures: [Failures]
}

extension Records {
    /// Whole minutes up to and with the one `now` is in. What ended long enough ago is counted once in a process.
    public func jobFlow(of tenant: TenantID, minutes: Int, now: Date) async throws -> JobFlow {
        let minute = Int((now.timeIntervalSince1970 / 60).rounded(.down))
        let first = minute - minutes + 1
        var known = flows.span(of: tenant, from: first, now: now)
        let settled = max(known.until, now - FlowShelf.settledAfter)
        let from = Self.start(of: known.first)
        // In this order: what ends in between is counted as it was before, and not taken back before it is counted.
        let mended = try await read(tenant, takenBack(of: tenant, from: from, since: known.until, settled: settled, now: now))
        let rows = Array(mended) + (try await read(tenant, ends(of: tenant, since: known.until, settled: settled, now: now)))
        for row in rows where try row.get("settled") { try known.add(row) }
        known.until = settled
        flows.keep(known, of: tenant)
        var span = FlowShelf.Span(first: first, until: now, minutes: known.minutes)
        for row in rows where try !row.get("settled", as: Bool.self) { try span.add(row) }
        // A wider window may be known, and after a step back of the clock minutes that are yet to come.
        span.minutes = span.minutes.filter { (first...minute).contains($0.key) }
        return JobFlow(
            asOf: now, from: Self.start(of: first), minutes: minutes, lines: Self.lines(span, minutes: minutes),
            failures: try await failures(span, of: tenant))
    }

    /// What ended since then. The index on finished_at knows blocks of rows; only those of what is not known yet are read.
    private func ends(of tenant: TenantID, since: Date, settled: Date, now: Date) -> Statement {
        """
        SELECT kind, date_bin('1 minute', finished_at, 'epoch') AS minute, cause, finished_at < \(settled) AS settled, count(*) AS jobs,
            max(finished_at) AS last_at,
            max(ARRAY[(extract(epoch FROM finished_at) * 1000000)::bigint, id, run]) FILTER (WHERE cause IS NOT NULL) AS newest
        FROM (
            SELECT id, run, tenant_id, kind, state, finished_at, \(unescaped: failure) AS cause
            FROM job_history
            WHERE tenant_id = \(tenant.rawValue) AND finished_at >= \(since) AND finished_at <= \(now)
                AND (state = 'completed' OR \(unescaped: isFailure))
        ) AS ended
        WHERE \(unescaped: Self.isNews(of: "ended"))
        GROUP BY 1, 2, 3, 4
        """
    }

    /// What had failed and was run again, where the next run ended since then: less than nothing in the minute it was counted in, be that known
    /// long since. It is told by the end of the next run, which comes once, so it is taken back once. Only what was given up is run again.
    private func takenBack(of tenant: TenantID, from: Date, since: Date, settled: Date, now: Date) -> Statement {
        """
        SELECT kind, date_bin('1 minute', finished_at, 'epoch') AS minute, cause, told_at < \(settled) AS settled, -count(*) AS jobs,
            max(finished_at) AS last_at, NULL::bigint[] AS newest
        FROM (
            SELECT prior.*, again.finished_at AS told_at
            FROM job_history again CROSS JOIN LATERAL (
                SELECT id, run, tenant_id, kind, state, finished_at, \(unescaped: failure) AS cause
                FROM job_history WHERE id = again.id AND run < again.run AND state <> 'cancelled'
                ORDER BY run DESC LIMIT 1) AS prior
            WHERE again.tenant_id = \(tenant.rawValue) AND again.finished_at >= \(since) AND again.finished_at <= \(now)
                AND again.run > 1 AND again.state <> 'cancelled' AND prior.cause IS NOT NULL AND prior.finished_at >= \(from)
        ) AS prior
        GROUP BY 1, 2, 3, 4
        """
    }

    /// The twenty most frequent.
    private func failures(_ span: FlowShelf.Span, of tenant: TenantID) async throws -> [JobFlow.Failures] {
        let failures = span.failures.sorted { ($1.value.count, $0.key) < ($0.value.count, $1.key) }.prefix(20)
        let errors = try await errors(of: tenant, failures.compactMap(\.value.newest))
        return failures.map { cause, failed in
            JobFlow.Failures(cause: cause, count: failed.count, lastAt: failed.lastAt, error: failed.newest.flatMap { errors[$0] })
        }
    }

    static func start(of minute: Int) -> Date { Date(timeIntervalSince1970: Double(minute) * 60) }

    private static func lines(_ span: FlowShelf.Span, minutes: Int) -> [JobFlow.Line] {
        var lines: [String: JobFlow.Line] = [:]
        let none = [Int](repeating: 0, count: minutes)
        for (minute, endings) in span.minutes {
            for (ending, ended) in endings {
                var line = lines[ending.kind] ?? JobFlow.Line(kind: ending.kind, completed: none, failed: none)
                let counts = ending.cause == nil ? \JobFlow.Line.completed : \.failed
                line[keyPath: counts][minute - span.first] += max(0, ended.count)
                lines[ending.kind] = line
            }
        }
        return lines.values.sorted { $0.kind < $1.kind }
    }

    private func errors(of tenant: TenantID, _ runs: [FlowShelf.Run]) async throws -> [FlowShelf.Run: String] {
        guard !runs.isEmpty else { return [:] }
        return try await read(
            tenant,
            """
            SELECT h.id, h.run, h.error
            FROM job_history h JOIN unnest(\(runs.map(\.job)), \(runs.map(\.run))) AS n(id, run) ON h.id = n.id AND h.run = n.run
            WHERE h.tenant_id = \(tenant.rawValue) AND h.error IS NOT NULL
            """
        ).reduce(into: [:]) { $0[FlowShelf.Run(job: try $1.get("id"), run: try $1.get("run"))] = try $1.get("error", as: String.self) }
    }
}

extension FlowShelf.Span {
    fileprivate mutating func add(_ row: Row) throws {
        let minute = Int(try row.get("minute", as: Date.self).timeIntervalSince1970 / 60)
        let newest = try row.get("newest", as: [Int64]?.self).map { FlowShelf.Run(job: $0[1], run: Int32($0[2])) }
        let ending = FlowShelf.Ending(kind: try row.get("kind"), cause: try row.get("cause"))
        let ended = FlowShelf.Ended(count: try row.get("jobs"), lastAt: try row.get("last_at"), newest: newest)
        minutes[minute, default: [:]][ending] = minutes[minute]?[ending]?.adding(ended) ?? ended
    }
}
