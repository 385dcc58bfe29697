import Foundation

/// Evidence that the canary does worse than stable: an e-process by universal inference.
///
/// E = ∫L_canary dBeta(½, ½) · ∫L_stable dBeta(½, ½) / max L over all rates where the canary does not do worse. The denominator is at least the
/// likelihood of the true rates, so E is below a martingale that starts at 1, and the chance that it ever reaches 1/α is
/// at most α (Wasserman, Ramdas and Balakrishnan, *Universal inference*, PNAS 2020; domain paper e.3). Where the canary's share of good
/// leads is the lower one the maximum lies where both rates are equal, at the pooled share, and four counts are all it takes.
///
/// It supposes that leads fall to the arms by chance, at one percentage; then a rate that wanders for both alike does no harm.
public enum TwoSampleEvidence {
    /// ln of the e-value; at most 0 where the canary does not look worse.
    public static func log(stable: Sample, canary: Sample) -> Double {
        let mixture = stable.logMixture() + canary.logMixture()
        guard stable.count > 0, canary.count > 0, canary.mean < stable.mean else {
            return mixture - stable.logMaximum - canary.logMaximum
        }
        let pooled = (stable.total + canary.total) / (stable.count + canary.count)
        return mixture - stable.logLikelihood(at: pooled) - canary.logLikelihood(at: pooled)
    }

    /// Of several stages: their e-values multiply, for each starts anew.
    public static func log(_ stages: [StageCounts]) -> Double {
        stages.reduce(0) { $0 + log(stable: $1.stable.asFailures, canary: $1.canary.asFailures) }
    }
}
