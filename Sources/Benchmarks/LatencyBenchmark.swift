import Foundation
import Jobs
import Ledger
import Tenancy

/// How long a job waits from its enqueue (before the commit) to its grant: at light load, and while another tenant has a great many queued,
/// beside what it waits alone on the same machine in the same minutes.
public struct LatencyBenchmark: Sendable {
    public var jobs: Int
    /// Jobs enqueued a second, evenly.
    public var perSecond: Int
    /// What the neighbour has queued; 0: there is none.
    public var neighbour: Int

    public init(jobs: Int = 2_000, perSecond: Int = 200, neighbour: Int = 0) {
        self.jobs = jobs
        self.perSecond = perSecond
        self.neighbour = neighbour
    }

    /// - Parameter executable: the `kiteline` program.
    public func run(executable: String) async throws -> BenchmarkResult {
        guard neighbour > 0 else {
            var result = try await measure(executable)
            result.goals = ["p50_ms": 2, "p99_ms": 5]
            return result
        }
        let alone = try await LatencyBenchmark(jobs: jobs, perSecond: perSecond).measure(executable)
        var result = try await measure(executable)
        result.more["alone_p50_ms"] = alone.p50Ms
        result.more["alone_p99_ms"] = alone.p99Ms
        result.goals = ["p99_ms": 2 * alone.p99Ms]
        return result
    }

    private func measure(_ executable: String) async throws -> BenchmarkResult {
        try await BenchServers.with { bench in
            try await bench.mustBeDurable()
            let disk = try await DiskSync(in: bench.folder, perSecond: perSecond)
            let quiet = try await bench.tenant("quiet")
            let neighbours = neighbour > 0 ? try await bench.fill(neighbour, slug: "neighbour") : []
            let upkeep = Task { try await bench.keepPushing() }
            defer { upkeep.cancel() }
            let fleet = bench.workers(executable)
            try fleet.start()
            // The first jobs meet a worker that is still starting: they are not counted.
            try await enqueue(bench, quiet, perSecond)
            while try await ended(bench, quiet) < perSecond { try await Task.sleep(for: .milliseconds(20)) }
            let before = bench.cpu(processes: fleet.pids)
            try await enqueue(bench, quiet, jobs)
            while try await ended(bench, quiet) < perSecond + jobs { try await Task.sleep(for: .milliseconds(20)) }
            let after = bench.cpu(processes: fleet.pids)
            let left = neighbours.isEmpty ? 0 : try await bench.count("SELECT count(*) FROM job_live")
            if !neighbours.isEmpty, left == 0 {
                throw BenchmarkError.wrong("the neighbour's jobs ended before the quiet tenant's: give it more")
            }
            await fleet.stop()
            return try await result(bench, quiet, cpu: after - before, disk: disk, left: left)
        }
    }

    private func enqueue(_ bench: BenchServers, _ tenant: TenantID, _ count: Int) async throws {
        let start = ContinuousClock.now
        for n in 0..<count {
            try await Task.sleep(until: start + .microseconds(1_000_000 / perSecond * n), tolerance: .zero)
            _ = try await bench.ledger.enqueue([NewJob(tenant: tenant, kind: "probe", arguments: Array("{}".utf8))])
        }
    }

    private func ended(_ bench: BenchServers, _ tenant: TenantID) async throws -> Int {
        try await bench.count("SELECT count(*) FROM job_history WHERE tenant_id = \(tenant.rawValue)")
    }

    private func result(_ bench: BenchServers, _ tenant: TenantID, cpu: CPUTimes, disk: DiskSync, left: Int) async throws -> BenchmarkResult
    {
        let row = try await bench.owner.query(
            """
            SELECT 1000 * percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM started_at - enqueued_at)::float8) AS p50,
                1000 * percentile_cont(0.99) WITHIN GROUP (ORDER BY extract(epoch FROM started_at - enqueued_at)::float8) AS p99
            FROM (SELECT * FROM job_history WHERE tenant_id = \(tenant.rawValue) ORDER BY id OFFSET \(Int64(perSecond))) h
            """
        ).first!
        return BenchmarkResult(
            suite: neighbour > 0 ? "fairness" : "latency", jobsPerSecond: Double(perSecond), limitJobsPerSecond: nil,
            p50Ms: try row.get("p50"),
            p99Ms: try row.get("p99"), cpuUsPerJob: cpu.total / Double(jobs) * 1e6, share: cpu.shares, machine: .this,
            settings: ["jobs": "\(jobs)", "per_second": "\(perSecond)", "neighbour": "\(neighbour)"],
            more: ["disk_sync_p50_ms": disk.p50, "disk_sync_p99_ms": disk.p99].merging(
                neighbour > 0 ? ["neighbour_jobs_left": Double(left)] : [:]
            ) { $1 })
    }
}
