import Foundation
import Jobs
import Ledger
import PostgresClient
import Tenancy

extension Records {
    /// Schedules looked at in one round.
    private static let schedulesARound = 50
    /// The most times one schedule is made up for in one round.
    private static let timesARound = 20

    /// Fires what is due: a job for each time, in the transaction that writes the time down. Any number of processes fire each time
    /// once: they pass over schedules that another has in hand, and a time is written down under its key.
    ///
    /// - Parameter grace: a time found later than this was missed.
    /// - Returns: whether there may be more at once.
    public func fireSchedules(now: Date, grace: TimeInterval = 60) async throws -> Bool {
        let limit = Self.schedulesARound
        let due: Int = try await engine.query("SELECT count(*) AS n FROM (SELECT FROM schedule WHERE next_at <= \(now) LIMIT \(limit)) s")
            .first!
            .get("n")
        guard due > 0 else { return false }
        let ids = try await ledger.reserve(due * Self.timesARound)
        let ledger = ledger
        let (count, enqueued, unused) = try await engine.transaction { transaction in
            let rows = try transaction.query(
                """
                SELECT \(unescaped: Schedule.columns), next_at FROM schedule WHERE next_at <= \(now)
                ORDER BY next_at LIMIT \(due) FOR UPDATE SKIP LOCKED
                """)
            var free = ids[...]
            var jobs: [(id: JobID, job: NewJob)] = []
            for row in rows {
                let firing = try Schedule(row).map {
                    Firing(of: $0, dueSince: try row.get("next_at"), now: now, grace: grace, limit: Self.timesARound)
                }
                guard let firing else {
                    try transaction.postpone(row, to: now.addingTimeInterval(3_600))
                    continue
                }
                jobs += try transaction.write(firing, as: Array(free.prefix(firing.times.count)), now: now)
                free = free.dropFirst(firing.times.count)
            }
            guard !jobs.isEmpty else { return (rows.count, Enqueued?.none, free) }
            let (statements, enqueued) = ledger.statements(enqueueing: jobs.map(\.job), as: jobs.map(\.id), at: now)
            return (rows.count, enqueued(try transaction.pipeline(statements).last!.first!.get("id")), free)
        }
        ledger.giveBack(unused)
        if let enqueued { ledger.announce(enqueued) }
        return count == due
    }
}

/// What is to be done about one schedule that is due.
private struct Firing {
    let schedule: Schedule
    /// A job for each of these.
    let times: [Date]
    /// Missed, and not made up for.
    let passedOver: Date?
    let nextAt: Date

    init(of schedule: Schedule, dueSince: Date, now: Date, grace: TimeInterval, limit: Int) {
        self.schedule = schedule
        let latest = schedule.times.latest(through: now) ?? dueSince
        switch schedule.missed {
        case .all:
            times = [dueSince] + schedule.times.all(after: dueSince, through: now, limit: limit - 1)
            passedOver = nil
        case .skip where now.timeIntervalSince(latest) > grace:
            times = []
            passedOver = latest
        case .skip, .one:
            times = [latest]
            passedOver = nil
        }
        let last = schedule.missed == .all ? times[times.count - 1] : now
        nextAt = schedule.times.next(after: last) ?? .distantFuture
    }
}

extension ScheduleTimes {
    /// The last time that is not after `end`, as far as a few years back.
    fileprivate func latest(through end: Date) -> Date? {
        for window: TimeInterval in [3_600, 86_400, 32 * 86_400, 9 * 366 * 86_400] {
            if let last = all(after: end.addingTimeInterval(-window), through: end, limit: 50_000).last { return last }
        }
        return nil
    }
}

extension PostgresTransaction {
    /// Writes the times of a locked schedule down.
    /// - Returns: the jobs of those that nobody had written down before.
    fileprivate func write(_ firing: Firing, as ids: [JobID], now: Date) throws -> [(id: JobID, job: NewJob)] {
        let (schedule, tenant) = (firing.schedule, firing.schedule.job.tenant.rawValue)
        let results = try pipeline([
            """
            INSERT INTO schedule_fire (tenant_id, name, fire_at, job_id, late_by)
            SELECT \(tenant), \(schedule.name), at, id, GREATEST(\(now)::timestamptz - at, interval '0')
            FROM unnest(\(firing.times), \(ids.map(\.rawValue))) AS n(at, id)
            ON CONFLICT DO NOTHING
            RETURNING job_id
            """,
            """
            INSERT INTO schedule_fire (tenant_id, name, fire_at, late_by)
            SELECT \(tenant), \(schedule.name), at, \(now)::timestamptz - at FROM (SELECT \(firing.passedOver)::timestamptz AS at) n WHERE at IS NOT NULL
            ON CONFLICT DO NOTHING
            """,
            "UPDATE schedule SET next_at = \(firing.nextAt) WHERE tenant_id = \(tenant) AND name = \(schedule.name)",
        ])
        return try results[0].map { (JobID(try $0.get("job_id")), schedule.job) }
    }

    /// Puts a schedule off that can't be read.
    fileprivate func postpone(_ row: Row, to later: Date) throws {
        let (tenant, name): (Int64, String) = (try row.get("tenant_id"), try row.get("name"))
        _ = try query("UPDATE schedule SET next_at = \(later) WHERE tenant_id = \(tenant) AND name = \(name)")
    }
}
