import Foundation
import PostgresClient
import Tenancy

extension Records {
    private static let unpushed = "index_full"

    /// Raises an alert for every tenant whose jobs wait because Redis has no memory left for them, and closes it when there is room
    /// again. To be called now and then.
    public func watchUnpushed(isFull: Bool, now: Date) async throws {
        let waiting = try await engine.pipeline([
            // Row security shows alerts of tenants that are named, so all are.
            .everyTenant,
            """
            SELECT tenant_id, count(*) AS batches FROM job_live
            WHERE \(isFull) AND id IN (SELECT ids[1] FROM outbox ORDER BY id LIMIT 1000) GROUP BY tenant_id LIMIT 1000
            """,
            "SELECT tenant_id FROM alert WHERE code = \(Self.unpushed) AND resolved_at IS NULL AND NOT \(isFull)",
        ])
        let raised = try waiting[1].map { TenantID(try $0.get("tenant_id", as: Int64.self)) }
        let over = try waiting[2].map { TenantID(try $0.get("tenant_id", as: Int64.self)) }
        guard !raised.isEmpty || !over.isEmpty else { return }
        _ = try await engine.pipeline(
            [.tenants(Set(raised + over))]
                + raised.map { .raise(Self.unpushed, "redis", detail: JSONBytes(Array("{}".utf8)), of: $0, at: now) }
                + over.map { .resolve(Self.unpushed, "redis", of: $0, at: now) })
    }
}
