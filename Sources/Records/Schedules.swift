import Foundation
import Jobs
import Ledger
import PostgresClient
import Schedules
import Tenancy

/// What is done about times at which nobody was there to fire.
public enum MissedTimes: String, Sendable, CaseIterable {
    /// Nothing.
    case skip
    /// One job, for the last of them.
    case one
    /// A job for each, the oldest first.
    case all
}

/// When a schedule is due, as its tenant wrote it.
public struct ScheduleTimes: Sendable, Hashable {
    public enum Form: String, Sendable { case cron, every }

    public let form: Form
    public let text: String
    public let zone: TimeZone
    private let recurrence: Recurrence

    public init(_ form: Form, _ text: String, in zone: TimeZone) throws(RecurrenceFault) {
        self.form = form
        self.text = text
        self.zone = zone
        recurrence = form == .cron ? try Recurrence(cron: text) : try Recurrence(every: text)
    }

    public func next(after moment: Date) -> Date? { recurrence.next(after: moment, in: zone) }

    func all(after start: Date, through end: Date, limit: Int) -> [Date] {
        recurrence.times(after: start, through: end, in: zone, limit: limit)
    }
}

/// A job that is due again and again.
public struct Schedule: Sendable {
    public let name: String
    /// What is enqueued each time.
    public let job: NewJob
    public let times: ScheduleTimes
    public let missed: MissedTimes

    public init(name: String, job: NewJob, times: ScheduleTimes, missed: MissedTimes) {
        self.name = name
        self.job = job
        self.times = times
        self.missed = missed
    }
}

/// A schedule as it is kept, with its last fires.
public struct ScheduleView: Sendable {
    /// One time it was due.
    public struct Fire: Sendable, Hashable {
        public let at: Date
        /// Nil where it was passed over.
        public let job: JobID?
        /// Seconds.
        public let lateBy: Double
    }

    public let schedule: Schedule
    public let nextAt: Date
    public let fires: [Fire]
}

// MARK: What tenants do

extension Records {
    /// Creates or replaces a schedule; it counts from now on. Nil when it would never be due.
    public func put(_ schedule: Schedule, of tenant: TenantID, by actor: String, now: Date) async throws -> (
        isNew: Bool, view: ScheduleView
    )? {
        guard let next = schedule.times.next(after: now) else { return nil }
        let times = schedule.times
        let job = schedule.job
        let before = try await write(tenant, on: engine) { transaction in
            let before = try transaction.query(
                "SELECT \(unescaped: Schedule.columns) FROM schedule WHERE tenant_id = \(tenant.rawValue) AND name = \(schedule.name) FOR UPDATE"
            ).first.flatMap(Schedule.init)
            _ = try transaction.pipeline([
                """
                INSERT INTO schedule (tenant_id, name, kind, args, priority, max_attempts, dependency, form, recurrence, time_zone, missed, next_at, actor)
                VALUES (\(tenant.rawValue), \(schedule.name), \(job.kind), \(JSONBytes(job.arguments)), \(Int16(job.priority)),
                    \(Int32(job.maxAttempts)), \(job.dependency), \(times.form.rawValue), \(times.text),
                    \(times.zone.identifier), \(schedule.missed.rawValue), \(next), \(actor))
                ON CONFLICT (tenant_id, name) DO UPDATE SET kind = excluded.kind, args = excluded.args,
                    priority = excluded.priority, max_attempts = excluded.max_attempts, dependency = excluded.dependency, form = excluded.form,
                    recurrence = excluded.recurrence, time_zone = excluded.time_zone, missed = excluded.missed, next_at = excluded.next_at,
                    actor = excluded.actor, updated_at = now()
                """,
                .audit(
                    tenant, by: actor, "schedule.put", schedule.name, before: before.map { .encoding($0.note) },
                    after: .encoding(schedule.note)),
            ])
            return before
        }
        return (before == nil, ScheduleView(schedule: schedule, nextAt: next, fires: []))
    }

    public func schedule(_ name: String, of tenant: TenantID) async throws -> ScheduleView? {
        let results = try await app.pipeline([
            .tenants([tenant]),
            "SELECT \(unescaped: Schedule.columns), next_at FROM schedule WHERE tenant_id = \(tenant.rawValue) AND name = \(name)",
            """
            SELECT fire_at, job_id, extract(epoch FROM late_by)::float8 AS late FROM schedule_fire
            WHERE tenant_id = \(tenant.rawValue) AND name = \(name) ORDER BY fire_at DESC LIMIT 10
            """,
        ])
        let fires = try results[2].map { row in
            ScheduleView.Fire(
                at: try row.get("fire_at"), job: try row.get("job_id", as: Int64?.self).map(JobID.init), lateBy: try row.get("late"))
        }
        return try results[1].first.flatMap { row in
            try Schedule(row).map { ScheduleView(schedule: $0, nextAt: try row.get("next_at"), fires: fires) }
        }
    }

    /// All of a tenant's schedules by name.
    public func schedules(of tenant: TenantID) async throws -> [ScheduleView] {
        try await read(
            tenant,
            "SELECT \(unescaped: Schedule.columns), next_at FROM schedule WHERE tenant_id = \(tenant.rawValue) ORDER BY name LIMIT 1000"
        ).compactMap { row in try Schedule(row).map { ScheduleView(schedule: $0, nextAt: try row.get("next_at"), fires: []) } }
    }

    /// How many schedules a tenant has beside this one.
    public func scheduleCount(of tenant: TenantID, beside name: String) async throws -> Int {
        try await read(tenant, "SELECT count(*) AS n FROM schedule WHERE tenant_id = \(tenant.rawValue) AND name <> \(name)").first!.get(
            "n")
    }

    /// Removes a schedule; false when there is none of that name. Its jobs stay.
    public func deleteSchedule(_ name: String, of tenant: TenantID, by actor: String) async throws -> Bool {
        try await write(tenant, on: engine) { transaction in
            let gone = try transaction.query(
                "DELETE FROM schedule WHERE tenant_id = \(tenant.rawValue) AND name = \(name) RETURNING \(unescaped: Schedule.columns)")
            guard let row = gone.first else { return false }
            _ = try transaction.query(
                .audit(tenant, by: actor, "schedule.delete", name, before: try Schedule(row).map { .encoding($0.note) }))
            return true
        }
    }
}

// MARK: Rows

extension Schedule {
    static let columns = "tenant_id, name, kind, args, priority, max_attempts, dependency, form, recurrence, time_zone, missed"

    /// Nil when what was stored can't be read any more: its time zone, say, was abolished.
    init?(_ row: Row) throws {
        let form: String = try row.get("form")
        guard let zone = TimeZone(identifier: try row.get("time_zone")), let form = ScheduleTimes.Form(rawValue: form),
            let times = try? ScheduleTimes(form, try row.get("recurrence"), in: zone),
            let missed = MissedTimes(rawValue: try row.get("missed"))
        else { return nil }
        self.times = times
        self.missed = missed
        name = try row.get("name")
        job = NewJob(
            tenant: TenantID(try row.get("tenant_id")), kind: try row.get("kind"), arguments: try row.get("args", as: JSONBytes.self).bytes,
            priority: Int(try row.get("priority", as: Int16.self)), maxAttempts: Int(try row.get("max_attempts", as: Int32.self)),
            dependency: try row.get("dependency"))
    }

    /// As the audit log keeps it.
    var note: [String: String] {
        [
            "kind": job.kind, times.form.rawValue: times.text, "time_zone": times.zone.identifier, "missed": missed.rawValue,
            "args": String(decoding: job.arguments, as: UTF8.self),
        ]
    }
}
