import Foundation

/// Whether customers really fall to the arms at the percentage in force: where they do not, no comparison of the arms means anything.
///
/// An e-process again: E = ∫θᵏ(1 − θ)ⁿ⁻ᵏ dBeta(cπ, c(1 − π)) / πᵏ(1 − π)ⁿ⁻ᵏ, for the share π asked for (Lindon and Malek, *Anytime-valid inference for
/// multinomial count data*, 2022). α = 10⁻⁴. Counted are first exposures: customers, not their leads.
public enum SampleRatio {
    public static let alpha = 1e-4
    /// c. So sharply the alternatives lie about the share asked for: at 5 % most of them between 1 and 10 %.
    static let concentration = 100.0

    /// ln of the e-value of the customers first seen while the percentage stood at `percent`.
    public static func logEvidence(stable: Int, canary: Int, percent: Percent) -> Double {
        // At 0 and 100 % nobody can fall to the other arm: one who does proves it.
        if percent == .none { return canary == 0 ? 0 : .infinity }
        if percent == .all { return stable == 0 ? 0 : .infinity }
        let share = percent.share
        let exposed = Sample(count: stable + canary, total: Double(canary))
        let alternatives = Prior(a: concentration * share, b: concentration * (1 - share))
        return exposed.logMixture(alternatives) - exposed.logLikelihood(at: share)
    }
}
