import Foundation
import JSONEnvelope
import Messages
import Records
import Tenancy

extension API {
    static let quietHoursEndpoints = [
        Endpoint(.get, "/v1/quiet-hours", people: .harmless, answer: readQuietHours),
        Endpoint(.put, "/v1/quiet-hours", .tenant(.operator), answer: putQuietHours),
        Endpoint(.delete, "/v1/quiet-hours", .tenant(.operator), answer: deleteQuietHours),
    ]
}

/// `GET /v1/quiet-hours`
@Sendable private func readQuietHours(_ call: Call) async throws -> Answer {
    guard let record = try await call.records.quietHours(of: call.tenant.id) else {
        throw Problem(
            404, "no_quiet_hours", "No quiet hours are set", detail: "Messages go at any time of the day. An operator sets them with PUT.")
    }
    return Answer(200, record.json(at: Date()))
}

/// `PUT /v1/quiet-hours`: what is not urgent waits until they are over.
@Sendable private func putQuietHours(_ call: Call) async throws -> Answer {
    let (reason, _, hours) = try await call.wish { reader -> QuietHours? in
        let (from, to) = (reader.string("from", length: 5...5, required: true), reader.string("to", length: 5...5, required: true))
        guard let from, let to else { return nil }
        let hours = QuietHours(from: from, to: to)
        if hours == nil {
            reader.fail(from == to ? "to" : "from", .badFormat, "must be times of the day such as 21:00 and 08:00, and not the same")
        }
        return hours
    }
    guard let hours else { throw Problem.unexpected }  // the reader refuses a body without
    _ = try await call.records.setQuietHours(hours, of: call.tenant.id, by: call.actor, reason: reason)
    guard let record = try await call.records.quietHours(of: call.tenant.id) else { throw Problem.unexpected }
    return Answer(200, record.json(at: Date()))
}

/// `DELETE /v1/quiet-hours`
@Sendable private func deleteQuietHours(_ call: Call) async throws -> Answer {
    let (reason, _) = try await call.wish()
    guard try await call.records.setQuietHours(nil, of: call.tenant.id, by: call.actor, reason: reason) else { throw Problem.notFound }
    return .noContent
}

extension QuietHoursRecord {
    fileprivate func json(at now: Date) -> [UInt8] {
        JSONWriter.object { object in
            object.member("from", QuietHours.text(hours.from))
            object.member("to", QuietHours.text(hours.to))
            object.member("time_zone", timeZone)
            object.member("quiet_until", hours.end(at: now, in: TimeZone(identifier: timeZone) ?? .gmt))
            object.member("set_by", setBy)
            object.member("reason", reason)
            object.member("updated_at", updatedAt)
        }
    }
}
