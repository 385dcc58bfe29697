import JSONEnvelope
import Records
import Tenancy

extension API {
    static let alertEndpoints = [
        Endpoint(.get, "/v1/alerts", takesQuery: true, answer: listAlerts),
        Endpoint(.post, "/v1/alerts/{id}/resolve", .tenant(.operator), answer: resolveAlert),
        Endpoint(.post, "/v1/alerts:resolve", .tenant(.operator), answer: resolveAlerts),
    ]
}

/// `GET /v1/alerts`
@Sendable private func listAlerts(_ call: Call) async throws -> Answer {
    let (open, cursor, limit) = try call.query { ($0.bool("open"), $0.cursor(), $0.limit()) }
    async let alerts = call.records.alerts(of: call.tenant.id, open: open, before: cursor ?? .max, limit: limit)
    async let lasting = call.records.openAlerts(of: call.tenant.id)
    let (page, codes) = (try await alerts, try await lasting)
    return Answer(
        200,
        JSONWriter.object(capacity: 256 * page.items.count) { object in
            object.array("items") { list in for alert in page.items { list.element(json: alert.json) } }
            object.member("next_cursor", page.next.map(String.init))
            object.array("codes") { $0.elements(codes) }
        })
}

/// `POST /v1/alerts/{id}/resolve`
@Sendable private func resolveAlert(_ call: Call) async throws -> Answer {
    let id = try call.id()
    let (reason, key) = try await call.wish()
    let once = try await call.records.resolve(alert: id, of: call.tenant.id, by: call.actor, reason: reason, key: key) {
        StoredAnswer(status: 200, body: $0.json)
    }
    guard let once else { throw Problem.notFound }
    return try call.answer(once)
}

/// `POST /v1/alerts:resolve`: all of a code.
@Sendable private func resolveAlerts(_ call: Call) async throws -> Answer {
    let (reason, key, wish) = try await call.wish { reader in
        (code: reader.words("code", length: 1...100, required: true) ?? "", last: lastID(&reader))
    }
    let once = try await call.records.resolve(
        alertsOf: wish.code, upTo: wish.last, of: call.tenant.id, by: call.actor, reason: reason, key: key
    ) { count in
        StoredAnswer(status: 200, body: JSONWriter.object { $0.member("count", count) })
    }
    return try call.answer(once)
}

private func lastID(_ reader: inout FieldReader) -> Int64? {
    guard let text = reader.string("up_to", length: 1...20) else { return nil }
    guard let id = Int64(text), id > 0, String(id) == text else {
        reader.fail("up_to", .badFormat, "must be an alert's id")
        return nil
    }
    return id
}

extension JSONWriter {
    /// How many alerts of each code last.
    mutating func elements(_ alerts: [OpenAlerts]) {
        for alert in alerts {
            object { item in
                item.member("code", alert.code)
                item.member("open", alert.count)
                item.member("newest_id", String(alert.newest))
            }
        }
    }
}

extension Alert {
    fileprivate var json: [UInt8] {
        JSONWriter.object(capacity: 256) { object in
            object.member("id", String(id))
            object.member("code", code)
            object.member("subject", subject)
            object.member("detail", json: detail.bytes)
            object.member("count", count)
            object.member("first_at", firstAt)
            object.member("last_at", lastAt)
            object.member("resolved_at", resolvedAt)
        }
    }
}
