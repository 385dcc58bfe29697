/// Something a change must not harm.
public struct Guard: Sendable, Hashable {
    public enum Test: Sendable, Hashable {
        /// The canary's failures, against the rate of stable's last 1,000 leads before the rollout.
        case technical(before: Counts)
        /// The canary's share of good leads beside stable's. Promotion wants the difference to be above −margin: 0.05 is 5 points.
        case comparison(margin: Double)
        /// The canary's failures, against a rate that may never be exceeded whatever stable does. Promotion wants the share of good ones to be
        /// above 1 − rate − margin.
        case limit(rate: Double, margin: Double)
    }

    public let name: String
    public let test: Test

    public init(_ name: String, _ test: Test) {
        self.name = name
        self.test = test
    }

    /// How much worse a behaviour, such as first touch in time, may be.
    public static let behaviourMargin = 0.05
    /// How much worse the success of assignment may be (RULE-04).
    public static let successMargin = 0.005
}

/// What a rollout is judged by; frozen when it starts.
public struct RolloutPlan: Sendable, Hashable {
    public var guards: [Guard]
    /// No promotion on fewer canary leads, for each guard.
    public var leastLeads: Int
    /// The chance to call a change promotable that is worse than a margin allows, for each comparison.
    public var promotionError: Double
    public var budget: GuardBudget
    /// What is counted and who is in an arm, as people read it.
    public var words: Words

    public struct Words: Sendable, Hashable {
        public var unit: String
        public var members: String

        public init(unit: String, members: String) {
            self.unit = unit
            self.members = members
        }

        public static let leads = Words(unit: "leads", members: "customers")
    }

    public init(
        guards: [Guard], leastLeads: Int = 500, promotionError: Double = 0.05, budget: GuardBudget = .standard, words: Words = .leads
    ) {
        self.words = words
        self.guards = guards
        self.leastLeads = leastLeads
        self.promotionError = promotionError
        self.budget = budget
    }

    /// Failures of assignment against stable's past and beside stable's present, and behaviours by name.
    public static func standard(before: Counts, behaviours: [String] = []) -> RolloutPlan {
        RolloutPlan(
            guards: [Guard("technical", .technical(before: before)), Guard("success", .comparison(margin: Guard.successMargin))]
                + behaviours.map { Guard($0, .comparison(margin: Guard.behaviourMargin)) })
    }

    /// The share of the budget each technical guard has.
    var technicalAlpha: Double {
        share(of: budget.technical) {
            switch $0.test {
            case .technical, .limit: true
            case .comparison: false
            }
        }
    }
    /// The share that stable's bound for each technical guard has.
    var estimationError: Double { share(of: budget.estimation) { if case .technical = $0.test { true } else { false } } }
    var comparisonAlpha: Double { share(of: budget.comparison) { if case .comparison = $0.test { true } else { false } } }

    private func share(of whole: Double, _ isOne: (Guard) -> Bool) -> Double { whole / Double(max(1, guards.count(where: isOne))) }
}
