import Foundation

/// Reads an object field by field and remembers everything that is wrong, so that a caller hears of all of it at once.
///
/// A getter answers nil when the field is absent, null or wrong; only the latter (and an absent required one) is an
/// error. `finish()` adds one for every member nobody asked for: a misspelt optional field must not pass in silence.
public struct FieldReader {
    /// No object of ours has more fields, so what was asked for fits a word.
    private static let most = 64

    public private(set) var errors: [FieldError] = []

    private let node: JSONNode
    private let path: String
    private var asked: UInt64 = 0

    /// - Parameter path: the way to this object from the body's root; empty for the body itself.
    public init(_ node: JSONNode, path: String = "") {
        self.node = node
        self.path = path
        if node.type != .object {
            errors.append(FieldError(path, .wrongType, "must be an object, not \(node.type.name)"))
        } else if node.count > Self.most {
            errors.append(FieldError(path, .tooMany, "has \(node.count) members; at most \(Self.most) are known"))
        }
    }

    /// The way to a field of this object.
    public func path(to name: String) -> String { path.isEmpty ? name : "\(path).\(name)" }

    public mutating func fail(_ name: String, _ code: FieldError.Code, _ message: String) {
        errors.append(FieldError(path(to: name), code, message))
    }

    public mutating func add(_ more: [FieldError]) { errors.append(contentsOf: more) }

    /// Everything wrong with the object, members nobody asked for included.
    public consuming func finish() -> [FieldError] {
        guard node.type == .object, node.count <= Self.most else { return errors }
        node.visitMembers { key, _, place in
            if asked & (1 << UInt64(place)) == 0 {
                errors.append(FieldError(path(to: key.text), .unknownField, "is not a field here"))
            }
            return true
        }
        return errors
    }

    // MARK: Getters

    /// Any value; null counts as absent.
    public mutating func value(_ name: String, required: Bool = false) -> JSONNode? {
        guard let (value, place) = node.member(name) else {
            if required, node.type == .object { fail(name, .missing, "is required") }
            return nil
        }
        if place < Self.most { asked |= 1 << UInt64(place) }
        guard value.type != .null else {
            if required { fail(name, .missing, "is required and may not be null") }
            return nil
        }
        return value
    }

    /// Whether the member stands there, be it null.
    public func has(_ name: String) -> Bool { node.member(name) != nil }

    /// As `has`, and not null.
    public func tells(_ name: String) -> Bool { node.member(name).map { $0.value.type != .null } ?? false }

    /// Text that says something: not only blanks and control characters.
    public mutating func words(_ name: String, length: ClosedRange<Int> = 1...200, required: Bool = false) -> String? {
        guard let text = string(name, length: length, required: required) else { return nil }
        guard text.unicodeScalars.contains(where: { !$0.properties.isWhitespace && $0.properties.generalCategory != .control }) else {
            fail(name, .missing, "says nothing")
            return nil
        }
        return text
    }

    /// - Parameter length: in Unicode scalars.
    public mutating func string(_ name: String, length: ClosedRange<Int> = 1...200, required: Bool = false) -> String? {
        guard let value = value(name, required: required) else { return nil }
        guard let text = value.string else { return wrongType(name, value, "a string") }
        return bounded(text, length, name)
    }

    public mutating func integer(_ name: String, in range: ClosedRange<Int>, required: Bool = false) -> Int? {
        guard let value = value(name, required: required) else { return nil }
        guard value.type == .number else { return wrongType(name, value, "a whole number") }
        guard let number = value.integer, let number = Int(exactly: number), range.contains(number) else {
            fail(name, .outOfRange, "must be a whole number from \(range.lowerBound) to \(range.upperBound)")
            return nil
        }
        return number
    }

    public mutating func double(_ name: String, in range: ClosedRange<Double>, required: Bool = false) -> Double? {
        guard let value = value(name, required: required) else { return nil }
        guard value.type == .number else { return wrongType(name, value, "a number") }
        guard let number = value.double, range.contains(number) else {
            fail(name, .outOfRange, "must be a number from \(plain(range.lowerBound)) to \(plain(range.upperBound))")
            return nil
        }
        return number
    }

    /// `100` rather than `100.0`.
    private func plain(_ number: Double) -> String { Int64(exactly: number).map(String.init) ?? "\(number)" }

    public mutating func bool(_ name: String, required: Bool = false) -> Bool? {
        guard let value = value(name, required: required) else { return nil }
        return value.bool ?? wrongType(name, value, "true or false")
    }

    public mutating func date(_ name: String, required: Bool = false) -> Date? {
        guard let value = value(name, required: required) else { return nil }
        guard let text = value.string else { return wrongType(name, value, "a time as a string") }
        guard let date = RFC3339.date(text) else {
            fail(name, .badFormat, "must be an RFC 3339 time such as 2026-01-31T08:00:00Z")
            return nil
        }
        return date
    }

    public mutating func choice(_ name: String, of choices: [String], required: Bool = false) -> String? {
        guard let value = value(name, required: required) else { return nil }
        guard let text = value.string else { return wrongType(name, value, "a string") }
        guard choices.contains(text) else {
            fail(name, .notAllowed, "must be one of \(choices.joined(separator: ", "))")
            return nil
        }
        return text
    }

    public mutating func object(_ name: String, members: Int = 1_000, required: Bool = false) -> JSONNode? {
        guard let value = value(name, required: required) else { return nil }
        guard value.type == .object else { return wrongType(name, value, "an object") }
        guard value.count <= members else {
            fail(name, .tooMany, "has \(value.count) members; at most \(members) are taken")
            return nil
        }
        return value
    }

    public mutating func array(_ name: String, count: ClosedRange<Int>, required: Bool = false) -> JSONNode? {
        guard let value = value(name, required: required) else { return nil }
        guard value.type == .array else { return wrongType(name, value, "an array") }
        guard value.count <= count.upperBound else {
            fail(name, .tooMany, "has \(value.count) elements; at most \(count.upperBound) are taken")
            return nil
        }
        guard value.count >= count.lowerBound else {
            fail(name, .tooShort, "needs at least \(count.lowerBound) element\(count.lowerBound == 1 ? "" : "s")")
            return nil
        }
        return value
    }

    public mutating func strings(_ name: String, count: ClosedRange<Int> = 0...100, length: ClosedRange<Int> = 1...200) -> [String]? {
        guard let list = array(name, count: count) else { return nil }
        var texts: [String] = []
        var isWhole = true
        for (index, element) in list.elements.enumerated() {
            let place = "\(name)[\(index)]"
            guard let text = element.string else {
                isWhole = false
                let _: Never? = wrongType(place, element, "a string")
                continue
            }
            if let text = bounded(text, length, place) { texts.append(text) } else { isWhole = false }
        }
        return isWhole ? texts : nil
    }

    private mutating func bounded(_ text: String, _ length: ClosedRange<Int>, _ name: String) -> String? {
        // A scalar takes one byte or more, so most texts need no counting.
        if text.utf8.count > length.upperBound, text.unicodeScalars.count > length.upperBound {
            fail(name, .tooLong, "has more than \(length.upperBound) characters")
            return nil
        }
        if text.utf8.count < length.lowerBound * 4, text.unicodeScalars.count < length.lowerBound {
            fail(name, .tooShort, length.lowerBound == 1 ? "may not be empty" : "needs at least \(length.lowerBound) characters")
            return nil
        }
        return text
    }

    private mutating func wrongType<T>(_ name: String, _ value: JSONNode, _ wanted: String) -> T? {
        fail(name, .wrongType, "must be \(wanted), not \(value.type.name)")
        return nil
    }
}
