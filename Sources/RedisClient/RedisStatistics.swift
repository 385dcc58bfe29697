import Synchronization

/// Counters since the client was made, for `/metrics`.
public struct RedisStatistics: Sendable, Hashable {
    /// Commands answered, error replies included.
    public var answered = 0
    /// Commands waiting or under way now.
    public var pending = 0
    /// Connections made.
    public var connections = 0
    /// Attempts to connect that failed.
    public var failedAttempts = 0
    /// Calls that ran into the command timeout.
    public var timeouts = 0
    /// Time from call to answer, summed over the calls answered; a pipeline counts once.
    public var nanosecondsWaited = 0
}

/// The same, as they are counted.
final class RedisCounters: Sendable {
    let answered = Atomic(0)
    let pending = Atomic(0)
    let connections = Atomic(0)
    let failedAttempts = Atomic(0)
    let timeouts = Atomic(0)
    let nanosecondsWaited = Atomic(0)

    var statistics: RedisStatistics {
        RedisStatistics(
            answered: answered.load(ordering: .relaxed),
            pending: pending.load(ordering: .relaxed),
            connections: connections.load(ordering: .acquiring),
            failedAttempts: failedAttempts.load(ordering: .relaxed),
            timeouts: timeouts.load(ordering: .relaxed),
            nanosecondsWaited: nanosecondsWaited.load(ordering: .relaxed))
    }
}

extension RedisCounters {
    /// Makes room for `count` commands among the pending ones.
    func reserve(_ count: Int, of maximum: Int) throws(RedisError) {
        if pending.add(count, ordering: .relaxed).newValue <= maximum { return }
        pending.subtract(count, ordering: .relaxed)
        throw RedisError(.tooManyPending, "more than \(maximum) commands are waiting")
    }
}
