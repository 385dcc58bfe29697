import SalesModel

/// How often something happened to a subject, in a window.
public struct EventCount: Sendable, Hashable {
    public enum Window: Sendable, Hashable {
        /// Ever, up to now.
        case ever
        /// In the last so many seconds.
        case last(seconds: Int)
        /// From the clock's start on, for so many seconds or without end. Both ends count (I-29).
        case sinceStart(seconds: Int?)
    }

    /// A name of the event catalogue.
    public let type: String
    public let window: Window
    /// What must be true of the event.
    public let filter: Condition?
}

/// What conditions may count.
struct EventScope {
    let catalogue: EventCatalogue
    let subject: SubjectType
    /// Whether there is a start to count from.
    let hasStart: Bool
}

// MARK: - Reading

extension EventCount {
    private static let comparisons = ["equals", "gt", "gte", "lt", "lte"]

    static func read(_ object: RuleObject, _ scope: ConditionScope) -> Condition? {
        guard let reader = object["count"] else { return nil }
        guard let events = scope.events else {
            reader.fault(
                .unavailableField,
                "Nothing is counted here: this rule sees the fields alone. Counts stand in clock, gate and measure rules.")
            return nil
        }
        for name in ["in", "contains", "empty", "present", "filled"] {
            object[name]?.fault(.conflict, "A count is a number; use one of: \(comparisons.joined(separator: ", ")).")
        }
        let given = comparisons.filter { object[$0] != nil }
        if given.isEmpty { object.reader.fault(.missing, "How many? Add one of: \(comparisons.joined(separator: ", ")).") }
        let tests = given.compactMap { name in
            object[name]?.integer(in: 0...100_000).map { comparison(name, FieldValue.number(Double($0))) }
        }
        guard let count = read(reader, events), !given.isEmpty, tests.count == given.count else { return nil }
        let parts = tests.map { Condition.count(count, $0) }
        return parts.count == 1 ? parts[0] : .all(parts)
    }

    private static func comparison(_ name: String, _ value: FieldValue) -> Condition.Comparison {
        switch name {
        case "equals": .equals(value)
        case "gt": .greater(value)
        case "gte": .greaterOrEqual(value)
        case "lt": .less(value)
        default: .lessOrEqual(value)
        }
    }

    private static func read(_ reader: RuleReader, _ scope: EventScope) -> EventCount? {
        guard let object = reader.object(keys: ["type", "within", "from", "where"]) else { return nil }
        let type = object.required("type", "what is counted, such as follow_up.").flatMap {
            EventType.read($0, scope.catalogue, scope.subject)
        }
        let within = object["within"].map { $0.seconds() }
        var isFromStart = false
        if let from = object["from"], let word = from.text() {
            isFromStart = word == "start"
            if !isFromStart { from.fault(.unknownValue, "“from” knows one word: start, the clock's start.") }
            if !scope.hasStart { from.fault(.unavailableField, "There is no clock here to count from; leave “from” out.") }
        }
        var filter: Condition?
        if let reader = object["where"], let type {
            guard let condition = Condition.read(reader, in: ConditionScope(catalogue: type.fields, isScored: true)) else { return nil }
            filter = condition
        }
        guard let type, within != .some(nil) else { return nil }
        let seconds = within ?? nil
        let window: Window = isFromStart ? .sinceStart(seconds: seconds) : seconds.map { .last(seconds: $0) } ?? .ever
        return EventCount(type: type.name, window: window, filter: filter)
    }
}

extension EventType {
    /// The event of that name, if it can happen to the subject.
    static func read(_ reader: RuleReader, _ catalogue: EventCatalogue, _ subject: SubjectType) -> EventType? {
        guard let name = reader.text(limit: 64) else { return nil }
        let names = catalogue.names(of: subject)
        guard let type = catalogue[name] else {
            let guess =
                RuleReader.closest(to: name, among: names).map { "did you mean “\($0)”?" } ?? "possible: \(names.joined(separator: ", "))."
            reader.fault(.unknownValue, "There is no event “\(name)”; \(guess)")
            return nil
        }
        guard type.subjects.contains(subject) else {
            reader.fault(
                .conflict, "“\(name)” does not happen to a \(subject.label.english); possible: \(names.joined(separator: ", ")).")
            return nil
        }
        return type
    }
}

// MARK: - Words

extension EventCount {
    /// `follow_up within 48h`, as shown where a count is told of.
    public var name: String {
        switch window {
        case .ever: "count of \(type)"
        case .last(let seconds): "count of \(type) within \(TimeText.text(seconds))"
        case .sinceStart(nil): "count of \(type) since the start"
        case .sinceStart(let seconds?): "count of \(type) within \(TimeText.text(seconds)) of the start"
        }
    }
}
