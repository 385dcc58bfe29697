/// When everybody's breaker of a dependency is to open.
///
/// It is opened by what the tenants' breakers have found, not by single calls: one tenant's wrong secret must not close a dependency to
/// the others. What its own probes say counts once it is open.
public struct SharedRule: Sendable, Hashable {
    /// Tenants whose breaker of the dependency must be down.
    public var tenants: Int

    public init(tenants: Int = 3) { self.tenants = tenants }

    /// What is to be held against a dependency that is closed to nobody.
    ///
    /// - Parameters:
    ///   - nodes: what worker processes have seen; told of, but decisive only once the breaker is open.
    ///   - down: tenants whose breaker is down.
    public func evidence(_ nodes: [NodeEvidence], down: Int) -> FleetEvidence {
        let verdict = NodeEvidence(
            node: 0, score: down >= tenants ? Evidence.threshold : 0, answered: nodes.reduce(0) { $0 + $1.answered },
            failed: nodes.reduce(0) { $0 + $1.failed })
        return FleetEvidence([verdict], liveNodes: 1)
    }
}

extension Breaker {
    /// Whether evidence keeps it closed to calls: what a person opened says nothing of the dependency, and neither does one that only
    /// asked for patience.
    public var isDown: Bool { !isForced && (state == .open || state == .halfOpen) }

    /// Whether jobs wait at it, all of them or nearly.
    public var keepsWaiting: Bool { state != .closed && state != .ramping }
}
