import Foundation

/// Whether the canary's leads fail more often than stable's ever would: an e-process that may be looked at after every lead.
///
/// For a failure rate p above p₀ the bet on it multiplies its stake by p/p₀ at a failure and by (1 − p)/(1 − p₀) at a success. Where the true
/// rate is p₀ or less no bet gains on average, so their mean over many p does not either, and the chance that it ever reaches 1/α
/// is at most α (Ville's inequality; Waudby-Smith and Ramdas, *Estimating means of bounded random variables by betting*, 2024). Only
/// the numbers of leads and failures matter.
///
/// The stakes lie on `steps` rates from p₀ to 1 at equal ratios: each size of harm, from "twice as bad" to "all fail", has its
/// share. With p₀ = 0.62 % and α = 0.3 % two failures in three leads give 860, where 333 are enough.
public struct TechnicalGuard: Sendable {
    static let steps = 32

    /// What stable's rate is held to be at least: below it nothing is counted as harm.
    public static let leastRate = 0.005

    /// The rate the canary is held against, frozen when the rollout starts.
    public let rate: Double
    public let alpha: Double
    private let gains: [(failure: Double, success: Double)]

    /// p₀ = max(0.5 %, upper bound of stable's rate). The bound is exact (Clopper–Pearson) and wrong with probability `estimationError`; that
    /// is a part of the budget of its own, so both together bound the chance that a harmless change is stopped. It supposes that
    /// stable goes on as in these leads; what befalls both arms alike is for the comparison, so leave it out of the counts here.
    ///
    /// - Parameter stable: its last 1,000 leads.
    public init(stable: Counts, alpha: Double, estimationError: Double) {
        let bound =
            stable.leads == 0 ? Self.leastRate : Binomial.upperBound(failures: stable.failures, of: stable.leads, error: estimationError)
        self.init(rate: max(Self.leastRate, bound), alpha: alpha)
    }

    /// - Parameter rate: p₀. From 99 % on nothing is ever held against the canary.
    public init(rate: Double, alpha: Double) {
        self.rate = rate
        self.alpha = alpha
        gains =
            rate >= 0.99
            ? []
            : (0..<Self.steps).map { step in
                let bet = pow(rate, 1 - (Double(step) + 0.5) / Double(Self.steps))
                return (log(bet / rate), log((1 - bet) / (1 - rate)))
            }
    }

    /// ln of the e-value.
    public func logEvidence(leads: Int, failures: Int) -> Double {
        guard !gains.isEmpty else { return 0 }
        let (failed, went) = (Double(failures), Double(leads - failures))
        return logSum(gains.map { failed * $0.failure + went * $0.success }) - log(Double(Self.steps))
    }

    /// Whether it can notice no harm while this share of the leads fails under either version. A change can harm the others only, and evidence
    /// grows only where more than p₀ are harmed: where 500 of the last 1,000 failed p₀ is 54.6 %, and 50 % are left to be harmed.
    public func isBlind(whereFailing share: Double) -> Bool { 1 - share <= rate }

    public func isHarm(leads: Int, failures: Int) -> Bool { logEvidence(leads: leads, failures: failures) >= -log(alpha) }
}
