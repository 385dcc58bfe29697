import Calendars
import Foundation
import JSONEnvelope
import Records
import Tenancy

extension API {
    static let calendarEndpoints = [
        Endpoint(.get, "/v1/calendar", people: .harmless, answer: readCalendar),
        Endpoint(.put, "/v1/calendar", .tenant(.operator), answer: putCalendar),
        Endpoint(.get, "/v1/calendar/due", takesQuery: true, people: .harmless, answer: readDue),
        Endpoint(.get, "/v1/calendar/teams/{ext}", people: .harmless, answer: readTeamCalendar),
        Endpoint(.put, "/v1/calendar/teams/{ext}", .tenant(.operator), answer: putTeamCalendar),
        Endpoint(.delete, "/v1/calendar/teams/{ext}", .tenant(.operator), answer: deleteTeamCalendar),
        Endpoint(.get, "/v1/calendar/sellers/{ext}", people: .harmless, answer: readSellerCalendar),
        Endpoint(.put, "/v1/calendar/sellers/{ext}", answer: putSellerCalendar),
        Endpoint(.delete, "/v1/calendar/sellers/{ext}", answer: deleteSellerCalendar),
        Endpoint(.get, "/v1/national-calendars/{country}", people: .harmless, answer: readNotices),
        Endpoint(.put, "/v1/national-calendars/{country}/{year}", .platform, answer: putNotice),
    ]
}

/// `GET /v1/calendar`
@Sendable private func readCalendar(_ call: Call) async throws -> Answer { try await call.readCalendar(.tenant) }

/// `PUT /v1/calendar`: the tenant's working hours.
@Sendable private func putCalendar(_ call: Call) async throws -> Answer { try await call.putCalendar(.tenant) }

/// `GET /v1/calendar/teams/{ext}`
@Sendable private func readTeamCalendar(_ call: Call) async throws -> Answer { try await call.readCalendar(.team(try call.externalID())) }

/// `PUT /v1/calendar/teams/{ext}`: what the team has otherwise.
@Sendable private func putTeamCalendar(_ call: Call) async throws -> Answer { try await call.putCalendar(.team(try call.externalID())) }

/// `DELETE /v1/calendar/teams/{ext}`
@Sendable private func deleteTeamCalendar(_ call: Call) async throws -> Answer {
    try await call.deleteCalendar(.team(try call.externalID()))
}

/// `GET /v1/calendar/sellers/{ext}`
@Sendable private func readSellerCalendar(_ call: Call) async throws -> Answer {
    try await call.readCalendar(.seller(try call.externalID()))
}

/// `PUT /v1/calendar/sellers/{ext}`: a seller's shift, leave and days exchanged.
@Sendable private func putSellerCalendar(_ call: Call) async throws -> Answer { try await call.putCalendar(.seller(try call.externalID())) }

/// `DELETE /v1/calendar/sellers/{ext}`
@Sendable private func deleteSellerCalendar(_ call: Call) async throws -> Answer {
    try await call.deleteCalendar(.seller(try call.externalID()))
}

extension Call {
    fileprivate func readCalendar(_ scope: CalendarScope) async throws -> Answer {
        guard let body = try await records.calendar(scope, of: tenant.id) else { throw Problem.notFound }
        return Answer(200, body)
    }

    fileprivate func putCalendar(_ scope: CalendarScope) async throws -> Answer {
        try requireMediaType(["application/json"])
        let body = try await body(atMost: limits.body)
        let root = try json(body, levels: 6).root
        let (document, faults) = CalendarDocument.read(root, isWhole: scope == .tenant)
        guard let document else { throw Problem.invalid(faults) }
        if scope != .tenant, document.closesEveryDay {
            throw Problem.invalid([FieldError("week", .invalid, "has no working time at all; who is away is told by their status")])
        }
        if scope == .tenant, !document.hasWorkingTime(from: Date(), zone: tenant.settings.timeZone) {
            throw Problem.invalid([FieldError("week", .invalid, "has no working time at all")])
        }
        // Why it is so is for the audit log; what is kept are the hours.
        let hours =
            root["reason"] == nil
            ? Array(root.bytes)
            : JSONWriter.object { kept in
                for (name, value) in root.members where name != "reason" { kept.member(name, json: value.bytes) }
            }
        let isNew = try await records.putCalendar(scope, body: hours, of: tenant.id, by: actor, reason: root["reason"]?.string)
        return Answer(isNew ? 201 : 200, hours)
    }

    fileprivate func deleteCalendar(_ scope: CalendarScope) async throws -> Answer {
        let reason = try await reasonIfAny()
        guard try await records.deleteCalendar(scope, of: tenant.id, by: actor, reason: reason) else { throw Problem.notFound }
        return .noContent
    }
}

/// `GET /v1/calendar/due`: when so much working time after a moment has passed.
@Sendable private func readDue(_ call: Call) async throws -> Answer {
    let (from, seconds, seller) = try call.query { query in
        let from = query.string("from", length: 40)
        let seconds = query.string("seconds", length: 10, required: true)
        if let from, RFC3339.date(from) == nil { query.fail("from", .badFormat, "must be a time such as 2026-10-17T08:30:00Z") }
        if let seconds, Int(seconds).map({ (0...31_622_400).contains($0) }) != true {
            query.fail("seconds", .outOfRange, "must be a whole number from 0 to 31622400")
        }
        return (from.flatMap(RFC3339.date) ?? Date(), seconds.flatMap { Int($0) } ?? 0, query.string("seller"))
    }
    if let seller, try await call.records.seller(seller, of: call.tenant.id) == nil {
        throw Problem.invalid([FieldError("seller", .notFound, "there is no such seller")])
    }
    let working = try await call.records.workingTime(of: seller, of: call.tenant.id)
    let due = working.due(after: from, seconds: seconds)
    return Answer(
        200,
        JSONWriter.object { object in
            object.member("from", from)
            object.member("open", working.isOpen(at: from))
            object.member("due_at", due?.at)
            object.member("provisional", due?.isProvisional)
        })
}

// MARK: - What states say

/// `GET /v1/national-calendars/{country}`
@Sendable private func readNotices(_ call: Call) async throws -> Answer {
    guard let notices = try await call.records.notices(of: call.parameters[0]) else { throw Problem.notFound }
    return .page(Page(items: notices, next: nil), \.json)
}

/// `PUT /v1/national-calendars/{country}/{year}`: a notice that came out.
@Sendable private func putNotice(_ call: Call) async throws -> Answer {
    guard let known = NationalCalendar.known[call.parameters[0]], let year = Int(call.parameters[1]), (2_000...2_200).contains(year) else {
        throw Problem.notFound
    }
    let (notice, reason) = try await call.object { reader -> (NationalNotice, String?) in
        let papers = reader.strings("papers", count: 1...10, length: 1...500) ?? []
        if !reader.tells("papers") { reader.fail("papers", .missing, "is required: where the notice stands") }
        let (off, work) = (reader.days("off"), reader.days("work"))
        for day in off + work where day.parts.year != year && !(day.parts.year == year - 1 && day.parts.month == 12) {
            reader.fail("off", .outOfRange, "\(day) is not of \(year), nor of the December before")
        }
        if !Set(off).isDisjoint(with: work) { reader.fail("work", .duplicate, "names a day that is off as well") }
        return (NationalNotice(country: known.country, year: year, papers: papers, off: off, work: work), reader.reason())
    }
    try await call.records.putNotice(notice, by: call.actor, reason: reason)
    return Answer(200, notice.json)
}

extension FieldReader {
    /// Days such as `2026-10-01`; absent: none.
    fileprivate mutating func days(_ name: String) -> [CivilDate] {
        let texts = strings(name, count: 0...100, length: 10...10) ?? []
        let days = texts.map { CivilDate($0) }
        for (place, day) in days.enumerated() where day == nil { fail("\(name)[\(place)]", .badFormat, "must be a day such as 2026-10-01") }
        return days.compactMap { $0 }
    }
}

extension NationalNotice {
    fileprivate var json: [UInt8] {
        JSONWriter.object { object in
            object.member("country", country)
            object.member("year", year)
            object.member("papers", papers)
            object.member("off", off.map(\.description))
            object.member("work", work.map(\.description))
            object.member("told_at", toldAt)
        }
    }
}
