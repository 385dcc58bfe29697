import Foundation
import Jobs
import Ledger
import PostgresClient
import Synchronization
import Tenancy

/// How the queue goes on under a disturbance: a report that holds a Postgres snapshot, a Redis that is lost, a worker that is asked to stop.
public struct DisturbanceBenchmark: Sendable {
    public enum Disturbance: String, Codable, Sendable, CaseIterable {
        case heldSnapshot = "snapshot"
        case lostRedis = "rebuild"
        case drain
    }

    public var disturbance: Disturbance
    public var jobs: Int

    public init(_ disturbance: Disturbance, jobs: Int? = nil) {
        self.disturbance = disturbance
        self.jobs = jobs ?? (disturbance == .lostRedis ? 1_000_000 : 200_000)
    }

    /// - Parameter executable: the `kiteline` program.
    public func run(executable: String) async throws -> BenchmarkResult {
        try await BenchServers.with { bench in
            try await bench.mustBeDurable()
            let fleet = bench.workers(executable)
            let more: [String: Double]
            switch disturbance {
            case .heldSnapshot: more = try await heldSnapshot(bench, fleet)
            case .lostRedis: more = try await lostRedis(bench, fleet)
            case .drain: more = try await drain(bench, fleet)
            }
            await fleet.stop()
            try await bench.mustHaveEffects(jobs)
            var result = try await bench.result(
                disturbance.rawValue, jobs: jobs, cpu: bench.cpu(processes: []), settings: ["jobs": "\(jobs)"])
            result.more = more
            result.goals =
                switch disturbance {
                // As fast as without it.
                case .heldSnapshot: ["held_jobs_per_second": more["before_jobs_per_second"] ?? 0]
                case .lostRedis: ["dispatch_paused_s": 10]
                case .drain: ["left_running": 0, "failed": 0, "attempts_burned": 0]
                }
            return result
        }
    }

    /// Half the jobs while a repeatable-read transaction is held open, half before it: the rate of each.
    private func heldSnapshot(_ bench: BenchServers, _ fleet: ProgramProcesses) async throws -> [String: Double] {
        try await bench.fill(jobs)
        let report = PostgresPool(PostgresConfiguration(url: bench.servers.postgresURL), size: 1, logger: bench.logger)
        try fleet.start()
        let half = jobs / 2
        while try await bench.count("SELECT count(*) FROM job_history") < half { try await Task.sleep(for: .milliseconds(20)) }
        let isOver = Flag()
        async let held: Void = report.transaction { transaction in
            _ = try transaction.query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            _ = try transaction.query("SELECT count(*) FROM job_live")
            while !isOver.isSet { _ = try transaction.query("SELECT pg_sleep(0.1)") }
        }
        try await bench.drained()
        isOver.set()
        try await held
        await report.close()
        let row = try await bench.owner.query(
            """
            SELECT count(*) / extract(epoch FROM max(finished_at) - min(finished_at))::float8 AS rate FROM (
                SELECT finished_at, row_number() OVER (ORDER BY finished_at) <= \(Int64(half)) AS before FROM job_history) h
            GROUP BY before ORDER BY before DESC
            """)
        return ["before_jobs_per_second": try row[0].get("rate"), "held_jobs_per_second": try row[1].get("rate")]
    }

    /// Redis is killed and comes back empty while jobs wait: seconds until dispatch goes on.
    private func lostRedis(_ bench: BenchServers, _ fleet: ProgramProcesses) async throws -> [String: Double] {
        try await bench.fill(jobs)
        try fleet.start()
        while try await bench.count("SELECT count(*) FROM (SELECT FROM job_history LIMIT 1000) h") < 1_000 {
            try await Task.sleep(for: .milliseconds(10))
        }
        await bench.servers.killRedis()
        let lost: Date = try await bench.owner.query("SELECT clock_timestamp() AS now").first!.get("now")
        try await bench.servers.startRedis()
        try await bench.drained()
        let row = try await bench.owner.query(
            """
            SELECT max(gap)::float8 AS gap FROM (
                SELECT extract(epoch FROM started_at - lag(started_at) OVER (ORDER BY started_at)) AS gap FROM job_history
                WHERE started_at > \(lost.addingTimeInterval(-1))) h
            """
        ).first!
        return ["dispatch_paused_s": try row.get("gap")]
    }

    /// A worker is asked to stop under full load, and another goes on.
    private func drain(_ bench: BenchServers, _ fleet: ProgramProcesses) async throws -> [String: Double] {
        try await bench.fill(jobs)
        let pid = try fleet.start()
        while try await bench.count("SELECT count(*) FROM (SELECT FROM job_history LIMIT 1000) h") < 1_000 {
            try await Task.sleep(for: .milliseconds(10))
        }
        let asked = ContinuousClock.now
        fleet.terminate(pid)
        while fleet.isRunning(pid) { try await Task.sleep(for: .milliseconds(5)) }
        let stopped = ContinuousClock.now - asked
        let running = try await bench.count("SELECT count(*) FROM job_live WHERE state = 'running'")
        try fleet.start()
        try await bench.drained()
        return [
            "stopped_after_s": stopped.inSeconds, "left_running": Double(running),
            "failed": Double(try await bench.count("SELECT count(*) FROM job_history WHERE state <> 'completed'")),
            "attempts_burned": Double(try await bench.count("SELECT count(*) FROM job_history WHERE attempt > 1 OR lost > 0")),
        ]
    }
}

private final class Flag: Sendable {
    private let state = Atomic(false)
    var isSet: Bool { state.load(ordering: .relaxed) }
    func set() { state.store(true, ordering: .relaxed) }
}
