import Foundation

/// What one of both arms' figures a simple rule looks at.
enum WatchedFigure: String, Sendable, Hashable {
    case success, touch

    func counts(_ sums: SimulatedSums) -> StageCounts { self == .success ? sums.success : sums.touch }
    func isGood(_ lead: SimulatedLead) -> Bool { self == .success ? !lead.hasFailed : lead.isTouched }
}

/// A fixed limit on the canary's figures, in the manner of Flagger: a check for each 20 canary leads, failed where more of them than allowed
/// went badly; five failed checks, at any time, take the rollout back.
struct FixedThreshold: RolloutWatch {
    static let window = 20
    static let mostFailedChecks = 5

    let figure: WatchedFigure
    /// The share of leads that may go badly.
    let allowed: Double
    private var inWindow = 0
    private var bad = 0
    private var failedChecks = 0

    init(_ figure: WatchedFigure, allowed: Double) {
        self.figure = figure
        self.allowed = allowed
    }

    mutating func stops(_ sums: SimulatedSums, after lead: SimulatedLead) -> String? {
        guard lead.arm == .canary else { return nil }
        inWindow += 1
        bad += figure.isGood(lead) ? 0 : 1
        guard inWindow == Self.window else { return nil }
        failedChecks += Double(bad) > allowed * Double(Self.window) ? 1 : 0
        (inWindow, bad) = (0, 0)
        return failedChecks >= Self.mostFailedChecks ? "fixed threshold" : nil
    }
}

/// The textbook's one-sided test of two shares at 5 %, repeated every 50 leads as if each look were the only one.
struct PeekedZTest: RolloutWatch {
    static let every = 50
    /// The 95 % point of the normal distribution.
    static let critical = 1.6449

    let figure: WatchedFigure

    mutating func stops(_ sums: SimulatedSums, after lead: SimulatedLead) -> String? {
        guard sums.leads % Self.every == 0 else { return nil }
        let counts = figure.counts(sums)
        let (stable, canary) = (counts.stable.asFailures, counts.canary.asFailures)
        guard stable.count > 0, canary.count > 0 else { return nil }
        let pooled = (stable.total + canary.total) / (stable.count + canary.count)
        let spread = sqrt(pooled * (1 - pooled) * (1 / stable.count + 1 / canary.count))
        return spread > 0 && (stable.mean - canary.mean) / spread > Self.critical ? "z-test" : nil
    }
}
