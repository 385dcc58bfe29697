import Foundation
import JSONEnvelope
import Records
import Rules
import SalesModel
import Tenancy

extension API {
    static let escalationEndpoints = [
        Endpoint(.get, "/v1/escalations", takesQuery: true, answer: listEscalations),
        Endpoint(.post, "/v1/escalations/{id}/reason", answer: explainEscalation),
        Endpoint(.get, "/v1/offices", answer: listOffices),
        Endpoint(.put, "/v1/offices/{office}", .tenant(.operator), answer: putOffice),
    ]
}

/// `GET /v1/escalations`
@Sendable private func listEscalations(_ call: Call) async throws -> Answer {
    let (filter, cursor, limit) = try call.query { query in
        var filter = EscalationFilter()
        let type = query.choice("subject_type", of: SubjectType.self)
        if let text = query.string("subject_id", length: 20) {
            if let id = Int64(text), id > 0 {
                filter.subject = ClockKey(type ?? .lead, id)
            } else {
                query.fail("subject_id", .badFormat, "must be a number")
            }
        } else if type != nil {
            query.fail("subject_type", .notAllowed, "needs subject_id beside it")
        }
        filter.clock = query.string("clock", length: 64)
        filter.action = query.choice("action", of: ClockAction.self)?.rawValue
        filter.owner = query.string("owner")
        filter.team = query.string("team")
        filter.state = query.choice("state", of: Escalation.State.self)
        filter.told = query.choice("told", of: Escalation.Told.self)
        filter.isHistory = query.bool("history")
        return (filter, query.cursor(), query.limit())
    }
    return .page(
        try await call.records.escalations(of: call.tenant.id, filter, before: cursor ?? .max, limit: limit), \.json)
}

/// `POST /v1/escalations/{id}/reason`: why it was late.
@Sendable private func explainEscalation(_ call: Call) async throws -> Answer {
    let id = try call.id()
    try call.requireMediaType(["application/json"])
    let body = try await call.body(atMost: call.limits.body)
    let key = try call.idempotencyKey(over: body)
    let reason = try call.object(body) { reader in
        reader.choice("reason", of: Escalation.Reason.allCases.map(\.rawValue), required: true).flatMap(Escalation.Reason.init)
    }
    guard let reason else { preconditionFailure("a reason that is required was not read") }
    let once = try await call.records.explain(escalation: id, reason, of: call.tenant.id, by: call.actor, key: key) {
        StoredAnswer(status: 200, body: $0.json)
    }
    guard let once else { throw Problem.notFound }
    // Who gave it looks for it next.
    call.api.boards.forget { $0.tenant == call.tenant.id }
    call.api.heatMaps.forget { $0.tenant == call.tenant.id }
    return try call.answer(once)
}

/// `GET /v1/offices`
@Sendable private func listOffices(_ call: Call) async throws -> Answer {
    return .page(Page(items: try await call.records.offices(of: call.tenant.id), next: nil)) { office, people in
        JSONWriter.object { object in
            object.member("office", office.rawValue)
            object.member("people", people)
        }
    }
}

/// `PUT /v1/offices/{office}`: who holds it; nobody: `[]`.
@Sendable private func putOffice(_ call: Call) async throws -> Answer {
    // Owners and managers are told of with their leads and teams.
    guard let office = Recipient(rawValue: call.parameters[0]), ![.owner, .manager].contains(office) else { throw Problem.notFound }
    let (people, reason) = try await call.object { reader -> ([String], String?) in
        if !reader.tells("people") { reader.fail("people", .missing, "is required") }
        return (reader.strings("people", count: 0...20) ?? [], reader.reason())
    }
    try await call.records.putOffice(office, people: people, of: call.tenant.id, by: call.actor, reason: reason)
    return Answer(
        200,
        JSONWriter.object { object in
            object.member("office", office.rawValue)
            object.member("people", people)
        })
}

extension Escalation {
    var json: [UInt8] {
        JSONWriter.object(capacity: 512) { object in
            object.member("id", String(id))
            object.member("subject_type", subject.type.rawValue)
            object.member("subject_id", String(subject.id))
            object.member("clock", clock)
            object.member("level", level)
            object.member("state", state.rawValue)
            object.member("started_at", startedAt)
            object.member("due_at", dueAt)
            object.member("recorded_at", recordedAt)
            object.member("late_by", lateBy)
            object.member("action", action)
            object.member("acted", acted)
            object.member("history", isHistory)
            object.member("told", told.rawValue)
            object.member("held_until", heldUntil)
            object.member("told_at", toldAt)
            object.member("urgency", urgency)
            object.member("recipients", recipients)
            object.member("channels", channels)
            object.member("owner", owner)
            object.member("team", team)
            object.member("reason", reason?.rawValue)
            object.member("met_at", metAt)
            object.member("withdrawn_at", withdrawnAt)
        }
    }
}

/// A subject's clocks as the API shows them with it: one item for each level.
enum ClockLevels {
    /// - Parameter kept: as they are kept with the subject: an array of clocks with their levels.
    static func json(_ kept: [UInt8]) -> [UInt8] {
        let clocks = (try? JSONEnvelope(kept, levels: 4, limits: .stored).root)?.elements ?? []
        return JSONWriter.array { list in
            for clock in clocks {
                let state = clock["state"]?.string
                for level in clock["levels"]?.elements ?? [] {
                    list.object { item in
                        item.member("clock", clock["clock"]?.string)
                        item.member("level", level["level"]?.string)
                        item.member("due_at", level["due_at"]?.string)
                        item.member("state", level["late_by"] != nil ? "missed" : state)
                        if let lateBy = level["late_by"]?.integer {
                            item.member("late_by", lateBy)
                            if state == "running" { item.member("pending", true) }
                        }
                        if level["history"] != nil { item.member("history", true) }
                        if level["provisional"] != nil { item.member("provisional", true) }
                    }
                }
            }
        }
    }
}
