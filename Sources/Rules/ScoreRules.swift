import SalesModel

/// How good a lead is: five parts of 0–20, bands over their sum, and the intent grade.
public struct ScoreRules: Sendable, Hashable {
    public let dimensions: [ScoreDimension: DimensionRules]
    public let bands: BandLimits
    public let intent: IntentRules
}

extension ScoreRules {
    /// Every field that must be known to score a lead.
    public var fields: Set<String> {
        var fields = intent.isStandard ? [] : intent.high.fields.union(intent.mid.fields)
        for rules in dimensions.values { fields.formUnion(rules.fields) }
        return fields
    }
}

/// Whether the lead is of high, or else of middle intent; otherwise it is low.
public struct IntentRules: Sendable, Hashable {
    public let high: Condition
    public let mid: Condition
    /// Not written by the tenant: where the tenant's maps don't give its field, there simply is no grade.
    public let isStandard: Bool

    /// LEAD-SCORE-04.
    public static let standard = IntentRules(
        high: .test(.init(field: "intent_signals", comparison: .contains(["requirement_document", "demo_booked"]))),
        mid: .test(.init(field: "intent_signals", comparison: .contains(["white_paper", "video_watched"]))), isStandard: true)
}

/// How one part of the score comes about.
public struct DimensionRules: Sendable, Hashable {
    public enum Mode: String, Sendable, Hashable, CaseIterable {
        /// The first true case gives the points.
        case first
        /// All true cases together, at most 20.
        case sum
    }

    public struct Case: Sendable, Hashable {
        public let when: Condition
        public let points: Int
    }

    public let mode: Mode
    public let cases: [Case]
    public let otherwise: Int

    var fields: Set<String> { cases.reduce(into: []) { $0.formUnion($1.when.fields) } }
}

/// Where the bands begin: low from 0, then mid, then high up to 100.
public struct BandLimits: Sendable, Hashable {
    public let mid: Int
    public let high: Int

    /// high ≥ 75, mid 45–74, low < 45 (LEAD-SCORE-03).
    public static let standard = BandLimits(mid: 45, high: 75)

    public func band(of score: Int) -> Band { score >= high ? .high : score >= mid ? .mid : .low }
}

// MARK: - Reading

extension ScoreRules {
    static func read(_ reader: RuleReader, catalogue: FieldCatalogue) -> ScoreRules? {
        guard let object = reader.object(keys: ["dimensions", "bands", "intent"]) else { return nil }
        let scope = ConditionScope(catalogue: catalogue, isScored: false)
        let names = ScoreDimension.allCases.map(\.rawValue)
        let given = object.required("dimensions", "the five parts: \(names.joined(separator: ", ")).")?.object(keys: names)
        var dimensions: [ScoreDimension: DimensionRules] = [:]
        for dimension in ScoreDimension.allCases {
            dimensions[dimension] = given?.required(dimension.rawValue, "its cases, or { cases: [] } to leave it at 0.").flatMap {
                DimensionRules.read($0, scope)
            }
        }
        let bands = object["bands"].map { BandLimits.read($0) } ?? .standard
        let intent = object["intent"].map { IntentRules.read($0, scope) } ?? .standard
        guard dimensions.count == ScoreDimension.allCases.count, let bands, let intent else { return nil }
        return ScoreRules(dimensions: dimensions, bands: bands, intent: intent)
    }
}

extension IntentRules {
    fileprivate static func read(_ reader: RuleReader, _ scope: ConditionScope) -> IntentRules? {
        guard let object = reader.object(keys: ["high", "mid"]) else { return nil }
        let high = object.required("high", "the condition that makes the intent high.").flatMap { Condition.read($0, in: scope) }
        let mid = object.required("mid", "the condition that makes the intent middle.").flatMap { Condition.read($0, in: scope) }
        guard let high, let mid else { return nil }
        return IntentRules(high: high, mid: mid, isStandard: false)
    }
}

extension DimensionRules {
    fileprivate static func read(_ reader: RuleReader, _ scope: ConditionScope) -> DimensionRules? {
        guard let object = reader.object(keys: ["mode", "cases", "otherwise"]) else { return nil }
        let points = 0...ScoreDimension.maximum
        let mode = object["mode"]?.choice(Mode.self) ?? .first
        let otherwise = object["otherwise"]?.integer(in: points) ?? 0
        guard let items = object.required("cases", "a list of { when: …, points: 0–20 }.")?.items(limit: 100) else { return nil }
        let cases = items.compactMap { item -> Case? in
            guard let object = item.object(keys: ["when", "points"]) else { return nil }
            let when = object.required("when", "the condition under which the points are given.").flatMap { Condition.read($0, in: scope) }
            let given = object.required("points", "how many, 0–20.")?.integer(in: points)
            guard let when, let given else { return nil }
            return Case(when: when, points: given)
        }
        return DimensionRules(mode: mode, cases: cases, otherwise: otherwise)
    }
}

extension BandLimits {
    /// `high: { from: 75, to: 100 }` and so on, so that a gap or an overlap is seen where it was written.
    fileprivate static func read(_ reader: RuleReader) -> BandLimits? {
        guard let object = reader.object(keys: Band.allCases.map(\.rawValue)) else { return nil }
        var ranges: [Band: ClosedRange<Int>] = [:]
        for band in Band.allCases {
            guard let member = object.required(band.rawValue, "{ from: …, to: … }, both included."),
                let limits = member.object(keys: ["from", "to"])
            else { continue }
            let from = limits.required("from", "its lowest score.")?.integer(in: 0...100)
            let to = limits.required("to", "its highest score.")?.integer(in: 0...100)
            guard let from, let to else { continue }
            if from <= to {
                ranges[band] = from...to
            } else {
                member.fault(.bands, "A band goes upwards: “from” \(from) is above “to” \(to).")
            }
        }
        guard let low = ranges[.low], let mid = ranges[.mid], let high = ranges[.high] else { return nil }
        let joints = [("low", "mid", low, mid), ("mid", "high", mid, high)]
        for (lower, upper, below, above) in joints where above.lowerBound != below.upperBound + 1 {
            let kind = above.lowerBound > below.upperBound ? "leave a gap" : "overlap"
            reader.fault(
                .bands,
                "The bands \(lower) (to \(below.upperBound)) and \(upper) (from \(above.lowerBound)) \(kind); let \(upper) begin at \(below.upperBound + 1)."
            )
        }
        if low.lowerBound != 0 { reader.fault(.bands, "The low band must begin at 0, not \(low.lowerBound).") }
        if high.upperBound != 100 { reader.fault(.bands, "The high band must end at 100, not \(high.upperBound).") }
        return BandLimits(mid: mid.lowerBound, high: high.lowerBound)
    }
}
