import Foundation
import Jobs
import Ledger
import Records
import Tenancy

/// How fast queued jobs are carried out: durable, fenced, fair, one effect row each.
///
/// The jobs are enqueued before the clock starts; it runs from the first grant to the last end, as the ledger has them.
public struct QueueBenchmark: Sendable {
    public var jobs: Int
    /// Worker processes.
    public var workers: Int
    public var tenants: Int
    public var payloadBytes: Int
    /// Ready jobs of a tenant in the index; the others are deferred.
    public var capacity: Int

    public init(jobs: Int = 100_000, workers: Int = 1, tenants: Int = 3, payloadBytes: Int = 200, capacity: Int = 1_000) {
        self.capacity = capacity
        self.jobs = jobs
        self.workers = workers
        self.tenants = tenants
        self.payloadBytes = payloadBytes
    }

    /// - Parameter executable: the `kiteline` program.
    public func run(executable: String) async throws -> BenchmarkResult {
        var (result, batch) = try await BenchServers.with { bench in
            try await bench.mustBeDurable()
            try await bench.fill(jobs, tenants: tenants, payloadBytes: payloadBytes, capacity: capacity)
            let cpu = try await bench.workOff(with: workers, executable)
            try await bench.mustHaveEffects(jobs)
            let result = try await bench.result(
                "queue", jobs: jobs, cpu: cpu,
                settings: [
                    "jobs": "\(jobs)", "workers": "\(workers)", "tenants": "\(tenants)", "payload_bytes": "\(payloadBytes)",
                    "ready_capacity": "\(capacity)",
                ])
            return (result, try await bench.jobsPerSettle())
        }
        result.limitJobsPerSecond = try await BenchServers.with { bench in
            // The limit is that of a queue that lies wholly in the index.
            try await bench.fill(jobs, tenants: tenants, payloadBytes: payloadBytes, capacity: jobs)
            return try await limit(bench, batch: batch).measure(bench)
        }
        if workers == 2 { result.goals = ["jobs_per_second": 31_300] }
        result.settings["limit"] = "begin and settle, \(batch) jobs each, as pgbench sends them; claim and acknowledge by redis-benchmark"
        return result
    }

    private func limit(_ bench: BenchServers, batch: Int) async throws -> Limit {
        let attempts = try await bench.attempts(of: "probe")
        let now = Date()
        let rounds = try stride(from: 0, through: attempts.count - batch, by: batch).map { start in
            let attempts = attempts[start..<start + batch]
            let settlements = attempts.map { attempt in
                Settlement(
                    attempt: attempt, outcome: .completed("done", [ProbeEffect(key: "e\(attempt.id)")]),
                    disposition: .end(.completed, outcome: "done", nil))
            }
            return [bench.beginning(Array(attempts), at: now)] + (try Ledger.trips(settling: settlements, effects: RecordsEffectWriter()))
        }
        return Limit(rounds: rounds, clients: 3, batch: batch, redis: .claiming(batch, bench))
    }
}
