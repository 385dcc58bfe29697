import Foundation

/// How a call to something outside went, as far as the outside's health is concerned.
public enum CallResult: Sendable, Hashable {
    /// It answered; that the answer may have been a refusal of this one job says nothing against it.
    case answered
    case failed
    /// It answered, but much later than it used to: half a failure.
    case slow
}

/// Evidence that a dependency is down rather than having a bad moment: a CUSUM of log-likelihood ratios.
///
/// Each call weighs by how much likelier its result is where half of all calls fail than where one in twenty does, and the sum
/// never falls below nothing (domain.md f.2). From `threshold` on the dependency is taken to be down: after four failures in a row, or
/// five of seven; after eight slow ones in a row. At a healthy 5 % of failures that happens less than once in ten thousand calls.
public struct Evidence: Sendable, Hashable {
    public static let failureRateWhenDown = 0.5
    public static let failureRateWhenHealthy = 0.05
    /// α = 10⁻⁴: ln(10⁴), rounded so that four failures in a row, 4 × 2.303, reach it.
    public static let threshold = 9.2

    public private(set) var score: Double

    public init(score: Double = 0) { self.score = score }

    /// Whether it alone is enough.
    public var isDamning: Bool { score >= Self.threshold }

    public mutating func record(_ result: CallResult) {
        let weight =
            switch result {
            case .failed: log(Self.failureRateWhenDown / Self.failureRateWhenHealthy)
            case .slow: log(Self.failureRateWhenDown / Self.failureRateWhenHealthy) / 2
            case .answered: log((1 - Self.failureRateWhenDown) / (1 - Self.failureRateWhenHealthy))
            }
        score = max(0, score + weight)
    }
}

/// What one worker process has seen of a dependency.
public struct NodeEvidence: Sendable, Hashable {
    public var node: Int64
    public var score: Double
    /// Calls that began in the breaker's present epoch and have ended.
    public var answered: Int
    public var failed: Int

    public init(node: Int64, score: Double, answered: Int, failed: Int) {
        self.node = node
        self.score = score
        self.answered = answered
        self.failed = failed
    }
}

/// What the fleet has seen.
public struct FleetEvidence: Sendable, Hashable {
    public let score: Double
    public let answered: Int
    public let failed: Int
    /// Whether calls failed for one of several nodes only: it may be that node that is cut off.
    public let failsForOneAlone: Bool

    /// - Parameter liveNodes: worker processes alive. Where there are more than one, none of them alone can condemn a dependency:
    ///   it may be the node that is cut off.
    public init(_ nodes: [NodeEvidence], liveNodes: Int) {
        let most = liveNodes > 1 ? Evidence.threshold / 2 : .infinity
        score = nodes.reduce(0) { $0 + min($1.score, most) }
        answered = nodes.reduce(0) { $0 + $1.answered }
        failed = nodes.reduce(0) { $0 + $1.failed }
        failsForOneAlone = liveNodes > 1 && nodes.count { $0.failed > 0 } == 1
    }

    public var isDamning: Bool { score >= Evidence.threshold }
}
