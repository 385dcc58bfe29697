import SalesModel

/// Something about a rule set that somebody should know before it decides anything.
public struct RuleFinding: Sendable, Hashable {
    public enum Severity: String, Sendable, Hashable {
        /// It must not go live.
        case error
        /// It may, and probably does not do what is meant.
        case warning
    }

    public enum Code: String, Sendable, Hashable, CaseIterable {
        case unmappedField = "unmapped_field"
        case unreachable
        case impossible
        case unknownTarget = "unknown_target"
        case inactiveTarget = "inactive_target"
        case emptyTarget = "empty_target"
        case noFallback = "no_fallback"
        case capacityBelowPeak = "capacity_below_peak"
        case nullRate = "null_rate"
        case neverGiven = "never_given"
        case otherCurrency = "other_currency"
        case unknownMessage = "unknown_message"
        case missingText = "missing_text"
        case actionCount = "action_count"
        case unknownStage = "unknown_stage"
        case unreadableRules = "unreadable_rules"
    }

    public let severity: Severity
    /// As in `RuleFault`.
    public let path: String
    public let code: Code
    public let message: String
}

/// What the checks know of the tenant. What is nil is not known, and nothing is said of it.
public struct RuleCheckFacts: Sendable {
    public struct Seller: Sendable, Hashable {
        public let externalID: String
        public let team: String?
        public let isActive: Bool
        public let isNewcomer: Bool
        public let capacity: Int

        public init(_ externalID: String, team: String? = nil, isActive: Bool = true, isNewcomer: Bool = false, capacity: Int = 8) {
            self.externalID = externalID
            self.team = team
            self.isActive = isActive
            self.isNewcomer = isNewcomer
            self.capacity = capacity
        }
    }

    /// How often a field came empty lately, and how often it may (domain e.3).
    public struct NullRate: Sendable, Hashable {
        public let observed: Double
        public let highest: Double

        public init(observed: Double, highest: Double) {
            self.observed = observed
            self.highest = highest
        }
    }

    /// The tenant's other live rule sets.
    public var live: [RuleSet]
    /// Versions that are being rolled out; only a map is held against them.
    public var candidates: [RuleSet]
    public var sellers: [Seller]?
    public var teams: Set<String>?
    /// The most leads that waited for their first contact at once, lately.
    public var pendingPeak: Int?
    public var nullRates: [String: NullRate]

    public init(
        live: [RuleSet] = [], candidates: [RuleSet] = [], sellers: [Seller]? = nil, teams: Set<String>? = nil, pendingPeak: Int? = nil,
        nullRates: [String: NullRate] = [:]
    ) {
        self.live = live
        self.candidates = candidates
        self.sellers = sellers
        self.teams = teams
        self.pendingPeak = pendingPeak
        self.nullRates = nullRates
    }
}

/// The checks that look beyond one rule set's text. What is wrong with the text itself its reader has refused: unknown fields, rankings
/// without window or active filter, bands with gaps, weights that do not make 100 (RULE-01).
public enum RuleCheck {
    /// In the order of the rule set.
    public static func findings(of ruleSet: RuleSet, given facts: RuleCheckFacts = RuleCheckFacts()) -> [RuleFinding] {
        let others = facts.live.filter { $0.kind != ruleSet.kind || $0.name != ruleSet.name }
        let specific: [RuleFinding] =
            switch ruleSet.body {
            case .map: self.map(ruleSet, facts)
            case .score(let score): self.score(score)
            case .route(let route): self.route(route, facts)
            case .match: []
            case .clock(let clocks): self.clocks(clocks, others)
            case .gate(let gates): self.gates(gates)
            case .measure(let measures): self.measures(measures, others)
            case .message(let messages): self.messages(messages, others)
            }
        let maps = others.compactMap(\.map)
        return specific + fields(ruleSet, maps, facts) + values(ruleSet, maps) + currencies(ruleSet, maps)
    }

    /// Fields of leads that it reads and no map gives, or that come empty too often.
    private static func fields(_ ruleSet: RuleSet, _ maps: [MapRules], _ facts: RuleCheckFacts) -> [RuleFinding] {
        var findings: [RuleFinding] = []
        for (name, path) in ruleSet.leadFields.sorted(by: { $0.key < $1.key }) {
            // Nothing is said while there is no map at all: then every lead waits for one, visibly.
            let lacking = sources(lacking: name, maps)
            if !lacking.isEmpty {
                let from = words(lacking)
                findings.append(
                    .warning(
                        path, .unmappedField, "No live map gives “\(name)” for leads from \(from): they would be held. Map the field first."
                    ))
            }
            if let rate = facts.nullRates[name], rate.observed > rate.highest {
                findings.append(
                    .warning(
                        path, .nullRate,
                        "“\(name)” came empty in \(percent(rate.observed)) of the last leads, above its \(percent(rate.highest)); look at its source before a rule relies on it."
                    ))
            }
        }
        return findings
    }

    /// Sources of which leads come that no map gives this field to; of a field that is no map's to give none.
    static func sources(lacking name: String, _ maps: [MapRules]) -> [String] {
        guard FieldCatalogue.of(.lead, lead: .standard)[name]?.origin ?? .mapped == .mapped else { return [] }
        return Set(maps.flatMap(\.sources)).sorted().filter { source in
            !maps.contains { map in
                (map.sources.contains(source) || map.sources.contains(MapRules.anySource)) && map.fields.contains { $0.field.name == name }
            }
        }
    }

    static func words(_ sources: [String]) -> String {
        sources.map { $0 == MapRules.anySource ? "any other source" : "“\($0)”" }.joined(separator: ", ")
    }

    private static func percent(_ share: Double) -> String { FieldValue.number((share * 1_000).rounded() / 10).description + " %" }
}

extension RuleFault {
    /// An error a check found, as whoever saves the rule set is told.
    public init(_ finding: RuleFinding) { self.init(path: finding.path, code: .conflict, message: finding.message) }
}

extension RuleFinding {
    static func warning(_ path: String, _ code: Code, _ message: String) -> Self {
        Self(severity: .warning, path: path, code: code, message: message)
    }

    static func error(_ path: String, _ code: Code, _ message: String) -> Self {
        Self(severity: .error, path: path, code: code, message: message)
    }
}

extension RuleSet {
    /// The fields of leads it reads, each with the place of one reader.
    var leadFields: [String: String] {
        var found: [String: String] = [:]
        func add(_ fields: Set<String>, _ path: String) { for name in fields where found[name] == nil { found[name] = path } }
        switch body {
        case .map: break
        case .score(let score):
            for (dimension, rules) in score.dimensions { add(rules.fields, "dimensions.\(dimension.rawValue)") }
            if !score.intent.isStandard { add(score.intent.high.fields.union(score.intent.mid.fields), "intent") }
        case .route(let route):
            for (place, rule) in route.rules.enumerated() {
                add(rule.when?.fields ?? [], "rules[\(place)].when")
                if case .sellerInField(let name) = rule.placement.target { add([name], "rules[\(place)].to") }
            }
            add(route.fields, "strategy")
        // What a match lacks counts neither for nor against, so it may be unmapped.
        case .match: break
        case .clock(let rules):
            for (place, clock) in rules.clocks.enumerated() where clock.subject == .lead { add(clock.fields, "clocks[\(place)]") }
        case .gate(let rules):
            guard rules.subject == .lead else { break }
            for (place, gate) in rules.gates.enumerated() {
                for requirement in gate.requirements { add(requirement.when.fields, "gates[\(place)]") }
            }
        case .measure(let rules):
            for (place, measure) in rules.measures.enumerated() where measure.subject == .lead { add(measure.fields, "measures[\(place)]") }
        case .message: break
        }
        return found
    }
}
