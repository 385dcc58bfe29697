import PostgresClient
import Testing

/// Looks at what assignments left behind, all tenants at once.
struct SalesAudit: Sendable {
    let engine: PostgresPool

    func rows(_ sql: String) async throws -> Rows {
        try await engine.pipeline([
            "SELECT set_config('kiteline.tenants', (SELECT coalesce(array_agg(id), '{}')::text FROM tenant), true)", Statement(sql, []),
        ])[1]
    }

    func count(_ from: String) async throws -> Int {
        Int(try await rows("SELECT count(*) AS n FROM \(from)").first!.get("n", as: Int64.self))
    }

    /// How many leads ended each way.
    func outcomes() async throws -> [String: Int] {
        try await rows("SELECT outcome, count(*) AS n FROM job_history WHERE kind = 'assign_lead' GROUP BY outcome").reduce(into: [:]) {
            $0[try $1.get("outcome", as: String?.self) ?? "none"] = Int(try $1.get("n", as: Int64.self))
        }
    }

    /// What must be true of any tenant's data at rest: one active owner a lead, loads that count assignments, a receipt for each end.
    func expectSound(sourceLocation: SourceLocation = #_sourceLocation) async throws {
        let broken = [
            "assigned leads without exactly one active assignment":
                "lead l WHERE state = 'assigned' AND 1 <> (SELECT count(*) FROM assignment a WHERE a.lead_id = l.id AND a.active AND a.seller_id = l.owner_id)",
            "assignments of leads that are not assigned":
                "assignment a JOIN lead l ON l.id = a.lead_id WHERE a.active AND l.state <> 'assigned'",
            "loads that do not count their assignments": """
            seller_load s LEFT JOIN (SELECT seller_id, count(*) AS n, count(*) FILTER (WHERE active AND touched_at IS NULL) AS open
                FROM assignment GROUP BY seller_id) a USING (seller_id)
            WHERE s.pending <> COALESCE(a.open, 0) OR s.assigned <> COALESCE(a.n, 0)
            """,
            "leads without a receipt":
                "lead l WHERE NOT EXISTS (SELECT FROM decision_log d WHERE d.tenant_id = l.tenant_id AND d.lead_id = l.id AND d.epoch = l.assignment_epoch AND d.job_id = l.job_id)",
            "leads that were forgotten": "lead WHERE state = 'awaiting_assignment'",
            "leads given to someone not active": "lead l JOIN seller s ON s.id = l.owner_id WHERE s.status IS DISTINCT FROM 'active'",
        ]
        for (what, query) in broken { #expect(try await count(query) == 0, "\(what)", sourceLocation: sourceLocation) }
    }
}
