import DispatchIndex
import Foundation
import Jobs
import RedisClient
import Tenancy

/// What claims and acknowledgements cost Redis, with few tenants and with very many, with tenants at their cap, with a million jobs.
///
/// No Swift and no Postgres in the figure: the time is what Redis itself says its scripts took.
public struct IndexBenchmark: Sendable {
    public var jobs: Int
    /// Numbers of tenants the jobs belong to, one after another.
    public var tenants: [Int]
    /// Jobs taken by one claim.
    public var batch: Int
    /// Jobs claimed and acknowledged at each number of tenants.
    public var rounds: Int

    public init(jobs: Int = 1_000_000, tenants: [Int] = [10, 100, 1_000, 10_000, 100_000], batch: Int = 50, rounds: Int = 2_000) {
        self.jobs = jobs
        self.tenants = tenants
        self.batch = batch
        self.rounds = rounds
    }

    public struct Step: Codable, Sendable {
        public var tenants: Int
        /// Of them at their cap, with work waiting.
        public var capped: Int
        public var pushUsPerJob: Double
        public var claimUsPerJob: Double
        public var acknowledgeUsPerJob: Double
        /// The slowest single script, ms; 0 where none took a millisecond.
        public var slowestMs: Double
        public var redisBytesPerJob: Double
    }

    public struct Report: Codable, Sendable {
        public var suite = "index"
        public var steps: [Step]
        /// Claim cost at the most tenants ÷ at the fewest.
        public var claimCostRatio: Double
        /// What it should stay under, and the slowest script of any step, ms.
        public var claimCostGoal = 1.5
        public var slowestGoalMs = 5.0
        public var machine: Machine
        public var settings: [String: String]
    }

    public func run(tell: @Sendable (Step) -> Void = { _ in }) async throws -> Report {
        try await BenchServers.with(durable: false) { bench in
            var steps: [Step] = []
            for (life, count) in (tenants + [-(tenants.last ?? 1)]).enumerated() {
                let step = try await measure(
                    bench, tenants: abs(count), capped: count < 0 ? abs(count) - 100 : 0, epoch: Int64(1_000 + life))
                tell(step)
                steps.append(step)
            }
            let free = steps.filter { $0.capped == 0 }
            return Report(
                steps: steps, claimCostRatio: (free.last?.claimUsPerJob ?? 0) / (free.first?.claimUsPerJob ?? 1), machine: .this,
                settings: ["jobs": "\(jobs)", "batch": "\(batch)", "rounds": "\(rounds)"])
        }
    }

    private func measure(_ bench: BenchServers, tenants: Int, capped: Int, epoch: Int64) async throws -> Step {
        _ = try await bench.redis.send(["FLUSHALL"])
        try await bench.dispatch.beginRebuild(under: epoch)
        _ = try await bench.dispatch.finishRebuild(under: epoch)
        let shares = (0..<tenants).map { TenantShare(tenant: TenantID(Int64($0 + 1)), weight: 1 + $0 % 4, cap: $0 < capped ? 1 : 100_000) }
        try await bench.dispatch.configure(shares)
        let empty = try await memory(bench)
        let pushing = try await cost(bench) { try await push(bench, tenants) }
        let held = try await memory(bench)
        if capped > 0 { try await fillCaps(bench, capped) }

        var claimed = 0
        var (claim, acknowledge, slowest) = (0.0, 0.0, 0.0)
        for _ in 0..<rounds {
            var claims: [Claim] = []
            let taken = try await cost(bench, reset: false) { claims = try await bench.dispatch.claim(batch).claims }
            claimed += claims.count
            let given = try await cost(bench, reset: false) {
                try await bench.dispatch.acknowledge(claims.map { Acknowledgement($0, spent: .milliseconds(1)) })
            }
            (claim, acknowledge) = (claim + taken, acknowledge + given)
            if claims.isEmpty { break }
        }
        slowest = try await slowestScript(bench)
        return Step(
            tenants: tenants, capped: capped, pushUsPerJob: pushing / Double(jobs), claimUsPerJob: claim / Double(max(1, claimed)),
            acknowledgeUsPerJob: acknowledge / Double(max(1, claimed)), slowestMs: slowest,
            redisBytesPerJob: Double(held - empty) / Double(jobs))
    }

    private func push(_ bench: BenchServers, _ tenants: Int) async throws {
        let since = Date()
        for start in stride(from: 0, to: jobs, by: 1_000) {
            let batch = (start..<min(start + 1_000, jobs)).map { (n: Int) -> Push in
                let tenant = TenantID(Int64(n % tenants + 1))
                let place = since.addingTimeInterval(Double(n) / 1_000)
                return Push(id: JobID(Int64(n + 1)), tenant: tenant, flow: "probe", priority: 5, since: place, due: nil)
            }
            try await bench.dispatch.push(batch)
        }
    }

    /// Claims until every tenant with a cap of one has its one job running.
    private func fillCaps(_ bench: BenchServers, _ capped: Int) async throws {
        var running = 0
        while running < capped {
            let claims = try await bench.dispatch.claim(500).claims
            if claims.isEmpty { return }
            let held = claims.filter { $0.tenant.rawValue <= Int64(capped) }
            running += held.count
            try await bench.dispatch.acknowledge(
                claims.filter { $0.tenant.rawValue > Int64(capped) }.map { Acknowledgement($0, next: .again) })
        }
    }

    /// Microseconds Redis spent in scripts meanwhile.
    private func cost(_ bench: BenchServers, reset: Bool = true, _ body: () async throws -> Void) async throws -> Double {
        if reset { _ = try await bench.redis.pipeline([["CONFIG", "SET", "slowlog-log-slower-than", "1000"], ["SLOWLOG", "RESET"]]) }
        let before = try await scriptTime(bench)
        try await body()
        return try await scriptTime(bench) - before
    }

    private func scriptTime(_ bench: BenchServers) async throws -> Double {
        let text = try await bench.redis.send(["INFO", "commandstats"]).string ?? ""
        return text.split(whereSeparator: \.isNewline).filter { $0.hasPrefix("cmdstat_eval") }.reduce(0) { sum, line in
            let usec = line.split(separator: ",").first { $0.hasPrefix("usec=") }?.dropFirst(5)
            return sum + (usec.flatMap { Double($0) } ?? 0)
        }
    }

    private func slowestScript(_ bench: BenchServers) async throws -> Double {
        let entries = try await bench.redis.send(["SLOWLOG", "GET", "128"]).array ?? []
        return entries.compactMap { $0.array.flatMap { $0.count > 2 ? $0[2].int : nil } }.max().map { Double($0) / 1_000 } ?? 0
    }

    private func memory(_ bench: BenchServers) async throws -> Int {
        let text = try await bench.redis.send(["INFO", "memory"]).string ?? ""
        return text.split(whereSeparator: \.isNewline).first { $0.hasPrefix("used_memory:") }.flatMap { Int($0.dropFirst(12)) } ?? 0
    }
}
