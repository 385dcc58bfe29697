import API
import Connectors
import CrashPoints
import DispatchIndex
import Foundation
import JobKinds
import Jobs
import Ledger
import Logging
import Maintenance
import Messages
import NIOCore
import NIOPosix
import PostgresClient
import Records
import RedisClient
import ServiceLifecycle
import Telemetry
import Tenancy
import Worker

/// Everything a process runs on, built from its settings.
struct Engine: Sendable {
    let settings: Settings
    let enginePool: PostgresPool
    let appPool: PostgresPool
    let redis: RedisClient
    let ledger: Ledger
    let dispatch: Dispatch
    let pusher: Pusher
    let records: Records
    let courier: Courier
    /// Opens and seals connectors' secrets; nil: no key is set.
    let secrets: SecretBox?
    let logger: Logger
    /// Nil: traces are told to nobody.
    let exporter: SpanExporter?
    let traces: Traces?
    /// Nil: log lines go to standard error only.
    let logs: LogExporter?

    /// - Parameter role: what the process does, as traces name it.
    init(_ settings: Settings, role: String) throws {
        self.settings = settings
        let plain = settings.logger("kiteline")
        let collector = settings.optional(.otlpEndpoint)
        let tellsLogs = try settings.text(.otlpLogs) == "yes"
        guard collector != nil || !tellsLogs else { throw SetUpError("KITELINE_OTLP_LOGS is yes, and KITELINE_OTLP_ENDPOINT is not set") }
        exporter = collector.map { SpanExporter(endpoint: $0, role: role, version: Kiteline.version, logger: plain) }
        logs = tellsLogs ? collector.map { LogExporter(endpoint: $0, role: role, version: Kiteline.version, logger: plain) } : nil
        logger = logs?.joining(plain) ?? plain
        let share = try settings.share(.traceShare)
        traces = exporter.map { Traces(share: share, exporter: $0) }
        if let plan = settings.optional(.crashAt).flatMap(CrashPlan.init) {
            logger.warning("told to kill itself", metadata: ["at": "\(settings.optional(.crashAt) ?? "")"])
            CrashPoint.arm(plan)
        }
        let url = try settings.text(.postgresURL)
        enginePool = PostgresPool(
            PostgresConfiguration(url: url, role: "kiteline_engine"), size: try settings.count(.enginePool), logger: logger)
        appPool = PostgresPool(PostgresConfiguration(url: url, role: "kiteline_app"), size: try settings.count(.appPool), logger: logger)
        redis = RedisClient(
            try RedisConfiguration(url: try settings.text(.redisURL)), group: MultiThreadedEventLoopGroup.singleton, logger: logger)
        let patience = try settings.duration(.requestSeconds)
        ledger = Ledger(postgres: enginePool, effects: RecordsEffectWriter(), patience: patience, logger: logger)
        dispatch = Dispatch(redis: redis, namespace: try settings.text(.redisNamespace), lease: try settings.duration(.leaseSeconds))
        pusher = Pusher(ledger: ledger, dispatch: dispatch)
        records = Records(app: appPool, engine: enginePool, ledger: ledger, patience: patience, logger: logger)
        courier = Courier(OutgoingPolicy(allowsLoopback: try settings.text(.localTargets) == "yes"))
        secrets = settings.secretBox
    }

    /// Every kind of job there is, also those this process leaves to others.
    var kinds: [JobKind] { handlers.map(\.kind) + (secrets == nil ? [SendNotification.definition] : []) }

    /// What this process can run: without the key that opens connectors' secrets, everything but messages to the outside.
    var handlers: [AnyHandler] {
        let routing = RoutingReader(postgres: appPool)
        let sending = secrets.map { box in
            AnyHandler(SendNotification(reader: DeliveryReader(postgres: appPool), courier: courier, secrets: box))
        }
        return [sending].compactMap(\.self) + [
            AnyHandler(AssignLead(records: routing)), AnyHandler(ReleaseHeld(records: routing)),
            AnyHandler(MakeWhole(records: routing)), AnyHandler(RebalanceLeads(records: routing)),
            AnyHandler(EvaluateSellerBreaker(records: routing)), AnyHandler(GenerateReport(records: routing)),
            AnyHandler(EscalateOverdue(records: ClockReader(postgres: appPool))),
            AnyHandler(ReplayRules(records: routing)),
            AnyHandler(RebuildForecast(records: ForecastReader(postgres: appPool))),
            AnyHandler(RunProcessHealth(records: HealthReader(postgres: appPool))),
            AnyHandler(DiagnoseProcessHealth(records: HealthReader(postgres: appPool))),
            AnyHandler(ProbeAccess(prober: AccessProber(records))),
            AnyHandler(Probe(dependencies: ProbeDependencies(postgres: appPool))),
        ]
    }

    /// The kinds of a list with commas. No list: all this process can run; nil says that these are all there are.
    func kinds(named list: String?) throws -> Set<String>? {
        guard let list else { return secrets == nil ? Set(handlers.map(\.kind.name)) : nil }
        let names = Set(list.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) })
        let known = kinds.map(\.name)
        guard !names.isEmpty else { throw SetUpError("--kinds names none; there are \(known.sorted().joined(separator: ", "))") }
        let unknown = names.subtracting(known).sorted()
        guard unknown.isEmpty else {
            throw SetUpError(
                "there is no kind \(unknown.joined(separator: ", ")); there are \(known.sorted().joined(separator: ", "))")
        }
        if secrets == nil, names.contains(SendNotification.definition.name) {
            throw SetUpError("KITELINE_SECRET_KEY is not set: without it \(SendNotification.definition.name) is left to other processes")
        }
        return names
    }

    /// - Parameter kinds: as `kinds(named:)` answers them.
    func worker(kinds: Set<String>?) throws -> Worker {
        if secrets == nil { logger.warning("KITELINE_SECRET_KEY is not set: this process leaves messages to the outside to others") }
        let worker = WorkerSettings(
            concurrency: try settings.count(.concurrency), drain: try settings.duration(.drainSeconds),
            beat: try settings.duration(.beatSeconds), kinds: kinds, slowCalls: try settings.durationsByName(.slowCalls))
        return Worker(ledger: ledger, dispatch: dispatch, handlers: handlers, settings: worker, traces: traces, logs: logs, logger: logger)
    }

    func maintenance(_ role: Maintenance.Role) throws -> Maintenance {
        var maintenance = MaintenanceSettings(lease: dispatch.lease)
        maintenance.reap = try settings.duration(.reapSeconds)
        maintenance.silence = try settings.duration(.silenceSeconds)
        maintenance.memoryShare = try settings.share(.redisMemoryShare)
        var fuse = FailureAlarm()
        fuse.share = Double(try settings.count(.fusePercent)) / 100
        fuse.jobs = try settings.count(.fuseJobs)
        fuse.window = TimeInterval(try settings.duration(.fuseSeconds).components.seconds)
        let pause = try settings.duration(.reconcileSeconds)
        let chores = [
            Chore("assignment fuse", every: .seconds(5)) { [records, fuse] in
                try await records.watchAssignments(fuse, now: Date())
                try await records.watchIncidents(now: Date())
            },
            Chore("assignments reconciled", every: min(pause, .seconds(30))) { [records, ledger] in
                guard try await ledger.hasTurn(for: "reconcile_assignments", every: pause) else { return }
                try await records.reconcileAssignments(now: Date())
            },
            Chore("alerts of leads", every: .seconds(5)) { [records] in try await records.endAlertsOfLeads(now: Date()) },
            Chore("failure rates", every: .seconds(20)) { [records] in try await records.watchFailureRates(now: Date()) },
            Chore("memory alarm", every: .seconds(5)) { [records, dispatch] in
                try await records.watchUnpushed(isFull: dispatch.isFull, now: Date())
            },
            Chore("interrupted imports", every: .seconds(30)) { [records] in try await records.endSilentImports() },
            Chore("messages", every: .milliseconds(250)) { [records] in while try await records.planMessages(now: Date()) {} },
            Chore("old messages", every: .seconds(60)) { [records] in try await records.sweepMessages(now: Date()) },
            Chore("webhooks", every: .milliseconds(500)) { [records] in while try await records.relayWebhooks(now: Date()) {} },
            Chore("rollouts", every: .seconds(1)) { [records] in while try await records.judgeRollouts(now: Date()) {} },
            Chore("guard readings", every: .seconds(5)) { [records, ledger] in
                guard try await ledger.hasTurn(for: "guard_readings", every: .seconds(5)) else { return }
                try await records.keepGuardReadings(now: Date())
            },
            Chore("process health", every: .seconds(60)) { [records, ledger] in
                guard try await ledger.hasTurn(for: "process_health", every: .seconds(3_600)) else { return }
                try await records.enqueueHealthRuns(isWhole: ledger.hasTurn(for: "process_health_whole", every: .seconds(86_400)))
            },
            Chore("late forecasts", every: .seconds(60)) { [records, ledger] in
                guard try await ledger.hasTurn(for: "late_forecasts", every: .seconds(300)) else { return }
                try await records.enqueueLateForecasts(now: Date())
            },
            Chore("access probes", every: .seconds(60)) { [records, ledger] in
                guard try await ledger.hasTurn(for: "probe_access", every: .seconds(3_600)) else { return }
                try await records.enqueueAccessProbes()
            },
            Chore("routing snapshots", every: .seconds(300)) { [records] in try await records.keepRoutingSnapshots() },
            Chore("schedules", every: .seconds(1)) { [records] in while try await records.fireSchedules(now: Date()) {} },
            Chore("clocks", every: .seconds(1)) { [records] in while try await records.promoteClocks(now: Date()) {} },
            // When it starts, and seldom after that.
            Chore("years noted", every: .seconds(3_600)) { [records] in try await records.noteProgramYears(now: Date()) },
            Chore("clocks reconciled", every: .seconds(60)) { [records] in try await records.reconcileClocks(now: Date()) },
        ]
        return Maintenance(
            ledger: ledger, dispatch: dispatch, pusher: pusher, role: role, settings: maintenance,
            longestWaits: try settings.durationsByName(.longestWaits), chores: chores, logger: logger)
    }

    func api() throws -> API {
        let proxies = try settings.text(.trustedProxies).split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
        let metrics = Metrics()
        metrics.add(source: { [enginePool, appPool, redis] in
            clientSamples(["engine": enginePool.statistics, "app": appPool.statistics], redis.statistics)
        })
        var limits = Limits()
        limits.headerTime = try settings.duration(.headerSeconds)
        limits.bodyPause = try settings.duration(.bodySeconds)
        return API(
            records: records, ledger: ledger, dispatch: dispatch, kinds: kinds, metrics: metrics, limits: limits, heatMapAge: .seconds(30),
            countsAge: .seconds(2),
            transport: TransportSecurity(publicURL: settings.optional(.publicURL), trustedProxies: Set(proxies)),
            outgoing: courier.policy, secrets: secrets, traces: traces, logs: logs, logger: logger)
    }

    /// What sends traces and log lines, where they are told: the first of a process' services, so that they end last.
    var exporting: [any Service] { (logs.map { [$0] } ?? []) + (exporter.map { [$0] } ?? []) }

    func close() async {
        await courier.close()
        await redis.close()
        await appPool.close()
        await enginePool.close()
    }
}

extension Settings {
    /// What opens and seals connectors' secrets; nil: no key is set.
    var secretBox: SecretBox? { optional(.secretKey).flatMap { Data(base64Encoded: $0) }.flatMap { SecretBox(key: Array($0)) } }
}

extension Engine {
    /// Gives `body` an engine that is closed afterwards.
    static func with<R>(_ settings: Settings, role: String = "command", _ body: (Engine) async throws -> R) async throws -> R {
        let engine = try Engine(settings, role: role)
        let result: Result<R, any Error>
        do { result = .success(try await body(engine)) } catch { result = .failure(error) }
        await engine.close()
        return try result.get()
    }

    /// The same for a command that works on the database itself. One that is not migrated is refused before anything is done: half of it might be.
    static func onSchema<R>(_ settings: Settings, _ body: (Engine) async throws -> R) async throws -> R {
        try await with(settings) { engine in
            try await checkSchema(settings)
            return try await body(engine)
        }
    }
}

/// A connection as the owner of the schema, closed afterwards.
///
/// - Parameters:
///   - name: what the server is told of who asks.
///   - statementTimeout: the longest a statement may take; zero: as long as it does.
func withOwner<R>(
    _ settings: Settings, as name: String = "kiteline", statementTimeout: Duration = .seconds(30), _ body: (PostgresPool) async throws -> R
) async throws -> R {
    let pool = PostgresPool(
        PostgresConfiguration(url: try settings.text(.postgresURL), applicationName: name, statementTimeout: statementTimeout), size: 1,
        logger: settings.logger("kiteline"))
    let result: Result<R, any Error>
    do { result = .success(try await body(pool)) } catch { result = .failure(error) }
    await pool.close()
    return try result.get()
}
