import PostgresClient
import Tenancy

/// What probe jobs left behind.
public struct ProbeEffectCount: Sendable, Hashable {
    public let rows: Int
    public let distinctKeys: Int
    public let distinctJobs: Int
}

extension Records {
    /// Counts the effects whose key begins with `prefix`.
    public func probeEffects(prefix: String, of tenant: TenantID) async throws -> ProbeEffectCount {
        let row = try await read(
            tenant,
            """
            SELECT count(*) AS rows, count(DISTINCT effect_key) AS keys, count(DISTINCT job_id) AS jobs
            FROM probe_effect
            WHERE tenant_id = \(tenant.rawValue) AND starts_with(effect_key, \(prefix))
            """
        ).first!
        return ProbeEffectCount(rows: try row.get("rows"), distinctKeys: try row.get("keys"), distinctJobs: try row.get("jobs"))
    }

    /// Makes the pretended dependency fail or work.
    public func setProbeDependency(_ name: String, failing: Bool, of tenant: TenantID) async throws {
        _ = try await write(tenant) { transaction in
            try transaction.query(
                """
                INSERT INTO probe_dependency (tenant_id, name, failing) VALUES (\(tenant.rawValue), \(name), \(failing))
                ON CONFLICT (tenant_id, name) DO UPDATE SET failing = excluded.failing
                """)
        }
    }
}
