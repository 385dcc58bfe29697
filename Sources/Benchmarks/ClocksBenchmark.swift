import Calendars
import Foundation
import Jobs
import Ledger
import Records
import Rules
import Tenancy

/// What clocks cost while nothing is due, how late they fire, and how soon a changed calendar has been followed.
///
/// So many leads of one tenant are armed, far ahead but for some that fall due over half a minute. They are fired by a worker process of the
/// program; lag is what lies between a level's due time and the settle that writes it down. Then another tenant's calendar changes.
public struct ClocksBenchmark: Sendable {
    public var armed: Int
    public var firing: Int
    public var replanned: Int

    public init(armed: Int = 1_000_000, firing: Int = 10_000, replanned: Int = 100_000) {
        self.armed = armed
        self.firing = firing
        self.replanned = replanned
    }

    public struct Report: Codable, Sendable {
        public var suite = "clocks"
        public var armed: Int
        public var fired: Int
        /// From a level's due time to the settle that writes it down.
        public var lagP50Ms: Double
        public var lagP99Ms: Double
        public var lagMaxMs: Double
        /// Levels written down before they were due, more than once, or never.
        public var early: Int
        public var doubled: Int
        public var missed: Int
        /// CPU milliseconds of a second in which nothing is due, with the clocks armed and without any.
        public var idleCPUMsPerSecond: Double
        public var emptyCPUMsPerSecond: Double
        public var replanned: Int
        public var replanSeconds: Double
        /// One core, a Chinese office calendar.
        public var deadlinesPerSecond: Double
        public var machine: Machine
    }

    private static let idle = Duration.seconds(10)

    private let clock = """
        clocks:
          - id: first
            subject: lead
            calendar: CALENDAR
            starts: { on: created }
            stops: { on: touch }
            levels: [{ id: reminder, after: 4m, to: owner, channels: [work_app, sms] }, { id: manager, after: 30d, to: manager }]
        """

    private let office = """
        {"time_zone":"Asia/Shanghai","national":"CN","week":{"mon":["09:00-12:00","13:30-18:00"],"tue":["09:00-12:00","13:30-18:00"],
        "wed":["09:00-12:00","13:30-18:00"],"thu":["09:00-12:00","13:30-18:00"],"fri":["09:00-12:00","13:30-18:00"]}}
        """

    /// - Parameter executable: the `kiteline` program.
    public func run(executable: String) async throws -> Report {
        let deadlines = deadlinesPerSecond()
        return try await BenchServers.with { bench in
            try await bench.mustBeDurable()
            let records = bench.records
            let fleet = bench.workers(executable)
            try fleet.start()
            let first = try await tenant("first", "24x7", bench, records)
            try await bench.drained()
            let empty = try await idleCPU(bench, fleet)
            try await arm(armed, first, dueIn: 20 * 86_400, bench)
            let idle = try await idleCPU(bench, fleet)
            let lag = try await fire(bench, first)
            let replan = try await replan(bench, records)
            await fleet.stop()
            return Report(
                armed: armed, fired: lag.fired, lagP50Ms: lag.p50, lagP99Ms: lag.p99, lagMaxMs: lag.max, early: lag.early,
                doubled: lag.doubled, missed: firing - lag.fired, idleCPUMsPerSecond: idle, emptyCPUMsPerSecond: empty,
                replanned: replanned,
                replanSeconds: replan, deadlinesPerSecond: deadlines, machine: .this)
        }
    }

    // MARK: Deadlines alone

    private func deadlinesPerSecond() -> Double {
        let week = Array(repeating: DayHours(["09:00-12:00", "13:30-18:00"])!, count: 5) + [.closed, .closed]
        let plan = CalendarPlan(zone: TimeZone(identifier: "Asia/Shanghai")!, national: .china, layers: [CalendarLayer(week: week)])
        let working = WorkingTime(plan, years: 2024...2028)!
        let count = 2_000_000
        let base = Date(timeIntervalSince1970: 1_735_700_000)
        let start = ContinuousClock.now
        var sum = 0.0
        for n in 0..<count {
            // Strewn over a year and a half, of four minutes to some days.
            let from = base.addingTimeInterval(Double((n &* 7_919) % 47_000_000))
            sum += working.due(after: from, seconds: 240 + (n &* 104_729) % 200_000)?.at.timeIntervalSince1970 ?? 0
        }
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        precondition(sum > 0)
        return Double(count) / seconds
    }

    // MARK: Armed

    private func tenant(_ slug: String, _ calendar: String, _ bench: BenchServers, _ records: Records) async throws -> TenantID {
        let tenant = try await bench.tenant(slug, capacity: 100_000)
        _ = try await records.putSeller("anna", SellerProfile(name: "Anna", status: .active), of: tenant, by: "bench")
        let source = clock.replacing("CALENDAR", with: calendar)
        guard case .success(let checked) = try await records.check(.clock, "default", source, of: tenant) else {
            throw BenchmarkError.wrong("the clock rules are not valid")
        }
        _ = try await records.save(checked, of: tenant, by: "bench", key: nil) { _, _ in StoredAnswer(status: 201, body: []) }
        return tenant
    }

    /// Leads that Anna has had for nine days, touched by nobody, and whose first level was written down.
    private func arm(_ count: Int, _ tenant: TenantID, dueIn seconds: Int, _ bench: BenchServers) async throws {
        _ = try await bench.owner.query(
            """
            WITH made AS (
                INSERT INTO lead (tenant_id, external_id, source, received_at, fields, state, owner_id)
                SELECT \(tenant.rawValue), 'l' || n, 'bench', now() - interval '30 days' + make_interval(secs => \(Double(seconds))), '{}', 'assigned',
                    (SELECT id FROM seller WHERE tenant_id = \(tenant.rawValue))
                FROM generate_series(1, \(count)) AS n
                RETURNING id, received_at),
            told AS (
                INSERT INTO escalation (tenant_id, subject_type, subject_id, clock, level, episode, started_at, due_at, recorded_at, late_by, action, acted,
                    told, told_at, urgency, job_id)
                SELECT \(tenant.rawValue), 'lead', id, 'first', 'reminder', '-infinity', received_at, received_at + interval '4 minutes', received_at + interval '4 minutes',
                    0, 'notify', true, 'told', received_at + interval '4 minutes', 'urgent', 0
                FROM made)
            INSERT INTO clock_subject (tenant_id, subject_type, subject_id, next_at)
            SELECT \(tenant.rawValue), 'lead', id, received_at + interval '30 days' FROM made
            """)
        _ = try await bench.owner.query("ANALYZE clock_subject, lead, escalation")
        _ = try await bench.owner.query("CHECKPOINT")
    }

    /// CPU milliseconds of Postgres, Redis and the worker for each second.
    private func idleCPU(_ bench: BenchServers, _ fleet: ProgramProcesses) async throws -> Double {
        try await Task.sleep(for: .seconds(3))
        let before = bench.cpu(processes: fleet.pids)
        try await Task.sleep(for: Self.idle)
        return (bench.cpu(processes: fleet.pids) - before).total * 1_000 / (Self.idle / .seconds(1))
    }

    private struct Lag {
        var fired: Int
        var p50: Double
        var p99: Double
        var max: Double
        var early: Int
        var doubled: Int
    }

    /// Has some of them fall due, evenly over half a minute that begins in ten seconds.
    private func fire(_ bench: BenchServers, _ tenant: TenantID) async throws -> Lag {
        _ = try await bench.owner.query(
            """
            WITH chosen AS (SELECT id, row_number() OVER (ORDER BY id) AS n FROM (
                SELECT id FROM lead WHERE tenant_id = \(tenant.rawValue) ORDER BY id LIMIT \(firing)) l),
            moved AS (
                UPDATE lead l SET received_at = now() - interval '30 days' + interval '10 seconds' + make_interval(secs => 30.0 * s.n / \(Double(firing)))
                FROM chosen s WHERE l.tenant_id = \(tenant.rawValue) AND l.id = s.id
                RETURNING l.id, l.received_at)
            UPDATE clock_subject c SET next_at = m.received_at + interval '30 days', fence = c.fence + 1, job_id = NULL
            FROM moved m WHERE c.tenant_id = \(tenant.rawValue) AND c.subject_type = 'lead' AND c.subject_id = m.id
            """)
        let end = ContinuousClock.now + .seconds(300)
        while try await bench.count("SELECT count(*) FROM escalation WHERE level = 'manager'") < firing, ContinuousClock.now < end {
            try await Task.sleep(for: .milliseconds(200))
        }
        let row = try await bench.owner.query(
            """
            SELECT count(*) AS fired, percentile_cont(0.5) WITHIN GROUP (ORDER BY lag) AS p50, percentile_cont(0.99) WITHIN GROUP (ORDER BY lag) AS p99,
                max(lag) AS worst, count(*) FILTER (WHERE lag < 0) AS early,
                (SELECT count(*) FROM notification WHERE code = 'first.manager')
                    - (SELECT count(DISTINCT subject) FROM notification WHERE code = 'first.manager') AS doubled
            FROM (SELECT 1000 * extract(epoch FROM recorded_at - due_at)::float8 AS lag FROM escalation WHERE level = 'manager') e
            """
        ).first!
        return Lag(
            fired: Int(try row.get("fired", as: Int64.self)), p50: try row.get("p50"), p99: try row.get("p99"), max: try row.get("worst"),
            early: Int(try row.get("early", as: Int64.self)), doubled: Int(try row.get("doubled", as: Int64.self)))
    }

    /// Seconds from a change of the calendar until every clock has been looked at by it.
    private func replan(_ bench: BenchServers, _ records: Records) async throws -> Double {
        let tenant = try await tenant("second", "working", bench, records)
        try await arm(replanned, tenant, dueIn: 20 * 86_400, bench)
        let start = ContinuousClock.now
        _ = try await records.putCalendar(.tenant, body: Array(office.utf8), of: tenant, by: "bench")
        let end = start + .seconds(600)
        while try await bench.count("SELECT count(*) FROM clock_subject WHERE tenant_id = \(tenant.rawValue) AND looked_at IS NULL") > 0 {
            guard ContinuousClock.now < end else { throw BenchmarkError.wrong("clocks were not looked at within ten minutes") }
            try await Task.sleep(for: .milliseconds(200))
        }
        return (ContinuousClock.now - start) / .seconds(1)
    }
}
