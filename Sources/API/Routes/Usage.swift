import DispatchIndex
import Foundation
import JSONEnvelope
import Records
import Tenancy

extension API {
    static let usageEndpoints = [Endpoint(.get, "/v1/usage", .platform, takesQuery: true, answer: readUsage)]

    /// How far back ended jobs are counted, seconds.
    static let usageWindow = 300
}

/// `GET /v1/usage`: what each tenant has waiting, got done lately, and received of the workers. The same part of all tenants as
/// `GET /v1/tenants` with the same parameters.
@Sendable private func readUsage(_ call: Call) async throws -> Answer {
    let filter = try call.query { reader in
        let limit = reader.integer("limit", in: 1...200) ?? 200
        return TenantFilter(&reader, limit: limit)
    }
    let statistics = Dictionary(grouping: try await call.api.counted.value().statistics, by: \.tenant)
    let (records, dispatch) = (call.records, call.api.dispatch)
    let tenants = try await records.tenants(filter)
    let fairness = await promptly { [tenants] in try await dispatch.fairness(of: tenants.items.map(\.id)) } ?? []
    let shares = Dictionary(fairness.map { ($0.tenant, $0) }) { first, _ in first }
    return .page(tenants) { tenant in
        let share = shares[tenant.id]
        return JSONWriter.object(capacity: 256) { object in
            object.member("slug", tenant.slug)
            object.members(of: JobSums(statistics[tenant.id] ?? []))
            object.member("window_s", API.usageWindow)
            object.member("share_received", share?.shareReceived)
            object.member("share_entitled", share?.entitlement)
            object.member("worker_seconds", share.map { ($0.received / .seconds(1)).rounded() })
            object.member("throttled_s", share.map { ($0.throttled / .seconds(1)).rounded() })
        }
    }
}
