import Foundation
import Jobs
import Ledger
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
        let limit = try await BenchServers.with { bench in
            try await bench.mustBeDurable()
            // The limit is that of a queue that lies wholly in the index.
            try await bench.fill(jobs, tenants: tenants, payloadBytes: payloadBytes, capacity: jobs)
            return try await QueueLimit(jobs: jobs).measure(bench, first: Int64(try await bench.count("SELECT min(id) FROM job_live")))
        }
        return try await BenchServers.with { bench in
            try await bench.fill(jobs, tenants: tenants, payloadBytes: payloadBytes, capacity: capacity)
            let fleet = bench.workers(executable)
            let before = bench.cpu(processes: [])
            for _ in 0..<workers { try fleet.start() }
            try await bench.drained()
            let after = bench.cpu(processes: fleet.pids)
            await fleet.stop()
            let effects = try await bench.count("SELECT count(*) FROM probe_effect")
            let distinct = try await bench.count("SELECT count(DISTINCT effect_key) FROM probe_effect")
            guard effects == jobs, distinct == jobs else {
                throw BenchmarkError.wrong("\(jobs) jobs left \(effects) effects, \(distinct) distinct")
            }
            return try await bench.result(
                "queue", jobs: jobs, limit: limit, cpu: after - before,
                settings: [
                    "jobs": "\(jobs)", "workers": "\(workers)", "tenants": "\(tenants)", "payload_bytes": "\(payloadBytes)",
                    "ready_capacity": "\(capacity)",
                ])
        }
    }
}
