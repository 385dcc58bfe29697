import SalesModel

extension RuleCheck {
    /// Values that rules compare with and that no live map can give: what the outside sends is turned into another word, or held.
    static func values(_ ruleSet: RuleSet, _ maps: [MapRules]) -> [RuleFinding] {
        let mapped = Dictionary(grouping: maps.flatMap(\.fields), by: \.field.name)
        return ruleSet.leadConditions.flatMap { path, condition -> [RuleFinding] in
            condition.tests.flatMap { test -> [RuleFinding] in
                guard let fields = mapped[test.field], let field = fields.first?.field else { return [] }
                return test.comparison.words(of: field.type).compactMap { value in
                    fields.contains { $0.canGive(value) } ? nil : neverGiven(value, fields, path)
                }
            }
        }
    }

    private static func neverGiven(_ value: String, _ fields: [MappedField], _ path: String) -> RuleFinding {
        let name = fields[0].field.name
        if let ours = fields.lazy.compactMap({ $0.values[value] }).first {
            return .warning(
                path, .neverGiven, "“\(name)” is never “\(value)”: a map turns that into “\(ours)”. Compare with what the map gives.")
        }
        let given = Set(fields.flatMap(\.values.values)).sorted().prefix(10).joined(separator: ", ")
        return .warning(path, .neverGiven, "“\(name)” is never “\(value)”: what its map does not list is held. It gives: \(given).")
    }
}

extension MappedField {
    /// Whether a lead can come to have this text, or this item in its list.
    fileprivate func canGive(_ text: String) -> Bool {
        if case .defaulted(let value) = absence, Condition.Comparison.contains([text]).truth(of: value) == .yes { return true }
        return values.values.contains(text) || (unlisted == .keep && values[text] == nil)
    }
}

extension RuleSet {
    /// The conditions it asks of leads, each with its place.
    var leadConditions: [(path: String, condition: Condition)] {
        switch body {
        case .route(let route):
            route.rules.enumerated().compactMap { place, rule in rule.when.map { ("rules[\(place)].when", $0) } }
        case .score(let score): score.conditions
        case .clock(let rules):
            rules.clocks.enumerated().compactMap { place, clock in
                clock.subject == .lead ? clock.when.map { ("clocks[\(place)].when", $0) } : nil
            }
        case .map, .match, .gate, .measure, .message: []
        }
    }
}

extension ScoreRules {
    fileprivate var conditions: [(path: String, condition: Condition)] {
        let cases = ScoreDimension.allCases.flatMap { dimension -> [(path: String, condition: Condition)] in
            (dimensions[dimension]?.cases ?? []).enumerated().map { place, part in
                ("dimensions.\(dimension.rawValue).cases[\(place)].when", part.when)
            }
        }
        return intent.isStandard ? cases : cases + [("intent.high", intent.high), ("intent.mid", intent.mid)]
    }
}

extension Condition {
    /// Every comparison of a field in it.
    var tests: [Test] {
        switch self {
        case .all(let parts), .any(let parts): parts.flatMap(\.tests)
        case .not(let part): part.tests
        case .test(let test): [test]
        case .count: []
        }
    }
}

extension Condition.Comparison {
    /// The whole words of a field of this type it asks for; parts of a text are none.
    fileprivate func words(of type: FieldType) -> [String] {
        func texts(_ values: [FieldValue]) -> [String] { values.compactMap { if case .text(let text) = $0 { text } else { nil } } }
        return switch self {
        case .equals(let value): texts([value])
        case .isIn(let values): texts(values)
        case .contains(let items): type == .list ? items : []
        default: []
        }
    }
}
