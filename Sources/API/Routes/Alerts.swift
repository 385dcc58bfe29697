import JSONEnvelope
import Records
import Tenancy

extension API {
    static let alertEndpoints = [
        Endpoint(.get, "/v1/alerts", takesQuery: true, answer: listAlerts)
    ]
}

/// `GET /v1/alerts`
@Sendable private func listAlerts(_ call: Call) async throws -> Answer {
    let (open, cursor, limit) = try call.query { ($0.bool("open"), $0.cursor(), $0.limit()) }
    return .page(try await call.records.alerts(of: call.tenant.id, open: open, before: cursor ?? .max, limit: limit), \.json)
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
