import JSONEnvelope
import Jobs
import Ledger
import Records

extension API {
    static let deadLetterEndpoints = [
        Endpoint(.get, "/v1/dlq", takesQuery: true, answer: listDeadLetters),
        Endpoint(.get, "/v1/dlq:groups", answer: listGroups),
        Endpoint(.post, "/v1/dlq:redrive", answer: redrive),
        Endpoint(.get, "/v1/redrives", answer: listRedrives),
        Endpoint(.get, "/v1/redrives/{id}", answer: readRedrive),
    ]
}

/// `GET /v1/dlq`
@Sendable private func listDeadLetters(_ call: Call) async throws -> Answer {
    let (filter, cursor, limit) = try call.query { query in
        (
            DeadLetterFilter(
                kind: query.string("kind"), errorClass: query.choice("error_class", of: ErrorClass.self), since: query.date("since")),
            query.cursor(), query.limit()
        )
    }
    return .page(try await call.records.deadLetters(filter, of: call.tenant.id, before: cursor ?? .max, limit: limit), \.json)
}

/// `GET /v1/dlq:groups`
@Sendable private func listGroups(_ call: Call) async throws -> Answer {
    return .page(Page(items: try await call.records.deadLetterGroups(of: call.tenant.id), next: nil)) { group in
        JSONWriter.object { object in
            object.member("kind", group.kind)
            object.member("error_class", group.errorClass)
            object.member("count", group.count)
            object.member("newest_at", group.newestAt)
        }
    }
}

/// `GET /v1/redrives`
@Sendable private func listRedrives(_ call: Call) async throws -> Answer {
    return .page(Page(items: try await call.records.openRedrives(of: call.tenant.id), next: nil), \.json)
}

/// `POST /v1/dlq:redrive`
@Sendable private func redrive(_ call: Call) async throws -> Answer {
    try call.requireMediaType(["application/json"])
    let body = try await call.body(atMost: call.limits.body)
    let key = try call.idempotencyKey(over: body)
    let wish = try call.object(body, RedriveWish.init)
    if let kind = wish.filter.kind, call.api.kinds[kind] == nil {
        throw Problem.invalid([FieldError("kind", .unknownKind, "is none of \(call.api.kinds.keys.sorted().joined(separator: ", "))")])
    }
    let once = try await call.records.redrive(
        wish.filter, of: call.tenant.id, perSecond: wish.perSecond, isDryRun: wish.isDryRun, by: call.actor, reason: wish.reason, key: key
    ) { plan in
        StoredAnswer(status: plan.id == nil ? 200 : 202, body: plan.json(perSecond: wish.perSecond))
    }
    return try call.answer(once)
}

/// `GET /v1/redrives/{id}`
@Sendable private func readRedrive(_ call: Call) async throws -> Answer {
    guard let redrive = try await call.records.redrive(try call.id(), of: call.tenant.id) else { throw Problem.notFound }
    return Answer(200, redrive.json)
}

/// What a body asks to be run again.
private struct RedriveWish: Sendable {
    var filter: DeadLetterFilter
    var isDryRun: Bool
    var perSecond: Int
    var reason: String?

    init(_ reader: inout FieldReader) {
        filter = DeadLetterFilter(
            kind: reader.string("kind"),
            errorClass: reader.choice("error_class", of: ErrorClass.allCases.map(\.rawValue)).flatMap(ErrorClass.init),
            since: reader.date("since"))
        if let texts = reader.strings("ids", count: 1...1_000, length: 1...20) {
            filter.ids = texts.compactMap(JobID.init(text:))
            if filter.ids?.count != texts.count { reader.fail("ids", .badFormat, "must be ids of jobs") }
        }
        isDryRun = reader.bool("dry_run") ?? false
        perSecond = reader.integer("per_second", in: 1...1_000) ?? 50
        reason = reader.reason()
    }
}

extension RedrivePlan {
    fileprivate func json(perSecond: Int) -> [UInt8] {
        JSONWriter.object(capacity: 1_024) { object in
            object.member("count", count)
            object.member("redrive_id", id.map(String.init))
            object.member("per_second", perSecond)
            object.array("first") { list in for item in first { list.element(json: item.json) } }
        }
    }
}

extension DeadLetter {
    fileprivate var json: [UInt8] {
        JSONWriter.object(capacity: 256) { object in
            object.member("id", id.description)
            object.member("kind", kind)
            object.object("error") { fault in
                fault.member("class", errorClass)
                fault.member("message", error)
            }
            object.member("attempts", attempts)
            object.member("lost", lost)
            object.member("first_at", firstAt)
            object.member("last_at", lastAt)
        }
    }
}

extension Redrive {
    fileprivate var json: [UInt8] {
        JSONWriter.object(capacity: 256) { object in
            object.member("id", String(id))
            object.member("state", finishedAt == nil ? "running" : "completed")
            object.member("count", total)
            object.member("done", done)
            object.member("per_second", perSecond)
            object.member("created_at", createdAt)
            object.member("finished_at", finishedAt)
        }
    }
}
