import Breakers

/// How often the caretakers look, and how patient they are.
public struct MaintenanceSettings: Sendable {
    /// Between two looks at the index's life.
    public var watch: Duration
    /// Outbox rows older than this are pushed by the relay.
    public var relayAge: Duration
    /// Between two looks for ended leases.
    public var reap: Duration
    /// A worker that has not beaten for this long, and does not while watched, is dead.
    public var silence: Duration
    /// Between two looks at silent workers; two are needed to act.
    public var census: Duration
    /// Between two looks at breakers whose time may have come.
    public var judge: Duration
    /// Between two looks for scheduled jobs that come near, and for changed tenants.
    public var promote: Duration
    /// Between two looks for lines that have deferred jobs and room for them.
    public var refill: Duration
    /// Between two looks for partitions to make or drop and for payloads to blank.
    public var housekeeping: Duration
    /// The part of Redis' `maxmemory` above which nothing is pushed.
    public var memoryShare: Double
    /// The same for everybody who judges: the worker processes of a fleet, too.
    public var breakers: BreakerPolicy

    public init(
        watch: Duration = .milliseconds(500), relayAge: Duration = .seconds(1), reap: Duration = .seconds(2),
        silence: Duration = .seconds(40),
        census: Duration = .seconds(10), promote: Duration = .seconds(2), judge: Duration = .milliseconds(250),
        refill: Duration = .milliseconds(50), housekeeping: Duration = .seconds(60),
        memoryShare: Double = 0.8, breakers: BreakerPolicy = BreakerPolicy()
    ) {
        self.watch = watch
        self.relayAge = relayAge
        self.reap = reap
        self.silence = silence
        self.census = census
        self.promote = promote
        self.judge = judge
        self.refill = refill
        self.housekeeping = housekeeping
        self.memoryShare = memoryShare
        self.breakers = breakers
    }
}

extension MaintenanceSettings {
    /// Patience in proportion to the lease: with 30 s, a killed worker's jobs run elsewhere within 32 s, and within 60 s even if
    /// Redis lost its leases.
    public init(lease: Duration) {
        self.init(
            watch: min(.milliseconds(500), lease / 10), relayAge: min(.seconds(1), lease / 4), reap: lease / 15, silence: lease * 4 / 3,
            census: lease / 3, promote: min(.seconds(2), lease / 4))
    }
}
