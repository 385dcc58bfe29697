import Foundation
import JSONEnvelope
import Jobs
import Ledger
import PostgresClient
import Tenancy

extension Records {
    /// Has forecasts made again of which something was told late: more than an hour after it happened, since they were made. What was
    /// published stays; the new one takes the head (decision 97).
    ///
    /// Of those in force that were made within two days and whose period is not over: whoever looks at one has it made daily.
    /// - Returns: how many.
    @discardableResult public func enqueueLateForecasts(now: Date) async throws -> Int {
        let rows = try await engine.pipeline([
            .everyTenant,
            """
            SELECT h.tenant_id, h.scope, md5(h.scope) AS scope_hash, h.period_from::text AS period_from, h.period_to::text AS period_to
            FROM opportunity_clock c
                JOIN forecast_head h ON h.tenant_id = c.tenant_id
                JOIN forecast f ON f.tenant_id = h.tenant_id AND f.id = h.forecast_id
            WHERE c.late_seq > f.watermark AND f.as_of > \(now.addingTimeInterval(-172_800)) AND h.period_from < h.period_to
                AND h.period_to >= \(now)::timestamptz::date
            ORDER BY h.tenant_id, h.scope, h.period_from, h.period_to LIMIT 500
            """,
        ])[1]
        let jobs = try rows.map { row in
            NewJob.rebuildForecast(
                of: TenantID(try row.get("tenant_id")), scope: try row.get("scope"), hash: try row.get("scope_hash"),
                period: (try row.get("period_from"), try row.get("period_to")))
        }
        if !jobs.isEmpty { _ = try await ledger.enqueue(jobs) }
        return jobs.count
    }
}

extension NewJob {
    /// - Parameter scope: as `ForecastScope.key` says it.
    fileprivate static func rebuildForecast(of tenant: TenantID, scope: String, hash: String, period: (from: String, to: String)) -> NewJob
    {
        let parts = scope.split(separator: "\n")
        func named(_ prefix: String) -> [String] { parts.filter { $0.hasPrefix(prefix) }.map { String($0.dropFirst(prefix.count)) } }
        let arguments = JSONWriter.object { object in
            object.object("period") {
                $0.member("from", period.from)
                $0.member("to", period.to)
            }
            if !parts.isEmpty {
                object.object("scope") {
                    $0.member("team_ids", named("team:"))
                    $0.member("seller_ids", named("seller:"))
                }
            }
            object.member("reason", "event")
        }
        return NewJob(
            tenant: tenant, kind: rebuildForecastKind, arguments: arguments, priority: 3,
            uniqueKey: "late:\(period.from):\(period.to):\(hash)")
    }
}
