/// The five parts of a lead's score, each 0–20 (LEAD-SCORE-01).
public enum ScoreDimension: String, Sendable, Hashable, CaseIterable {
    case industryMatch = "industry_match"
    case budgetClarity = "budget_clarity"
    case decisionChain = "decision_chain"
    case urgency
    case interaction

    /// The most one part can give; five of them make 100.
    public static let maximum = 20
}

/// How good a lead is, and from what parts.
public struct Score: Sendable, Hashable {
    public var parts: [ScoreDimension: Int]
    /// Parts that scored 0 because their input was empty.
    public var missing: [ScoreDimension]

    public init(parts: [ScoreDimension: Int], missing: [ScoreDimension] = []) {
        self.parts = parts
        self.missing = missing
    }

    /// 0–100.
    public var total: Int { parts.values.reduce(0, +) }
}

/// The band of a score; it sets the strategy.
public enum Band: String, Sendable, Hashable, CaseIterable {
    case high, mid, low
}

/// How much someone wants it, judged by what they did; it sets the response limit.
public enum IntentGrade: String, Sendable, Hashable, CaseIterable {
    case high, mid, low
}
