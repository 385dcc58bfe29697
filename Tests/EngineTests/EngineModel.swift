import Benchmarks
import DispatchIndex
import Foundation
import Jobs
import Ledger
import PostgresClient
import Records
import RedisClient
import Sampling
import Tenancy
import Testing

@testable import Maintenance

/// Plays API, workers and caretakers against a real ledger and a real index, in an order drawn from a seed, and lets go wrong
/// what can: answers are lost, calls repeated, claims forgotten, leases end, workers die, the index is lost, its clock steps, the
/// stores are slow, so that whoever waits for one goes on when others have been there, old claims and old attempts come back late.
/// At the end every accepted job must have ended, each run once, with its effect once.
struct EngineModel {
    let engine: Engine
    let tenants: [TenantID]
    let seed: UInt64
    var random: SeededNumbers
    var accepted: Set<JobID> = []
    /// Claims somebody holds; they may be used twice, late, or never.
    var claims: [Claim] = []
    /// Attempts somebody runs, or ran before they were taken from him.
    var attempts: [Attempt] = []
    var settlements: [Int64: Settlement] = [:]
    /// The highest fence and its claim that was granted of each job.
    var fences: [JobID: (fence: Int64, token: Int64)] = [:]
    /// Attempts that were written down as failed and charged, in the job's present run.
    var charged: [JobID: (run: Int, fences: Set<Int64>)] = [:]
    var worker: Int64
    /// Calls on their way to a slow store.
    var slow: [(name: String, go: () async throws -> Void)] = []
    var log: [String] = []

    init(_ engine: Engine, tenants: [TenantID], seed: UInt64) async throws {
        self.engine = engine
        self.tenants = tenants
        self.seed = seed
        random = SeededNumbers(seed: seed)
        worker = try await engine.ledger.register(host: "model", pid: 1)
    }

    mutating func run(steps: Int) async throws {
        for _ in 0..<steps {
            // A lost index is found sooner or later; until then calls fail, as they would.
            do { try await step() } catch DispatchError.epochLost { log.append("epoch lost") } catch LedgerError.epochLost {
                log.append("refused")
            }
        }
        while !slow.isEmpty { do { try await arrive() } catch DispatchError.epochLost {} catch LedgerError.epochLost {} }
        try await finish()
        try await check()
    }

    private mutating func step() async throws {
        switch Int.random(in: 0..<100, using: &random) {
        case ..<17: try await enqueue()
        case ..<28: try await relay()
        case ..<43: try await claim()
        case ..<56: try await begin()
        case ..<73: try await settle()
        case ..<76: try await arrive()
        case ..<78: try await stepClock()
        case ..<82: try await endLeases()
        case ..<85:
            log.append("worker dies")
            try await loseWorker()
        case ..<89: try await giveBack()
        case ..<92: try await cancel()
        case ..<93: try await retry()
        case ..<95: try await refill()
        case ..<97: try await loseIndex()
        default: try await engine.keeper.run()
        }
    }

    // MARK: What can happen

    private mutating func enqueue() async throws {
        let jobs = (0..<Int.random(in: 1...6, using: &random)).map { _ in
            let isLater = Int.random(in: 0..<5, using: &random) == 0
            let key = Int.random(in: 0..<6, using: &random) == 0 ? "key-\(Int.random(in: 0..<4, using: &random))" : nil
            return engine.probe(
                tenants.randomElement(using: &random)!,
                runAt: isLater ? Date().addingTimeInterval(.random(in: 0...0.05, using: &random)) : nil,
                attempts: 3, unique: key)
        }
        let ids = try await engine.ledger.enqueue(jobs)
        accepted.formUnion(ids)
        log.append("enqueue \(ids)")
    }

    /// Offers what is owed, once or twice; forgets to confirm now and then.
    private mutating func relay() async throws {
        let owed = try await engine.ledger.owed(olderThan: .zero)
        let pushes = owed.jobs.map(Push.init)
        if chance(8) {
            return later("push \(pushes.map(\.id))") { [engine] in
                let offered = try await engine.dispatch.offer(pushes)
                try await engine.ledger.defer(offered.surplus.map(SurplusJob.init), confirming: owed.outbox, epoch: offered.epoch)
            }
        }
        var offered = try await engine.dispatch.offer(pushes)
        if chance(4) { offered = try await engine.dispatch.offer(pushes) }
        if chance(4) { return log.append("push, unconfirmed") }
        log.append("push \(pushes.map(\.id)), surplus \(offered.surplus.map(\.id))")
        try await now(orLater: "confirm") { [engine, offered] in
            try await engine.ledger.defer(offered.surplus.map(SurplusJob.init), confirming: owed.outbox, epoch: offered.epoch)
        }
    }

    /// Brings deferred jobs in; dies in between now and then.
    private mutating func refill() async throws {
        for (line, wants) in try await engine.dispatch.thirsty() {
            let deferred = try await engine.ledger.deferred(of: line.tenant, flow: line.flow, atMost: wants)
            if chance(5) { continue }
            let epoch = try await engine.dispatch.push(deferred.jobs.map(Push.init))
            log.append("refill \(deferred.jobs.map(\.id))")
            if chance(5) { continue }
            let isNoted = !chance(5)
            try await now(orLater: "confirm the refill") { [engine] in
                try await engine.ledger.confirm(deferred, epoch: epoch)
                if isNoted { try await engine.dispatch.noteFilled(line, by: deferred.count, next: deferred.next) }
            }
        }
    }

    private mutating func claim() async throws {
        let taken = try await engine.dispatch.claim(Int.random(in: 1...10, using: &random)).claims
        if chance(8) { return log.append("claim, answer lost \(taken.map(\.id))") }
        claims += taken
        log.append("claim \(taken.map(\.id))")
    }

    private mutating func begin() async throws {
        guard !claims.isEmpty else { return }
        let chosen = Array(claims.shuffled(using: &random).prefix(Int.random(in: 1...10, using: &random)))
        let epoch = chosen[0].token >> 32
        let together = chosen.filter { $0.token >> 32 == epoch }
        if !chance(6) { claims.removeAll { together.contains($0) } }
        let granted = try await engine.ledger.begin(together.map { ClaimedJob(id: $0.id, token: $0.token) }, worker: worker, epoch: epoch)
        log.append("begin \(together.map(\.id)) -> \(granted.attempts.map(\.id))")
        for attempt in granted.attempts { try check(attempt) }
        if chance(10) { return log.append("answer lost") }
        attempts += granted.attempts
        let byID = Dictionary(together.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        let refused =
            granted.gone.compactMap { byID[$0].map { Acknowledgement($0) } }
            + granted.elsewhere.compactMap { byID[$0].map { Acknowledgement(runningElsewhere: $0, at: Date()) } }
            + granted.early.compactMap { job in byID[job.id].map { Acknowledgement($0, priority: job.priority, next: .later(job.runAt)) } }
        try await acknowledge(refused)
    }

    private mutating func settle() async throws {
        guard !attempts.isEmpty else { return }
        let chosen = Array(attempts.shuffled(using: &random).prefix(Int.random(in: 1...10, using: &random)))
        // The same attempt may have been granted twice, to somebody who asked twice: within one batch it is one.
        let distinct = Dictionary(chosen.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first }).values.sorted { $0.id < $1.id }
        var ends: [Settlement] = []
        for attempt in distinct { ends.append(settlement(of: attempt)) }
        let settled = try await engine.ledger.settle(ends)
        for end in ends where settled.done.contains(end.attempt.id) {
            if case .retry(_, _, chargesAttempt: true) = end.disposition {
                charged[end.attempt.id, default: (1, [])].fences.insert(end.attempt.fence)
            }
        }
        log.append("settle \(distinct.map(\.id)) -> done \(settled.done) lost \(settled.lost)")
        if chance(6) { return log.append("answer lost") }
        if !chance(6) { attempts.removeAll { attempt in distinct.contains { $0.id == attempt.id && $0.token == attempt.token } } }
        if chance(8) { return log.append("acknowledgement lost") }
        let done = Set(settled.done)
        try await acknowledge(
            ends.filter { done.contains($0.attempt.id) }.map { end in
                let claim = Claim(id: end.attempt.id, tenant: end.attempt.tenant, token: end.attempt.token)
                return switch end.disposition {
                case .end: Acknowledgement(claim)
                case .retry(let at, _, _): Acknowledgement(claim, priority: end.attempt.priority, next: .later(at))
                }
            })
    }

    private mutating func acknowledge(_ ends: [Acknowledgement]) async throws {
        try await now(orLater: "acknowledge \(ends.map(\.claim.id))") { [engine] in try await engine.dispatch.acknowledge(ends) }
    }

    /// However often an attempt is settled, it is with what it answered.
    private mutating func settlement(of attempt: Attempt) -> Settlement {
        if let known = settlements[attempt.token], known.attempt.fence == attempt.fence { return known }
        let settlement = engine.settlement(attempt, outcome(of: attempt))
        settlements[attempt.token] = settlement
        return settlement
    }

    private mutating func outcome(of attempt: Attempt) -> Outcome {
        switch Int.random(in: 0..<10, using: &random) {
        case 0: .failed(.transient, "no luck")
        case 1: .failed(.dependency, "no answer")
        case 2 where chance(3): .failed(.permanent, "never")
        default: .completed("done", [ProbeEffect(key: "\(seed)/\(attempt.id)")])
        }
    }

    /// Some leases end, and whoever looks takes the jobs back.
    private mutating func endLeases() async throws {
        try await endLeases(chance(2) ? nil : 3)
        if !chance(4) {
            _ = try await reaper.run()
            return
        }
        let expired = try await engine.dispatch.expired(limit: 100)
        later("take back \(expired.map(\.id))") { [engine] in
            let rescues = try await engine.ledger.rescue(expired.map { ClaimedJob(id: $0.id, token: $0.token) })
            try await engine.dispatch.acknowledge(expired.map { Acknowledgement($0, after: rescues[$0.id] ?? .gone) })
        }
    }

    private var reaper: LeaseReaper { LeaseReaper(ledger: engine.ledger, dispatch: engine.dispatch, logger: engine.logger) }

    /// The clock of Redis steps between two looks of whoever reaps; the ledger's does not.
    private mutating func stepClock() async throws {
        guard let epoch = engine.dispatch.epoch else { return }
        let step = Duration.milliseconds(Int.random(in: -3_600_000...3_600_000, using: &random))
        log.append("clock \(step)")
        _ = try await reaper.run()
        try await engine.redis.stepClock(ofIndex: "\(engine.database.keyPrefix){q:0}:\(epoch):", by: step)
        _ = try await reaper.run()
    }

    private mutating func endLeases(_ count: Int?) async throws {
        guard let epoch = engine.dispatch.epoch else { return }
        let key = RedisArgument("\(engine.database.keyPrefix){q:0}:\(epoch):lease")
        let held = try await engine.redis.send(["ZRANGE", key, "0", "-1"]).array?.compactMap(\.string) ?? []
        let ending = held.shuffled(using: &random).prefix(count ?? held.count)
        for id in ending { _ = try await engine.redis.send(["ZADD", key, "XX", "1", RedisArgument(id)]) }
        // A machine that stood still for ten seconds would have nothing taken back for a whole lease.
        _ = try await engine.redis.send(["HDEL", RedisArgument("\(engine.database.keyPrefix){q:0}:\(epoch):h"), "reap", "noreap"])
        if !ending.isEmpty { log.append("leases end: \(ending)") }
    }

    /// The worker is silent for so long that its running jobs are taken back; a new one begins.
    private mutating func loseWorker() async throws {
        _ = try await engine.postgres.query("UPDATE worker SET beat_at = clock_timestamp() - interval '1 hour' WHERE id = \(worker)")
        let reaper = WorkerReaper(ledger: engine.ledger, dispatch: engine.dispatch, silence: .seconds(60), logger: engine.logger)
        for _ in 0..<2 { try await reaper.run() }
        worker = try await engine.ledger.register(host: "model", pid: 1)
    }

    private mutating func giveBack() async throws {
        let chosen = Array(attempts.prefix(5))
        guard !chosen.isEmpty else { return }
        let given = try await engine.ledger.giveBack(chosen)
        log.append("give back \(given.keys.sorted())")
        attempts.removeFirst(chosen.count)
        let acknowledged = chosen.filter { given[$0.id] != nil }
        try await engine.acknowledge(acknowledged, next: .again)
    }

    private mutating func cancel() async throws {
        guard let id = accepted.sorted().randomElement(using: &random) else { return }
        for tenant in tenants {
            _ = try await engine.postgres.transaction { [ledger = engine.ledger] in
                try ledger.cancel(id, of: tenant, reason: "the model wants it", in: $0)
            }
        }
        log.append("cancel \(id)")
        try await engine.ledger.finishCancelling()
    }

    private mutating func retry() async throws {
        guard let id = accepted.sorted().randomElement(using: &random) else { return }
        for tenant in tenants {
            guard case .waiting(let run) = try await engine.postgres.transaction({ try $0.retry(id, of: tenant) }) else { continue }
            if run > charged[id]?.run ?? 1 { charged[id] = (run, []) }
        }
        log.append("retry \(id)")
    }

    private mutating func loseIndex() async throws {
        try await engine.loseIndex()
        log.append("index lost")
    }

    private mutating func chance(_ one: Int) -> Bool { Int.random(in: 0..<one, using: &random) == 0 }

    // MARK: Slow stores

    private mutating func later(_ name: String, _ go: @escaping () async throws -> Void) {
        log.append("slow: \(name)")
        slow.append((name, go))
    }

    private mutating func now(orLater name: String, _ go: @escaping () async throws -> Void) async throws {
        if chance(6) { later(name, go) } else { try await go() }
    }

    /// One of the calls that are on their way gets there.
    private mutating func arrive() async throws {
        guard !slow.isEmpty else { return }
        let (name, go) = slow.remove(at: Int.random(in: 0..<slow.count, using: &random))
        log.append("arrives: \(name)")
        try await go()
    }

    // MARK: The end

    /// Whoever held something is gone; what is left is carried out in order.
    private mutating func finish() async throws {
        (claims, attempts) = ([], [])
        for round in 0..<200 {
            if round == 0 { log.append("finish") }
            try await engine.keeper.run()
            do {
                try await engine.bringForward("sch")
                try await endLeases(nil)
                while try await reaper.run() {}
                try await loseWorker()
                while try await Relay(ledger: engine.ledger, dispatch: engine.dispatch, age: .zero).run() {}
                try await engine.ledger.finishCancelling()
                // Whoever was about to fill a line is gone, and his time is over.
                for key in try await engine.redis.send(["KEYS", "\(engine.database.keyPrefix)*:df:*"]).array?.compactMap(\.string) ?? [] {
                    _ = try await engine.redis.send(["HDEL", RedisArgument(key), "busy"])
                }
                try await Refill(ledger: engine.ledger, dispatch: engine.dispatch, interval: .zero).run()
                let begun = try await engine.begin(500)
                for start in stride(from: 0, to: begun.count, by: 200) {
                    let some = Array(begun[start..<min(start + 200, begun.count)])
                    _ = try await engine.ledger.settle(
                        some.map { engine.settlement($0, .completed("done", [ProbeEffect(key: "\(seed)/\($0.id)")])) })
                    try await engine.acknowledge(some)
                }
            } catch DispatchError.epochLost { continue } catch LedgerError.epochLost { continue }
            if try await engine.count("job_live") == 0, try await engine.outbox() == 0, try await engine.deferred() == 0 {
                // What ended while it was claimed is dropped when its lease ends.
                try await engine.bringForward("sch")
                try await endLeases(nil)
                while try await reaper.run() {}
                return
            }
        }
    }

    private func snapshot() async throws -> IndexSnapshot {
        try await IndexSnapshot(
            engine.redis, base: "\(engine.database.keyPrefix){q:0}:\(engine.dispatch.epoch ?? 0):", tenants: tenants, flows: ["probe"],
            gates: [])
    }

    var story: Comment { "seed \(seed); \(log.suffix(60).joined(separator: "; "))" }

    /// A fence grows with each grant, and an attempt is charged only when its failure was written down: not for a lost worker, one that gave
    /// its jobs back, or an answer that never came.
    private mutating func check(_ attempt: Attempt) throws {
        if let last = fences[attempt.id] {
            let isRepeated = attempt.token == last.token && attempt.fence == last.fence
            try #require(isRepeated || attempt.fence > last.fence, "\(attempt.id): fence \(attempt.fence) after \(last.fence); \(story)")
        }
        fences[attempt.id] = (attempt.fence, attempt.token)
        let failures = charged[attempt.id]?.fences.filter { $0 < attempt.fence }.count ?? 0
        try #require(attempt.number == failures + 1, "\(attempt.id): attempt \(attempt.number) after \(failures) failures; \(story)")
    }

    /// An independent look at ledger, history, effects and index.
    private func check() async throws {
        let left = try await engine.postgres.query(
            "SELECT string_agg(concat_ws(' ', id, state, run_at, claim_token, worker_id, fence, lost), ' | ') AS jobs FROM job_live"
        ).first?.get("jobs", as: String?.self)
        let index = try await snapshot()
        try #require(left ?? nil == nil, "jobs are left: \((left ?? nil) ?? ""); \(index); \(story)")
        let ids = accepted.map(\.rawValue)
        let rows = try await engine.postgres.pipeline([
            .tenants(tenants),
            """
            SELECT h.id, (array_agg(h.state::text ORDER BY h.run DESC))[1] AS last, count(*) FILTER (WHERE h.state = 'completed') AS completed,
                count(*) AS runs, max(h.run)::bigint AS highest, (SELECT count(*) FROM probe_effect e WHERE e.job_id = h.id) AS effects
            FROM job_history h WHERE h.id = ANY(\(ids)) GROUP BY h.id
            """,
        ])[1]
        try #require(rows.count == accepted.count, "\(accepted.count - rows.count) accepted jobs never ended; \(story)")
        for row in rows {
            let id = try row.get("id", as: Int64.self)
            let (completed, effects) = (try row.get("completed", as: Int64.self), try row.get("effects", as: Int64.self))
            try #require(completed <= 1 && effects == completed, "job \(id): completed \(completed) times, \(effects) effects; \(story)")
            try #require(try row.get("runs", as: Int64.self) == row.get("highest", as: Int64.self), "job \(id): runs are missing; \(story)")
        }
        try #require(try await engine.count("job_unique") == 0, "unique keys are left; \(story)")
        try #require(try await engine.count("deferred") == 0, "deferred jobs are left; \(story)")
        try #require(index.running.isEmpty && index.leases.isEmpty && index.passing.isEmpty, "\(story)")
        for (tenant, state) in index.tenants {
            try #require(
                state.running == 0 && state.flows.values.allSatisfy { $0.running == 0 },
                "tenant \(tenant) \(state); \(story)")
        }
    }
}
