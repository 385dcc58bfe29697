import SalesModel

/// A placement some rule chose, with its number in the route: places that share a number share their turn.
public struct RoutedPlacement: Sendable {
    public let index: Int
    /// `key-accounts`, or `strategy.high`.
    public let name: String
    public let placement: Placement
    /// Asked when nobody of this one can take the lead: the middle band's, for the other bands.
    public let nextIndex: Int?
    /// The seller the lead itself names, where the target asks for one.
    public var namedSeller: String?
}

/// Route rules ready to place leads.
public struct CompiledRoute: Sendable {
    enum Answer: Sendable {
        case found(RoutedPlacement, [Reason])
        case unknown([DecidingTest])
    }

    public let fallback: Fallback
    /// Rules in order, then high, mid, low.
    public let placements: [RoutedPlacement]
    let readsScore: Bool
    private let conditions: [CompiledCondition?]
    private let sellerSlots: [Int?]
    private let grading: GradedStrategy.Grading?
    private let gradeSlot: Int

    init(_ rules: RouteRules, _ table: FieldTable) {
        fallback = rules.fallback
        conditions = rules.rules.map { $0.when.map { CompiledCondition($0, in: table) } }
        var placements: [RoutedPlacement] = []
        for rule in rules.rules {
            placements.append(RoutedPlacement(index: placements.count, name: rule.id, placement: rule.placement, nextIndex: nil))
        }
        if let strategy = rules.strategy {
            let mid = placements.count + 1
            for (name, placement) in [("high", strategy.high), ("mid", strategy.mid), ("low", strategy.low)] {
                let index = placements.count
                placements.append(
                    RoutedPlacement(index: index, name: "strategy.\(name)", placement: placement, nextIndex: index == mid ? nil : mid))
            }
        }
        self.placements = placements
        sellerSlots = placements.map { if case .sellerInField(let name) = $0.placement.target { table[name] } else { nil } }
        grading = rules.strategy?.grading
        gradeSlot = table[(grading ?? .band).rawValue]!
        readsScore = !rules.fields.isDisjoint(with: ["score", "band", "intent"])
    }

    func placement(for values: [FieldValue]) -> Answer {
        for (index, condition) in conditions.enumerated() {
            switch condition?.truth(of: values) ?? .yes {
            case .no: continue
            case .unknown: return .unknown(condition?.decidingTests(for: values) ?? [])
            case .yes:
                let tests = condition?.decidingTests(for: values) ?? []
                let matched = Reason(.ruleMatched, ["rule": .text(placements[index].name)])
                return .found(placement(index, values), [matched] + tests.map(Reason.init(_:)))
            }
        }
        // The reader made sure that there is a strategy where no rule always applies.
        switch values[gradeSlot] {
        case .text("high"): return .found(placement(conditions.count, values), [])
        case .text("mid"): return .found(placement(conditions.count + 1, values), [])
        case .text("low"): return .found(placement(conditions.count + 2, values), [])
        default:
            let test = Condition.Test(field: (grading ?? .band).rawValue, comparison: .isPresent)
            return .unknown([DecidingTest(test: test, value: values[gradeSlot], truth: .unknown)])
        }
    }

    private func placement(_ index: Int, _ values: [FieldValue]) -> RoutedPlacement {
        var routed = placements[index]
        if let slot = sellerSlots[index], case .text(let seller) = values[slot] { routed.namedSeller = seller }
        return routed
    }
}

extension Reason {
    /// A test as it came out: a false one is told by its opposite.
    init(_ deciding: DecidingTest) {
        let (name, operand) = deciding.test.comparison.words(holds: deciding.truth == .yes, isEmpty: deciding.value == .empty)
        var parameters: [String: Parameter] = ["field": .text(deciding.test.field), "operator": .text(name)]
        if let operand { parameters["operand"] = .text(operand) }
        if deciding.value != .empty, deciding.value != .unmapped { parameters["value"] = .text(deciding.value.description) }
        self.init(.condition, parameters)
    }

    /// A test that could not be made, with the currency the rules ask where the lead's amount is in another.
    init(notComparable unknown: DecidingTest) {
        var parameters: [String: Parameter] = ["field": .text(unknown.test.field), "value": .text(unknown.value.description)]
        if let currency = unknown.value.currency, let asked = unknown.test.comparison.currencies.first(where: { $0 != currency }) {
            parameters["currency"] = .text(currency)
            parameters["asked"] = .text(asked)
        }
        self.init(.notComparable, parameters)
    }
}

extension Condition.Comparison {
    fileprivate func words(holds: Bool, isEmpty: Bool) -> (String, operand: String?) {
        if isEmpty { return ("empty", nil) }
        let no = holds ? "" : "not_"
        return switch self {
        case .equals(let value): (no + "equals", value.description)
        case .isIn(let values): (no + "in", values.map(\.description).joined(separator: ", "))
        case .contains(let parts): (no + "contains", parts.joined(separator: ", "))
        case .greater(let value): (holds ? "gt" : "lte", value.description)
        case .greaterOrEqual(let value): (holds ? "gte" : "lt", value.description)
        case .less(let value): (holds ? "lt" : "gte", value.description)
        case .lessOrEqual(let value): (holds ? "lte" : "gt", value.description)
        case .isFilled: (no + "filled", nil)
        case .isEmpty, .isPresent: ("present", nil)
        }
    }
}
