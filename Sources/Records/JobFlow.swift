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
    /// Whole minutes up to and with the one `now` is in.
    public func jobFlow(of tenant: TenantID, minutes: Int, now: Date) async throws -> JobFlow {
        let from = Date(timeIntervalSince1970: ((now.timeIntervalSince1970 / 60).rounded(.down) - Double(minutes - 1)) * 60)
        let results = try await app.pipeline([
            .tenants([tenant]),
            // The index on finished_at knows blocks of rows; only those of the window are read.
            """
            SELECT kind, least(\(Int32(minutes - 1)), floor(extract(epoch FROM finished_at - \(from)::timestamptz) / 60)::int) AS minute,
                count(*) FILTER (WHERE \(unescaped: isFailure)) AS failed,
                count(*) FILTER (WHERE state = 'completed' AND NOT coalesce(\(unescaped: isFailure), false)) AS completed
            FROM job_history
            WHERE tenant_id = \(tenant.rawValue) AND finished_at >= \(from) AND finished_at <= \(now)
            GROUP BY 1, 2
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
        let errors = try await errors(
            of: tenant, jobs: try results[2].map { try $0.get("newest") }, runs: try results[2].map { try $0.get("newest_run") })
        return JobFlow(
            from: from, minutes: minutes, lines: try lines(results[1], minutes: minutes),
            failures: try results[2].map { row in
                JobFlow.Failures(
                    cause: try row.get("cause"), count: try row.get("jobs"), lastAt: try row.get("last_at"),
                    error: errors[try row.get("newest")])
            })
    }

    private func lines(_ rows: Rows, minutes: Int) throws -> [JobFlow.Line] {
        var byKind: [String: JobFlow.Line] = [:]
        for row in rows {
            let kind: String = try row.get("kind")
            let minute = Int(try row.get("minute", as: Int32.self))
            guard (0..<minutes).contains(minute) else { continue }
            let empty = [Int](repeating: 0, count: minutes)
            var line = byKind[kind] ?? JobFlow.Line(kind: kind, completed: empty, failed: empty)
            line.completed[minute] = try row.get("completed")
            line.failed[minute] = try row.get("failed")
            byKind[kind] = line
        }
        return byKind.values.sorted { $0.kind < $1.kind }
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
