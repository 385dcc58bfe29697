/// What is known of the leads of one arm that are due for one guard.
///
/// A lead enters at the instant it is due, whatever became of it: counted when they succeed, the quick successes would make both arms
/// look better than they are.
public struct Counts: Sendable, Hashable {
    public let good: Int
    public let bad: Int
    /// Due, and nothing can be said of them. Never counted as good.
    public let missing: Int

    /// Negative numbers are nothing.
    public init(good: Int = 0, bad: Int = 0, missing: Int = 0) {
        self.good = max(0, good)
        self.bad = max(0, bad)
        self.missing = max(0, missing)
    }

    public var leads: Int { good + bad + missing }
    /// All that are not known to be good.
    public var failures: Int { bad + missing }

    public static func + (left: Counts, right: Counts) -> Counts {
        Counts(good: left.good + right.good, bad: left.bad + right.bad, missing: left.missing + right.missing)
    }

    /// What is missing taken as not good.
    var asFailures: Sample { Sample(count: leads, total: Double(good)) }
    /// What is missing taken as good: of the stable arm, the worst that can be supposed for the canary.
    var asSuccesses: Sample { Sample(count: leads, total: Double(good + missing)) }
}

/// So many leads of both arms, judged for one guard while the percentage stood still.
///
/// Evidence is gathered for each stage and then joined, never from sums over stages: a bad week together with a raised percentage would
/// make an innocent canary look bad (Simpson's paradox).
public struct StageCounts: Sendable, Hashable {
    public var stable: Counts
    public var canary: Counts

    public init(stable: Counts = Counts(), canary: Counts = Counts()) {
        self.stable = stable
        self.canary = canary
    }
}

/// Values between 0 and 1, of which only their number and their sum matter.
public struct Sample: Sendable, Hashable {
    public let count: Double
    public let total: Double

    /// A sum outside of 0 … count is brought to its nearer end.
    public init(count: Int, total: Double) {
        self.count = Double(max(0, count))
        self.total = min(max(0, total), self.count)
    }

    public var mean: Double { count == 0 ? 0 : total / count }
    var rest: Double { count - total }
}
