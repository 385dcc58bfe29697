import Foundation
import Jobs
import Ledger
import PostgresClient
import Tenancy

extension Records {
    /// Has process health worked out for every tenant that has sellers: the running week and the last three, and after it what is due of
    /// training and prediction. A run that is still under way is not joined by another.
    /// - Returns: for how many tenants.
    @discardableResult public func enqueueHealthRuns() async throws -> Int {
        let rows = try await engine.pipeline([
            .everyTenant,
            "SELECT t.id FROM tenant t WHERE EXISTS (SELECT FROM seller s WHERE s.tenant_id = t.id) ORDER BY t.id",
        ])[1]
        let tenants = try rows.map { TenantID(try $0.get("id")) }
        for part in stride(from: 0, to: tenants.count, by: 500) {
            _ = try await ledger.enqueue(
                tenants[part..<min(part + 500, tenants.count)].map { .scoreHealth(of: $0, weeks: 3, isChained: true) })
        }
        return tenants.count
    }
}
