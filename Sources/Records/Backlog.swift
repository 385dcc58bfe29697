import Foundation
import PostgresClient
import Tenancy

/// Jobs that are due, by tenant and flow.
public struct Backlog: Sendable {
    /// One flow of a tenant's.
    public struct Part: Sendable, Hashable {
        public let tenant: TenantID
        public let flow: String
        public let jobs: Double
        /// Most the tenant may have running at once; 0 while it is paused.
        public let cap: Int
        /// Jobs a second the tenant may begin, if there is such a limit.
        public let rate: Double?
        /// The narrowest gate they pass and how many it lets through at once, if one has a limit.
        public let gate: String?
        public let gateLimit: Int?

        public init(tenant: TenantID, flow: String, jobs: Double, cap: Int, rate: Double?, gate: String?, gateLimit: Int?) {
            (self.tenant, self.flow, self.jobs, self.cap, self.rate) = (tenant, flow, jobs, cap, rate)
            (self.gate, self.gateLimit) = (gate, gateLimit)
        }
    }

    /// The largest, each on its own.
    public var parts: [Part]
    /// Jobs of all the others together.
    public var others: Double
    /// Whether it was reckoned from a part of the ledger.
    public var isSampled: Bool

    public init(parts: [Part], others: Double, isSampled: Bool) {
        (self.parts, self.others, self.isSampled) = (parts, others, isSampled)
    }
}

extension Records {
    /// How many jobs are due, of whom.
    ///
    /// Of a large ledger a sample of 2,000 pages is read, some 50,000 jobs, so that it costs the same whatever waits. Jobs are drawn,
    /// not tenants: who has much is met in proportion, and however many have little, they are met together.
    public func backlog(pages most: Int = 2_000) async throws -> Backlog {
        let pages: Int64 = try await engine.query("SELECT pg_relation_size('job_live') / 8192 AS pages").first!.get("pages")
        let percent = min(100, Double(most) / Double(max(pages, 1)) * 100)
        let rows = try await engine.query(
            """
            WITH due AS (
                SELECT tenant_id, flow, count(*) AS jobs, sum(count(*)) OVER () AS total
                FROM job_live TABLESAMPLE SYSTEM (\(percent))
                WHERE state <> 'running' AND run_at <= now()
                GROUP BY 1, 2 ORDER BY jobs DESC LIMIT 300
            )
            SELECT d.tenant_id, d.flow, d.jobs::float8 AS jobs, d.total::float8 AS total, t.rate,
                CASE WHEN t.paused_at IS NULL THEN t.cap ELSE 0 END AS cap, g.gate, g."limit"
            FROM due d JOIN tenant t ON t.id = d.tenant_id
                LEFT JOIN LATERAL (
                    SELECT gate, "limit" FROM (
                        SELECT gate, "limit" FROM gate_limit UNION ALL SELECT gate, "limit" FROM breaker WHERE "limit" IS NOT NULL
                    ) limits
                    WHERE gate IN ('k:' || split_part(d.flow, '@', 1), d.tenant_id || '/k:' || split_part(d.flow, '@', 1),
                        'd:' || split_part(d.flow, '@', 2), d.tenant_id || '/d:' || split_part(d.flow, '@', 2))
                    ORDER BY "limit" LIMIT 1
                ) g ON true
            """)
        let scale = 100 / percent
        let parts = try rows.map { row in
            Backlog.Part(
                tenant: TenantID(try row.get("tenant_id")), flow: try row.get("flow"), jobs: try row.get("jobs", as: Double.self) * scale,
                cap: Int(try row.get("cap", as: Int32.self)), rate: try row.get("rate"), gate: try row.get("gate"),
                gateLimit: try row.get("limit", as: Int32?.self).map(Int.init))
        }
        let total = (try rows.first?.get("total", as: Double.self) ?? 0) * scale
        return Backlog(parts: parts, others: max(0, total - parts.reduce(0) { $0 + $1.jobs }), isSampled: percent < 100)
    }
}
