import Foundation
import Jobs
import Ledger
import Records
import Tenancy

/// How long it takes to work out process health from facts: all of half a year, and then the running week and the last three once more, as it is
/// done every hour.
///
/// The clock runs from the grant of the first job to the end of the last. Facts are written before, straight into the tables: leads with
/// owners, touches and visits, follow-ups with words, replies and quotations.
public struct ProcessHealthBenchmark: Sendable {
    public var sellers: Int
    public var weeks: Int
    public var workers: Int

    public init(sellers: Int = 10_000, weeks: Int = 26, workers: Int = 2) {
        self.sellers = sellers
        self.weeks = weeks
        self.workers = workers
    }

    public struct Report: Codable, Sendable {
        public var suite = "spi"
        public var sellers: Int
        public var weeks: Int
        public var workers: Int
        /// Activities and leads that were read.
        public var facts: Int
        public var sellerWeeks: Int
        public var seconds: Double
        public var sellerWeeksPerSecond: Double
        /// Of the running week and the last three, when nothing is new.
        public var hourlySeconds: Double
        public var withIndex: Int
        public var machine: Machine
    }

    /// - Parameter executable: the `kiteline` program.
    public func run(executable: String) async throws -> Report {
        try await BenchServers.with { bench in
            try await bench.mustBeDurable()
            let tenant = try await bench.tenant("bench-health")
            try await fill(bench, tenant)
            let facts =
                try await bench.count("SELECT count(*) FROM activity") + (try await bench.count("SELECT count(*) FROM lead"))
            let whole = try await score(bench, tenant, weeks: weeks, executable)
            let kept = try await bench.count("SELECT count(*) FROM health_week WHERE complete")
            guard kept == sellers * weeks else { throw BenchmarkError.wrong("\(sellers * weeks) weeks of sellers, \(kept) kept") }
            let hourly = try await score(bench, tenant, weeks: 3, executable)
            let after = try await bench.count("SELECT count(*) FROM health_week WHERE complete")
            guard after == kept else { throw BenchmarkError.wrong("nothing was new, yet \(after - kept) versions were added") }
            return Report(
                sellers: sellers, weeks: weeks, workers: workers, facts: facts, sellerWeeks: kept, seconds: whole,
                sellerWeeksPerSecond: Double(kept) / whole, hourlySeconds: hourly,
                withIndex: try await bench.count("SELECT count(*) FROM health_week WHERE status = 'ok' AND complete"), machine: .this)
        }
    }

    private func score(_ bench: BenchServers, _ tenant: TenantID, weeks: Int, _ executable: String) async throws -> Double {
        let last = try await bench.count("SELECT COALESCE(max(id), 0) FROM job")
        _ = try await bench.ledger.enqueue([.scoreHealth(of: tenant, weeks: weeks, isChained: false)])
        try await bench.everythingPushed()
        _ = try await bench.workOff(with: workers, executable)
        let row = try await bench.owner.query(
            """
            SELECT extract(epoch FROM max(finished_at) - min(started_at))::float8 AS seconds, count(*) FILTER (WHERE state <> 'completed') AS failed
            FROM job_history WHERE kind = \(NewJob.runHealthKind) AND id > \(Int64(last))
            """
        ).first
        guard let row, try row.get("failed", as: Int64.self) == 0, let seconds = try row.get("seconds", as: Double?.self) else {
            throw BenchmarkError.wrong("a job of process health did not end well")
        }
        return seconds
    }

    private func fill(_ bench: BenchServers, _ tenant: TenantID) async throws {
        let id = tenant.rawValue
        _ = try await bench.owner.query(
            """
            INSERT INTO seller (tenant_id, external_id, name, team, status)
            SELECT \(id), 's' || n, 'Seller ' || n, 't' || n / 12, 'active' FROM generate_series(1, \(Int64(sellers))) n
            """)
        // Two leads a seller and week, from five weeks before the first week on, since they count when their fourteen days end.
        _ = try await bench.owner.query(
            """
            INSERT INTO lead (tenant_id, external_id, source, received_at, fields, state, owner_id, assignment_epoch, created_at)
            SELECT \(id), s.id || '-' || w || '-' || k, 'bench', at, '{}', 'assigned', s.id, 1, at
            FROM seller s, generate_series(1, \(Int64(weeks + 3))) w, generate_series(0, 1) k,
                LATERAL (SELECT now() - make_interval(days => (w * 7 + k * 3)::integer, mins => (s.id % 1440)::integer) AS at) t
            WHERE s.tenant_id = \(id)
            """)
        _ = try await bench.owner.query(
            """
            INSERT INTO assignment (tenant_id, lead_id, epoch, seller_id, job_id, assigned_at)
            SELECT tenant_id, id, 1, owner_id, 0, received_at FROM lead WHERE tenant_id = \(id)
            """)
        // Touches and visits of leads; follow-ups of six deals a seller every three or four days, with replies and quotations.
        _ = try await bench.owner.query(
            """
            INSERT INTO activity (tenant_id, subject_type, subject, type, at, recorded_at, actor)
            SELECT l.tenant_id, 'lead', l.external_id, t.type, t.at, t.at, 's' || (l.owner_id - (SELECT min(id) FROM seller) + 1)
            FROM lead l, LATERAL (VALUES ('touch', l.received_at + interval '2 minutes'), ('visit', l.received_at + interval '5 days')) AS t(type, at)
            WHERE l.tenant_id = \(id) AND (t.type = 'touch' OR l.id % 10 > 1) AND t.at < now()
            """)
        _ = try await bench.owner.query(
            """
            INSERT INTO activity (tenant_id, subject_type, subject, type, at, recorded_at, actor, data)
            SELECT \(id), 'opportunity', s.id || '-' || d, e.type, e.at, e.at, CASE WHEN e.type <> 'reply' THEN s.external_id END,
                CASE WHEN e.type = 'follow_up' THEN '{"our_action": "sent the revised layout", "customer_next_step": "shows it to the board"}' ELSE '{}' END::jsonb
            FROM seller s, generate_series(1, 4) d, generate_series(0, \(Int64(weeks * 2 + 2))) n,
                LATERAL (SELECT now() - make_interval(hours => (n * 80 + d * 7)::integer, mins => (s.id % 60)::integer) AS at) t,
                LATERAL (VALUES ('follow_up', t.at), ('reply', t.at + interval '20 hours'), ('quotation', t.at + interval '30 hours')) AS e(type, at)
            WHERE s.tenant_id = \(id) AND e.at < now() AND (e.type = 'follow_up' OR (e.type = 'reply' AND n % 3 > 0) OR (e.type = 'quotation' AND n % 4 = 0))
            """)
        for table in ["seller", "lead", "assignment", "activity"] { _ = try await bench.owner.query("ANALYZE \(unescaped: table)") }
    }
}
