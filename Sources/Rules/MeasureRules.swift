import SalesModel

/// How are we doing?
public struct MeasureRules: Sendable, Hashable {
    public let measures: [Measure]
}

public struct Measure: Sendable, Hashable {
    /// What kind of figure it is (KPI-01); `report` is no KPI.
    public enum Class: String, Sendable, Hashable, CaseIterable {
        case input, process, output, report
    }

    public enum Formula: Sendable, Hashable {
        case count
        /// The part of which this is true.
        case ratio(Condition)
        /// Of a number or an amount.
        case sum(String)
        /// Other measures of this rule set, each against its target, weighted; the weights make 100 (KPI-06).
        case weighted([Part])
    }

    public struct Part: Sendable, Hashable {
        public let measure: String
        public let weight: Int
    }

    public struct Target: Sendable, Hashable {
        public let isAtLeast: Bool
        public let value: Double
    }

    public let id: String
    public let label: Label
    public let subject: SubjectType
    public let group: Class
    /// Of which subjects; nil: of all.
    public let among: Condition?
    public let formula: Formula
    /// The date by which a subject falls into the window, and the window's length in seconds; nil: all of them.
    public let window: Window?
    /// One figure for each combination of these fields' values.
    public let dimensions: [String]
    public let target: Target?

    public struct Window: Sendable, Hashable {
        public let field: String
        public let seconds: Int
    }
}

extension Measure {
    /// Every field that must be known.
    public var fields: Set<String> {
        var fields = (among?.fields ?? []).union(dimensions)
        if let window { fields.insert(window.field) }
        switch formula {
        case .ratio(let condition): fields.formUnion(condition.fields)
        case .sum(let name): fields.insert(name)
        case .count, .weighted: break
        }
        return fields
    }
}

// MARK: - Reading

extension MeasureRules {
    static func read(_ reader: RuleReader, _ scope: SubjectScope) -> MeasureRules? {
        guard let object = reader.object(keys: ["measures"]) else { return nil }
        guard let items = object.required("measures", "a list of { id: …, subject: …, class: …, ratio: … }.")?.items(limit: 200) else {
            return nil
        }
        if items.isEmpty { object["measures"]?.fault(.empty, "Name at least one measure.") }
        let measures = items.map { Measure.read($0, scope) }
        items.refuseRepeated(measures.map { $0?.id })
        guard !measures.contains(where: { $0 == nil }) else { return nil }
        let known = measures.compactMap { $0 }
        checkParts(known, items)
        return MeasureRules(measures: known)
    }

    /// A weighted measure is made of plain ones that stand in the same rule set and have a target to be measured against.
    private static func checkParts(_ measures: [Measure], _ items: [RuleReader]) {
        for (measure, item) in zip(measures, items) {
            guard case .weighted(let parts) = measure.formula else { continue }
            for (place, part) in parts.enumerated() {
                let reader = RuleReader(node: item.node, path: "\(item.path).weighted[\(place)].measure", faults: item.faults)
                guard let named = measures.first(where: { $0.id == part.measure }) else {
                    let guess = RuleReader.closest(to: part.measure, among: measures.map(\.id)).map { " Did you mean “\($0)”?" } ?? ""
                    reader.fault(.unknownValue, "There is no measure “\(part.measure)” in this rule set.\(guess)")
                    continue
                }
                if case .weighted = named.formula {
                    reader.fault(.conflict, "“\(part.measure)” is weighted itself; name the measures it is made of.")
                }
                if named.target == nil { reader.fault(.missing, "“\(part.measure)” has no target to be measured against; give it one.") }
            }
        }
    }
}

extension Measure {
    private static let formulas = ["count", "ratio", "sum", "weighted"]

    fileprivate static func read(_ reader: RuleReader, _ scope: SubjectScope) -> Measure? {
        let keys = ["id", "label", "subject", "class", "among", "window", "at", "by", "target"]
        guard let object = reader.object(keys: keys + formulas) else { return nil }
        let id = object.required("id", "a short name, such as first_touch_in_time.")?.identifier()
        let label = object["label"].map { $0.label() } ?? id.map { Label($0, $0) }
        let group = object.required("class", "input, process or output for a KPI, else report.")?.choice(Class.self)
        let subject = object.required("subject", "what it is counted over: \(SubjectType.names).")?.choice(SubjectType.self)
        guard let subject else { return nil }
        let (fields, conditions) = (scope.catalogue(subject), scope.conditions(subject))
        let among = object["among"].map { Condition.read($0, in: conditions) }
        let formula = Formula.read(object, fields, conditions)
        let window = Window.read(object, fields)
        let dimensions = dimensions(object, fields)
        let target = object["target"].map { Target.read($0) }
        guard let id, let label, let group, let formula, let window, let dimensions, among != .some(nil), target != .some(nil) else {
            return nil
        }
        return Measure(
            id: id, label: label, subject: subject, group: group, among: among ?? nil, formula: formula, window: window.value,
            dimensions: dimensions, target: target ?? nil)
    }

    private static func dimensions(_ object: RuleObject, _ fields: FieldCatalogue) -> [String]? {
        guard let reader = object["by"] else { return [] }
        guard let items = reader.itemsOrOne(limit: 3) else { return nil }
        let names = items.map { $0.field(of: fields, types: [.text, .list, .boolean])?.name }
        items.refuseRepeated(names)
        return names.contains(nil) ? nil : names.compactMap { $0 }
    }
}

extension Measure.Formula {
    fileprivate static func read(_ object: RuleObject, _ fields: FieldCatalogue, _ conditions: ConditionScope) -> Self? {
        let given = ["count", "ratio", "sum", "weighted"].filter { object[$0] != nil }
        guard given.count == 1, let reader = object[given[0]] else {
            object.reader.fault(
                given.isEmpty ? .missing : .conflict,
                "A measure is exactly one of: count: true, ratio: CONDITION, sum: FIELD, weighted: […].")
            return nil
        }
        switch given[0] {
        case "count":
            guard reader.boolean() == true else {
                reader.fault(.outOfRange, "Write count: true.")
                return nil
            }
            return .count
        case "ratio": return Condition.read(reader, in: conditions).map(Self.ratio)
        case "sum": return reader.field(of: fields, types: [.number, .money]).map { .sum($0.name) }
        default: return parts(reader)
        }
    }

    private static func parts(_ reader: RuleReader) -> Self? {
        guard let items = reader.items(limit: 20) else { return nil }
        let parts = items.map { item -> Measure.Part? in
            guard let object = item.object(keys: ["measure", "weight"]) else { return nil }
            let measure = object.required("measure", "the id of another measure.")?.identifier()
            let weight = object.required("weight", "its part of 100.")?.integer(in: 1...100)
            guard let measure, let weight else { return nil }
            return Measure.Part(measure: measure, weight: weight)
        }
        items.refuseRepeated(parts.map { $0?.measure })
        guard !parts.contains(where: { $0 == nil }) else { return nil }
        let sum = parts.reduce(0) { $0 + ($1?.weight ?? 0) }
        guard sum == 100 else {
            reader.fault(.weights, "The weights make \(sum); they must make 100.")
            return nil
        }
        return .weighted(parts.compactMap { $0 })
    }
}

extension Measure.Window {
    /// Read, and possibly not there.
    fileprivate struct Reading {
        let value: Measure.Window?
    }

    fileprivate static func read(_ object: RuleObject, _ fields: FieldCatalogue) -> Reading? {
        switch (object["window"], object["at"]) {
        case (nil, nil): return Reading(value: nil)
        case (let window?, let at?):
            let seconds = window.seconds()
            guard let field = at.field(of: fields, types: [.date]), let seconds else { return nil }
            return Reading(value: Measure.Window(field: field.name, seconds: seconds))
        case (_?, nil):
            object.reader.fault(.missing, "“at” is missing: the date by which a subject falls into the window, such as received_at.")
            return nil
        case (nil, let at?):
            at.fault(.missing, "“window” is missing beside “at”: how far back, such as 14d.")
            return nil
        }
    }
}

extension Measure.Target {
    fileprivate static func read(_ reader: RuleReader) -> Self? {
        guard let object = reader.object(keys: ["gte", "lte"]) else { return nil }
        switch (object["gte"], object["lte"]) {
        case (let reader?, nil): return reader.number().map { Self(isAtLeast: true, value: $0) }
        case (nil, let reader?): return reader.number().map { Self(isAtLeast: false, value: $0) }
        default:
            reader.fault(.conflict, "A target is { gte: NUMBER } or { lte: NUMBER }.")
            return nil
        }
    }
}
