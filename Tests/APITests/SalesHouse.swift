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
import Rollouts
import Rules
import ServiceLifecycle
import Tenancy
import TestSupport
import Testing
import Worker

/// Everything that assigns leads, on a database and keys of its own: no HTTP, the rest real.
final class SalesHouse: Sendable {
    let database: TestDatabase
    let engine: PostgresPool
    let app: PostgresPool
    let ledger: Ledger
    let records: Records
    let reader: RoutingReader
    private let redis: RedisClient
    private let dispatch: Dispatch
    private let pusher: Pusher
    private let logger: Logger

    init() async throws {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        self.logger = logger
        database = try await TestDatabase()
        engine = database.pool(as: .engine)
        app = database.pool(as: .application)
        redis = RedisClient(try RedisConfiguration(url: database.redisURL), group: MultiThreadedEventLoopGroup.singleton, logger: logger)
        ledger = Ledger(postgres: engine, effects: RecordsEffectWriter(), logger: logger)
        dispatch = Dispatch(redis: redis, namespace: database.keyPrefix)
        pusher = Pusher(ledger: ledger, dispatch: dispatch)
        records = Records(app: app, engine: engine, ledger: ledger, logger: logger)
        reader = RoutingReader(postgres: app)
        try await IndexKeeper(ledger: ledger, dispatch: dispatch, patience: .seconds(2), logger: logger).run()
    }

    /// Gives `body` a house that is torn down afterwards.
    static func with<R: Sendable>(_ body: (SalesHouse) async throws -> R) async throws -> R {
        let house = try await SalesHouse()
        let result: Result<R, any Error>
        do { result = .success(try await body(house)) } catch { result = .failure(error) }
        await house.redis.close()
        await house.engine.close()
        await house.app.close()
        try await house.database.drop()
        return try result.get()
    }

    // MARK: What a tenant sets up

    func tenant(_ slug: String = "acme", cap: Int = 1_000, readyCapacity: Int = 1_000) async throws -> TenantID {
        var settings = TenantSettings()
        settings.readyCapacity = readyCapacity
        settings.cap = cap
        let tenant = try await records.createTenant(try #require(Slug(slug)), settings, by: "test")
        let id = try #require(tenant).id
        try await dispatch.configure([TenantShare(tenant: id, weight: 1, cap: cap, capacity: readyCapacity)])
        return id
    }

    func seller(_ name: String, of tenant: TenantID, _ change: (inout SellerProfile) -> Void = { _ in }) async throws {
        var profile = SellerProfile(name: name, status: .active)
        change(&profile)
        _ = try await records.putSeller(name, profile, of: tenant, by: "test")
    }

    /// Saves a rule set and makes it live.
    func rule(_ kind: RuleKind, _ source: String, name: String = "main", of tenant: TenantID) async throws {
        let checked = try await records.check(kind, name, source, of: tenant).get()
        let once = try await records.save(checked, of: tenant, by: "test", key: nil) { version, _ in
            StoredAnswer(status: version.version, body: Array(version.state.rawValue.utf8))
        }
        guard case .done(let answer) = once, answer.body == Array("draft".utf8) else { return }
        _ = try await records.publish(kind, name, version: answer.status, of: tenant, by: "test", reason: "test", key: nil) { _ in answer }
    }

    /// Makes a version live without asking whether it goes together with the others.
    func makeLive(_ kind: RuleKind, _ version: Int, name: String = "main", of tenant: TenantID) async throws {
        let once = try await records.publish(kind, name, version: version, of: tenant, by: "test", reason: "test", key: nil) { _ in
            StoredAnswer(status: 200, body: [])
        }
        try #require(once != nil)
    }

    /// Saves another version of a rule set, as a draft; its number.
    func draft(_ kind: RuleKind, _ source: String, name: String = "main", of tenant: TenantID) async throws -> Int {
        let checked = try await records.check(kind, name, source, of: tenant).get()
        let once = try await records.save(checked, of: tenant, by: "test", key: nil) { version, _ in
            StoredAnswer(status: version.version, body: [])
        }
        guard case .done(let answer) = once else { throw CancellationError() }
        return answer.status
    }

    /// Starts rolling a version out; the rollout's id.
    func roll(
        _ kind: RuleKind, to version: Int, name: String = "main", percent: Double, terms: RolloutTerms = RolloutTerms(), of tenant: TenantID
    ) async throws -> Int64 {
        let once = try await records.startRollout(
            .rule(kind), name, version: version, percent: try #require(Percent(percent)), terms: terms, of: tenant, by: "test",
            reason: "test",
            key: nil
        ) { StoredAnswer(status: Int($0.id), body: []) }
        guard case .done(let answer) = once else { throw CancellationError() }
        return Int64(answer.status)
    }

    func turn(_ rollout: Int64, _ turn: RolloutTurn, of tenant: TenantID) async throws {
        let once = try await records.turn(rollout: rollout, turn, of: tenant, by: "test", reason: "test", key: nil) { _ in
            StoredAnswer(status: 200, body: [])
        }
        try #require(once != nil)
    }

    func rollout(_ id: Int64, of tenant: TenantID) async throws -> RolloutRecord {
        try #require(try await records.rollout(id, of: tenant)).record
    }

    func fuse(_ state: AssignmentFuse.State, of tenant: TenantID) async throws {
        _ = try await records.setFuse(state, reason: "test", of: tenant, by: "key:1", key: nil) { _ in StoredAnswer(status: 200, body: []) }
    }

    /// Gives a lead to a seller by hand.
    func give(_ lead: Int64, to seller: String, of tenant: TenantID, isOverride: Bool = false) async throws {
        let wish = ManualAssignment(lead: lead, seller: seller, reason: "test", isOverride: isOverride)
        _ = try await records.assign(wish, of: tenant, by: "key:1", key: nil) { _ in StoredAnswer(status: 200, body: []) }
    }

    /// Begins a round in the sandbox on the leads of the last hour; its id.
    func round(_ version: Int, kind: RuleKind = .route, of tenant: TenantID) async throws -> Int64 {
        let window = Date().addingTimeInterval(-3_600)..<Date().addingTimeInterval(3_600)
        let once = try await records.beginRound(
            kind, "main", version: version, window: window, touchWithin: 240, of: tenant, by: "test", key: nil
        ) { round, _ in StoredAnswer(status: Int(round), body: []) }
        guard case .done(let answer) = try #require(once) else { throw CancellationError() }
        return Int64(answer.status)
    }

    /// Takes leads in; their ids, in order.
    @discardableResult
    func leads(_ leads: [NewLead], of tenant: TenantID) async throws -> [Int64] {
        try await records.takeIn(leads, of: tenant, trigger: .created).map(\.lead)
    }

    func lead(_ id: String, source: String = "website", _ fields: String = "{}") -> NewLead {
        NewLead(source: source, externalID: id, receivedAt: Date(), fields: Array(fields.utf8))
    }

    // MARK: Running

    var handlers: [AnyHandler] { handlers(reader) }

    private func handlers(_ reader: RoutingReader) -> [AnyHandler] {
        [
            AnyHandler(AssignLead(records: reader)), AnyHandler(ReleaseHeld(records: reader, pageSize: 3)),
            AnyHandler(MakeWhole(records: reader, pageSize: 3)), AnyHandler(ReplayRules(records: reader, pageSize: 5)),
            AnyHandler(RebalanceLeads(records: reader, pageSize: 3)), AnyHandler(EvaluateSellerBreaker(records: reader)),
            AnyHandler(GenerateReport(records: reader)),
            AnyHandler(RunProcessHealth(records: HealthReader(postgres: app), pageSize: 3)),
            AnyHandler(DiagnoseProcessHealth(records: HealthReader(postgres: app))),
            AnyHandler(EscalateOverdue(records: ClockReader(postgres: app))),
        ]
    }

    /// So many worker processes' worth of workers, and the caretakers, run while `body` does.
    /// - Parameters:
    ///   - clocks: whether anybody makes the jobs of clocks that come near.
    ///   - more: handlers of further kinds.
    ///   - chores: further caretakers.
    func working(
        workers: Int = 1, clocks: Bool = true, more: [AnyHandler] = [], chores: [Chore] = [], _ body: () async throws -> Void
    ) async throws {
        let timers = Chore("clocks", every: .milliseconds(50)) { [records] in while try await records.promoteClocks(now: Date()) {} }
        let upkeep = MaintenanceSettings(
            watch: .milliseconds(50), relayAge: .milliseconds(100), reap: .milliseconds(100), census: .milliseconds(500),
            promote: .milliseconds(50))
        let settings = WorkerSettings(beat: .milliseconds(100), idle: .milliseconds(50))
        var services: [any Service] = [
            Maintenance(
                ledger: ledger, dispatch: dispatch, pusher: pusher, role: .full, settings: upkeep,
                chores: (clocks ? [timers] : []) + chores,
                logger: logger)
        ]
        for _ in 0..<workers {
            // Each remembers rules and rankings of its own, as processes do.
            let handlers = handlers(RoutingReader(postgres: app)) + more
            services.append(Worker(ledger: ledger, dispatch: dispatch, handlers: handlers, settings: settings, logger: logger))
        }
        let group = ServiceGroup(services: services, logger: logger)
        let running = Task { try await group.run() }
        let result: Result<Void, any Error>
        do { result = .success(try await body()) } catch { result = .failure(error) }
        await group.triggerGracefulShutdown()
        try await running.value
        try result.get()
    }

    /// Works until no job is left; clocks only begin to run.
    func workThrough(workers: Int = 1) async throws {
        try await working(workers: workers, clocks: false) { try await soon { try await self.count("job_live") == 0 } }
    }

    /// Grants up to so many jobs, as a worker would; the caller decides and settles those of the kind.
    func begin(_ want: Int = 100, of kind: String = NewJob.assignLeadKind) async throws -> [Attempt] {
        try await pushAll()
        let claims = try await dispatch.claim(want).claims
        guard !claims.isEmpty else { return [] }
        let granted = claims.map { ClaimedJob(id: $0.id, token: $0.token) }
        return try await ledger.begin(granted, worker: 1, epoch: dispatch.epoch!).attempts
            .filter { $0.kind == kind }.sorted { $0.id < $1.id }
    }

    /// Tells the index that these claims are over.
    func acknowledge(_ attempts: [Attempt]) async throws {
        try await dispatch.acknowledge(attempts.map { Acknowledgement(Claim(id: $0.id, tenant: $0.tenant, token: $0.token)) })
    }

    private func pushAll() async throws {
        let rows = try await rows("SELECT id, tenant_id, flow FROM job_live WHERE state = 'available' OR run_at <= now() ORDER BY id")
        _ = try await dispatch.push(
            rows.map {
                Push(
                    id: JobID(try $0.get("id")), tenant: TenantID(try $0.get("tenant_id")), flow: try $0.get("flow"), priority: 5,
                    since: Date(), due: nil)
            })
    }

    /// Decides attempts as one group.
    func decide(_ attempts: [Attempt], of kind: String = NewJob.assignLeadKind) async throws -> [Settlement] {
        guard case .deciding(let decide) = handlers.first(where: { $0.kind.name == kind })?.style else { return [] }
        let outcomes = await decide(attempts) { Date() }.outcomes
        return zip(attempts, outcomes).map { attempt, outcome in
            Settlement(
                attempt: attempt, outcome: outcome,
                disposition: outcome.disposition(of: attempt, policy: RetryPolicy(), now: Date(), chance: 0))
        }
    }

    // MARK: Looking

    var audit: SalesAudit { SalesAudit(engine: engine) }
    func rows(_ sql: String) async throws -> Rows { try await audit.rows(sql) }
    func count(_ from: String) async throws -> Int { try await audit.count(from) }
    func outcomes() async throws -> [String: Int] { try await audit.outcomes() }
    func expectSound(sourceLocation: SourceLocation = #_sourceLocation) async throws {
        try await audit.expectSound(sourceLocation: sourceLocation)
    }
}

/// Asks again and again until the condition holds, for at most five minutes.
func soon(sourceLocation: SourceLocation = #_sourceLocation, _ condition: () async throws -> Bool) async throws {
    try await expectSoon(within: .seconds(300), sourceLocation: sourceLocation, condition)
}
