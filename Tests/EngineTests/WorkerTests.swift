import DispatchIndex
import Foundation
import JobKinds
import Jobs
import Ledger
import Maintenance
import Records
import RedisClient
import ServiceLifecycle
import Synchronization
import Tenancy
import TestSupport
import Testing
import Worker

@Suite struct WorkerTests {
    @Test func `a thousand jobs of two tenants are each done once`() async throws {
        let engine = try await Engine()
        let a = try await engine.tenant("a")
        let b = try await engine.tenant("b", weight: 3)
        try await engine.running([engine.probeHandler]) { _ in
            _ = try await engine.ledger.enqueue((0..<500).flatMap { [engine.probe(a, key: "a\($0)"), engine.probe(b, key: "b\($0)")] })

            try await expectSoon { try await engine.count("job_history WHERE state = 'completed'") == 1_000 }
        }

        #expect(try await engine.count("probe_effect") == 1_000)
        #expect(try await engine.count("(SELECT DISTINCT effect_key FROM probe_effect) e") == 1_000)
        #expect(try await engine.count("job_live") == 0)
        #expect(try await engine.index("HLEN", "run") == 0)
        #expect(try await engine.index("ZCARD", "lease") == 0)
    }

    @Test func `a worker of some kinds is woken by the bell, not by the time`() async throws {
        let engine = try await Engine()
        let tenant = try await engine.tenant()
        let settings = WorkerSettings(beat: .milliseconds(100), idle: .seconds(3_600), aside: .seconds(3_600), kinds: ["probe"])
        try await engine.running([engine.probeHandler], settings: settings) { _ in
            for number in 1...3 {
                _ = try await engine.ledger.enqueue([engine.probe(tenant, key: "e\(number)")])

                try await expectSoon { try await engine.count("job_history WHERE state = 'completed'") == number }
            }
        }
    }

    @Test func `a failing job is tried again until it succeeds, and its attempts are counted`() async throws {
        let engine = try await Engine()
        let tenant = try await engine.tenant()
        try await engine.running([
            Stub(retry: RetryPolicy(base: 0.01, cap: 0.02)) { $0.attempt.number < 3 ? .failed(.transient, "not yet") : .completed("done") }
                .any
        ]) { _ in
            _ = try await engine.ledger.enqueue([engine.stub(tenant)])

            try await expectSoon { try await engine.count("job_history WHERE state = 'completed' AND attempt = 3") == 1 }
        }
    }

    @Test func `a job of an unknown kind waits for a worker that knows it`() async throws {
        let engine = try await Engine()
        let tenant = try await engine.tenant()
        try await engine.running([engine.probeHandler]) { _ in
            _ = try await engine.ledger.enqueue([engine.stub(tenant)])

            try await expectSoon {
                try await engine.count("job_live WHERE state = 'retryable' AND attempt = 0 AND error_class = 'dependency'") == 1
            }
        }
        #expect(try await engine.count("job_history") == 0)
    }

    @Test func `arguments that do not fit set the job aside at once`() async throws {
        let engine = try await Engine()
        let tenant = try await engine.tenant()
        try await engine.running([engine.probeHandler]) { _ in
            _ = try await engine.ledger.enqueue([NewJob(tenant: tenant, kind: "probe", arguments: Array(#"{"sleep_ms":"long"}"#.utf8))])

            try await expectSoon { try await engine.count("dlq WHERE error_class = 'permanent'") == 1 }
        }
    }

    @Test func `an attempt that takes too long fails, and its late answer is not heard`() async throws {
        let engine = try await Engine()
        let tenant = try await engine.tenant()
        let gate = Gate()
        let slow = Stub(timeout: .milliseconds(50)) { _ in
            await gate.wait()
            return .completed("late")
        }
        try await engine.running([slow.any]) { _ in
            _ = try await engine.ledger.enqueue([engine.stub(tenant, attempts: 1)])

            try await expectSoon { try await engine.count("dlq WHERE error LIKE 'the attempt took longer%'") == 1 }
            gate.open()
        }
        #expect(try await engine.count("job_history WHERE state = 'discarded'") == 1)
        #expect(try await engine.count("job_history") == 1)
    }

    @Test func `a slow job does not hold up those that were claimed with it`() async throws {
        let engine = try await Engine()
        let tenant = try await engine.tenant()
        let gate = Gate()
        let kind = Stub { job in
            if job.arguments.n == 0 { await gate.wait() }
            return .completed("done")
        }
        try await engine.running([kind.any]) { _ in
            _ = try await engine.ledger.enqueue((0..<50).map { engine.stub(tenant, n: $0) })

            try await expectSoon { try await engine.count("job_history") == 49 }
            gate.open()
            try await expectSoon { try await engine.count("job_history") == 50 }
        }
    }

    @Test func `a draining worker lets running jobs finish`() async throws {
        let engine = try await Engine()
        let tenant = try await engine.tenant()
        let gate = Gate()
        let started = Mutex(0)
        let kind = Stub { _ in
            started.withLock { $0 += 1 }
            await gate.wait()
            return .completed("done")
        }
        try await engine.running([kind.any]) { group in
            _ = try await engine.ledger.enqueue((0..<5).map { engine.stub(tenant, n: $0) })
            try await expectSoon { started.withLock { $0 } == 5 }

            await group.triggerGracefulShutdown()
            gate.open()
        }
        #expect(try await engine.count("job_history WHERE state = 'completed'") == 5)
    }

    @Test func `a worker that somebody asks to drain takes nothing new, ends what runs, and ends`() async throws {
        let engine = try await Engine()
        let tenant = try await engine.tenant()
        let (begun, goOn) = (Gate(), Gate())
        let kind = Stub { _ in
            begun.open()
            await goOn.wait()
            return .completed("done")
        }
        let worker = engine.worker(WorkerSettings(concurrency: 1, beat: .milliseconds(20), idle: .milliseconds(50)), handlers: [kind.any])
        let running = Task { try await worker.run() }
        _ = try await engine.enqueue([engine.stub(tenant), engine.stub(tenant)])
        await begun.wait()

        _ = try await engine.postgres.query("UPDATE worker SET drain_asked_at = clock_timestamp()")
        let beat = try await engine.postgres.query("SELECT beat FROM worker").first!.get("beat", as: Int64.self)
        try await expectSoon { try await engine.postgres.query("SELECT beat FROM worker").first!.get("beat", as: Int64.self) > beat + 1 }
        goOn.open()
        try await running.value

        #expect(try await engine.count("job_history") == 1)
        #expect(try await engine.count("job_live WHERE state = 'available' AND attempt = 0") == 1)
        #expect(try await engine.count("worker WHERE stopped_at IS NOT NULL") == 1)
    }

    @Test func `a draining worker gives unfinished jobs back with their attempt restored`() async throws {
        let engine = try await Engine()
        let tenant = try await engine.tenant()
        let started = Mutex(0)
        let kind = Stub { _ in
            started.withLock { $0 += 1 }
            try await Task.sleep(for: .seconds(3600))
            return .completed("never")
        }
        try await engine.running([kind.any], settings: WorkerSettings(drain: .milliseconds(100))) { group in
            _ = try await engine.ledger.enqueue((0..<5).map { engine.stub(tenant, n: $0) })
            try await expectSoon { started.withLock { $0 } == 5 }

            await group.triggerGracefulShutdown()
        }
        #expect(try await engine.count("job_live WHERE state = 'available' AND attempt = 0 AND lost = 0") == 5)
        #expect(try await engine.count("job_history") == 0)
        #expect(try await engine.dispatch.claim(10).claims.count == 5, "ready for others at once")
    }

    @Test func `jobs that heed a drain at once go back with their attempt restored too`() async throws {
        let engine = try await Engine()
        let tenant = try await engine.tenant()
        let started = Mutex(0)
        let kind = Stub { _ in
            started.withLock { $0 += 1 }
            try await withTaskCancellationHandler {
                try await Task.sleep(for: .seconds(3600))
            } onCancel: {
                // Cancelling takes a while, in which the job cancelled before answers. Nothing is awaited here, so nothing else can.
                Thread.sleep(forTimeInterval: 0.02)
            }
            return .completed("never")
        }
        try await engine.running([kind.any], settings: WorkerSettings(drain: .milliseconds(100))) { group in
            _ = try await engine.ledger.enqueue((0..<5).map { engine.stub(tenant, n: $0) })
            try await expectSoon { started.withLock { $0 } == 5 }

            await group.triggerGracefulShutdown()
        }
        #expect(try await engine.count("job_live WHERE state = 'available' AND attempt = 0 AND lost = 0") == 5)
    }

    @Test func `jobs of a process that vanished are run by another`() async throws {
        let engine = try await Engine(lease: .milliseconds(300))
        let tenant = try await engine.tenant()
        try await engine.enqueue((0..<20).map { engine.probe(tenant, key: "\($0)") })
        let vanished = try await engine.begin(10)
        let claimedOnly = try await engine.dispatch.claim(5).claims
        #expect(vanished.count == 10 && claimedOnly.count == 5)

        try await engine.running([engine.probeHandler]) { _ in
            try await expectSoon { try await engine.count("job_history WHERE state = 'completed'") == 20 }
        }

        #expect(try await engine.count("probe_effect") == 20)
        #expect(try await engine.count("job_history WHERE lost = 1 AND attempt = 1") == 10)
        #expect(try await engine.settle(vanished).lost.count == 10)
    }

    @Test func `a worker that stopped beating loses its jobs even if Redis never knew`() async throws {
        let engine = try await Engine()
        let tenant = try await engine.tenant()
        let dead = try await engine.ledger.register(host: "gone", pid: 1)
        _ = try await engine.ledger.enqueue([engine.probe(tenant)])
        _ = try await engine.postgres.query(
            "UPDATE job_live SET state = 'running', fence = 1, attempt = 1, claim_token = 7, worker_id = \(dead)")

        try await engine.running(
            [engine.probeHandler], upkeep: MaintenanceSettings(silence: .milliseconds(200), census: .milliseconds(200))
        ) { _ in
            try await expectSoon { try await engine.count("job_history WHERE state = 'completed' AND lost = 1") == 1 }
        }
    }

    @Test func `what was committed but never pushed is relayed`() async throws {
        let engine = try await Engine()
        let tenant = try await engine.tenant()
        let epoch = engine.dispatch.epoch
        engine.dispatch.adopt(nil)
        _ = try await engine.ledger.enqueue([engine.probe(tenant)])
        engine.dispatch.adopt(epoch)
        #expect(try await engine.dispatch.ready(of: tenant) == 0)

        try await engine.running([engine.probeHandler]) { _ in
            try await expectSoon { try await engine.count("job_history") == 1 }
            try await expectSoon { try await engine.outbox() == 0 }
        }
    }

    @Test func `a job due beyond the horizon is promoted when it comes near`() async throws {
        let engine = try await Engine()
        let tenant = try await engine.tenant()
        let ids = try await engine.ledger.enqueue([engine.probe(tenant, runAt: Date(timeIntervalSinceNow: 3600))])
        #expect(try await engine.index("ZCARD", "sch") == 0)
        _ = try await engine.postgres.pipeline([
            "UPDATE job_sched SET run_at = now()", "UPDATE job_live SET run_at = now() WHERE id = \(ids[0].rawValue)",
        ])

        try await engine.running([engine.probeHandler]) { _ in
            try await expectSoon { try await engine.count("job_history") == 1 }
        }
    }

    @Test func `losing all of Redis in the middle loses and doubles nothing`() async throws {
        let engine = try await Engine(lease: .seconds(2))
        let tenant = try await engine.tenant()
        try await engine.running([engine.probeHandler]) { _ in
            for round in 0..<10 {
                _ = try await engine.ledger.enqueue((0..<200).map { engine.probe(tenant, key: "\(round).\($0)") })
                if round % 3 == 1 { try await engine.loseIndex() }
            }

            try await expectSoon { try await engine.count("job_history WHERE state = 'completed'") == 2_000 }
        }
        #expect(try await engine.count("probe_effect") == 2_000)
        #expect(try await engine.count("(SELECT DISTINCT effect_key FROM probe_effect) e") == 2_000)
    }

    @Test func `a job that died twice runs alone`() async throws {
        let engine = try await Engine()
        let tenant = try await engine.tenant()
        let company = Mutex<(running: Int, withSuspect: Int)>((0, 0))
        let kind = Stub { job in
            company.withLock {
                $0.running += 1
                if job.attempt.lost >= 2 { $0.withSuspect = max($0.withSuspect, $0.running) }
            }
            try await Task.sleep(for: .milliseconds(5))
            company.withLock { $0.running -= 1 }
            return .completed("done")
        }
        let ids = try await engine.ledger.enqueue((0..<60).map { engine.stub(tenant, n: $0) })
        _ = try await engine.postgres.query("UPDATE job_live SET lost = 2 WHERE id = ANY(\([ids[10].rawValue, ids[11].rawValue]))")

        try await engine.running([kind.any], settings: WorkerSettings(concurrency: 80)) { _ in
            try await expectSoon { try await engine.count("job_history") == 60 }
        }

        #expect(company.withLock { $0.withSuspect } == 1)
    }

    @Test func `decisions of one tenant see each other, and stale ones are made again`() async throws {
        let writer = CountingWriter()
        let engine = try await Engine(effects: writer)
        let tenant = try await engine.tenant()
        let handler = AnyHandler(Sequential(writer: writer))
        try await engine.running([handler]) { _ in
            _ = try await engine.ledger.enqueue((0..<300).map { engine.stub(tenant, kind: "sequential", n: $0) })

            try await expectSoon { try await engine.count("job_history WHERE state = 'completed' AND attempt = 1") == 300 }
        }
        #expect(writer.numbers == Array(1...300), "each number once, although some groups were decided twice")
        #expect(writer.refused > 0)
    }
}
