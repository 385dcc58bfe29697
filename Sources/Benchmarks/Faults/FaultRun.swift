import Foundation
import Jobs
import Ledger
import LocalServers
import PostgresClient
import Tenancy

/// Breaks everything that can break while jobs run, then reads back whether each job had its effect exactly once.
///
/// Two worker processes carry out jobs of a few milliseconds while workers are killed, Postgres is restarted, Redis is flushed
/// and restarted empty, in an order drawn from the seed.
public struct FaultRun: Sendable {
    public enum Fault: String, Codable, Sendable, CaseIterable {
        case killWorker, restartPostgres, crashPostgres, flushRedis, restartRedis
    }

    public var jobs: Int
    public var workers: Int
    public var faults: Int
    public var seed: UInt64
    /// The workers' lease; the defaults of a real fleet are 30 s.
    public var lease: Duration
    public var durable: Bool
    /// Told what is done, line by line.
    public var tell: @Sendable (String) -> Void

    public init(
        jobs: Int = 20_000, workers: Int = 2, faults: Int = 10, seed: UInt64 = 1, lease: Duration = .seconds(30), durable: Bool = true,
        tell: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        self.jobs = jobs
        self.workers = workers
        self.faults = faults
        self.seed = seed
        self.lease = lease
        self.durable = durable
        self.tell = tell
    }

    public struct Report: Codable, Sendable, Equatable {
        public var suite = "faults"
        public var seed: UInt64
        public var accepted: Int
        public var effects: Int
        public var distinct: Int
        public var ended: Int
        public var running: Int
        public var discarded: Int
        public var faults: [Fault]
        /// From the last fault until no job was left.
        public var recoveryS: Double

        /// Every accepted job ended, with one effect; nothing is left running.
        public var isSound: Bool { accepted == effects && accepted == distinct && accepted == ended && running == 0 && discarded == 0 }
    }

    /// - Parameter executable: the `kiteline` program.
    public func run(executable: String) async throws -> Report {
        try await BenchServers.with(durable: durable) { bench in
            let fleet = bench.processes(
                executable, ["work"],
                environment: [
                    "KITELINE_LEASE_SECONDS": "\(lease.inSeconds)", "KITELINE_BEAT_SECONDS": "\(lease.inSeconds / 3)",
                    "KITELINE_SILENCE_SECONDS": "\(lease.inSeconds * 4 / 3)", "KITELINE_REAP_SECONDS": "\(lease.inSeconds / 15)",
                ])
            for _ in 0..<workers { try fleet.start() }
            do {
                let report = try await run(bench, fleet)
                await fleet.stop()
                return report
            } catch {
                await fleet.stop(within: .zero)
                throw error
            }
        }
    }

    private func run(_ bench: BenchServers, _ fleet: ProgramProcesses) async throws -> Report {
        let tenant = try await bench.tenant("faults")
        let upkeep = Task { try await bench.keepPushing() }
        defer { upkeep.cancel() }
        async let accepted: Void = enqueue(bench, tenant)
        // Workers that have not begun have nothing to lose.
        while try await bench.count("SELECT count(*) FROM (SELECT FROM job_history LIMIT 1) h") == 0 {
            try await Task.sleep(for: .milliseconds(20))
        }
        let (done, last) = try await breakThings(bench, fleet)
        try await accepted
        try await bench.drained(within: .seconds(300))
        let recovery = ContinuousClock.now - last
        let live = "SELECT count(*) FROM job_live" as Statement
        return Report(
            seed: seed, accepted: jobs, effects: try await bench.count("SELECT count(*) FROM probe_effect"),
            distinct: try await bench.count("SELECT count(DISTINCT effect_key) FROM probe_effect"),
            ended: try await bench.count("SELECT count(*) FROM job_history WHERE state = 'completed'"),
            running: try await bench.count(live),
            discarded: try await bench.count("SELECT count(*) FROM dlq"), faults: done, recoveryS: recovery.inSeconds)
    }

    /// Enqueues in batches, each under a key, and repeats a batch until it is answered: what a client of the API would do.
    private func enqueue(_ bench: BenchServers, _ tenant: TenantID) async throws {
        let batch = 100
        // Spread over the faults, so that each of them finds jobs at every stage of their way.
        let pause = Duration.milliseconds(1_200 * max(faults, 3) / max(1, jobs / batch))
        for start in stride(from: 0, to: jobs, by: batch) {
            let batchJobs = (start..<min(start + batch, jobs)).map { n in
                NewJob(tenant: tenant, kind: "probe", arguments: Array(#"{"effect_key":"e\#(n)","sleep_ms":\#(1 + n % 5)}"#.utf8))
            }
            let key = IdempotencyKey(tenant: tenant, key: "batch-\(start)", hash: [UInt8(start / batch % 256)])
            try await Task.sleep(for: pause)
            while true {
                do {
                    _ = try await bench.ledger.enqueue(batchJobs, key: key, answer: { _ in (202, []) })
                    break
                } catch LedgerError.unavailable {
                    try await Task.sleep(for: .milliseconds(50))
                }
            }
        }
    }

    private func breakThings(_ bench: BenchServers, _ fleet: ProgramProcesses) async throws -> (
        done: [Fault], last: ContinuousClock.Instant
    ) {
        var chance = SeededGenerator(seed: seed)
        var done: [Fault] = []
        var last = ContinuousClock.now
        for n in 0..<faults {
            try await Task.sleep(for: .milliseconds(Int.random(in: 300...1_500, using: &chance)))
            // Each kind once before any twice.
            let fault = n < Fault.allCases.count ? Fault.allCases[n] : Fault.allCases.randomElement(using: &chance)!
            tell("fault \(n + 1) of \(faults): \(fault.rawValue)")
            try await inflict(fault, bench, fleet, &chance)
            done.append(fault)
            last = .now
        }
        return (done, last)
    }

    private func inflict(_ fault: Fault, _ bench: BenchServers, _ fleet: ProgramProcesses, _ chance: inout SeededGenerator) async throws {
        switch fault {
        case .killWorker:
            if let pid = fleet.pids.randomElement(using: &chance) { fleet.kill(pid) }
            try fleet.start()
        case .restartPostgres:
            await bench.servers.stopPostgres(.fast)
            try await bench.servers.startPostgres()
        case .crashPostgres:
            await bench.servers.stopPostgres(.immediate)
            try await bench.servers.startPostgres()
        case .flushRedis:
            _ = try? await bench.redis.send(["FLUSHALL"])
        case .restartRedis:
            await bench.servers.killRedis()
            try await bench.servers.startRedis()
        }
    }
}

/// A small, well-mixed generator (SplitMix64): the same seed, the same run.
public struct SeededGenerator: RandomNumberGenerator, Sendable {
    private var state: UInt64

    public init(seed: UInt64) { state = seed }

    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

extension Duration {
    var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}
