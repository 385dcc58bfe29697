import DispatchIndex
import Foundation
import JobKinds
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
import ServiceLifecycle
import Tenancy
import Worker

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

    static func with<R: Sendable>(durable: Bool = true, _ body: (BenchServers) async throws -> R) async throws -> R {
        var logger = Logger(label: "kiteline.bench")
        logger.logLevel = .warning
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
        owner = PostgresPool(PostgresConfiguration(url: servers.postgresURL), size: 2, logger: logger)
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

    func tenant(_ slug: String, weight: Int = 1, cap: Int = 100_000) async throws -> TenantID {
        let row = try await postgres.query("INSERT INTO tenant (slug, weight, cap) VALUES (\(slug), \(Int32(weight)), \(Int32(cap))) RETURNING id").first!
        let tenant = TenantID(try row.get("id"))
        try await dispatch.configure([TenantShare(tenant: tenant, weight: weight, cap: cap)])
        return tenant
    }

    /// Seconds of CPU used so far by each part.
    func cpu(workers: [Int32]) -> (postgres: Double, redis: Double, swift: Double) {
        (ProcessTimes.cpu(of: servers.postgresPID), ProcessTimes.cpu(of: servers.redisPID), workers.reduce(0) { $0 + ProcessTimes.cpu(of: $1) })
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

    func count(_ statement: Statement) async throws -> Int { Int(try await owner.query(statement).first!.get(0, as: Int64.self)) }
}
