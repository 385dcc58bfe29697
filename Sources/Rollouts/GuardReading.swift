import Foundation

/// What a guard, or all of them, says of a rollout.
public enum RolloutDecision: String, Sendable, Hashable, CaseIterable {
    case `continue`
    case abort
    case promotable
}

/// What one guard says, and why.
public struct GuardReading: Sendable, Hashable {
    public let name: String
    public let logEvidence: Double
    /// 1/α: from here on the rollout is taken back.
    public let threshold: Double
    public let decision: RolloutDecision
    /// Canary leads, or customers, judged.
    public let n: Int
    /// Of them, those that count against the canary; nil where it is only asked who was drawn.
    public let failures: Int?
    /// Those of stable they are held against; 0 where it is a rate.
    public let stable: Int
    /// Of those; comparisons only.
    public let stableFailures: Int?
    /// How many of them nothing can be said of.
    public let missing: Int
    /// How many of both arms' customers the percentages let expect in the canary; of the drawing only.
    public let expected: Double?
    /// The share of failures it is held against; nil where stable is.
    public let rate: Double?
    /// Promotion wants the lower bound to be above −margin; nil where there is no such bound.
    public let margin: Double?
    /// Of canary − stable in a comparison; where a rate is the limit, of the share of good ones − what the rate leaves for them.
    public let lowerBound: Double?
    /// For people: how far it is and what is missing.
    public let words: String

    /// At most 10³⁰⁰, for JSON knows no infinity.
    public var eValue: Double { exp(min(logEvidence, 690)) }
}

extension Double {
    /// With so many decimals and a proper minus: `−0.6`. What rounds to nothing has no sign.
    func words(decimals: Int) -> String {
        let text = String(format: "%.\(decimals)f", self)
        let isNothing = text.allSatisfy { "-0.".contains($0) }
        return text.replacing("-", with: isNothing ? "" : "−")
    }

    /// A share as `0.62 %`.
    var percentWords: String { "\((self * 100).words(decimals: 2)) %" }
}
