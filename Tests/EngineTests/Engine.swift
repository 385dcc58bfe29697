import DispatchIndex
import Foundation
import Jobs
import Ledger
import Logging
import Maintenance
import NIOPosix
import PostgresClient
import Records
import RedisClient
import Tenancy
import TestSupport
import Testing
import Worker

/// An engine of its own: a fresh database, its own keys in the shared Redis.
final class Engine: Sendable {
    let database: TestDatabase
    let postgres: PostgresPool
    let redis: RedisClient
    let ledger: Ledger
    let dispatch: Dispatch
    let pusher: Pusher
    let keeper: IndexKeeper
    let logger: Logger

    /// - Parameter redisURL: of a server of the test's own.
    init(lease: Duration = .seconds(30), effects: any EffectWriter = RecordsEffectWriter(), redisURL: String? = nil) async throws {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        self.logger = logger
        database = try await TestDatabase()
        postgres = PostgresPool(PostgresConfiguration(url: database.url, role: "kiteline_engine"), size: 4, logger: logger)
        redis = RedisClient(
            try RedisConfiguration(url: redisURL ?? database.redisURL), group: MultiThreadedEventLoopGroup.singleton, logger: logger)
        ledger = Ledger(postgres: postgres, effects: effects, logger: logger)
        dispatch = Dispatch(redis: redis, namespace: database.keyPrefix, lease: lease)
        pusher = Pusher(ledger: ledger, dispatch: dispatch)
        keeper = IndexKeeper(ledger: ledger, dispatch: dispatch, patience: .seconds(2), logger: logger)
        try await keeper.run()
    }

    func tenant(_ slug: String = "acme", weight: Int = 1, cap: Int = 1000) async throws -> TenantID {
        let row = try await postgres.query(
            "INSERT INTO tenant (slug, weight, cap) VALUES (\(slug), \(Int32(weight)), \(Int32(cap))) RETURNING id"
        ).first!
        let tenant = TenantID(try row.get("id"))
        try await dispatch.configure([TenantShare(tenant: tenant, weight: weight, cap: cap)])
        return tenant
    }

    func probe(_ tenant: TenantID, key: String = "k", priority: Int = 5, runAt: Date? = nil, attempts: Int = 5, unique: String? = nil)
        -> NewJob
    {
        NewJob(
            tenant: tenant, kind: "probe", arguments: Array(#"{"effect_key":"\#(key)"}"#.utf8), priority: priority, runAt: runAt,
            maxAttempts: attempts, uniqueKey: unique)
    }

    /// Enqueues and waits until the jobs are in the index.
    @discardableResult
    func enqueue(_ jobs: [NewJob]) async throws -> [JobID] {
        let ids = try await ledger.enqueue(jobs)
        try await dispatch.push(
            zip(jobs, ids).map {
                Push(
                    id: $1, tenant: $0.tenant, flow: $0.flow, priority: $0.priority,
                    since: Date(timeIntervalSince1970: Double($1.rawValue)), due: $0.runAt
                )
            })
        return ids
    }

    /// Claims and begins up to `want` jobs as worker 1.
    func begin(_ want: Int = 100) async throws -> [Attempt] {
        let claims = try await dispatch.claim(want).claims
        guard !claims.isEmpty else { return [] }
        return try await ledger.begin(claims.map { ClaimedJob(id: $0.id, token: $0.token) }, worker: 1, epoch: dispatch.epoch!).attempts
    }

    func settle(_ attempts: [Attempt], _ outcome: (Attempt) -> Outcome = { .completed("done", [ProbeEffect(key: "\($0.id)")]) })
        async throws -> Settled
    {
        try await ledger.settle(attempts.map { settlement($0, outcome($0)) })
    }

    func settlement(_ attempt: Attempt, _ outcome: Outcome) -> Settlement {
        Settlement(
            attempt: attempt, outcome: outcome,
            disposition: outcome.disposition(of: attempt, policy: RetryPolicy(base: 0.001, cap: 0.001), now: Date(), chance: 0))
    }

    func acknowledge(_ attempts: [Attempt], next: Acknowledgement.Next = .done) async throws {
        try await dispatch.acknowledge(
            attempts.map { Acknowledgement(Claim(id: $0.id, tenant: $0.tenant, token: $0.token), priority: $0.priority, next: next) })
    }

    func count(_ from: String) async throws -> Int {
        let results = try await postgres.pipeline([
            "SELECT set_config('kiteline.tenants', (SELECT array_agg(id)::text FROM tenant), true)",
            Statement("SELECT count(*) AS n FROM \(from)", []),
        ])
        return Int(try results[1].first!.get("n", as: Int64.self))
    }

    func worker(_ settings: WorkerSettings = WorkerSettings(), handlers: [AnyHandler]) -> Worker {
        Worker(ledger: ledger, dispatch: dispatch, handlers: handlers, settings: settings, logger: logger)
    }
}
