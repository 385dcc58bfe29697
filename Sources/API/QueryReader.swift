import Foundation
import JSONEnvelope

/// Reads the parameters of a query, as `FieldReader` reads those of a body.
struct QueryReader {
    private(set) var errors: [FieldError] = []
    private var parameters: [String: String] = [:]
    private var asked: Set<String> = []
    private let page: Int

    /// - Parameter page: the longest list one answer may carry.
    init(_ query: String, page: Int) {
        self.page = page
        for (text, decoded) in FormEncoding.pairs(query) {
            guard let (name, value) = decoded else {
                errors.append(FieldError(String(text), .badFormat, "is not percent-encoded UTF-8"))
                continue
            }
            if parameters.updateValue(value, forKey: name) != nil { errors.append(FieldError(name, .duplicate, "is given twice")) }
        }
    }

    consuming func finish() -> [FieldError] {
        for name in parameters.keys.sorted() where !asked.contains(name) {
            errors.append(FieldError(name, .unknownField, "is not a parameter here"))
        }
        return errors
    }

    mutating func fail(_ name: String, _ code: FieldError.Code, _ message: String) { errors.append(FieldError(name, code, message)) }

    mutating func string(_ name: String, length: Int = 200, required: Bool = false) -> String? {
        asked.insert(name)
        guard let text = parameters[name], !text.isEmpty else {
            if required { errors.append(FieldError(name, .missing, "is required")) }
            return nil
        }
        guard text.unicodeScalars.count <= length else {
            errors.append(FieldError(name, .tooLong, "has more than \(length) characters"))
            return nil
        }
        return text
    }

    mutating func choice<Value: RawRepresentable & CaseIterable>(_ name: String, of type: Value.Type) -> Value?
    where Value.RawValue == String {
        choice(name, of: Value.allCases.map(\.rawValue)).flatMap(Value.init(rawValue:))
    }

    mutating func choice(_ name: String, of choices: [String]) -> String? {
        guard let text = string(name) else { return nil }
        guard choices.contains(text) else {
            errors.append(FieldError(name, .notAllowed, "must be one of \(choices.joined(separator: ", "))"))
            return nil
        }
        return text
    }

    mutating func date(_ name: String) -> Date? {
        guard let text = string(name) else { return nil }
        guard let date = RFC3339.date(text) else {
            errors.append(FieldError(name, .badFormat, "must be a time such as 2026-01-31T08:00:00Z"))
            return nil
        }
        return date
    }

    mutating func bool(_ name: String) -> Bool? {
        guard let text = string(name) else { return nil }
        if text != "true" && text != "false" { errors.append(FieldError(name, .notAllowed, "must be true or false")) }
        return text == "true"
    }

    /// The same, where the opposite done by mistake does harm: given without a value it is refused.
    mutating func explicitBool(_ name: String) -> Bool? {
        if parameters[name]?.isEmpty == true { errors.append(FieldError(name, .notAllowed, "must be true or false")) }
        return bool(name)
    }

    mutating func integer(_ name: String, in range: ClosedRange<Int>) -> Int? {
        guard let text = string(name) else { return nil }
        guard let value = Int(text), range.contains(value) else {
            errors.append(FieldError(name, .outOfRange, "must be from \(range.lowerBound) to \(range.upperBound)"))
            return nil
        }
        return value
    }

    /// How many items a list may have.
    mutating func limit() -> Int {
        guard let text = string("limit") else { return min(100, page) }
        guard let value = Int(text), value >= 1, value <= page else {
            errors.append(FieldError("limit", .outOfRange, "must be from 1 to \(page)"))
            return 1
        }
        return value
    }

    /// Where a list goes on: the `next_cursor` of the page before.
    ///
    /// - Parameter order: of a list that has several; a place in one is none in another.
    mutating func cursor(in order: String? = nil) -> Int64? {
        guard let text = string("cursor") else { return nil }
        let beginning = Self.cursorBeginning(order)
        guard text.hasPrefix(beginning), let value = Int64(text.dropFirst(beginning.count)), value > 0 else {
            errors.append(
                FieldError("cursor", .badFormat, "must be the next_cursor of an earlier page\(order.map { " in the order \($0)" } ?? "")"))
            return nil
        }
        return value
    }

    /// What a cursor says of its list's order.
    static func cursorBeginning(_ order: String?) -> String { order.map { "\($0)-" } ?? "" }
}
