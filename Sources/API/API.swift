import Connectors
import DispatchIndex
import Foundation
import Jobs
import Ledger
import Logging
import Messages
import Records
import Telemetry
import Tenancy

/// What the HTTP API is made of: everything it asks of the world, given from outside.
public struct API: Sendable {
    public let records: Records
    public let ledger: Ledger
    public let dispatch: Dispatch
    /// By name.
    public let kinds: [String: JobKind]
    public let keys: KeyRing
    public let metrics: Metrics
    public let limits: Limits
    public let transport: TransportSecurity
    /// Which addresses connectors may have.
    public let outgoing: OutgoingPolicy
    /// Seals connectors' secrets; nil: there is no key, and none are taken.
    public let secrets: SecretBox?
    let quotas: Quotas
    let demand: Remembered<Demand>
    /// Of every tenant.
    let counted: Remembered<CountedJobs>
    /// Of the tenants whose alerts are the newest, and how many tenants have any.
    let alerts: Remembered<(alerts: [OpenAlerts], tenants: Int)>
    let fleet: Remembered<Fleet>
    /// Whether a worker takes what is ready.
    let workTaken: Remembered<Bool>
    let heatMaps: RememberedByKey<HeatMapKey, ResponseHeatMap>
    let boards: RememberedByKey<BoardKey, ResponseBoard>
    let flows: RememberedByKey<FlowKey, JobFlow>
    let events: EventHub
    let traces: Traces?
    let logger: Logger

    /// - Parameters:
    ///   - kinds: every kind of job that can be enqueued.
    ///   - traces: told of requests and what they enqueue; nil: nobody is.
    ///   - logs: counted, where log lines go to a collector.
    ///   - clock: by which keys and counts of ready jobs are remembered for a moment; for tests to turn.
    ///   - heatMapAge: how old a heat map that was costly to count counts as new.
    ///   - countsAge: how old a board of late leads or a flow of jobs does.
    public init(
        records: Records, ledger: Ledger, dispatch: Dispatch, kinds: [JobKind],
        clock: @Sendable @escaping () -> ContinuousClock.Instant = { .now }, metrics: Metrics = Metrics(), limits: Limits = Limits(),
        heatMapAge: Duration = .zero, countsAge: Duration = .zero, transport: TransportSecurity = TransportSecurity(),
        outgoing: OutgoingPolicy = OutgoingPolicy(),
        secrets: SecretBox? = nil, traces: Traces? = nil, logs: LogExporter? = nil, logger: Logger
    ) {
        self.records = records
        self.ledger = ledger
        self.dispatch = dispatch
        self.kinds = Dictionary(kinds.map { ($0.name, $0) }, uniquingKeysWith: { $1 })
        keys = KeyRing(records, now: clock)
        self.metrics = metrics
        self.limits = limits
        self.transport = transport
        self.outgoing = outgoing
        self.secrets = secrets
        quotas = Quotas(records: records, dispatch: dispatch, now: clock)
        demand = Remembered(.fixed(.seconds(5))) { try await API.demand(records, dispatch) }
        counted = Remembered(.fixed(.seconds(10))) {
            let now = Date()
            return CountedJobs(at: now, statistics: try await records.jobStatistics(window: TimeInterval(API.usageWindow), now: now))
        }
        alerts = Remembered(.fixed(.seconds(10))) { try await records.newestAlerts(ofTenants: API.tenantsNamed) }
        fleet = Remembered(.fixed(.seconds(2))) {
            Fleet(workers: try await ledger.workerProcesses(), running: try await ledger.runningJobs(limit: API.shownRunningJobs))
        }
        workTaken = Remembered(.fixed(.seconds(2))) { try await ledger.isWorkTaken() }
        heatMaps = RememberedByKey(.byCost(atMost: heatMapAge))
        boards = RememberedByKey(.byCost(atMost: countsAge))
        flows = RememberedByKey(.byCost(atMost: countsAge))
        events = EventHub(records, limits)
        self.traces = traces
        let (jobs, engine) = (JobMetrics(records, dispatch), EngineMetrics(ledger, dispatch))
        metrics.add { await jobs.samples() }
        metrics.add { await engine.samples() }
        metrics.add { [events] in
            [Metrics.Sample("kiteline_event_streams", .gauge, "Event streams this process serves.", Double(events.count))]
                + exportSamples("api", spans: traces?.counts, lines: logs?.counts)
        }
        self.logger = logger
    }

    /// Every endpoint there is.
    static let endpoints: [Endpoint] =
        jobEndpoints + jobControlEndpoints + queueEndpoints + breakerEndpoints + deadLetterEndpoints + scheduleEndpoints + leadEndpoints
        + importEndpoints + previewEndpoints + sellerEndpoints + opportunityEndpoints + forecastEndpoints + customerEndpoints
        + flowEndpoints + activityEndpoints + processHealthEndpoints + ruleSetEndpoints + sandboxEndpoints + rolloutEndpoints
        + escalationEndpoints + calendarEndpoints + responseEndpoints + alertEndpoints + reportEndpoints + connectorEndpoints
        + quietHoursEndpoints + eventEndpoints + fuseEndpoints + auditEndpoints + tenantEndpoints + keyEndpoints + usageEndpoints
        + overviewEndpoints + workerEndpoints + accessEndpoints + probeEndpoints + autoscaleEndpoints + processEndpoints
}
