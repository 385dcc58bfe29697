import Breakers
import DispatchIndex
import Foundation
import Jobs
import Ledger
import Synchronization
import Tenancy
import TestSupport
import Testing
import Worker

@testable import Maintenance

/// Dependencies that die and come back, seen by real workers.
@Suite struct BreakerStories {
    /// Something outside that answers some tenants and not others.
    private final class Outside: Sendable {
        private let state = Mutex<(down: Set<TenantID>, calls: [TenantID: Int])>(([], [:]))

        func call(by tenant: TenantID) -> Bool {
            state.withLock {
                $0.calls[tenant, default: 0] += 1
                return !$0.down.contains(tenant)
            }
        }

        func setDown(_ tenants: Set<TenantID>) { state.withLock { $0.down = tenants } }
        func calls(by tenant: TenantID) -> Int { state.withLock { $0.calls[tenant] ?? 0 } }
    }

    private func handler(_ outside: Outside) -> AnyHandler {
        Stub(retry: RetryPolicy(base: 0.02, cap: 0.02)) { job in
            if job.attempt.dependency != nil, !outside.call(by: job.tenant) { return .failed(.dependency, "the ERP does not answer") }
            return .completed("done")
        }.any
    }

    private func job(_ engine: Engine, _ tenant: TenantID, needs dependency: String?) -> NewJob {
        var job = engine.stub(tenant)
        job.dependency = dependency
        return job
    }

    private let settings = WorkerSettings(
        concurrency: 4, beat: .milliseconds(100), idle: .milliseconds(50), telling: .milliseconds(50),
        breakers: BreakerPolicy(base: 0.3, cap: 0.3, window: 0.05))

    @Test func `a dead dependency's work waits, is asked for a few times only, burns no attempt, and runs when it is back`() async throws {
        let engine = try await Engine()
        let tenant = try await engine.tenant()
        let outside = Outside()
        outside.setDown([tenant])
        try await engine.running([handler(outside)], settings: settings) { _ in
            _ = try await engine.ledger.enqueue((0..<200).map { _ in job(engine, tenant, needs: "erp") })
            try await expectSoon { try await engine.count("breaker WHERE state = 'open'") == 1 }
            _ = try await engine.ledger.enqueue((0..<50).map { _ in job(engine, tenant, needs: nil) })
            try await expectSoon { try await engine.count("job_history") == 50 }
            // Three more openings: every time one probe, no more.
            try await expectSoon { try await engine.count("breaker WHERE openings >= 4") == 1 }
            #expect(outside.calls(by: tenant) < 40, "200 jobs waited; \(outside.calls(by: tenant)) calls were made")

            outside.setDown([])
            try await expectSoon { try await engine.count("job_history") == 250 }
        }
        #expect(try await engine.count("job_history WHERE attempt > 1 OR state <> 'completed'") == 0)
        #expect(try await engine.count("breaker_event WHERE state = 'half_open'") >= 2)
    }

    @Test func `one tenant's broken credentials do not hold up another's work`() async throws {
        let engine = try await Engine()
        let (broken, well) = (try await engine.tenant("broken"), try await engine.tenant("well"))
        let outside = Outside()
        outside.setDown([broken])
        try await engine.running([handler(outside)], settings: settings) { _ in
            _ = try await engine.ledger.enqueue((0..<50).map { _ in job(engine, broken, needs: "erp") })
            try await expectSoon { try await engine.count("breaker WHERE state = 'open'") == 1 }
            _ = try await engine.ledger.enqueue((0..<50).map { _ in job(engine, well, needs: "erp") })
            try await expectSoon { try await engine.count("job_history WHERE tenant_id = \(well)") == 50 }
            #expect(try await engine.count("breaker WHERE tenant_id IS NULL OR tenant_id = \(well)") == 0)
        }
    }

    @Test func `three tenants that get no answer close a dependency to all, and it opens for all again`() async throws {
        let engine = try await Engine()
        var tenants: [TenantID] = []
        for slug in ["a", "b", "c", "d"] { tenants.append(try await engine.tenant(slug)) }
        let outside = Outside()
        outside.setDown(Set(tenants))
        try await engine.running([handler(outside)], settings: settings) { _ in
            _ = try await engine.ledger.enqueue(
                tenants.prefix(3).flatMap { tenant in (0..<20).map { _ in job(engine, tenant, needs: "erp") } })
            try await expectSoon { try await engine.count("breaker_event WHERE tenant_id IS NULL AND state = 'open'") >= 1 }
            outside.setDown([])
            _ = try await engine.ledger.enqueue((0..<20).map { _ in job(engine, tenants[3], needs: "erp") })
            try await expectSoon { try await engine.count("job_history WHERE state = 'completed'") == 80 }
            try await expectSoon { try await engine.count("breaker WHERE state <> 'closed'") == 0 }
        }
    }

    @Test func `a dependency that names a time is not asked before it`() async throws {
        let engine = try await Engine()
        let tenant = try await engine.tenant()
        let calls = Mutex<[Date]>([])
        let asked = Mutex<Date?>(nil)
        let handler = Stub { _ in
            calls.withLock { $0.append(Date()) }
            let isFirst = asked.withLock { time in
                defer { time = time ?? Date().addingTimeInterval(0.6) }
                return time == nil
            }
            return isFirst ? .failed(.rateLimited, "429", retryAfter: asked.withLock { $0 }) : .completed("done")
        }
        try await engine.running([handler.any], settings: settings) { _ in
            _ = try await engine.ledger.enqueue([job(engine, tenant, needs: "wecom")])
            // What is claimed before the index has been told is asked. On a busy machine the time may be over before this has looked.
            try await expectSoon {
                if asked.withLock({ time in time.map { Date() >= $0 } ?? false }) { return true }
                return try await engine.dispatch.gateLimits().contains { $0.value == 0 }
            }
            _ = try await engine.ledger.enqueue((0..<10).map { _ in job(engine, tenant, needs: "wecom") })
            try await expectSoon { try await engine.count("job_history WHERE state = 'completed'") == 11 }
        }
        let (until, times) = (asked.withLock { $0! }, calls.withLock { $0 })
        #expect(times.dropFirst().allSatisfy { $0 >= until })
    }

    @Test func `a breaker opened by a person holds until a person closes it, and both are remembered`() async throws {
        let engine = try await Engine()
        let tenant = try await engine.tenant()
        let outside = Outside()
        let key = BreakerKey(tenant: tenant, dependency: "erp")
        try await engine.running([handler(outside)], settings: settings) { _ in
            let opened = try await engine.ledger.force(key, open: true, reason: "they move their servers", by: "op")
            try await engine.dispatch.limit(gates: opened.gates)
            let ids = try await engine.ledger.enqueue((0..<10).map { _ in job(engine, tenant, needs: "erp") })
            _ = try await engine.ledger.enqueue([job(engine, tenant, needs: nil)])
            try await expectSoon { try await engine.count("job_history") == 1 }
            try await expectSoon {
                if case .atGate(.tenantDependency(tenant, "erp"), _) = try await engine.dispatch.explain(
                    ids[3], tenant: tenant, flow: "stub@erp", priority: 5)
                {
                    true
                } else {
                    false
                }
            }
            #expect(outside.calls(by: tenant) == 0)
            try await engine.loseIndex()
            try await expectSoon {
                guard engine.dispatch.epoch != nil else { return false }
                return (try? await engine.dispatch.ready(of: tenant)) == 10
            }
            #expect(outside.calls(by: tenant) == 0, "a rebuilt index knows of the breaker")

            let closed = try await engine.ledger.force(key, open: false, reason: "moved", by: "op")
            try await engine.dispatch.limit(gates: closed.gates)
            try await expectSoon { try await engine.count("job_history") == 11 }
        }
        #expect(try await engine.count("breaker_event WHERE set_by = 'op'") == 2)
    }

    @Test func `a probe that hangs ends at its time limit and opens the breaker again, until one is answered`() async throws {
        let engine = try await Engine()
        let tenant = try await engine.tenant()
        let outside = Outside()
        outside.setDown([tenant])
        let handler = Stub(retry: RetryPolicy(base: 0.02, cap: 0.02), timeout: .milliseconds(100)) { job in
            if !outside.call(by: job.tenant) { try await Task.sleep(for: .seconds(3_600)) }
            return .completed("done")
        }
        try await engine.running([handler.any], settings: settings) { _ in
            // What ends at its time limit is charged: with five attempts, all might be over before the breaker was judged for the third time.
            let jobs = (0..<20).map { _ in
                var job = job(engine, tenant, needs: "erp")
                job.maxAttempts = 10_000
                return job
            }
            _ = try await engine.ledger.enqueue(jobs)
            try await expectSoon { try await engine.count("breaker WHERE openings >= 3") == 1 }

            outside.setDown([])
            try await expectSoon { try await engine.count("job_history WHERE state = 'completed'") == 20 }
        }
    }

    @Test func `a probe whose worker dies holds its place until its claim is taken back, and then another asks`() async throws {
        let engine = try await Engine()
        let tenant = try await engine.tenant()
        let outside = Outside()
        outside.setDown([tenant])
        try await engine.running([handler(outside)], settings: settings) { _ in
            // With five attempts all might be over before the breaker is judged.
            let jobs = (0..<20).map { _ in
                var job = job(engine, tenant, needs: "erp")
                job.maxAttempts = 10_000
                return job
            }
            _ = try await engine.ledger.enqueue(jobs)
            try await expectSoon { try await engine.count("breaker WHERE state = 'open'") == 1 }
        }
        outside.setDown([])
        let calls = outside.calls(by: tenant)

        // A worker that is about to die is the one that asks.
        let victim = try await engine.ledger.register(host: "victim", pid: 1)
        var probes: [Attempt] = []
        // Who ended a moment ago may have opened the breaker in the ledger and not told the index.
        let keeper = LimitKeeper(ledger: engine.ledger, dispatch: engine.dispatch)
        try await keeper.run()
        try await expectSoon {
            _ = try await engine.ledger.judgeBreakers(policy: settings.breakers)
            try await keeper.run()
            let claims = try await engine.dispatch.claim(10).claims
            guard !claims.isEmpty else { return false }
            probes += try await engine.ledger.begin(
                claims.map { ClaimedJob(id: $0.id, token: $0.token) }, worker: victim, epoch: engine.dispatch.epoch ?? 0
            ).attempts
            return true
        }
        #expect(probes.count == 1)
        #expect(try await engine.dispatch.claim(10).claims.isEmpty, "nobody else asks meanwhile")

        try await engine.running([handler(outside)], settings: settings) { _ in
            _ = try await engine.postgres.query("UPDATE worker SET beat_at = clock_timestamp() - interval '1 hour' WHERE id = \(victim)")
            let reaper = WorkerReaper(ledger: engine.ledger, dispatch: engine.dispatch, silence: .seconds(60), logger: engine.logger)
            for _ in 0..<2 { try await reaper.run() }
            try await expectSoon { try await engine.count("job_history WHERE state = 'completed'") == 20 }
        }
        #expect(outside.calls(by: tenant) == calls + 20)
        #expect(try await engine.count("job_history WHERE attempt > 1") == 0, "a death is not its fault")
    }

    @Test func `a node that is cut off for itself keeps a dependency from nobody`() async throws {
        let engine = try await Engine()
        let tenant = try await engine.tenant()
        let (cutOff, well) = (Outside(), Outside())
        cutOff.setDown([tenant])
        well.setDown([tenant])
        try await engine.running([handler(cutOff)], settings: settings) { _ in
            try await engine.running([handler(well)], settings: settings) { _ in
                _ = try await engine.ledger.enqueue((0..<60).map { _ in job(engine, tenant, needs: "erp") })
                try await expectSoon { try await engine.count("breaker WHERE state = 'open'") == 1 }

                well.setDown([])
                try await expectSoon { try await engine.count("job_history WHERE state = 'completed'") == 60 }
                #expect(cutOff.calls(by: tenant) < 40, "\(cutOff.calls(by: tenant)) calls were made in vain")
            }
        }
    }
}
