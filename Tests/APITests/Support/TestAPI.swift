import API
import AsyncHTTPClient
import Connectors
import DispatchIndex
import Foundation
import JobKinds
import Jobs
import Ledger
import LocalServers
import Logging
import Maintenance
import Messages
import NIOPosix
import PostgresClient
import Records
import RedisClient
import Schema
import ServiceLifecycle
import Synchronization
import Telemetry
import Tenancy
import TestSupport
import Testing

/// A server of the test's own: fresh database, own keys in the shared Redis, a free port, two tenants.
final class TestAPI: Sendable {
    struct Tenant: Sendable {
        let id: TenantID
        let slug: String
        let tenantKey: String
        let operatorKey: String
        let operatorKeyID: Int64
    }

    let engine: PostgresPool
    let app: PostgresPool
    let owner: PostgresPool
    let records: Records
    let ledger: Ledger
    let dispatch: Dispatch
    let api: API
    let acme: Tenant
    let globex: Tenant
    let platformKey: String
    /// By which keys and counts are remembered.
    let clock: TestClock
    private let redis: RedisClient
    let pusher: Pusher
    private let address = Mutex("")

    /// What a test may want otherwise.
    struct Options: Sendable {
        var limits = Limits()
        var transport = TransportSecurity()
        var kinds: [JobKind] = []
        /// How long a request waits for Postgres.
        /// Longer than a real one's: all tests share two cores.
        var patience = Duration.seconds(60)
        /// Zero: a statement is waited for as long as `patience` has it.
        var statementTimeout = Duration.seconds(30)
        /// Servers of the test's own, to be broken.
        var servers: LocalServers?
        var traces: Traces?
        var outgoing = OutgoingPolicy()
        var secrets: SecretBox?
        /// How old a count of late leads that was costly may be.
        var countsAge = Duration.zero
    }

    /// Where the data are.
    private struct Place {
        var postgresURL: String
        var redisURL: String
        var keyPrefix: String

        func pool(as role: TestRole?, size: Int, statementTimeout: Duration = .seconds(30)) -> PostgresPool {
            PostgresPool(
                PostgresConfiguration(url: postgresURL, role: role?.rawValue, statementTimeout: statementTimeout), size: size,
                logger: silent)
        }
    }

    /// Gives `body` a running server and stops it afterwards.
    static func with<R: Sendable>(_ options: Options = Options(), _ body: @Sendable (TestAPI) async throws -> R) async throws -> R {
        guard let servers = options.servers else {
            let database = try await TestDatabase()
            let place = Place(postgresURL: database.url, redisURL: database.redisURL, keyPrefix: database.keyPrefix)
            let result = try await with(place, options, body)
            try await database.drop()
            return try result.get()
        }
        let place = Place(postgresURL: servers.postgresURL, redisURL: servers.redisURL, keyPrefix: uniqueKeyPrefix())
        let owner = place.pool(as: nil, size: 1)
        try await Migrator(owner).migrate()
        await owner.close()
        return try await with(place, options, body).get()
    }

    private static func with<R: Sendable>(
        _ place: Place, _ options: Options, _ body: @Sendable (TestAPI) async throws -> R
    ) async throws -> Result<R, any Error> {
        let test = try await TestAPI(place, options)
        let result = try await test.serving { try await body(test) }
        await test.redis.close()
        await test.engine.close()
        await test.app.close()
        await test.owner.close()
        return result
    }

    private init(_ place: Place, _ options: Options) async throws {
        engine = place.pool(as: .engine, size: 4, statementTimeout: options.statementTimeout)
        app = place.pool(as: .application, size: 4, statementTimeout: options.statementTimeout)
        owner = place.pool(as: nil, size: 1)
        redis = RedisClient(try RedisConfiguration(url: place.redisURL), group: MultiThreadedEventLoopGroup.singleton, logger: silent)
        ledger = Ledger(postgres: engine, effects: RecordsEffectWriter(), patience: options.patience, logger: silent)
        dispatch = Dispatch(redis: redis, namespace: place.keyPrefix)
        pusher = Pusher(ledger: ledger, dispatch: dispatch)
        try await IndexKeeper(ledger: ledger, dispatch: dispatch, patience: .seconds(2), logger: silent).run()
        records = Records(app: app, engine: engine, ledger: ledger, patience: options.patience, logger: silent)
        let clock = TestClock()
        self.clock = clock
        acme = try await Self.tenant("acme", records)
        globex = try await Self.tenant("globex", records)
        platformKey = try await records.createKey(.platform, for: nil, by: "test").key.secret
        let kinds = [AnyHandler(Probe(dependencies: ProbeDependencies(postgres: app))).kind] + options.kinds
        api = API(
            records: records, ledger: ledger, dispatch: dispatch, kinds: kinds, clock: { clock.now }, limits: options.limits,
            heatMapAge: options.countsAge, countsAge: options.countsAge, transport: options.transport, outgoing: options.outgoing,
            secrets: options.secrets, traces: options.traces, logger: silent)
    }

    private static func tenant(_ slug: String, _ records: Records) async throws -> Tenant {
        let name = try #require(Slug(slug))
        let tenant = try #require(await records.createTenant(name, by: "test"))
        let `operator` = try await records.createKey(.operator, for: tenant.id, by: "test")
        return Tenant(
            id: tenant.id, slug: slug, tenantKey: try await records.createKey(.tenant, for: tenant.id, by: "test").key.secret,
            operatorKey: `operator`.key.secret, operatorKeyID: `operator`.id)
    }

    private func serving<R: Sendable>(_ body: @Sendable () async throws -> R) async throws -> Result<R, any Error> {
        let (ports, running) = AsyncStream.makeStream(of: Int.self)
        let server = APIServer(api, port: 0) { running.yield($0) }
        let services = ServiceGroup(configuration: ServiceGroupConfiguration(services: [server], logger: silent))
        async let ended: Void = services.run()
        for await port in ports {
            address.withLock { $0 = "http://127.0.0.1:\(port)" }
            break
        }
        let result: Result<R, any Error>
        do { result = .success(try await body()) } catch { result = .failure(error) }
        await services.triggerGracefulShutdown()
        try await ended
        return result
    }

    var url: String { address.withLock { $0 } }
}

/// Monotonic time, until a test stops it or puts it forward.
final class TestClock: Sendable {
    private struct State {
        var stoppedAt: ContinuousClock.Instant?
        var ahead = Duration.zero
    }

    private let state = Mutex(State())
    var now: ContinuousClock.Instant { state.withLock { ($0.stoppedAt ?? .now) + $0.ahead } }
    func advance(_ duration: Duration) { state.withLock { $0.ahead += duration } }
    /// What is remembered is remembered until the clock is advanced, however slow the machine.
    func stop() { state.withLock { $0.stoppedAt = .now } }
}

private let silent: Logger = {
    var logger = Logger(label: "test")
    logger.logLevel = .critical
    return logger
}()
