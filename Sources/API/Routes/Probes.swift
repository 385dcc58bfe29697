import JSONEnvelope
import Records
import Tenancy

extension API {
    static let probeEndpoints = [
        Endpoint(.get, "/v1/probes/effects", takesQuery: true, answer: countProbeEffects),
        Endpoint(.put, "/v1/probes/dependencies/{name}", answer: setProbeDependency),
    ]
}

/// `GET /v1/probes/effects`
@Sendable private func countProbeEffects(_ call: Call) async throws -> Answer {
    let prefix = try call.query { $0.string("prefix") ?? "" }
    let count = try await call.records.probeEffects(prefix: prefix, of: call.tenant.id)
    return Answer(
        200,
        JSONWriter.object { object in
            object.member("rows", count.rows)
            object.member("distinct_keys", count.distinctKeys)
            object.member("distinct_jobs", count.distinctJobs)
        })
}

/// `PUT /v1/probes/dependencies/{name}`
@Sendable private func setProbeDependency(_ call: Call) async throws -> Answer {
    let name = try call.externalID()
    let failing = try await call.object { $0.bool("failing", required: true) ?? false }
    try await call.records.setProbeDependency(name, failing: failing, of: call.tenant.id)
    return Answer(
        200,
        JSONWriter.object { object in
            object.member("name", name)
            object.member("failing", failing)
        })
}
