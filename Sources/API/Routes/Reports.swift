import JSONEnvelope
import Records
import Tenancy

extension API {
    static let reportEndpoints = [
        Endpoint(.get, "/v1/reports", takesQuery: true, answer: listReports),
        Endpoint(.get, "/v1/reports/{id}", answer: readReport),
    ]
}

/// `GET /v1/reports`
@Sendable private func listReports(_ call: Call) async throws -> Answer {
    let (kind, cursor, limit) = try call.query { reader in
        (reader.choice("kind", of: ReportKind.self), reader.cursor(), reader.limit())
    }
    let page = try await call.records.reports(of: call.tenant.id, kind: kind, before: cursor ?? .max, limit: limit)
    return .page(page) { report in JSONWriter.object(report.describe) }
}

/// `GET /v1/reports/{id}`
@Sendable private func readReport(_ call: Call) async throws -> Answer {
    guard let report = try await call.records.report(try call.id(), of: call.tenant.id) else { throw Problem.notFound }
    return Answer(
        200,
        JSONWriter.object(capacity: 4_096) { object in
            report.describe(&object)
            object.member("body", json: report.body.bytes)
        })
}

extension ReportRecord {
    fileprivate func describe(_ object: inout JSONWriter) {
        object.member("id", String(id))
        object.member("kind", kind)
        object.member("from", period.lowerBound)
        object.member("to", period.upperBound)
        object.member("job_id", job.description)
        object.member("created_at", createdAt)
    }
}
