/// The five parts of a lead's score, each 0–20 (LEAD-SCORE-01).
public enum ScoreDimension: String, Sendable, Hashable, CaseIterable, Codable {
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
public enum Band: String, Sendable, Hashable, CaseIterable, Codable {
    case high, mid, low
}

/// How much someone wants it, judged by what they did; it sets the response limit.
public enum IntentGrade: String, Sendable, Hashable, CaseIterable, Codable {
    case high, mid, low
}

extension Score: Codable {
    private enum CodingKeys: String, CodingKey {
        case total, missing
        case industryMatch = "industry_match"
        case budgetClarity = "budget_clarity"
        case decisionChain = "decision_chain"
        case urgency, interaction

        init(_ dimension: ScoreDimension) {
            switch dimension {
            case .industryMatch: self = .industryMatch
            case .budgetClarity: self = .budgetClarity
            case .decisionChain: self = .decisionChain
            case .urgency: self = .urgency
            case .interaction: self = .interaction
            }
        }
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        var parts: [ScoreDimension: Int] = [:]
        for dimension in ScoreDimension.allCases { parts[dimension] = try container.decode(Int.self, forKey: CodingKeys(dimension)) }
        self.init(parts: parts, missing: try container.decode([ScoreDimension].self, forKey: .missing))
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(total, forKey: .total)
        for dimension in ScoreDimension.allCases { try container.encode(parts[dimension] ?? 0, forKey: CodingKeys(dimension)) }
        try container.encode(missing, forKey: .missing)
    }
}
