import Foundation
import Jobs
import PostgresClient
import Tenancy

extension Ledger {
    /// Sets aside jobs that have waited at a breaker for longer than their kind may: they end as dead letters of class `dependency`, and
    /// can be redriven. To be called now and then; a thousand a call.
    ///
    /// A job has waited since its breaker went down, since it was due, or since it was enqueued, whichever came last. Pauses and limits
    /// are somebody's decision, and count for nothing here.
    ///
    /// - Parameter limits: the longest waits, by kind.
    /// - Returns: how many were set aside.
    public func endParked(_ limits: [String: Duration]) async throws -> Int {
        guard let least = limits.values.min() else { return 0 }
        let down = try await postgres.query(
            """
            SELECT tenant_id, dependency, down_since, reason FROM breaker
            WHERE down_since < clock_timestamp() - make_interval(secs => \(least.seconds)) ORDER BY down_since LIMIT 1000
            """)
        var total = 0
        for row in down {
            let dependency: String = try row.get("dependency")
            let (tenant, since): (Int64?, Date) = (try row.get("tenant_id"), try row.get("down_since"))
            let failure = Failure(
                .dependency,
                "waited for \(dependency) for longer than its kind may; its breaker says: \(try row.get("reason", as: String.self))")
            total += try await postgres.transaction { [self] transaction in
                // By the flows' names, which carry the kind; a scan of what is live, and only while something has been down this long.
                let rows = try transaction.query(
                    """
                    SELECT l.id FROM job_live l JOIN unnest(\(limits.keys.map { "\($0)@\(dependency)" }), \(limits.values.map(\.seconds))) AS k(flow, secs)
                        ON l.flow = k.flow
                    WHERE l.state <> 'running' AND (\(tenant)::bigint IS NULL OR l.tenant_id = \(tenant))
                        AND GREATEST(\(since), l.run_at, l.enqueued_at) < clock_timestamp() - make_interval(secs => k.secs)
                    ORDER BY l.id LIMIT 1000 FOR UPDATE OF l SKIP LOCKED
                    """)
                let ids = try rows.map { try $0.get("id", as: Int64.self) }
                if !ids.isEmpty { try discard(ids, failure, in: transaction) }
                return ids.count
            }
        }
        return total
    }
}
