import JSONEnvelope
import Records
import Tenancy

extension API {
    static let auditEndpoints = [
        Endpoint(.get, "/v1/audit", .tenantOrAll(.operator), takesQuery: true, answer: listAudit)
    ]
}

/// `GET /v1/audit`
@Sendable private func listAudit(_ call: Call) async throws -> Answer {
    let (search, cursor, limit) = try call.query { query in
        var search = AuditSearch()
        (search.action, search.subject, search.actor) = (query.string("action"), query.string("subject"), query.string("actor"))
        (search.since, search.until) = (query.date("since"), query.date("until"))
        return (search, query.cursor(), query.limit())
    }
    return .page(
        try await call.records.audit(
            search, of: call.tenantOrAll, namesAll: call.principal?.role == .platform, before: cursor ?? .max, limit: limit), \.json)
}

extension AuditRecord {
    fileprivate var json: [UInt8] {
        JSONWriter.object(capacity: 512) { object in
            object.member("id", String(id))
            object.member("seq", seq)
            object.member("hash", hash.hexadecimal)
            object.member("tenant", tenant)
            object.member("at", at)
            object.member("actor", actor)
            object.member("key_name", keyName)
            object.member("action", action)
            object.member("subject", subject)
            object.member("before", json: before?.bytes)
            object.member("after", json: after?.bytes)
            object.member("reason", reason)
        }
    }
}
