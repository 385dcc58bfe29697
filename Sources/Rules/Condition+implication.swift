import SalesModel

extension Condition {
    /// Whether this can only be true where the other is true too. `false` says nothing: not every implication is found.
    public func implies(_ other: Condition) -> Bool {
        if self == other { return true }
        switch (self, other) {
        case (.any(let parts), _): return parts.allSatisfy { $0.implies(other) }
        case (_, .all(let parts)): return parts.allSatisfy { implies($0) }
        case (.all(let parts), _) where parts.contains { $0.implies(other) }: return true
        case (_, .any(let parts)): return parts.contains { implies($0) }
        case (.not(let part), .not(let otherPart)): return otherPart.implies(part)
        case (.test(let test), .test(let otherTest)):
            return test.field == otherTest.field && test.comparison.implies(otherTest.comparison)
        case (.count(let count, let comparison), .count(let otherCount, let otherComparison)):
            return count == otherCount && comparison.implies(otherComparison)
        default: return false
        }
    }

    /// Whether it can be seen that nothing fulfils it: two parts of an `all` that exclude each other.
    public var isImpossible: Bool {
        switch self {
        case .all(let parts):
            return parts.contains(where: \.isImpossible)
                || parts.indices.contains { place in parts[..<place].contains { $0.excludes(parts[place]) } }
        case .any(let parts): return parts.allSatisfy(\.isImpossible)
        case .not, .test, .count: return false
        }
    }

    private func excludes(_ other: Condition) -> Bool {
        switch (self, other) {
        case (.test(let test), .test(let otherTest)):
            test.field == otherTest.field && test.comparison.excludes(otherTest.comparison)
        case (.count(let count, let comparison), .count(let otherCount, let otherComparison)):
            count == otherCount && comparison.excludes(otherComparison)
        case (.not(let part), _): other.implies(part)
        case (_, .not(let part)): implies(part)
        default: false
        }
    }
}

extension Condition.Comparison {
    func implies(_ other: Self) -> Bool {
        if self == other { return true }
        // Every comparison but `empty` fits only what is given.
        if other == .isPresent { return self != .isEmpty }
        switch (self, other) {
        case (.equals(let value), _) where other != .isEmpty: return other.truth(of: value) == .yes
        case (.isIn(let values), _) where other != .isEmpty: return values.allSatisfy { other.truth(of: $0) == .yes }
        case (.contains(let parts), .contains(let others)): return parts.allSatisfy { part in others.contains { part == $0 } }
        default: break
        }
        guard let bound = lowerBound, let otherBound = other.lowerBound else {
            guard let bound = upperBound, let otherBound = other.upperBound, let order = Self.order(bound.value, otherBound.value) else {
                return false
            }
            return order < 0 || (order == 0 && (!bound.isIncluded || otherBound.isIncluded))
        }
        guard let order = Self.order(bound.value, otherBound.value) else { return false }
        return order > 0 || (order == 0 && (!bound.isIncluded || otherBound.isIncluded))
    }

    func excludes(_ other: Self) -> Bool {
        switch (self, other) {
        case (.isEmpty, _): return other != .isEmpty
        case (_, .isEmpty): return true
        case (.equals(let value), _): return other.truth(of: value) == .no
        case (_, .equals(let value)): return truth(of: value) == .no
        case (.isIn(let values), _): return values.allSatisfy { other.truth(of: $0) == .no }
        case (_, .isIn(let values)): return values.allSatisfy { truth(of: $0) == .no }
        default: break
        }
        guard
            let (low, high) = lowerBound.flatMap({ low in other.upperBound.map { (low, $0) } })
                ?? other.lowerBound.flatMap({ low in upperBound.map { (low, $0) } }),
            let order = Self.order(low.value, high.value)
        else { return false }
        return order > 0 || (order == 0 && !(low.isIncluded && high.isIncluded))
    }

    private typealias Bound = (value: FieldValue, isIncluded: Bool)

    private var lowerBound: Bound? {
        switch self {
        case .greater(let value): (value, false)
        case .greaterOrEqual(let value): (value, true)
        default: nil
        }
    }

    private var upperBound: Bound? {
        switch self {
        case .less(let value): (value, false)
        case .lessOrEqual(let value): (value, true)
        default: nil
        }
    }

    /// nil: they cannot be compared.
    private static func order(_ a: FieldValue, _ b: FieldValue) -> Int? {
        if Self.equals(b).truth(of: a) == .yes { return 0 }
        switch Self.greater(b).truth(of: a) {
        case .yes: return 1
        case .no: return Self.less(b).truth(of: a) == .yes ? -1 : nil
        case .unknown: return nil
        }
    }
}
