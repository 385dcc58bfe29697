import Foundation
import Jobs
import PostgresClient
import Tenancy

/// A ready job that the index had no room for.
public struct SurplusJob: Sendable, Hashable {
    public let id: JobID
    public let tenant: TenantID
    public let flow: String
    public let priority: Int
    /// Where it stands in its line, milliseconds, as the index counts.
    public let place: Int64
    public let since: Date

    public init(id: JobID, tenant: TenantID, flow: String, priority: Int, place: Int64, since: Date) {
        self.id = id
        self.tenant = tenant
        self.flow = flow
        self.priority = priority
        self.place = place
        self.since = since
    }
}

/// Deferred jobs of one line, read to be brought into the index; they stay deferred until `confirm(_:epoch:)`.
public struct DeferredJobs: Sendable {
    /// A row read, whole or its beginning.
    struct Row: Sendable {
        let place: Int64
        let id: Int64
        let jobs: Int
        let used: Int
    }

    public let tenant: TenantID
    public let flow: String
    let rows: [Row]
    /// Those that still wait, in no order.
    public let jobs: [WaitingJob]
    /// How many were read, those that have ended included.
    public let count: Int
    /// The place of the first that was not read; nil: that was all.
    public let next: Int64?
}

extension Ledger {
    /// Keeps ready jobs that the index had no room for, and with that owes the index their pushes no longer. Under a lost epoch nothing
    /// is done: what is in the outbox is offered again.
    ///
    /// - Parameters:
    ///   - outbox: rows whose jobs are in the index or among these.
    ///   - scheduled: scheduled jobs that are in the index or among these.
    public func `defer`(_ jobs: [SurplusJob], confirming outbox: [Int64] = [], scheduled: [Int64] = [], epoch: Int64) async throws {
        var statements: [Statement] = [.lockShardShared]
        if !jobs.isEmpty { statements.append(.keep(jobs, epoch: epoch)) }
        if !outbox.isEmpty { statements.append(.delete(outbox: outbox, epoch: epoch)) }
        if !scheduled.isEmpty { statements.append(.delete(scheduled: scheduled, within: horizon, epoch: epoch)) }
        _ = try await postgres.pipeline(statements)
    }

    /// Lines that have deferred jobs, a few hundred at most: those after the given one.
    public func linesWithDeferred(after line: (tenant: TenantID, flow: String)? = nil, limit: Int = 500) async throws -> [(
        tenant: TenantID, flow: String
    )] {
        // From line to line by the primary key: it costs as many index look-ups as there are lines, however many rows they have.
        let rows = try await postgres.query(
            """
            WITH RECURSIVE line AS (
                (SELECT tenant_id, flow FROM deferred
                    WHERE (tenant_id, flow) > (\(line?.tenant.rawValue ?? 0), \(line?.flow ?? "")) ORDER BY tenant_id, flow LIMIT 1)
                UNION ALL
                SELECT n.tenant_id, n.flow FROM line l, LATERAL (
                    SELECT tenant_id, flow FROM deferred d WHERE (d.tenant_id, d.flow) > (l.tenant_id, l.flow) ORDER BY tenant_id, flow LIMIT 1
                ) n
            )
            SELECT * FROM line LIMIT \(limit)
            """)
        return try rows.map { (TenantID(try $0.get("tenant_id")), try $0.get("flow")) }
    }

    /// The first deferred jobs of a line, in order of their place.
    public func deferred(of tenant: TenantID, flow: String, atMost limit: Int) async throws -> DeferredJobs {
        let found = try await postgres.query(
            """
            SELECT place, id, jobs, ids FROM (
                SELECT *, sum(jobs) OVER (ORDER BY place, id) - jobs AS before FROM (
                    SELECT place, id, jobs, ids FROM deferred WHERE tenant_id = \(tenant.rawValue) AND flow = \(flow)
                    ORDER BY place, id LIMIT \(limit + 1)
                ) d
            ) d
            WHERE before <= \(limit) ORDER BY place, id
            """)
        var (rows, ids, next): ([DeferredJobs.Row], [Int64], Int64?) = ([], [], nil)
        for row in found {
            let (place, of): (Int64, [Int64]) = (try row.get("place"), try row.get("ids"))
            let used = min(of.count, limit - ids.count)
            if used < of.count { next = place }
            guard used > 0 else { break }
            ids += of.prefix(used)
            rows.append(DeferredJobs.Row(place: place, id: try row.get("id"), jobs: of.count, used: used))
        }
        return DeferredJobs(
            tenant: tenant, flow: flow, rows: rows, jobs: ids.isEmpty ? [] : try await waiting(ids), count: ids.count, next: next)
    }

    /// Deferred jobs are in the index: they are deferred no longer. Under a lost epoch nothing is changed: they went nowhere.
    public func confirm(_ deferred: DeferredJobs, epoch: Int64) async throws {
        let whole = deferred.rows.filter { $0.used == $0.jobs }
        var statements: [Statement] = [
            .lockShardShared,
            """
            DELETE FROM deferred d USING unnest(\(whole.map(\.place)), \(whole.map(\.id))) AS r(place, id)
            WHERE d.tenant_id = \(deferred.tenant.rawValue) AND d.flow = \(deferred.flow) AND d.place = r.place AND d.id = r.id
                AND \(epoch) = (SELECT epoch FROM shard_epoch WHERE shard = 0)
            """,
        ]
        for part in deferred.rows where part.used < part.jobs {
            // Only as it was read: two who read the same take its beginning off once.
            statements.append(
                """
                UPDATE deferred SET ids = ids[\(part.used + 1):], jobs = jobs - \(Int32(part.used))
                WHERE tenant_id = \(deferred.tenant.rawValue) AND flow = \(deferred.flow) AND place = \(part.place) AND id = \(part.id)
                    AND jobs = \(Int32(part.jobs)) AND \(epoch) = (SELECT epoch FROM shard_epoch WHERE shard = 0)
                """)
        }
        _ = try await postgres.pipeline(statements)
    }

    /// The number of the last deferral made so far; 0: there is none. Asked at the beginning of a rebuild, whose end does away with
    /// those up to it: the rebuild offers every job anew.
    public func lastDeferral() async throws -> Int64 {
        try await postgres.query("SELECT COALESCE(max(id), 0) AS last FROM deferred").first!.get("last")
    }

    /// The ids of all deferred jobs, in order.
    public func allDeferred() async throws -> [Int64] {
        var ids: [Int64] = []
        var last: (Int64, String, Int64, Int64) = (0, "", .min, 0)
        while true {
            let rows = try await postgres.query(
                """
                SELECT tenant_id, flow, place, id, ids FROM deferred
                WHERE (tenant_id, flow, place, id) > (\(last.0), \(last.1), \(last.2), \(last.3)) ORDER BY tenant_id, flow, place, id LIMIT 1000
                """)
            for row in rows { ids += try row.get("ids", as: [Int64].self) }
            guard rows.count == 1_000, let row = rows.last else { break }
            last = (try row.get("tenant_id"), try row.get("flow"), try row.get("place"), try row.get("id"))
        }
        return ids.sorted()
    }
}

extension Statement {
    /// One row for up to a thousand jobs of a line and a priority, which stand close together.
    fileprivate static func keep(_ jobs: [SurplusJob], epoch: Int64) -> Statement {
        struct Key: Hashable {
            var tenant: TenantID
            var flow: String
            var priority: Int
        }
        let groups = Dictionary(grouping: jobs) { Key(tenant: $0.tenant, flow: $0.flow, priority: $0.priority) }
        var (ids, from, to): ([Int64], [Int32], [Int32]) = ([], [], [])
        var (tenants, flows, places, since): ([Int64], [String], [Int64], [Date]) = ([], [], [], [])
        for (key, group) in groups {
            let sorted = group.sorted { ($0.place, $0.id) < ($1.place, $1.id) }
            for start in stride(from: 0, to: sorted.count, by: 1_000) {
                let some = sorted[start..<min(start + 1_000, sorted.count)]
                from.append(Int32(ids.count + 1))
                ids += some.map(\.id.rawValue)
                to.append(Int32(ids.count))
                tenants.append(key.tenant.rawValue)
                flows.append(key.flow)
                places.append(some.first!.place)  // no part is empty
                since.append(some.map(\.since).min()!)
            }
        }
        return """
            INSERT INTO deferred (tenant_id, flow, place, since, jobs, ids)
            SELECT tenant, flow, place, since, upper - lower + 1, (\(ids))[lower:upper]
            FROM unnest(\(tenants), \(flows), \(places), \(since), \(from), \(to)) AS r(tenant, flow, place, since, lower, upper)
            WHERE \(epoch) = (SELECT epoch FROM shard_epoch WHERE shard = 0)
            """
    }
}
