import Foundation
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

    /// The start of the first minute.
    public let from: Date
    public let minutes: Int
    /// By kind.
    public let lines: [Line]
    /// The most frequent first.
    public let failures: [Failures]
}

extension Records {
    /// Whole minutes up to and with the one `now` is in. Minutes that are over are counted once in a process.
    public func jobFlow(of tenant: TenantID, minutes: Int, now: Date) async throws -> JobFlow {
        let minute = Int((now.timeIntervalSince1970 / 60).rounded(.down))
        let from = Self.start(of: minute - minutes + 1)
        var span = flows.span(of: tenant, from: minute - minutes + 1)
        let results = try await app.pipeline([
            .tenants([tenant]),
            // The index on finished_at knows blocks of rows; only those of the window are read.
            """
            SELECT kind, date_bin('1 minute', finished_at, 'epoch') AS minute, \(unescaped: isFailure) IS TRUE AS failed, count(*) AS jobs
            FROM job_history
            WHERE tenant_id = \(tenant.rawValue) AND finished_at >= \(Self.start(of: span.next)) AND finished_at <= \(now)
                AND (state = 'completed' OR \(unescaped: isFailure))
            GROUP BY 1, 2, 3
            """,
            """
            SELECT COALESCE(error_class, outcome, 'unknown') AS cause, count(*) AS jobs, max(finished_at) AS last_at, (array_agg(id ORDER BY finished_at DESC))[1] AS newest,
                (array_agg(run ORDER BY finished_at DESC))[1] AS newest_run
            FROM job_history
            WHERE tenant_id = \(tenant.rawValue) AND finished_at >= \(from) AND finished_at <= \(now) AND \(unescaped: isFailure)
            GROUP BY 1
            ORDER BY 2 DESC, 1
            LIMIT 20
            """,
        ])
        for row in results[1] {
            let (kind, jobs): (String, Int) = (try row.get("kind"), try row.get("jobs"))
            let minute = Int(try row.get("minute", as: Date.self).timeIntervalSince1970 / 60)
            let count = try row.get("failed", as: Bool.self) ? \FlowShelf.Ended.failed : \.completed
            span.minutes[minute, default: [:]][kind, default: FlowShelf.Ended()][keyPath: count] = jobs
        }
        flows.keep(span, of: tenant, now: minute)
        let errors = try await errors(
            of: tenant, jobs: try results[2].map { try $0.get("newest") }, runs: try results[2].map { try $0.get("newest_run") })
        return JobFlow(
            from: from, minutes: minutes, lines: Self.lines(span, minutes: minutes),
            failures: try results[2].map { row in
                JobFlow.Failures(
                    cause: try row.get("cause"), count: try row.get("jobs"), lastAt: try row.get("last_at"),
                    error: errors[try row.get("newest")])
            })
    }

    private static func start(of minute: Int) -> Date { Date(timeIntervalSince1970: Double(minute) * 60) }

    private static func lines(_ span: FlowShelf.Span, minutes: Int) -> [JobFlow.Line] {
        Set(span.minutes.values.flatMap(\.keys)).sorted().map { kind in
            let ended = (span.first..<span.first + minutes).map { span.minutes[$0]?[kind] ?? FlowShelf.Ended() }
            return JobFlow.Line(kind: kind, completed: ended.map(\.completed), failed: ended.map(\.failed))
        }
    }

    private func errors(of tenant: TenantID, jobs: [Int64], runs: [Int32]) async throws -> [Int64: String] {
        guard !jobs.isEmpty else { return [:] }
        return try await read(
            tenant,
            """
            SELECT h.id, h.error
            FROM job_history h JOIN unnest(\(jobs), \(runs)) AS n(id, run) ON h.id = n.id AND h.run = n.run
            WHERE h.tenant_id = \(tenant.rawValue) AND h.error IS NOT NULL
            """
        ).reduce(into: [:]) { $0[try $1.get("id")] = try $1.get("error", as: String.self) }
    }
}
