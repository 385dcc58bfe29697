import Foundation
import Jobs
import PostgresClient
import Records
import Synchronization
import Tenancy
import TestSupport
import Testing

@testable import Ledger

@Suite struct LedgerTests {
    @Test func `of two jobs the later has the greater number, whichever processes made them`() async throws {
        let engine = try await Engine()
        let (one, other) = (JobNumbers(postgres: engine.postgres, lifetime: .zero), JobNumbers(postgres: engine.postgres, lifetime: .zero))

        var numbers: [Int64] = []
        for _ in 0..<3 { for process in [one, other] { numbers += try await process.take(2).map(\.rawValue) } }
        let whole = try await JobNumbers(postgres: engine.postgres).take(2_500).map(\.rawValue)

        #expect(numbers == Array(Set(numbers)).sorted())
        #expect(Set(whole).count == 2_500 && whole[0] > numbers[11])
    }

    @Test func `numbers that no job got are the next to be given out`() async throws {
        let engine = try await Engine()
        let numbers = JobNumbers(postgres: engine.postgres, lifetime: .seconds(3_600))
        let taken = try await numbers.take(60)

        numbers.giveBack(taken.dropFirst(2))
        let again = try await numbers.take(100)
        numbers.giveBack([again[99], again[5], again[6]])

        #expect(again.prefix(58) == taken.dropFirst(2) && Set(taken.prefix(2) + again).count == 102)
        #expect(try await numbers.take(4) == [again[99], again[5], again[6], JobID(again[99].rawValue + 1)])
    }

    /// It used to be wrapped once more with every batch, until telling it overflowed the stack.
    @Test func `whoever is told of enqueues is told of the millionth like of the first`() async throws {
        let engine = try await Engine()
        let count = Counter()
        engine.ledger.onEnqueued { _ in count.add() }

        for _ in 0..<1_000_000 { engine.ledger.announce(Enqueued(jobs: [], outbox: 0)) }

        #expect(count.value == 1_000_000)
    }

    @Test func `begin and settle find each job once, however many there are`() async throws {
        let engine = try await Engine()
        let tenant = try await engine.tenant()
        try await engine.enqueue((0..<200).map { engine.probe(tenant, key: "e\($0)") })
        let claims = try await engine.dispatch.claim(200).claims.map { ClaimedJob(id: $0.id, token: $0.token) }
        let epoch = try #require(engine.dispatch.epoch)

        let begin = Ledger.statements(granting: claims, worker: 1, epoch: epoch)[1]
        #expect(try await engine.pairsCompared(by: begin) == 0)

        let attempts = try await engine.ledger.begin(claims, worker: 1, epoch: epoch).attempts
        #expect(attempts.count == 200)
        let settlements = attempts.map {
            Settlement(attempt: $0, outcome: .completed("done"), disposition: .end(.completed, outcome: "done", nil))
        }
        let settle = try #require(
            try Ledger.trips(settling: settlements, effects: RecordsEffectWriter())[0].first { $0.sql.contains("DELETE") })
        #expect(try await engine.pairsCompared(by: settle) == 0)
    }

    @Test func `a job runs once and leaves its effect and its history`() async throws {
        let engine = try await Engine()
        let tenant = try await engine.tenant()
        let ids = try await engine.enqueue([engine.probe(tenant)])

        let attempts = try await engine.begin()
        let settled = try await engine.settle(attempts)
        try await engine.acknowledge(attempts)

        #expect(attempts.map(\.id) == ids)
        #expect(attempts.map(\.number) == [1])
        #expect(settled.done == ids)
        #expect(try await engine.count("probe_effect") == 1)
        #expect(try await engine.count("job_history WHERE state = 'completed' AND outcome = 'done'") == 1)
        #expect(try await engine.count("job_live") == 0)
        #expect(try await engine.dispatch.claim(10).claims.isEmpty)
    }

    @Test func `a job settled twice has its effect once`() async throws {
        let engine = try await Engine()
        let tenant = try await engine.tenant()
        try await engine.enqueue([engine.probe(tenant)])
        let attempts = try await engine.begin()

        let first = try await engine.settle(attempts)
        let second = try await engine.settle(attempts)

        #expect(first.done == attempts.map(\.id))
        #expect(second.done == attempts.map(\.id), "recognised by its fence in the history")
        #expect(try await engine.count("probe_effect") == 1)
    }

    @Test func `a late settle under an old fence changes nothing`() async throws {
        let engine = try await Engine()
        let tenant = try await engine.tenant()
        try await engine.enqueue([engine.probe(tenant)])
        let zombie = try await engine.begin()
        _ = try await engine.ledger.rescue(zombie.map { ClaimedJob(id: $0.id, token: $0.token) })

        let settled = try await engine.settle(zombie)

        #expect(settled.lost == zombie.map(\.id))
        #expect(settled.done.isEmpty)
        #expect(try await engine.count("probe_effect") == 0)
        #expect(try await engine.count("job_live WHERE state = 'available' AND attempt = 0 AND lost = 1") == 1)
    }

    @Test func `a late settle changes nothing of the job's next attempt either, whatever both answered`() async throws {
        let engine = try await Engine()
        let tenant = try await engine.tenant()
        let ids = try await engine.enqueue([engine.probe(tenant), engine.probe(tenant)])
        let zombies = try await engine.begin()
        _ = try await engine.ledger.rescue(zombies.map { ClaimedJob(id: $0.id, token: $0.token) })
        try await engine.acknowledge(zombies, next: .again)
        let heirs = try await engine.begin()
        #expect(Set(heirs.map(\.id)) == Set(ids))

        let late = try await engine.settle(zombies) {
            $0.id == ids[0] ? .completed("late", [ProbeEffect(key: "late")]) : .failed(.transient, "late")
        }

        #expect(late.done.isEmpty && Set(late.lost) == Set(ids))
        #expect(try await engine.count("job_live WHERE state = 'running'") == 2)
        #expect(try await engine.settle(heirs).done.count == 2)
        #expect(try await engine.count("probe_effect WHERE effect_key <> 'late'") == 2)
        #expect(try await engine.count("probe_effect") == 2)
    }

    @Test func `a claim older than one that was granted is not granted, though the job waits again`() async throws {
        let engine = try await Engine()
        let tenant = try await engine.tenant()
        let ids = try await engine.enqueue([engine.probe(tenant)])
        let attempts = try await engine.begin()
        _ = try await engine.ledger.giveBack(attempts)

        let grants = try await engine.ledger.begin(
            [ClaimedJob(id: ids[0], token: attempts[0].token - 1)], worker: 2, epoch: engine.dispatch.epoch!)

        #expect(grants.attempts.isEmpty)
        #expect(try await engine.count("job_live WHERE state = 'available'") == 1)
    }

    @Test func `the same claim asked twice is granted without counting twice`() async throws {
        let engine = try await Engine()
        let tenant = try await engine.tenant()
        try await engine.enqueue([engine.probe(tenant)])
        let claims = try await engine.dispatch.claim(1).claims.map { ClaimedJob(id: $0.id, token: $0.token) }

        let first = try await engine.ledger.begin(claims, worker: 1, epoch: engine.dispatch.epoch!)
        let second = try await engine.ledger.begin(claims, worker: 1, epoch: engine.dispatch.epoch!)

        #expect(first.attempts.map(\.fence) == [1])
        #expect(second.attempts.map(\.fence) == [1])
        #expect(second.attempts.map(\.number) == [1])
    }

    @Test func `a claim of an older token is not granted`() async throws {
        let engine = try await Engine()
        let tenant = try await engine.tenant()
        let ids = try await engine.enqueue([engine.probe(tenant)])
        let attempts = try await engine.begin()

        let grants = try await engine.ledger.begin(
            [ClaimedJob(id: ids[0], token: attempts[0].token - 1)], worker: 2, epoch: engine.dispatch.epoch!)

        #expect(grants.attempts.isEmpty)
        #expect(grants.elsewhere == ids)
    }

    @Test func `a claim of a lost epoch is refused whole`() async throws {
        let engine = try await Engine()
        let tenant = try await engine.tenant()
        try await engine.enqueue([engine.probe(tenant)])
        let claims = try await engine.dispatch.claim(1).claims.map { ClaimedJob(id: $0.id, token: $0.token) }
        let old = engine.dispatch.epoch!
        _ = try await engine.ledger.beginEpoch(after: old, server: "another")

        await #expect(throws: LedgerError.epochLost) { try await engine.ledger.begin(claims, worker: 1, epoch: old) }
        #expect(try await engine.count("job_live WHERE state = 'available' AND attempt = 0") == 1)
    }

    @Test func `a job is never begun before its time`() async throws {
        let engine = try await Engine()
        let tenant = try await engine.tenant()
        let due = Date(timeIntervalSinceNow: 300)
        let ids = try await engine.enqueue([engine.probe(tenant, runAt: due)])

        let grants = try await engine.ledger.begin([ClaimedJob(id: ids[0], token: 1 << 40)], worker: 1, epoch: engine.dispatch.epoch!)

        #expect(grants.attempts.isEmpty)
        #expect(grants.early.map(\.id) == ids)
        #expect(abs(grants.early[0].runAt.timeIntervalSince(due)) < 0.001)
        #expect(try await engine.dispatch.claim(10).claims.isEmpty)
    }

    @Test func `one bad effect does not fail its neighbours`() async throws {
        let engine = try await Engine()
        let tenant = try await engine.tenant()
        let ids = try await engine.enqueue((0..<20).map { engine.probe(tenant, key: "\($0)") })
        let attempts = try await engine.begin()

        let settled = try await engine.settle(attempts) { .completed("done", [ProbeEffect(key: $0.id == ids[7] ? "a\0b" : "fine")]) }

        #expect(Set(settled.done) == Set(ids).subtracting([ids[7]]))
        #expect(settled.refused.map(\.id) == [ids[7]])
        #expect(try await engine.count("probe_effect") == 19)
    }

    @Test func `a failed attempt waits and is charged, a failing dependency is not`() async throws {
        let engine = try await Engine()
        let tenant = try await engine.tenant()
        let ids = try await engine.enqueue([engine.probe(tenant), engine.probe(tenant)])
        let attempts = try await engine.begin()

        _ = try await engine.settle(attempts) { .failed($0.id == ids[0] ? .transient : .dependency, "no") }

        #expect(
            try await engine.count("job_live WHERE id = \(ids[0]) AND state = 'retryable' AND attempt = 1 AND error_class = 'transient'")
                == 1)
        #expect(
            try await engine.count("job_live WHERE id = \(ids[1]) AND state = 'retryable' AND attempt = 0 AND error_class = 'dependency'")
                == 1)
        #expect(try await engine.count("job_history") == 0)
    }

    @Test func `an exhausted or permanent failure is set aside with its reason`() async throws {
        let engine = try await Engine()
        let tenant = try await engine.tenant()
        let ids = try await engine.enqueue([engine.probe(tenant, attempts: 1), engine.probe(tenant)])
        let attempts = try await engine.begin()

        _ = try await engine.settle(attempts) { .failed($0.id == ids[0] ? .transient : .permanent, "because") }

        #expect(try await engine.count("dlq WHERE error = 'because' AND attempts = 1") == 2)
        #expect(try await engine.count("job_history WHERE state = 'discarded'") == 2)
        #expect(try await engine.count("job_live") == 0)
    }

    @Test func `a job that kills its worker three times is poison`() async throws {
        let engine = try await Engine()
        let tenant = try await engine.tenant()
        let ids = try await engine.enqueue([engine.probe(tenant)])

        var last: [JobID: Rescue] = [:]
        for _ in 1...3 {
            let attempts = try await engine.begin()
            #expect(attempts.map(\.number) == [1], "a crash burns no attempt")
            last = try await engine.ledger.rescue(attempts.map { ClaimedJob(id: $0.id, token: $0.token) })
            try await engine.acknowledge(attempts, next: .again)
        }

        #expect(last[ids[0]] == .poison)
        #expect(try await engine.count("dlq WHERE error_class = 'poison' AND lost = 3") == 1)
        #expect(try await engine.count("job_live") == 0)
    }

    @Test func `jobs given back have their attempt restored and blame nobody`() async throws {
        let engine = try await Engine()
        let tenant = try await engine.tenant()
        let ids = try await engine.enqueue([engine.probe(tenant)])
        let attempts = try await engine.begin()

        let given = try await engine.ledger.giveBack(attempts)
        let late = try await engine.settle(attempts)

        #expect(Array(given.keys) == ids)
        #expect(late.lost == ids)
        #expect(try await engine.count("job_live WHERE state = 'available' AND attempt = 0 AND lost = 0") == 1)
    }

    @Test func `follow-up jobs belong to the tenant of the job that asked for them`() async throws {
        let engine = try await Engine()
        let tenant = try await engine.tenant()
        let other = try await engine.tenant("other")
        try await engine.enqueue([engine.probe(tenant)])
        let attempts = try await engine.begin()

        _ = try await engine.settle(attempts) { _ in Outcome(.completed("done"), followUps: [engine.probe(other, key: "next")]) }

        #expect(try await engine.count("job_live WHERE tenant_id = \(tenant)") == 1)
        #expect(try await engine.count("job_live WHERE tenant_id = \(other)") == 0)
    }

    @Test func `a unique key is held until its job has ended`() async throws {
        let engine = try await Engine()
        let tenant = try await engine.tenant()

        let first = try await engine.ledger.enqueue([engine.probe(tenant, unique: "u")])
        let second = try await engine.ledger.enqueue([engine.probe(tenant, unique: "u"), engine.probe(tenant, unique: "v")])
        #expect(second[0] == first[0])
        #expect(try await engine.count("job_live") == 2)
        try await expectSoon { try await engine.dispatch.ready(of: tenant) == 2 }
        _ = try await engine.settle(try await engine.begin())
        let third = try await engine.ledger.enqueue([engine.probe(tenant, unique: "u")])

        #expect(third[0] != first[0])
    }

    @Test func `the same idempotency key makes one job, whoever asks at once`() async throws {
        let engine = try await Engine()
        let tenant = try await engine.tenant()
        let key = IdempotencyKey(tenant: tenant, key: "order-1", hash: [1])
        let job = engine.probe(tenant)

        let bodies = try await withThrowingTaskGroup(of: [UInt8].self) { group in
            for _ in 0..<20 {
                group.addTask {
                    switch try await engine.ledger.enqueue([job], key: key, answer: { (202, Array("\($0[0].id)".utf8)) }) {
                    case .fresh(_, _, let body), .replayed(_, let body): body
                    case .keyReused: []
                    }
                }
            }
            return try await group.reduce(into: Set()) { $0.insert($1) }
        }
        let other = try await engine.ledger.enqueue(
            [job], key: IdempotencyKey(tenant: tenant, key: "order-1", hash: [2]), answer: { _ in (202, []) })

        #expect(bodies.count == 1)
        #expect(try await engine.count("job") == 1)
        guard case .keyReused = other else { return #expect(Bool(false), "another body under the same key") }
    }

    @Test func `arguments that Postgres refuses fail alone`() async throws {
        let engine = try await Engine()
        let tenant = try await engine.tenant()
        let bad = NewJob(tenant: tenant, kind: "probe", arguments: Array(#"{"payload":"\u0000"}"#.utf8))

        let results = await withTaskGroup(of: Bool.self) { group in
            for i in 0..<30 {
                group.addTask { (try? await engine.ledger.enqueue([i == 11 ? bad : engine.probe(tenant)])) != nil }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }

        #expect(results.count { $0 } == 29)
        #expect(try await engine.count("job_live") == 29)
    }
}

extension Engine {
    /// Rows that a join compared and threw away, planned as when the lengths of the bound lists are not known, which is how the ledger's
    /// statements are planned after some repetitions. Nothing of it is kept.
    fileprivate func pairsCompared(by statement: Statement) async throws -> Int {
        // A list that is asked for membership stays as it is: ANY of a sub-select means something else.
        let sql =
            "EXPLAIN (ANALYZE) "
            + statement.sql.replacing(/(ANY\()?(\$\d+)/) { $0.output.1 == nil ? "(SELECT \($0.output.2))" : String($0.output.0) }
        do {
            return try await postgres.transaction { transaction -> Int in
                // A table as small as a test's may be read whole, once somebody has counted its rows.
                _ = try transaction.query("SET LOCAL enable_seqscan = off")
                let pairs = try transaction.query(Statement(sql, statement.parameters)).reduce(0) { sum, row in
                    let line: String = try row.get(0)
                    return sum + (line.firstMatch(of: /Rows Removed by Join Filter: (\d+)/).flatMap { Int($0.1) } ?? 0)
                }
                throw Compared(pairs: pairs)
            }
        } catch let compared as Compared {
            return compared.pairs
        }
    }
}

/// Takes the count out of a transaction that is undone.
private struct Compared: Error {
    let pairs: Int
}

private final class Counter: Sendable {
    private let count = Atomic(0)
    var value: Int { count.load(ordering: .relaxed) }
    func add() { count.add(1, ordering: .relaxed) }
}
