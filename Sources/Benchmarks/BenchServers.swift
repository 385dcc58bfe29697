import DispatchIndex
import Foundation
import Jobs
import Ledger
import LocalServers
import Logging
import Maintenance
import NIOPosix
import PostgresClient
import Records
import RedisClient
import Schema
import Tenancy

public enum BenchmarkError: Error, CustomStringConvertible {
    case notDurable(String)
    case wrong(String)

    public var description: String {
        switch self {
        case .notDurable(let setting): "refused: \(setting) is off, so the figures would not be those of a service that keeps its word"
        case .wrong(let what): "the run was not correct, so there is no figure: \(what)"
        }
    }
}

/// A fresh, durable pair of servers with an engine on them, removed afterwards.
struct BenchServers: Sendable {
    let servers: LocalServers
    let owner: PostgresPool
    let postgres: PostgresPool
    let redis: RedisClient
    let ledger: Ledger
    let dispatch: Dispatch
    let pusher: Pusher
    let folder: String
    let logger: Logger

    /// - Parameter level: the least that is logged of the servers and the connections to them.
    static func with<R: Sendable>(
        durable: Bool = true, level: Logger.Level = .warning, _ body: (BenchServers) async throws -> R
    ) async throws -> R {
        var logger = Logger(label: "kiteline.bench")
        logger.logLevel = level
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("kiteline-bench-\(UUID().uuidString.prefix(8))").path
        let servers = try await LocalServers.start(dataDirectory: folder, options: LocalServers.Options(durable: durable), logger: logger)
        let result: Result<R, any Error>
        do {
            let bench = try await BenchServers(servers, folder, logger)
            result = .success(try await body(bench))
            await bench.close()
        } catch { result = .failure(error) }
        await servers.stop()
        try? await LocalServers.remove(dataDirectory: folder)
        return try result.get()
    }

    private init(_ servers: LocalServers, _ folder: String, _ logger: Logger) async throws {
        self.servers = servers
        self.folder = folder
        self.logger = logger
        // It fills tables with millions of rows.
        owner = PostgresPool(PostgresConfiguration(url: servers.postgresURL, statementTimeout: .zero), size: 2, logger: logger)
        try await Migrator(owner).migrate()
        postgres = PostgresPool(PostgresConfiguration(url: servers.postgresURL, role: "kiteline_engine"), size: 6, logger: logger)
        redis = RedisClient(try RedisConfiguration(url: servers.redisURL), group: MultiThreadedEventLoopGroup.singleton, logger: logger)
        ledger = Ledger(postgres: postgres, effects: RecordsEffectWriter(), logger: logger)
        dispatch = Dispatch(redis: redis)
        pusher = Pusher(ledger: ledger, dispatch: dispatch)
        try await IndexKeeper(ledger: ledger, dispatch: dispatch, patience: .seconds(30), logger: logger).run()
    }

    private func close() async {
        await redis.close()
        await postgres.close()
        await owner.close()
    }

    func tenant(_ slug: String, weight: Int = 1, cap: Int = 100_000, capacity: Int = 1_000) async throws -> TenantID {
        let row = try await postgres.query(
            """
            INSERT INTO tenant (slug, weight, cap, ready_capacity) VALUES (\(slug), \(Int32(weight)), \(Int32(cap)), \(Int32(capacity)))
            RETURNING id
            """
        ).first!
        let tenant = TenantID(try row.get("id"))
        try await dispatch.configure([TenantShare(tenant: tenant, weight: weight, cap: cap, capacity: capacity)])
        return tenant
    }

    /// CPU used so far by each part.
    func cpu(processes: [Int32]) -> CPUTimes {
        CPUTimes(
            postgres: ProcessTimes.cpu(of: servers.postgresPID), redis: ProcessTimes.cpu(of: servers.redisPID),
            swift: processes.reduce(0) { $0 + ProcessTimes.cpu(of: $1) })
    }

    /// Processes of the program on these servers.
    func processes(_ executable: String, _ arguments: [String], environment: [String: String] = [:]) -> ProgramProcesses {
        let urls = ["KITELINE_POSTGRES_URL": servers.postgresURL, "KITELINE_REDIS_URL": servers.redisURL]
        return ProgramProcesses(
            executable: executable, arguments: arguments, environment: urls.merging(environment) { $1 },
            log: folder + "/\(arguments[0]).log")
    }

    func workers(_ executable: String) -> ProgramProcesses { processes(executable, ["work"]) }

    /// Returns when all that was enqueued is in the index and nothing of it is still to be written.
    func everythingPushed() async throws {
        while try await count("SELECT count(*) FROM outbox") > 0 {
            await pusher.confirm()
            try await Task.sleep(for: .milliseconds(20))
        }
        _ = try await owner.query("CHECKPOINT")
    }

    /// The figures of jobs that were carried out, as the ledger has them.
    func result(_ suite: String, jobs: Int, cpu: CPUTimes, settings: [String: String]) async throws -> BenchmarkResult {
        let row = try await owner.query(
            """
            SELECT extract(epoch FROM max(finished_at) - min(started_at))::float8 AS seconds,
                1000 * percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM finished_at - started_at)::float8) AS p50,
                1000 * percentile_cont(0.99) WITHIN GROUP (ORDER BY extract(epoch FROM finished_at - started_at)::float8) AS p99
            FROM job_history
            """
        ).first!
        return BenchmarkResult(
            suite: suite, jobsPerSecond: Double(jobs) / (try row.get("seconds", as: Double.self)), limitJobsPerSecond: nil,
            p50Ms: try row.get("p50"), p99Ms: try row.get("p99"), cpuUsPerJob: cpu.total / Double(jobs) * 1e6, share: cpu.shares,
            machine: .this, settings: settings)
    }

    /// Figures are only for servers that keep what they acknowledged.
    func mustBeDurable() async throws {
        for setting in ["fsync", "full_page_writes", "synchronous_commit"] {
            let value: String = try await owner.query("SELECT current_setting(\(setting)) AS value").first!.get("value")
            guard value == "on" else { throw BenchmarkError.notDurable(setting) }
        }
    }

    /// Pushes what this process enqueues, as `serve` would, until cancelled.
    func keepPushing() async throws {
        try await Maintenance(ledger: ledger, dispatch: dispatch, pusher: pusher, role: .pushing, logger: logger).run()
    }

    /// Returns when no unfinished job is left.
    func drained(within limit: Duration = .seconds(3_600)) async throws {
        let end = ContinuousClock.now + limit
        while (try? await count("SELECT count(*) FROM (SELECT FROM job_live LIMIT 1) l")) != 0 {
            guard ContinuousClock.now < end else { throw BenchmarkError.wrong("jobs were left after \(limit)") }
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    /// Probe jobs with an effect each, `e0`, `e1` …, of new tenants in turn, in the ledger and, up to their capacity, in the index when it
    /// returns.
    @discardableResult
    func fill(_ jobs: Int, tenants: Int = 1, payloadBytes: Int = 200, slug: String = "bench", capacity: Int = 1_000) async throws
        -> [TenantID]
    {
        var ids: [TenantID] = []
        for n in 0..<tenants { ids.append(try await tenant("\(slug)-\(n)", capacity: capacity)) }
        let payload = String(repeating: "x", count: payloadBytes)
        for start in stride(from: 0, to: jobs, by: 1_000) {
            let batch = (start..<min(start + 1_000, jobs)).map { n in
                NewJob(tenant: ids[n % tenants], kind: "probe", arguments: Array(#"{"effect_key":"e\#(n)","payload":"\#(payload)"}"#.utf8))
            }
            _ = try await ledger.enqueue(batch)
        }
        try await everythingPushed()
        return ids
    }

    func count(_ statement: Statement) async throws -> Int { Int(try await owner.query(statement).first!.get(0, as: Int64.self)) }
}
