import Foundation
import Jobs
import Ledger
import PostgresClient
import Tenancy

extension Records {
    /// Has process health worked out for every tenant that has sellers, and after it what is due of training and prediction: the running
    /// week and the last three; half a year where nothing was worked out yet. A run that is still under way is not joined by another.
    ///
    /// - Parameter isWhole: whether it is half a year for everybody, since facts may be told late.
    /// - Returns: for how many tenants.
    @discardableResult public func enqueueHealthRuns(isWhole: Bool = false) async throws -> Int {
        let rows = try await engine.pipeline([
            .everyTenant,
            """
            SELECT t.id, EXISTS (SELECT FROM health_week h WHERE h.tenant_id = t.id) AS has_begun
            FROM tenant t WHERE EXISTS (SELECT FROM seller s WHERE s.tenant_id = t.id) ORDER BY t.id
            """,
        ])[1]
        let jobs = try rows.map { row in
            let isShort = try row.get("has_begun", as: Bool.self) && !isWhole
            return NewJob.scoreHealth(of: TenantID(try row.get("id")), weeks: isShort ? 3 : 26, isChained: true)
        }
        for start in stride(from: 0, to: jobs.count, by: 500) {
            _ = try await ledger.enqueue(Array(jobs[start..<min(start + 500, jobs.count)]))
        }
        return jobs.count
    }
}
