import Foundation
import Jobs
import Ledger
import DispatchIndex
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

    public init(jobs: Int = 100_000, workers: Int = 1, tenants: Int = 3, payloadBytes: Int = 200) {
        self.jobs = jobs
        self.workers = workers
        self.tenants = tenants
        self.payloadBytes = payloadBytes
    }

    public struct Result: Codable, Sendable {
        public var suite = "queue"
        public var jobs_per_second: Double
        public var limit_jobs_per_second: Double?
        public var p50_ms: Double
        public var p99_ms: Double
        public var cpu_us_per_job: Double
        public var share: [String: Double]
        public var machine: Machine
        public var settings: [String: String]
    }

    /// - Parameter executable: the `kiteline` program.
    public func run(executable: String) async throws -> Result {
        let limit = try await BenchServers.with { bench in
            try await bench.mustBeDurable()
            try await fill(bench)
            return try await QueueLimit(jobs: jobs).measure(bench, first: Int64(try await bench.count("SELECT min(id) FROM job_live")))
        }
        return try await BenchServers.with { bench in
            try await fill(bench)
            let fleet = WorkerProcesses(
                executable: executable,
                environment: ["KITELINE_POSTGRES_URL": bench.servers.postgresURL, "KITELINE_REDIS_URL": bench.servers.redisURL])
            let before = bench.cpu(workers: [])
            for _ in 0..<workers { try fleet.start() }
            try await bench.drained()
            let after = bench.cpu(workers: fleet.pids)
            await fleet.stop()
            return try await result(
                bench, limit: limit, postgres: after.postgres - before.postgres, redis: after.redis - before.redis, swift: after.swift)
        }
    }

    private func fill(_ bench: BenchServers) async throws {
        var ids: [TenantID] = []
        for n in 0..<tenants { ids.append(try await bench.tenant("bench-\(n)")) }
        let payload = String(repeating: "x", count: payloadBytes)
        let all = (0..<jobs).map { n in
            NewJob(tenant: ids[n % tenants], kind: "probe", arguments: Array(#"{"effect_key":"e\#(n)","payload":"\#(payload)"}"#.utf8))
        }
        for start in stride(from: 0, to: jobs, by: 1_000) { _ = try await bench.ledger.enqueue(Array(all[start..<min(start + 1_000, jobs)])) }
        while try await ready(bench, ids) < jobs { try await Task.sleep(for: .milliseconds(20)) }
        await bench.pusher.confirm()
        _ = try await bench.owner.query("CHECKPOINT")
    }

    private func ready(_ bench: BenchServers, _ tenants: [TenantID]) async throws -> Int {
        var total = 0
        for tenant in tenants { total += try await bench.dispatch.ready(of: tenant) }
        return total
    }

    private func result(_ bench: BenchServers, limit: Double, postgres: Double, redis: Double, swift: Double) async throws -> Result {
        let effects = try await bench.count("SELECT count(*) FROM probe_effect")
        let distinct = try await bench.count("SELECT count(DISTINCT effect_key) FROM probe_effect")
        guard effects == jobs, distinct == jobs else { throw BenchmarkError.wrong("\(jobs) jobs left \(effects) effects, \(distinct) distinct") }
        let row = try await bench.owner.query(
            """
            SELECT extract(epoch FROM max(finished_at) - min(started_at))::float8 AS seconds,
                1000 * percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM finished_at - started_at))::float8 AS p50,
                1000 * percentile_cont(0.99) WITHIN GROUP (ORDER BY extract(epoch FROM finished_at - started_at))::float8 AS p99
            FROM job_history
            """
        ).first!
        let seconds: Double = try row.get("seconds")
        let total = postgres + redis + swift
        return Result(
            jobs_per_second: Double(jobs) / seconds, limit_jobs_per_second: limit, p50_ms: try row.get("p50"), p99_ms: try row.get("p99"),
            cpu_us_per_job: total / Double(jobs) * 1e6,
            share: ["postgres": postgres / total, "redis": redis / total, "swift": swift / total], machine: .this,
            settings: ["jobs": "\(jobs)", "workers": "\(workers)", "tenants": "\(tenants)", "payload_bytes": "\(payloadBytes)"])
    }
}
