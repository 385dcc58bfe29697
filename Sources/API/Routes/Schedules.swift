import Foundation
import JSONEnvelope
import Jobs
import Records
import Schedules
import Tenancy

extension API {
    static let scheduleEndpoints = [
        Endpoint(.get, "/v1/schedules", answer: listSchedules),
        Endpoint(.get, "/v1/schedules/{name}", answer: readSchedule),
        Endpoint(.put, "/v1/schedules/{name}", answer: putSchedule),
        Endpoint(.delete, "/v1/schedules/{name}", answer: deleteSchedule),
    ]

    /// Schedules a tenant may have.
    fileprivate static let schedulesOfOne = 1_000
}

/// `GET /v1/schedules`
@Sendable private func listSchedules(_ call: Call) async throws -> Answer {
    let now = Date()
    return .page(Page(items: try await call.records.schedules(of: call.tenant.id), next: nil)) { $0.json(now: now) }
}

/// `GET /v1/schedules/{name}`
@Sendable private func readSchedule(_ call: Call) async throws -> Answer {
    guard let view = try await call.records.schedule(try call.externalID(), of: call.tenant.id) else { throw Problem.notFound }
    return Answer(200, view.json(now: Date()))
}

/// `PUT /v1/schedules/{name}`: creates or replaces it; it counts from now on.
@Sendable private func putSchedule(_ call: Call) async throws -> Answer {
    let name = try call.scheduleName()
    try call.requireMediaType(["application/json"])
    let body = try await call.body(atMost: call.limits.body)
    let now = Date()
    var reading = NewJobReading(call.api, tenant: call.tenant, now: now)
    let schedule = try reading.schedule(named: name, try call.json(body).root)
    guard try await call.records.scheduleCount(of: call.tenant.id, beside: name) < API.schedulesOfOne else {
        throw Problem(409, "too_many_schedules", "The tenant has \(API.schedulesOfOne) schedules", detail: "Delete one first.")
    }
    guard let (isNew, view) = try await call.records.put(schedule, of: call.tenant.id, by: call.actor, now: now) else {
        throw Problem.invalid([FieldError(schedule.times.form.rawValue, .notAllowed, "would never be due")])
    }
    return Answer(isNew ? 201 : 200, view.json(now: now))
}

/// `DELETE /v1/schedules/{name}`
@Sendable private func deleteSchedule(_ call: Call) async throws -> Answer {
    guard try await call.records.deleteSchedule(try call.externalID(), of: call.tenant.id, by: call.actor) else { throw Problem.notFound }
    return .noContent
}

extension Call {
    fileprivate func scheduleName() throws -> String {
        let name = parameters[0]
        guard name.wholeMatch(of: /[a-z0-9][a-z0-9._-]{0,62}/) != nil else {
            throw Problem.invalid([
                FieldError("name", .badFormat, "must be 1 to 63 lower-case letters, digits, dots, hyphens and underscores")
            ])
        }
        return name
    }
}

extension NewJobReading {
    fileprivate mutating func schedule(named name: String, _ node: JSONNode) throws -> Schedule {
        var reader = FieldReader(node)
        let job = plainJob(&reader)
        let missed = reader.choice("missed", of: MissedTimes.allCases.map(\.rawValue)).flatMap(MissedTimes.init) ?? .one
        let times = times(&reader)
        let faults = reader.finish()
        guard faults.isEmpty, let job, let times else { throw Problem.invalid(faults) }
        return Schedule(name: name, job: job, times: times, missed: missed)
    }

    private func times(_ reader: inout FieldReader) -> ScheduleTimes? {
        let cron = reader.string("cron", length: 1...200)
        let every = reader.string("every", length: 1...200)
        let zoneName = reader.string("time_zone", length: 1...100) ?? tenant.settings.timeZone
        let zone = TimeZone(identifier: zoneName)
        if zone == nil { reader.fail("time_zone", .notAllowed, "must be an IANA time zone such as Asia/Shanghai") }
        guard (cron == nil) != (every == nil) else {
            // Where one has a fault of its own, that is said already.
            if cron != nil || !(reader.tells("cron") || reader.tells("every")) {
                reader.fail(cron != nil ? "every" : "cron", cron != nil ? .notAllowed : .missing, "exactly one of cron and every is needed")
            }
            return nil
        }
        guard let text = cron ?? every, let zone else { return nil }
        let form: ScheduleTimes.Form = cron == nil ? .every : .cron
        do { return try ScheduleTimes(form, text, in: zone) } catch {
            reader.fail(form.rawValue, .badFormat, error.description)
            return nil
        }
    }
}

extension ScheduleView {
    fileprivate func json(now: Date) -> [UInt8] {
        let (job, times) = (schedule.job, schedule.times)
        return JSONWriter.object(capacity: 512) { object in
            object.member("name", schedule.name)
            object.member("kind", job.kind)
            object.member("args", json: job.arguments)
            object.member("priority", job.priority)
            object.member("max_attempts", job.maxAttempts)
            object.member(times.form.rawValue, times.text)
            object.member("time_zone", times.zone.identifier)
            object.member("missed", schedule.missed.rawValue)
            object.member("next_at", nextAt)
            object.member("then", upcoming.map(RFC3339.text))
            object.array("fires") { list in
                for fire in fires {
                    list.object { item in
                        item.member("at", fire.at)
                        item.member("job_id", fire.job?.description)
                        item.member("late_by", fire.lateBy)
                    }
                }
            }
        }
    }

    /// The three times after the next.
    private var upcoming: [Date] {
        var times: [Date] = []
        while times.count < 3, let next = schedule.times.next(after: times.last ?? nextAt) { times.append(next) }
        return times
    }
}
