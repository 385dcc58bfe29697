import Breakers
import DispatchIndex
import Foundation
import Jobs
import Ledger
import Tenancy
import TestSupport
import Testing
import Worker

/// Jobs that wait at a breaker for longer than their kind may.
@Suite struct ParkingTests {
    private func parked(_ engine: Engine, _ tenant: TenantID, needs dependency: String? = "erp", unique: String? = nil) -> NewJob {
        var job = engine.probe(tenant, unique: unique)
        job.dependency = dependency
        return job
    }

    /// The breaker of a tenant's dependency has been down for so many seconds.
    private func down(_ engine: Engine, _ tenant: TenantID?, _ dependency: String, for seconds: Double) async throws {
        let key = BreakerKey(tenant: tenant, dependency: dependency)
        _ = try await engine.ledger.force(key, open: true, reason: "it is gone", by: "test")
        _ = try await engine.postgres.query(
            """
            UPDATE breaker SET down_since = clock_timestamp() - make_interval(secs => \(seconds)), changed_at = clock_timestamp()
            WHERE dependency = \(dependency)
            """)
    }

    private func age(_ engine: Engine, _ ids: [JobID], by seconds: Double) async throws {
        _ = try await engine.postgres.query(
            """
            UPDATE job_live SET enqueued_at = enqueued_at - make_interval(secs => \(seconds)), run_at = run_at - make_interval(secs => \(seconds))
            WHERE id = ANY(\(ids.map(\.rawValue)))
            """)
    }

    @Test func `a job that waited too long at a breaker is a dead letter of its dependency, and can be redriven`() async throws {
        let engine = try await Engine()
        let (tenant, other) = (try await engine.tenant(), try await engine.tenant("other"))
        let old = try await engine.enqueue([parked(engine, tenant, unique: "k")])
        let young = try await engine.enqueue([parked(engine, tenant)])
        let elsewhere = try await engine.enqueue([
            parked(engine, other), parked(engine, tenant, needs: "crm"), parked(engine, tenant, needs: nil),
        ])
        try await age(engine, old + elsewhere, by: 100)
        try await down(engine, tenant, "erp", for: 90)
        _ = try await engine.postgres.query(
            "INSERT INTO event_listener (tenant_id, until) VALUES (\(tenant.rawValue), now() + interval '1 day')")

        #expect(try await engine.ledger.endParked([:]) == 0)
        #expect(try await engine.ledger.endParked(["probe": .seconds(95)]) == 0, "the breaker went down later than that")
        #expect(try await engine.ledger.endParked(["stub": .seconds(60)]) == 0)
        #expect(try await engine.ledger.endParked(["stub": .seconds(60), "probe": .seconds(95)]) == 0, "nor for another's sake")
        #expect(try await engine.ledger.endParked(["probe": .seconds(60)]) == 1)
        #expect(try await engine.ledger.endParked(["probe": .seconds(60)]) == 0)

        #expect(try await engine.count("job_history WHERE id = \(old[0]) AND state = 'discarded' AND error_class = 'dependency'") == 1)
        #expect(try await engine.count("dlq WHERE id = \(old[0]) AND error_class = 'dependency' AND error LIKE '%it is gone%'") == 1)
        #expect(try await engine.count("event WHERE type = 'job.discarded' AND body->>'error_class' = 'dependency'") == 1)
        #expect(try await engine.count("job_unique") == 0)
        #expect(try await engine.count("job_live") == 4)
        #expect(try await engine.count("job_live WHERE id = \(young[0])") == 1)

        _ = try await engine.postgres.transaction { try $0.retry(old[0], of: tenant) }
        #expect(try await engine.count("job_live WHERE id = \(old[0]) AND run = 2") == 1)
        #expect(try await engine.ledger.endParked(["probe": .seconds(60)]) == 0, "another run, another wait")
    }

    @Test func `everybody's breaker counts for all tenants, a pause for none, and what runs is left alone`() async throws {
        let engine = try await Engine()
        let (tenant, other) = (try await engine.tenant(), try await engine.tenant("other"))
        let ids = try await engine.enqueue([parked(engine, tenant), parked(engine, other), parked(engine, tenant, needs: "crm")])
        let running = try await engine.enqueue([parked(engine, tenant)])
        try await age(engine, ids + running, by: 100)
        _ = try await engine.postgres.query("UPDATE job_live SET state = 'running' WHERE id = \(running[0].rawValue)")
        _ = try await engine.postgres.query(
            "INSERT INTO gate_limit (gate, source, \"limit\", reason, set_by) VALUES ('d:crm', 'pause', 0, 'paused', 'test')")
        try await down(engine, nil, "erp", for: 90)

        #expect(try await engine.ledger.endParked(["probe": .seconds(60)]) == 2)
        #expect(try await engine.count("job_live") == 2)
    }

    @Test func `what people paused stays paused while its breaker recovers, and both ways are in the audit log`() async throws {
        let engine = try await Engine()
        let tenant = try await engine.tenant()
        let worker = try await engine.ledger.register(host: "test", pid: 1)
        let (key, gate) = (BreakerKey(tenant: tenant, dependency: "erp"), "\(tenant)/d:erp")
        let policy = BreakerPolicy(base: 0, cap: 0, successes: 1, rampFrom: 1, rampTo: 2, window: 0)
        func state() async throws -> String { try await engine.postgres.query("SELECT state FROM breaker").first!.get("state") }
        func judged(_ epoch: Int64, score: Double = 0, answered: Int = 0, failed: Int = 0) async throws -> [String: Int?] {
            _ = try await engine.ledger.report(
                [DependencyReport(key: key, epoch: epoch, score: score, answered: answered, failed: failed, throttledUntil: nil)],
                by: worker)
            return try await engine.ledger.judgeBreakers(policy: policy)
        }
        func limit(_ most: Int, _ source: String) async throws {
            _ = try await engine.postgres.query(
                "INSERT INTO gate_limit (gate, source, \"limit\", reason, set_by) VALUES (\(gate), \(source), \(Int32(most)), 'repairs', 'test')"
            )
        }

        #expect(try await judged(1, score: 10, failed: 5) == [gate: 0])
        try await limit(0, "pause")
        try await limit(1, "limit")
        var seen: [Int?] = []
        try await expectSoon {
            let epoch: Int64 = try await engine.postgres.query("SELECT epoch FROM breaker").first!.get("epoch")
            for (_, limit) in try await judged(epoch, answered: 1) { seen.append(limit) }
            return try await state() == "closed"
        }
        #expect(seen.count >= 3 && seen.allSatisfy { $0 == 0 }, "\(seen)")
        _ = try await engine.postgres.query("DELETE FROM gate_limit WHERE source = 'pause'")
        #expect(try await engine.ledger.limit(of: gate) == 1)
        for action in ["breaker.open", "breaker.close"] {
            #expect(try await engine.count("audit_log WHERE action = '\(action)' AND subject = 'erp' AND actor = 'kiteline'") == 1)
        }
    }

    @Test func `probes that fail do not begin the wait anew, a recovery does`() async throws {
        let engine = try await Engine()
        let tenant = try await engine.tenant()
        let worker = try await engine.ledger.register(host: "test", pid: 1)
        let key = BreakerKey(tenant: tenant, dependency: "erp")
        let policy = BreakerPolicy(base: 0, cap: 0, successes: 1, rampFrom: 1, rampTo: 1, window: 0)
        func report(_ epoch: Int64, score: Double = 0, answered: Int = 0, failed: Int = 0) async throws {
            _ = try await engine.ledger.report(
                [DependencyReport(key: key, epoch: epoch, score: score, answered: answered, failed: failed, throttledUntil: nil)],
                by: worker)
            _ = try await engine.ledger.judgeBreakers(policy: policy)
        }
        func since() async throws -> Date? {
            try await engine.postgres.query("SELECT down_since FROM breaker").first!.get("down_since", as: Date?.self)
        }
        func state() async throws -> String { try await engine.postgres.query("SELECT state FROM breaker").first!.get("state") }

        try await report(1, score: 10, failed: 5)
        let first = try #require(try await since())
        try await expectSoon {
            _ = try await engine.ledger.judgeBreakers(policy: policy)
            return try await state() == "half_open"
        }
        try await report(3, score: 3, failed: 1)
        #expect(try await since() == first)
        try await expectSoon {
            _ = try await engine.ledger.judgeBreakers(policy: policy)
            return try await state() == "half_open"
        }
        let epoch: Int64 = try await engine.postgres.query("SELECT epoch FROM breaker").first!.get("epoch")
        try await report(epoch, answered: 1)
        #expect(try await since() == nil)
    }
}
