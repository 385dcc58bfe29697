import SalesModel

/// Something evaluated, or the tests that could not be.
enum Evaluated<Value: Sendable>: Sendable {
    case known(Value)
    case unknown([DecidingTest])
}

/// A score card ready to rate leads.
struct CompiledScore: Sendable {
    let bands: BandLimits
    private let dimensions: [CompiledDimension]
    private let high: CompiledCondition
    private let mid: CompiledCondition
    private let isStandardIntent: Bool

    init(_ rules: ScoreRules, _ table: FieldTable) {
        bands = rules.bands
        dimensions = ScoreDimension.allCases.compactMap { dimension in
            rules.dimensions[dimension].map { CompiledDimension(dimension, $0, table) }
        }
        high = CompiledCondition(rules.intent.high, in: table)
        mid = CompiledCondition(rules.intent.mid, in: table)
        isStandardIntent = rules.intent.isStandard
    }

    func score(of values: [FieldValue]) -> Evaluated<Score> {
        var parts: [ScoreDimension: Int] = [:]
        var missing: [ScoreDimension] = []
        for dimension in dimensions {
            switch dimension.points(for: values) {
            case .unknown(let tests): return .unknown(tests)
            case .known(let points):
                parts[dimension.name] = points ?? 0
                if points == nil { missing.append(dimension.name) }
            }
        }
        return .known(Score(parts: parts, missing: missing))
    }

    /// nil: the tenant says nothing of intent.
    func intent(of values: [FieldValue]) -> Evaluated<IntentGrade?> {
        for (grade, condition) in [(IntentGrade.high, high), (.mid, mid)] {
            switch condition.truth(of: values) {
            case .yes: return .known(grade)
            case .no: continue
            case .unknown: return isStandardIntent ? .known(nil) : .unknown(condition.decidingTests(for: values))
            }
        }
        return .known(.low)
    }
}

private struct CompiledDimension: Sendable {
    let name: ScoreDimension
    private let mode: DimensionRules.Mode
    private let cases: [(when: CompiledCondition, points: Int)]
    private let otherwise: Int
    private let slots: [Int]

    init(_ name: ScoreDimension, _ rules: DimensionRules, _ table: FieldTable) {
        self.name = name
        mode = rules.mode
        cases = rules.cases.map { (CompiledCondition($0.when, in: table), $0.points) }
        otherwise = rules.otherwise
        slots = rules.fields.sorted().map { table[$0]! }
    }

    /// nil: no case fits and some input is empty, so there is nothing to judge by.
    func points(for values: [FieldValue]) -> Evaluated<Int?> {
        var sum: Int?
        for (when, points) in cases {
            switch when.truth(of: values) {
            case .no: continue
            case .unknown: return .unknown(when.decidingTests(for: values))
            case .yes:
                if mode == .first { return .known(points) }
                sum = min((sum ?? 0) + points, ScoreDimension.maximum)
            }
        }
        if let sum { return .known(sum) }
        return .known(slots.contains { values[$0] == .empty } ? nil : otherwise)
    }
}
