import Foundation
import JSONEnvelope
import Records

extension API {
    static let processEndpoints = [
        Endpoint(.get, "/healthz", .open) { _ in Answer(200, Array(#"{"status":"ok"}"#.utf8)) },
        Endpoint(.get, "/readyz", .open, answer: readiness),
        Endpoint(.get, "/metrics", .open) { call in
            Answer(200, Array(await call.api.metrics.text().utf8), type: "text/plain; version=0.0.4; charset=utf-8")
        },
        Endpoint(.get, "/openapi.yaml", .open) { _ in Answer(200, PackageResources.openapi_yaml, type: "application/yaml") },
    ]
}

/// `GET /readyz`: whether requests can be served. Without Redis they can: jobs are accepted and wait.
@Sendable private func readiness(_ call: Call) async throws -> Answer {
    async let postgres = call.records.isReachable()
    async let redis = (try? await call.api.dispatch.life()) != nil
    let (hasPostgres, hasRedis) = await (postgres, redis)
    return Answer(
        hasPostgres ? 200 : 503,
        JSONWriter.object { object in
            object.member("status", hasPostgres ? (hasRedis ? "ok" : "degraded") : "unavailable")
            object.member("postgres", hasPostgres ? "up" : "down")
            object.member("redis", hasRedis ? "up" : "down")
        })
}
