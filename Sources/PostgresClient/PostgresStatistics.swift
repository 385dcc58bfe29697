import Synchronization

/// What a pool has done so far.
public struct PostgresStatistics: Sendable, Hashable {
    /// Statements answered.
    public var statements: Int
    /// Links at work now.
    public var busy: Int
    /// Callers waiting for a link now.
    public var waiting: Int
    /// Connections made after the first of each link.
    public var reconnects: Int
    /// Nanoseconds callers have waited for a link, all together.
    public var nanosecondsWaited: Int
}

/// The running numbers behind `PostgresStatistics`.
final class Counters: Sendable {
    let statements = Atomic(0)
    let busy = Atomic(0)
    let reconnects = Atomic(0)
    let nanosecondsWaited = Atomic(0)
}
