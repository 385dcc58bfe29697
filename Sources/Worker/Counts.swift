import Synchronization

/// What a worker did since it started.
public struct WorkerCounts: Sendable, Equatable {
    public var claimed = 0
    public var settled = 0
    public var stale = 0
    public var lost = 0
    public var givenBack = 0
    /// Claims whose lease went to somebody else while they ran here.
    public var leasesLost = 0
}

final class Counts: Sendable {
    private let counts = Mutex(WorkerCounts())

    var value: WorkerCounts { counts.withLock { $0 } }

    func add(_ body: (inout WorkerCounts) -> Void) { counts.withLock { body(&$0) } }
}
