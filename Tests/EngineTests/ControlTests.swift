import DispatchIndex
import Foundation
import Jobs
import Ledger
import PostgresClient
import Synchronization
import Tenancy
import TestSupport
import Testing
import Worker

@Suite struct ControlTests {
    // MARK: Cancelling

    @Test func `a waiting job that is cancelled has ended, and its unique key is free`() async throws {
        let engine = try await Engine()
        let tenant = try await engine.tenant()
        let id = try await engine.enqueue([engine.probe(tenant, unique: "u")])[0]

        let first = try await engine.cancel(id, of: tenant, "no longer wanted")
        let second = try await engine.cancel(id, of: tenant, "again")
        let begun = try await engine.begin()
        let next = try await engine.ledger.enqueue([engine.probe(tenant, unique: "u")])

        #expect(first == .ended)
        #expect(second == .wasOver(.cancelled))
        #expect(begun.isEmpty, "what Redis still held is not granted")
        #expect(next[0] != id)
        #expect(try await engine.count("job_history WHERE id = \(id) AND state = 'cancelled' AND error = 'no longer wanted'") == 1)
        #expect(try await engine.count("job_history WHERE id = \(id)") == 1)
    }

    @Test func `a job cancelled while it is begun either never runs or is asked to stop`() async throws {
        let engine = try await Engine()
        let tenant = try await engine.tenant()
        let ids = try await engine.enqueue((0..<40).map { engine.probe(tenant, key: "\($0)") })
        let claims = try await engine.dispatch.claim(100).claims.map { ClaimedJob(id: $0.id, token: $0.token) }
        let epoch = try #require(engine.dispatch.epoch)

        async let grants = engine.ledger.begin(claims, worker: 1, epoch: epoch)
        let cancellations = try await withThrowingTaskGroup(of: (JobID, Cancellation).self) { group in
            for id in ids { group.addTask { (id, try await engine.cancel(id, of: tenant, "x")) } }
            return try await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
        }
        let begun = Set(try await grants.attempts.map(\.id))

        #expect(ids.count == 40 && claims.count == 40)
        for id in ids { #expect((cancellations[id] == .ended) != begun.contains(id), "job \(id)") }
        #expect(try await engine.count("job_cancel") == begun.count)
        #expect(try await engine.count("job_history") == 40 - begun.count)
    }

    @Test func `a running job that is cancelled is stopped, and what it answers later is not heard`() async throws {
        let engine = try await Engine()
        let tenant = try await engine.tenant()
        let stopped = Mutex(false)
        let started = Mutex(false)
        let gate = Gate()
        let stub = Stub { _ in
            started.withLock { $0 = true }
            await withTaskCancellationHandler {
                await gate.wait()
            } onCancel: {
                stopped.withLock { $0 = true }
            }
            return .completed("late")
        }
        let settings = WorkerSettings(beat: .milliseconds(100), idle: .milliseconds(50), attention: .milliseconds(20))
        try await engine.running([stub.any], settings: settings) { _ in
            let id = try await engine.ledger.enqueue([engine.stub(tenant)])[0]
            try await expectSoon { started.withLock { $0 } }

            let asked = try await engine.cancel(id, of: tenant, "stop")
            let again = try await engine.cancel(id, of: tenant, "stop!")

            guard case .asked = asked else { return #expect(Bool(false), "it ran") }
            #expect(again == asked || again == .wasOver(.cancelled))
            try await expectSoon { try await engine.count("job_history WHERE state = 'cancelled' AND error = 'stop'") == 1 }
            try await expectSoon { stopped.withLock { $0 } }
            gate.open()
            try await expectSoon { try await engine.count("job_cancel") == 0 }
        }
        #expect(try await engine.count("job_history") == 1)
        #expect(try await engine.index("HLEN", "run") == 0)
    }

    @Test func `a handler that ends before it is stopped keeps its own end`() async throws {
        let engine = try await Engine()
        let tenant = try await engine.tenant()
        let id = try await engine.enqueue([engine.probe(tenant)])[0]
        let attempts = try await engine.begin()
        let asked = try await engine.cancel(id, of: tenant, "stop")

        let settled = try await engine.settle(attempts)
        try await engine.ledger.finishCancelling()

        guard case .asked = asked else { return #expect(Bool(false), "it ran") }
        #expect(settled.done == [id])
        #expect(try await engine.cancel(id, of: tenant, "stop") == .wasOver(.completed))
        #expect(try await engine.count("job_cancel") == 0)
    }

    @Test func `a job that was asked to stop and came to wait again does not run again`() async throws {
        let engine = try await Engine()
        let tenant = try await engine.tenant()
        let id = try await engine.enqueue([engine.probe(tenant)])[0]
        let attempts = try await engine.begin()
        _ = try await engine.cancel(id, of: tenant, "stop")
        #expect(try await engine.ledger.cancelRequests(for: 1).map(\.id) == [id])
        #expect(try await engine.ledger.cancelRequests(for: 2).isEmpty)

        _ = try await engine.settle(attempts) { _ in .failed(.transient, "no") }
        try await engine.ledger.finishCancelling()

        #expect(try await engine.count("job_live") == 0)
        #expect(try await engine.count("job_history WHERE state = 'cancelled' AND attempt = 1") == 1)
    }

    @Test func `another tenant's job can be neither cancelled nor retried`() async throws {
        let engine = try await Engine()
        let (tenant, other) = (try await engine.tenant(), try await engine.tenant("other"))
        let id = try await engine.enqueue([engine.probe(tenant)])[0]

        #expect(try await engine.cancel(id, of: other, "x") == .unknown)
        #expect(try await engine.retry(id, of: other) == .unknown)
        _ = try await engine.settle(try await engine.begin()) { _ in .failed(.permanent, "no") }
        #expect(try await engine.cancel(id, of: other, "x") == .unknown)
        #expect(try await engine.retry(id, of: other) == .unknown)
        #expect(try await engine.count("job_live") == 0)
    }

    // MARK: Retrying

    @Test func `a discarded job runs again under its id with fresh attempts, and its history is kept`() async throws {
        let engine = try await Engine()
        let tenant = try await engine.tenant()
        let id = try await engine.enqueue([engine.probe(tenant, priority: 7, attempts: 1, unique: "u")])[0]
        let first = try await engine.begin()
        _ = try await engine.settle(first) { _ in .failed(.transient, "no") }
        try await engine.acknowledge(first)

        let retrial = try await engine.retry(id, of: tenant)
        let again = try await engine.retry(id, of: tenant)
        #expect(try await engine.ledger.enqueue([engine.probe(tenant, unique: "u")]) == [id], "its unique key is held again")
        try await engine.pushOwed()
        let second = try await engine.begin()
        _ = try await engine.settle(second)

        #expect(retrial == .waiting(run: 2))
        #expect(again == .waiting(run: 2), "retrying twice makes one run")
        #expect(second.map(\.id) == [id])
        #expect(second.map(\.number) == [1])
        #expect(second.map(\.maxAttempts) == [1])
        #expect(second.map(\.priority) == [7])
        #expect(second[0].fence > first[0].fence)
        #expect(try await engine.count("job_history WHERE run = 1 AND state = 'discarded'") == 1)
        #expect(try await engine.count("job_history WHERE run = 2 AND state = 'completed'") == 1)
        #expect(try await engine.count("dlq WHERE redriven_at IS NOT NULL") == 1)
        #expect(try await engine.retry(id, of: tenant) == .completed)
        #expect(try await engine.settle(first).lost == [], "the first run's end is known")
        #expect(try await engine.count("probe_effect") == 1)
    }

    @Test func `a job whose unique key has another holder is not run again`() async throws {
        let engine = try await Engine()
        let tenant = try await engine.tenant()
        let id = try await engine.enqueue([engine.probe(tenant, unique: "u")])[0]
        _ = try await engine.cancel(id, of: tenant, "x")
        let holder = try await engine.ledger.enqueue([engine.probe(tenant, unique: "u")])[0]

        #expect(try await engine.retry(id, of: tenant) == .keyHeld(by: holder))
        #expect(try await engine.count("job_live") == 1)
    }

    @Test func `a job far off is made due now, a running one is left alone`() async throws {
        let engine = try await Engine()
        let tenant = try await engine.tenant()
        let id = try await engine.ledger.enqueue([engine.probe(tenant, runAt: Date(timeIntervalSinceNow: 7_200))])[0]

        let hastened = try await engine.retry(id, of: tenant)
        try await engine.pushOwed()
        let attempts = try await engine.begin()

        #expect(hastened == .waiting(run: 1))
        #expect(attempts.map(\.id) == [id])
        #expect(try await engine.count("job_sched") == 0)
        #expect(try await engine.retry(id, of: tenant) == .running)
    }

    // MARK: Dead letters

    @Test func `a redrive feeds what it means, no faster than its rate, and each letter once`() async throws {
        let engine = try await Engine()
        let tenant = try await engine.tenant()
        let ids = try await engine.enqueue((0..<30).map { engine.probe(tenant, key: "\($0)") })
        let attempts = try await engine.begin()
        _ = try await engine.settle(attempts) { .failed($0.id == ids[0] ? .poison : .permanent, "no") }
        try await engine.acknowledge(attempts)
        let filter = DeadLetterFilter(kind: "probe", errorClass: .permanent)

        let count = try await engine.postgres.transaction { try $0.count(filter, of: tenant) }
        let start = ContinuousClock.now
        let id = try await engine.postgres.transaction { try $0.redrive(filter, of: tenant, count: count, perSecond: 2) }
        try await engine.ledger.feedRedrives()
        let atOnce = try await engine.count("job_live")
        // A second passes; then as long as anything may: no more than five seconds' worth is fed at once.
        _ = try await engine.postgres.query("UPDATE redrive SET fed_at = clock_timestamp() - interval '1.05 seconds' WHERE id = \(id)")
        try await engine.ledger.feedRedrives()
        let afterSecond = try await engine.count("job_live")
        var most = 0
        for _ in 0..<4 {
            let before = try await engine.count("job_live")
            _ = try await engine.postgres.query("UPDATE redrive SET fed_at = clock_timestamp() - interval '1 hour' WHERE id = \(id)")
            async let one: Void = engine.ledger.feedRedrives()
            async let two: Void = engine.ledger.feedRedrives()
            _ = try await (one, two)
            most = max(most, try await engine.count("job_live") - before)
        }

        #expect(count == 29)
        // What the time that the statements took is worth, which on a busy machine is more than nothing.
        let more = Int((ContinuousClock.now - start) / .seconds(1) * 2)
        #expect(atOnce <= 1 + more)
        #expect(2...(4 + more) ~= afterSecond)
        #expect(10...(15 + more) ~= most, "ten, and what the time between the two feeds is worth")
        #expect(try await engine.count("job_live WHERE run = 2 AND attempt = 0") == 29)
        #expect(try await engine.count("redrive WHERE done = 29 AND finished_at IS NOT NULL") == 1)
        #expect(try await engine.count("dlq WHERE redrive_id = \(id) AND redriven_at IS NOT NULL") == 29)
        #expect(try await engine.count("dlq WHERE id = \(ids[0]) AND redriven_at IS NULL") == 1)
    }

    @Test func `what fails again while its redrive is under way is a dead letter again, not fed in a circle`() async throws {
        let engine = try await Engine()
        let tenant = try await engine.tenant()
        try await engine.enqueue((0..<3).map { engine.probe(tenant, key: "\($0)") })
        let first = try await engine.begin()
        _ = try await engine.settle(first) { _ in .failed(.permanent, "no") }
        try await engine.acknowledge(first)
        let id = try await engine.postgres.transaction { try $0.redrive(DeadLetterFilter(), of: tenant, count: 3, perSecond: 100) }
        func feed() async throws {
            _ = try await engine.postgres.query(
                "UPDATE redrive SET fed_at = clock_timestamp() - interval '1 hour', last_id = 0, finished_at = NULL WHERE id = \(id)")
            try await engine.ledger.feedRedrives()
        }

        try await feed()
        try await engine.pushOwed()
        _ = try await engine.settle(try await engine.begin()) { _ in .failed(.permanent, "no again") }
        try await feed()

        #expect(try await engine.count("dlq WHERE redriven_at IS NULL AND redrive_id IS NULL AND error = 'no again'") == 3)
        #expect(try await engine.count("job_live") == 0)
        #expect(try await engine.count("job_history") == 6)
    }

    @Test func `a redrive is carried out by the caretakers`() async throws {
        let engine = try await Engine()
        let tenant = try await engine.tenant()
        let isMended = Mutex(false)
        let stub = Stub { _ in isMended.withLock { $0 } ? .completed("done") : .failed(.permanent, "not yet") }
        try await engine.running([stub.any]) { _ in
            let ids = try await engine.ledger.enqueue((0..<20).map { engine.stub(tenant, n: $0) })
            try await expectSoon { try await engine.count("dlq") == 20 }
            isMended.withLock { $0 = true }

            _ = try await engine.postgres.transaction { try $0.redrive(DeadLetterFilter(ids: ids), of: tenant, count: 20, perSecond: 100) }

            try await expectSoon { try await engine.count("job_history WHERE run = 2 AND state = 'completed'") == 20 }
            try await expectSoon { try await engine.count("redrive WHERE finished_at IS NOT NULL") == 1 }
        }
    }
}

extension Engine {
    func cancel(_ job: JobID, of tenant: TenantID, _ reason: String) async throws -> Cancellation {
        try await postgres.transaction { [ledger] in try ledger.cancel(job, of: tenant, reason: reason, in: $0) }
    }

    func retry(_ job: JobID, of tenant: TenantID) async throws -> Retrial {
        try await postgres.transaction { try $0.retry(job, of: tenant) }
    }

    /// Pushes what is owed to the index, as the relay does.
    func pushOwed() async throws {
        let owed = try await ledger.owed(olderThan: .zero)
        let epoch = try await dispatch.push(
            owed.jobs.map { Push(id: $0.id, tenant: $0.tenant, flow: $0.flow, priority: $0.priority, since: $0.enqueuedAt, due: $0.runAt) })
        try await ledger.confirm(outbox: owed.outbox, epoch: epoch)
    }
}
