import Foundation
import Jobs
import Ledger
import PostgresClient
import Records
import Tenancy

/// How long it takes to rebuild the forecast of a large tenant, and to rebuild it again when a hundredth of it has changed.
///
/// The opportunities are made in the database: a fifth is open, each went through one to five stages, the open ones were acted on. The clock
/// runs from the job's grant to its end: facts read, model fitted, thirteen past weeks forecast to learn from, every opportunity weighed, lines
/// kept, forecast published; the second time also compared with the first.
public struct ForecastBenchmark: Sendable {
    public var opportunities: Int
    public var goalSeconds: Double

    public init(opportunities: Int = 1_000_000, goalSeconds: Double = 30) {
        self.opportunities = opportunities
        self.goalSeconds = goalSeconds
    }

    public struct Report: Codable, Sendable {
        public var suite = "forecast"
        public var opportunities: Int
        public var open: Int
        public var transitions: Int
        public var seconds: Double
        public var againSeconds: Double
        /// Of the worker and of Postgres, for the first: what it takes on a machine that does nothing else.
        public var workerCpuSeconds: Double
        public var postgresCpuSeconds: Double
        public var goalSeconds: Double
        public var machine: Machine
    }

    /// - Parameter executable: the `kiteline` program.
    public func run(executable: String) async throws -> Report {
        try await BenchServers.with { bench in
            try await bench.mustBeDurable()
            let tenant = try await bench.tenant("acme")
            try await make(bench, tenant)
            let fleet = bench.workers(executable)
            try fleet.start()
            let before = bench.cpu(processes: fleet.pids)
            let first = try await rebuild(bench, tenant)
            let used = bench.cpu(processes: fleet.pids) - before
            try await change(bench, tenant)
            let again = try await rebuild(bench, tenant)
            await fleet.stop()
            let bodies = try await bench.owner.query(
                """
                SELECT (body->>'open')::integer AS open,
                    (SELECT sum((c->>'sum_minor')::bigint) FROM jsonb_array_elements(body->'moved'->'changes') c)::bigint AS moved,
                    (SELECT sum((t->>'forecast_total_minor')::bigint) FROM jsonb_array_elements(body->'totals') t)::bigint AS total
                FROM forecast ORDER BY id
                """)
            guard bodies.count == 2 else { throw BenchmarkError.wrong("\(bodies.count) forecasts were published") }
            let totals: [Int64] = try bodies.map { try $0.get("total") }
            guard try bodies[1].get("moved", as: Int64?.self) == totals[1] - totals[0] else {
                throw BenchmarkError.wrong("what moved does not sum to the difference")
            }
            return Report(
                opportunities: opportunities, open: Int(try bodies[0].get("open", as: Int32.self)),
                transitions: try await bench.count("SELECT count(*) FROM stage_transition"), seconds: first, againSeconds: again,
                workerCpuSeconds: used.swift, postgresCpuSeconds: used.postgres,
                goalSeconds: goalSeconds, machine: .this)
        }
    }

    /// Everything about an opportunity follows from its number, so that a run is like any other.
    private func make(_ bench: BenchServers, _ tenant: TenantID) async throws {
        let statements: [Statement] = [
            """
            INSERT INTO opportunity (tenant_id, external_id, owner, industry, stage, won, amount_minor, currency, closed_at, opened_at, fields, seq)
            SELECT \(tenant.rawValue), 'o' || n, 's' || n % 500, 'steel',
                CASE WHEN n % 5 = 0 THEN 'stage' || 1 + n / 5 % 5 WHEN n % 5 < 3 THEN 'won' ELSE 'lost' END,
                CASE WHEN n % 5 = 0 THEN NULL ELSE n % 5 < 3 END, 10000 + n * 7919 % 9000000, 'CNY',
                CASE WHEN n % 5 > 0 THEN now() - make_interval(days => (n * 31 % 700)::integer) END,
                now() - make_interval(days => (n * 31 % 700 + n % 90)::integer), jsonb_build_object('product_line', 'p' || n % 7), 1
            FROM generate_series(1, \(opportunities)) n
            """,
            """
            INSERT INTO opportunity_clock (tenant_id, seq) VALUES (\(tenant.rawValue), 1)
            """,
            """
            INSERT INTO stage_transition (tenant_id, opportunity_id, seq, at, from_stage, to_stage, asked, actor, is_gated)
            SELECT o.tenant_id, o.id, 1,
                CASE WHEN o.won IS NULL THEN now() - make_interval(hours => ((6 - k) * (o.id % 60))::integer)
                    ELSE o.opened_at + (o.closed_at - o.opened_at) * (k - 1) / (1 + o.id % 5) END,
                CASE WHEN k > 1 THEN 'stage' || k - 1 END, 'stage' || k, 'stage' || k, 'bench', false
            FROM opportunity o CROSS JOIN LATERAL generate_series(1, 1 + (o.id / 5 % 5)::integer % CASE WHEN o.won IS NULL THEN 5 ELSE 4 END) k
            WHERE o.tenant_id = \(tenant.rawValue)
            """,
            """
            INSERT INTO opportunity_fact (tenant_id, opportunity_id, seq, at, actor, owner, industry, stage, won, amount_minor, currency, closed_at,
                self_entered, fields)
            SELECT tenant_id, id, 1, opened_at, 'bench', owner, industry, stage, won, amount_minor * 11 / 10, currency, closed_at, false, fields
            FROM opportunity WHERE tenant_id = \(tenant.rawValue)
            """,
            """
            INSERT INTO activity (tenant_id, subject_type, subject, type, at, actor, seq)
            SELECT tenant_id, 'opportunity', external_id, 'visit', now() - make_interval(days => (id % 9)::integer), owner, 1
            FROM opportunity WHERE tenant_id = \(tenant.rawValue) AND won IS NULL
            """,
            "ANALYZE",
        ]
        for statement in statements { _ = try await bench.owner.query(statement) }
    }

    private func change(_ bench: BenchServers, _ tenant: TenantID) async throws {
        _ = try await bench.owner.query(
            """
            UPDATE opportunity SET won = id % 2 = 0, closed_at = now(), stage = 'lost'
            WHERE tenant_id = \(tenant.rawValue) AND won IS NULL AND id % 100 = 0
            """)
        _ = try await bench.owner.query("UPDATE opportunity_clock SET seq = seq + 1 WHERE tenant_id = \(tenant.rawValue)")
    }

    /// Seconds from the job's grant to its end.
    private func rebuild(_ bench: BenchServers, _ tenant: TenantID) async throws -> Double {
        let arguments = Array(#"{"rolling":"current_quarter"}"#.utf8)
        let job = try await bench.ledger.enqueue([NewJob(tenant: tenant, kind: NewJob.rebuildForecastKind, arguments: arguments)])[0]
        try await bench.everythingPushed()
        try await bench.drained()
        let row = try await bench.owner.query(
            """
            SELECT outcome, extract(epoch FROM finished_at - started_at)::float8 AS seconds FROM job_history WHERE id = \(job.rawValue)
            """
        ).first
        guard let row, try row.get("outcome", as: String?.self) == "published" else {
            throw BenchmarkError.wrong("no forecast was published")
        }
        return try row.get("seconds")
    }
}
