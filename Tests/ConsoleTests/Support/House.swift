import API
import ConsoleServer
import DispatchIndex
import Foundation
import JobKinds
import Jobs
import Ledger
import Logging
import Maintenance
import NIOPosix
import PostgresClient
import Records
import RedisClient
import ServiceLifecycle
import Synchronization
import Tenancy
import TestSupport
import Testing
import Worker

/// A server with API and console of the test's own: fresh database, own keys in the shared Redis, two tenants.
final class House: Sendable {
    struct Company: Sendable {
        let id: TenantID
        let slug: String
        let tenantKey: String
        let operatorKey: String
        let operatorKeyID: Int64
    }

    let records: Records
    let ledger: Ledger
    let owner: PostgresPool
    let acme: Company
    let globex: Company
    let platformKey: String
    private let pools: [PostgresPool]
    private let redis: RedisClient
    private let dispatch: Dispatch
    private let pusher: Pusher
    private let api: API
    private let handlers: [AnyHandler]
    private let address = Mutex("")
    private let clock = Mutex(TimeInterval(0))

    /// Gives `body` a running server and stops it afterwards.
    static func with(
        transport: TransportSecurity = TransportSecurity(), _ body: @Sendable (House) async throws -> Void
    ) async throws {
        try await TestDatabase.with { database in
            let house = try await House(database, transport)
            let result: Result<Void, any Error>
            do { result = .success(try await house.serving(body)) } catch { result = .failure(error) }
            await house.redis.close()
            for pool in house.pools { await pool.close() }
            try result.get()
        }
    }

    private init(_ database: TestDatabase, _ transport: TransportSecurity) async throws {
        let (engine, app) = (database.pool(as: .engine), database.pool(as: .application))
        owner = database.pool(size: 1)
        pools = [engine, app, owner]
        redis = RedisClient(
            try RedisConfiguration(url: database.redisURL), group: MultiThreadedEventLoopGroup.singleton, logger: silent)
        // Longer than a real one's patience: all tests share two cores.
        ledger = Ledger(postgres: engine, effects: RecordsEffectWriter(), patience: .seconds(60), logger: silent)
        dispatch = Dispatch(redis: redis, namespace: database.keyPrefix)
        pusher = Pusher(ledger: ledger, dispatch: dispatch)
        try await IndexKeeper(ledger: ledger, dispatch: dispatch, patience: .seconds(2), logger: silent).run()
        records = Records(app: app, engine: engine, ledger: ledger, patience: .seconds(60), logger: silent)
        acme = try await Self.company("acme", records)
        globex = try await Self.company("globex", records)
        platformKey = try await records.createKey(.platform, for: nil, by: "test").key.secret
        let routing = RoutingReader(postgres: app)
        handlers = [
            AnyHandler(Probe(dependencies: ProbeDependencies(postgres: app))), AnyHandler(AssignLead(records: routing)),
            AnyHandler(RebuildForecast(records: ForecastReader(postgres: app))), AnyHandler(ReplayRules(records: routing)),
            AnyHandler(ProbeAccess(prober: AccessProber(records))),
        ]
        api = API(
            records: records, ledger: ledger, dispatch: dispatch, kinds: handlers.map(\.kind), transport: transport, logger: silent)
    }

    private static func company(_ slug: String, _ records: Records) async throws -> Company {
        let name = try #require(Slug(slug))
        let tenant = try #require(await records.createTenant(name, by: "test"))
        let `operator` = try await records.createKey(.operator, for: tenant.id, by: "test")
        return Company(
            id: tenant.id, slug: slug, tenantKey: try await records.createKey(.tenant, for: tenant.id, by: "test").key.secret,
            operatorKey: `operator`.key.secret, operatorKeyID: `operator`.id)
    }

    private func serving(_ body: @Sendable (House) async throws -> Void) async throws {
        let (ports, running) = AsyncStream.makeStream(of: Int.self)
        let site = ConsoleSite(api, logger: silent) { [self] in Date().addingTimeInterval(clock.withLock(\.self)) }
        let server = APIServer(api, port: 0, site: site) { running.yield($0) }
        let services = ServiceGroup(configuration: ServiceGroupConfiguration(services: [server], logger: silent))
        async let ended: Void = services.run()
        for await port in ports {
            address.withLock { $0 = "http://127.0.0.1:\(port)" }
            break
        }
        let result: Result<Void, any Error>
        do { result = .success(try await body(self)) } catch { result = .failure(error) }
        await services.triggerGracefulShutdown()
        try await ended
        try result.get()
    }

    var url: String { address.withLock { $0 } }

    /// Puts the console's clock forward.
    func advance(_ time: TimeInterval) { clock.withLock { $0 += time } }

    /// Runs a worker and its upkeep beside `body`.
    func working(_ body: () async throws -> Void) async throws {
        let upkeep = MaintenanceSettings(
            watch: .milliseconds(50), relayAge: .milliseconds(100), reap: .milliseconds(100), census: .milliseconds(500),
            promote: .milliseconds(50))
        let caretaker = Maintenance(ledger: ledger, dispatch: dispatch, pusher: pusher, role: .full, settings: upkeep, logger: silent)
        let worker = Worker(
            ledger: ledger, dispatch: dispatch, handlers: handlers,
            settings: WorkerSettings(beat: .milliseconds(100), idle: .milliseconds(50)), logger: silent)
        // A worker that is asked to drain ends, and the rest goes on.
        let group = ServiceGroup(
            configuration: .init(
                services: [.init(service: caretaker), .init(service: worker, successTerminationBehavior: .ignore)], logger: silent))
        let running = Task { try await group.run() }
        let result: Result<Void, any Error>
        do { result = .success(try await body()) } catch { result = .failure(error) }
        await group.triggerGracefulShutdown()
        try await running.value
        try result.get()
    }
}

private let silent: Logger = {
    var logger = Logger(label: "test")
    logger.logLevel = .critical
    return logger
}()
