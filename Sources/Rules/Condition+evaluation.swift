import SalesModel

/// Kleene's three truth values, in their order: `and` is the least, `or` the greatest of its parts.
public enum Truth: Int, Sendable, Hashable, Comparable {
    case no, unknown, yes

    public static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }

    public static prefix func ! (truth: Self) -> Self {
        switch truth {
        case .no: .yes
        case .unknown: .unknown
        case .yes: .no
        }
    }

    init(_ flag: Bool) { self = flag ? .yes : .no }
}

/// The place of each field in a lead's values, so that evaluation looks nothing up by name.
public struct FieldTable: Sendable, Hashable {
    public let names: [String]
    private let slots: [String: Int]

    public init(_ names: Set<String>) {
        self.names = names.sorted()
        slots = Dictionary(uniqueKeysWithValues: self.names.enumerated().map { ($1, $0) })
    }

    public subscript(name: String) -> Int? { slots[name] }
}

/// A condition whose fields are places in a table.
public indirect enum CompiledCondition: Sendable {
    case all([CompiledCondition])
    case any([CompiledCondition])
    case not(CompiledCondition)
    case test(slot: Int, Condition.Test)
    case count(CompiledCount)

    /// Every field of the condition must be in the table.
    public init(_ condition: Condition, in table: FieldTable) {
        switch condition {
        case .all(let parts): self = .all(parts.map { CompiledCondition($0, in: table) })
        case .any(let parts): self = .any(parts.map { CompiledCondition($0, in: table) })
        case .not(let part): self = .not(CompiledCondition(part, in: table))
        case .test(let test):
            guard let slot = table[test.field] else { preconditionFailure("the table lacks the field \(test.field) of its own rules") }
            self = .test(slot: slot, test)
        case .count(let count, let comparison): self = .count(CompiledCount(count, comparison))
        }
    }

    /// - Parameter happenings: What counts look at. Without it a count is unknown; readers let none in where there is none.
    public func truth(of values: [FieldValue], _ happenings: Happenings? = nil) -> Truth {
        switch self {
        case .all(let parts):
            var least = Truth.yes
            for part in parts {
                least = min(least, part.truth(of: values, happenings))
                if least == .no { break }
            }
            return least
        case .any(let parts):
            var greatest = Truth.no
            for part in parts {
                greatest = max(greatest, part.truth(of: values, happenings))
                if greatest == .yes { break }
            }
            return greatest
        case .not(let part): return !part.truth(of: values, happenings)
        case .test(let slot, let test): return test.comparison.truth(of: values[slot])
        case .count(let count): return count.truth(in: happenings)
        }
    }
}

/// A test that settled what a condition answered.
public struct DecidingTest: Sendable, Hashable {
    public let test: Condition.Test
    public let value: FieldValue
    public let truth: Truth
}

extension CompiledCondition {
    /// The tests that made the condition answer as it did: all parts of a true `all`, the first true one of an `any`, and so on.
    public func decidingTests(for values: [FieldValue], _ happenings: Happenings? = nil) -> [DecidingTest] {
        switch self {
        case .all(let parts):
            let truth = truth(of: values, happenings)
            if truth == .yes { return parts.flatMap { $0.decidingTests(for: values, happenings) } }
            return parts.first { $0.truth(of: values, happenings) == truth }?.decidingTests(for: values, happenings) ?? []
        case .any(let parts):
            let truth = truth(of: values, happenings)
            if truth == .no { return parts.flatMap { $0.decidingTests(for: values, happenings) } }
            return parts.first { $0.truth(of: values, happenings) == truth }?.decidingTests(for: values, happenings) ?? []
        case .not(let part): return part.decidingTests(for: values, happenings)
        case .test(let slot, let test):
            return [DecidingTest(test: test, value: values[slot], truth: test.comparison.truth(of: values[slot]))]
        case .count(let count): return [count.deciding(in: happenings)]
        }
    }
}

extension Condition.Comparison {
    /// An unmapped field is unknown; a known-empty one fits `empty` and nothing else.
    public func truth(of value: FieldValue) -> Truth {
        if case .unmapped = value { return .unknown }
        let isEmpty = value == .empty
        switch self {
        case .isEmpty: return Truth(isEmpty)
        case .isPresent: return Truth(!isEmpty)
        default: return isEmpty ? .no : truth(ofPresent: value)
        }
    }

    private func truth(ofPresent value: FieldValue) -> Truth {
        switch self {
        case .equals(let operand): return Self.areEqual(value, operand)
        case .isIn(let operands): return operands.reduce(.no) { max($0, Self.areEqual(value, $1)) }
        case .contains(let parts): return Self.contains(value, parts)
        case .greater(let operand): return Self.ordered(value, operand) { $0 > $1 }
        case .greaterOrEqual(let operand): return Self.ordered(value, operand) { $0 >= $1 }
        case .less(let operand): return Self.ordered(value, operand) { $0 < $1 }
        case .lessOrEqual(let operand): return Self.ordered(value, operand) { $0 <= $1 }
        case .isFilled: return Self.isFilled(value)
        case .isEmpty, .isPresent: return .unknown
        }
    }

    /// Values of different types, or amounts in different currencies, cannot be compared: unknown, not false.
    private static func areEqual(_ value: FieldValue, _ operand: FieldValue) -> Truth {
        guard value.type == operand.type else { return .unknown }
        if case .money(let a) = value, case .money(let b) = operand, a.currency != b.currency { return .unknown }
        return Truth(value == operand)
    }

    private static func contains(_ value: FieldValue, _ parts: [String]) -> Truth {
        switch value {
        case .text(let text): Truth(parts.contains { text.contains($0) })
        case .list(let items): Truth(parts.contains { items.contains($0) })
        default: .unknown
        }
    }

    private static func isFilled(_ value: FieldValue) -> Truth {
        switch value {
        case .text(let text): Truth(!Placeholder.isPlaceholder(text))
        case .list(let items): Truth(items.contains { !Placeholder.isPlaceholder($0) })
        default: .yes
        }
    }

    private static func ordered(_ value: FieldValue, _ operand: FieldValue, _ holds: (Double, Double) -> Bool) -> Truth {
        switch (value, operand) {
        case (.number(let a), .number(let b)): Truth(holds(a, b))
        // Exact up to 2^53 smallest units.
        case (.money(let a), .money(let b)) where a.currency == b.currency: Truth(holds(Double(a.amountMinor), Double(b.amountMinor)))
        case (.date(let a), .date(let b)): Truth(holds(a.timeIntervalSinceReferenceDate, b.timeIntervalSinceReferenceDate))
        default: .unknown
        }
    }
}
