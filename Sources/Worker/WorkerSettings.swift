import Breakers

/// How a worker process works.
public struct WorkerSettings: Sendable {
    /// Jobs at once.
    public var concurrency: Int
    /// The most jobs one claim takes: a quarter of what runs at once, so that claims, handlers and settles overlap.
    public var claimBatch: Int { max(1, min(500, concurrency / 4)) }
    /// How long running jobs may go on after SIGTERM; then they are given back.
    public var drain: Duration
    /// Between two signs of life in the ledger. Maintenance takes a worker for dead when it has missed several.
    public var beat: Duration
    /// Between two looks for running jobs that were asked to stop.
    public var attention: Duration
    /// The longest sleep without asking for work.
    public var idle: Duration
    /// How long a worker that found only work for others leaves the bell to them.
    public var aside: Duration
    /// Between two reports on dependencies when nothing is wrong.
    public var telling: Duration
    public var breakers: BreakerPolicy
    /// Between two words of how far a job is that are kept.
    public var progress = Duration.seconds(1)
    /// Runs jobs of these kinds only; nil: of all.
    public var kinds: Set<String>?
    /// Above it a call is slow, by dependency; three times the usual for those not named.
    public var slowCalls: [String: Duration]

    public init(
        concurrency: Int = 400, drain: Duration = .seconds(25), beat: Duration = .seconds(10),
        idle: Duration = .seconds(1), aside: Duration = .milliseconds(50), attention: Duration = .milliseconds(500),
        telling: Duration = .seconds(1),
        breakers: BreakerPolicy = BreakerPolicy(), kinds: Set<String>? = nil, slowCalls: [String: Duration] = [:]
    ) {
        self.concurrency = concurrency
        self.drain = drain
        self.beat = beat
        self.idle = idle
        self.aside = aside
        self.kinds = kinds
        self.slowCalls = slowCalls
        self.telling = telling
        self.breakers = breakers
        self.attention = attention
    }
}

extension WorkerSettings {
    /// Signs of life in proportion to the lease.
    public init(lease: Duration, concurrency: Int = 400) {
        self.init(concurrency: concurrency, beat: lease / 3)
    }
}
