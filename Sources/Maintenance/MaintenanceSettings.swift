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
    /// Between two looks for partitions to make or drop and for payloads to blank.
    public var housekeeping: Duration

    public init(
        watch: Duration = .milliseconds(500), relayAge: Duration = .seconds(1), reap: Duration = .seconds(2),
        silence: Duration = .seconds(40),
        census: Duration = .seconds(10), promote: Duration = .seconds(2), judge: Duration = .milliseconds(250),
        housekeeping: Duration = .seconds(60)
    ) {
        self.watch = watch
        self.relayAge = relayAge
        self.reap = reap
        self.silence = silence
        self.census = census
        self.promote = promote
        self.judge = judge
        self.housekeeping = housekeeping
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
