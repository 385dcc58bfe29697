import Foundation
import SalesModel

/// What must be true of a lead, in the one language all rule sets share.
///
/// A condition answers true, false or unknown (Kleene): `false and unknown` is false, `true and unknown` is unknown.
public indirect enum Condition: Sendable, Hashable {
    case all([Condition])
    case any([Condition])
    case not(Condition)
    case test(Test)
    /// How often something happened, compared with a number.
    case count(EventCount, Comparison)

    /// One field compared with one operand.
    public struct Test: Sendable, Hashable {
        public let field: String
        public let comparison: Comparison
    }

    public enum Comparison: Sendable, Hashable {
        case equals(FieldValue)
        case isIn([FieldValue])
        /// Of a text: any of these parts. Of a list: any of these items.
        case contains([String])
        case greater(FieldValue)
        case greaterOrEqual(FieldValue)
        case less(FieldValue)
        case lessOrEqual(FieldValue)
        case isEmpty
        case isPresent
        /// Given, and not only for form's sake: `—`, `无`, `已联系` and the like say nothing.
        case isFilled
    }

    /// Every field the condition reads.
    public var fields: Set<String> {
        switch self {
        case .all(let parts), .any(let parts): parts.reduce(into: []) { $0.formUnion($1.fields) }
        case .not(let part): part.fields
        case .test(let test): [test.field]
        case .count: []
        }
    }

    /// Every count of events in it.
    public var counts: [EventCount] {
        switch self {
        case .all(let parts), .any(let parts): parts.flatMap(\.counts)
        case .not(let part): part.counts
        case .test: []
        case .count(let count, _): [count]
        }
    }
}

// MARK: - Reading

/// What a condition may read, and how it is told apart.
struct ConditionScope {
    let catalogue: FieldCatalogue
    /// Whether the score, the band and the intent grade are known by then.
    let isScored: Bool
    /// What it may count; nil: nothing, since no events are read where it is asked.
    var events: EventScope?
}

extension Condition {
    private static let operators = ["equals", "in", "contains", "gt", "gte", "lt", "lte", "empty", "present", "filled"]

    static func read(_ reader: RuleReader, in scope: ConditionScope) -> Condition? {
        guard let object = reader.object(keys: ["all", "any", "not", "field", "count"] + operators) else { return nil }
        let forms = ["all", "any", "not", "field", "count"].filter { object[$0] != nil }
        guard forms.count == 1 else {
            reader.fault(
                forms.isEmpty ? .missing : .conflict,
                "A condition is one of: all: […], any: […], not: {…}, count: {…}, or field: NAME with a comparison (\(operators.joined(separator: ", ")))."
            )
            return nil
        }
        if forms[0] != "field", forms[0] != "count" {
            for name in operators { object[name]?.fault(.conflict, "“\(name)” needs “field” beside it, not “\(forms[0])”.") }
        }
        switch forms[0] {
        case "all": return parts(object["all"], scope).map(Condition.all)
        case "any": return parts(object["any"], scope).map(Condition.any)
        case "not": return object["not"].flatMap { read($0, in: scope) }.map(Condition.not)
        case "count": return EventCount.read(object, scope)
        default: return test(object, scope)
        }
    }

    private static func parts(_ reader: RuleReader?, _ scope: ConditionScope) -> [Condition]? {
        guard let items = reader?.items(limit: 100) else { return nil }
        guard !items.isEmpty else {
            reader?.fault(.empty, "Name at least one condition; leave “when” out for a rule that always applies.")
            return nil
        }
        let parts = items.map { read($0, in: scope) }
        return parts.contains { $0 == nil } ? nil : parts.compactMap { $0 }
    }

    private static func test(_ object: RuleObject, _ scope: ConditionScope) -> Condition? {
        guard let reader = object["field"], let name = reader.text(limit: 64) else { return nil }
        guard let field = scope.catalogue[name] else {
            let guess = RuleReader.closest(to: name, among: scope.catalogue.names).map { "did you mean “\($0)”?" }
            reader.fault(.unknownField, "There is no field “\(name)”; \(guess ?? "use a standard field, or add it with a map first.")")
            return nil
        }
        guard scope.isScored || field.origin != .score else {
            reader.fault(.unavailableField, "“\(name)” is not known while the lead is being scored; use it in route rules.")
            return nil
        }
        let given = operators.filter { object[$0] != nil }
        guard !given.isEmpty else {
            object.reader.fault(.missing, "What about “\(name)”? Add one of: \(operators.joined(separator: ", ")).")
            return nil
        }
        let tests = given.map { name in
            comparison(name, object[name]!, field).map { Condition.test(Test(field: field.name, comparison: $0)) }
        }
        guard !tests.contains(where: { $0 == nil }) else { return nil }
        let known = tests.compactMap { $0 }
        return known.count == 1 ? known[0] : .all(known)
    }

    static func comparison(_ name: String, _ reader: RuleReader, _ field: Field) -> Comparison? {
        switch name {
        case "empty": return reader.boolean().map { $0 ? .isEmpty : .isPresent }
        case "present": return reader.boolean().map { $0 ? .isPresent : .isEmpty }
        case "filled":
            guard field.type == .text || field.type == .list else { return misfit(reader, name, field, "present") }
            guard reader.boolean() == true else {
                reader.fault(.outOfRange, "Write filled: true; for the opposite, not: { field: …, filled: true }.")
                return nil
            }
            return .isFilled
        case "contains":
            guard field.type == .text || field.type == .list else { return misfit(reader, name, field, "gte, lte or equals") }
            return reader.texts().map(Comparison.contains)
        case "equals":
            guard field.type != .list else { return misfit(reader, name, field, "contains") }
            return operand(reader, field).map(Comparison.equals)
        case "in":
            guard field.type != .list else { return misfit(reader, name, field, "contains") }
            return operands(reader, field).map(Comparison.isIn)
        default:
            guard [.number, .money, .date].contains(field.type) else { return misfit(reader, name, field, "equals, in or contains") }
            guard let value = operand(reader, field) else { return nil }
            switch name {
            case "gt": return .greater(value)
            case "gte": return .greaterOrEqual(value)
            case "lt": return .less(value)
            default: return .lessOrEqual(value)
            }
        }
    }

    private static func misfit(_ reader: RuleReader, _ name: String, _ field: Field, _ instead: String) -> Comparison? {
        reader.fault(.wrongType, "“\(name)” does not fit “\(field.name)”, which is a \(field.type.rawValue); use \(instead).")
        return nil
    }

    private static func operands(_ reader: RuleReader, _ field: Field) -> [FieldValue]? {
        guard let items = reader.items() else { return nil }
        guard !items.isEmpty else {
            reader.fault(.empty, "Name at least one value.")
            return nil
        }
        let values = items.map { operand($0, field) }
        return values.contains { $0 == nil } ? nil : values.compactMap { $0 }
    }

    /// A value as the field's type reads it.
    private static func operand(_ reader: RuleReader, _ field: Field) -> FieldValue? {
        switch field.type {
        case .text, .list: return reader.text().flatMap { word($0, reader, field) }
        case .number: return reader.number().map(FieldValue.number)
        case .boolean: return reader.boolean().map(FieldValue.boolean)
        case .money:
            guard let text = reader.text() else { return nil }
            if let money = Money(ruleText: text) { return .money(money) }
            reader.fault(.wrongType, "An amount is written with its ISO currency, such as “CNY 500000”.")
            return nil
        case .date:
            guard let text = reader.text() else { return nil }
            if let date = DateReading.date(from: text) { return .date(date) }
            reader.fault(.wrongType, "A date is written as 2026-01-31 or 2026-01-31T09:00:00Z, and is one of the calendar.")
            return nil
        }
    }

    /// What a field of few values cannot be makes a condition that never holds.
    private static func word(_ text: String, _ reader: RuleReader, _ field: Field) -> FieldValue? {
        guard let values = field.values, !values.contains(text) else { return .text(text) }
        reader.fault(.unknownValue, "“\(field.name)” is never “\(text)”; it is one of: \(values.joined(separator: ", ")).")
        return nil
    }
}

extension Money {
    /// `CNY 500000` or `500000 CNY`, in main units.
    init?(ruleText text: String) {
        let words = text.split(separator: " ").map(String.init)
        guard words.count == 2, let place = words.firstIndex(where: { Self.currency($0) != nil }),
            let currency = Self.currency(words[place]),
            case let amount = words[1 - place], Self.currency(amount) == nil
        else {
            return nil
        }
        self.init(mainUnits: amount, currency: currency)
    }

    /// A code of ISO 4217, by which amounts compare; nil: it is none. `RMB` is what many write for the yuan.
    static func currency(_ text: String) -> String? { text == "RMB" ? "CNY" : currencies.contains(text) ? text : nil }

    private static let currencies = Set(Locale.Currency.isoCurrencies.map(\.identifier))
}
