import DispatchIndex
import Foundation
import JobKinds
import Jobs
import Ledger
import Logging
import Maintenance
import PostgresClient
import Records
import RedisClient
import ServiceLifecycle
import Synchronization
import Tenancy
import TestSupport
import Worker

/// A handler whose behaviour is the test's.
struct Stub: PerformingHandler {
    struct Arguments: Codable, JobArguments { var n: Int }

    let kind: JobKind
    let body: @Sendable (Job<Arguments>) async throws -> Outcome

    init(
        retry: RetryPolicy = RetryPolicy(), timeout: Duration = .seconds(60),
        _ body: @escaping @Sendable (Job<Arguments>) async throws -> Outcome
    ) {
        kind = JobKind(
            "stub", arguments: ArgumentSchema([.required("n", .integer(0...1_000_000), "which")]), retry: retry, timeout: timeout)
        self.body = body
    }

    func outcome(of job: Job<Arguments>) async throws -> Outcome { try await body(job) }

    var any: AnyHandler { AnyHandler(self) }
}

/// Numbers its jobs one by one; a number is a decision on the last one given.
struct Sequential: DecidingHandler {
    struct Facts: Sendable { var version: Int, last: Int }
    struct Number: Effect { var version: Int, number: Int }

    let kind = JobKind("sequential", arguments: ArgumentSchema([.required("n", .integer(0...1_000_000), "which")]))
    let writer: CountingWriter

    func facts(for jobs: [Job<Stub.Arguments>], of tenant: TenantID) async throws -> Facts { writer.facts }

    func outcome(of job: Job<Stub.Arguments>, given facts: inout Facts, at now: Date) -> Outcome {
        facts.last += 1
        return .completed("numbered", [Number(version: facts.version, number: facts.last)])
    }
}

/// Keeps numbers as Records keeps routing: under a version, refusing what was decided on another. Now and then somebody else
/// is faster.
final class CountingWriter: EffectWriter {
    private struct State {
        var version = 0
        var numbers: [Int] = []
        var refused = 0
        var asked = 0
    }
    private let state = Mutex(State())

    var facts: Sequential.Facts { state.withLock { Sequential.Facts(version: $0.version, last: $0.numbers.count) } }
    var numbers: [Int] { state.withLock { $0.numbers } }
    var refused: Int { state.withLock { $0.refused } }

    func mustBeJudged(_ effect: any Effect) -> Bool { true }

    func stale(among settlements: [Settlement], missing: [Settlement], in transaction: PostgresTransaction) throws -> Set<JobID> {
        state.withLock { state in
            state.asked += 1
            if state.asked % 3 == 1 { state.version += 1 }
            let stale = settlements.filter { ($0.outcome.effects.first as? Sequential.Number)?.version != state.version }
            state.refused += stale.count
            return Set(stale.map(\.attempt.id))
        }
    }

    func statements(for effects: [SettledEffect]) throws -> [Statement] {
        state.withLock { state in
            state.numbers += effects.compactMap { ($0.effect as? Sequential.Number)?.number }
            state.version += 1
        }
        return []
    }

    func statements(for discarded: [DiscardedJob]) throws -> [Statement] { [] }
}

/// Closed until it is opened.
final class Gate: Sendable {
    private let state = Mutex<(isOpen: Bool, waiters: [CheckedContinuation<Void, Never>])>((false, []))

    func wait() async {
        await withCheckedContinuation { waiter in
            let isOpen = state.withLock { state in
                if !state.isOpen { state.waiters.append(waiter) }
                return state.isOpen
            }
            if isOpen { waiter.resume() }
        }
    }

    func open() {
        let waiters = state.withLock { state in
            state.isOpen = true
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }
}

extension Engine {
    var probeHandler: AnyHandler { AnyHandler(Probe(dependencies: ProbeDependencies(postgres: postgres))) }

    func stub(_ tenant: TenantID, kind: String = "stub", n: Int = 0, attempts: Int = 5) -> NewJob {
        NewJob(tenant: tenant, kind: kind, arguments: Array(#"{"n":\#(n)}"#.utf8), maxAttempts: attempts)
    }

    /// A worker and its caretakers run while `body` does; then they shut down gracefully.
    func running(
        _ handlers: [AnyHandler], settings: WorkerSettings = WorkerSettings(beat: .milliseconds(100), idle: .milliseconds(50)),
        upkeep: MaintenanceSettings? = nil, _ body: (ServiceGroup) async throws -> Void
    ) async throws {
        var upkeep =
            upkeep
            ?? MaintenanceSettings(
                watch: .milliseconds(50), relayAge: .milliseconds(100), reap: .milliseconds(50), census: .milliseconds(500),
                promote: .milliseconds(50))
        upkeep.breakers = settings.breakers
        let group = ServiceGroup(
            services: [
                Maintenance(ledger: ledger, dispatch: dispatch, pusher: pusher, role: .full, settings: upkeep, logger: logger),
                worker(settings, handlers: handlers),
            ], logger: logger)
        let running = Task { try await group.run() }
        try await body(group)
        await group.triggerGracefulShutdown()
        try await running.value
    }

    func index(_ command: RedisArgument, _ key: String) async throws -> Int {
        try await redis.send([command, RedisArgument("\(database.keyPrefix){q:0}:\(dispatch.epoch ?? 0):\(key)")]).int ?? -1
    }

    func outbox() async throws -> Int { Int(try await postgres.query("SELECT count(*) AS n FROM outbox").first!.get("n", as: Int64.self)) }

    /// Removes every key of this test from Redis, as a lost server would.
    func loseIndex() async throws {
        let keys = try await redis.send(["KEYS", RedisArgument("\(database.keyPrefix)*")]).array?.compactMap(\.string) ?? []
        if !keys.isEmpty { _ = try await redis.send(RedisCommand(["UNLINK"] + keys.map { RedisArgument($0) })) }
    }
}
