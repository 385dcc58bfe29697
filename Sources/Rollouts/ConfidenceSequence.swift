import Foundation

/// Bounds that hold at every look at once, for a mean of values in 0 … 1 and for the difference of two: what a promotion rests on.
///
/// Against each mean m somebody bets: E(m) = ∫L dprior / L(m). For values 0 and 1 this is a mean of bets 1 + λ(x − m), for others it is
/// less (see `Sample.logLikelihood`), so where m is true E(m) reaches 1/error with probability `error` at most, ever. The bounds are what
/// nobody has won against yet. No normal approximation anywhere (Robbins 1970; Waudby-Smith and Ramdas 2024).
public enum ConfidenceSequence {
    /// Both bounds of a mean. Without any value: 0 and 1.
    public static func bounds(of sample: Sample, error: Double) -> ClosedRange<Double> {
        let limit = sample.logPromotionMixture + log(error)
        func isPlausible(_ rate: Double) -> Bool { sample.logLikelihood(at: rate) > limit }
        let low = isPlausible(0) ? 0 : bisect(0, sample.mean) { !isPlausible($0) }
        let high = isPlausible(1) ? 1 : bisect(sample.mean, 1, while: isPlausible)
        return low...high
    }

    /// The part of a stage's error that is spent on the canary's bound; the rest is on stable's, which has more leads.
    static let canaryShare = 0.75

    /// The lower bound of canary − stable: the canary's lower bound less stable's upper one, of the stage that says most.
    ///
    /// Stage j has error/(j(j + 1)) of its own, a half, a sixth, a twelfth, …: their sum stays below the error however many come, and leads of
    /// different stages are never added up. A product of both arms' bets would be tighter where the arms are alike in size, but with
    /// a canary of 5 % it has to pay the price of stable's many leads as well: after 1,000 flawless leads −0.75 points instead of −0.55.
    ///
    /// - Parameter stages: in the order in which they were. −1 without leads.
    public static func lowerBound(of stages: [(stable: Sample, canary: Sample)], error: Double) -> Double {
        zip(1..., stages).reduce(-1) { best, next in
            let (number, stage) = next
            let own = error / Double(number * (number + 1))
            let canary = bounds(of: stage.canary, error: own * canaryShare).lowerBound
            let stable = bounds(of: stage.stable, error: own * (1 - canaryShare)).upperBound
            return max(best, canary - stable)
        }
    }
}
