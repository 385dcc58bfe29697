import Foundation

/// A lead's number within its tenant.
public struct LeadID: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let rawValue: Int64

    public init(_ rawValue: Int64) { self.rawValue = rawValue }

    public init?(_ text: String) {
        guard let value = Int64(text), value > 0, String(value) == text else { return nil }
        self.init(value)
    }

    public var description: String { String(rawValue) }

    public static func < (a: LeadID, b: LeadID) -> Bool { a.rawValue < b.rawValue }
}

/// A lead as it came: what its fields mean is the map's to say.
public struct Lead: Sendable, Hashable {
    public let id: LeadID
    public let source: String
    public let receivedAt: Date
    /// By outside name.
    public let fields: [String: OutsideValue]
    /// Who had it last and left it untouched until it was taken back: the rules give it to somebody else (LEAD-ROUTE-18).
    public let recycledFrom: SellerID?

    public init(id: LeadID, source: String, receivedAt: Date, fields: [String: OutsideValue], recycledFrom: SellerID? = nil) {
        self.id = id
        self.source = source
        self.receivedAt = receivedAt
        self.fields = fields
        self.recycledFrom = recycledFrom
    }
}

/// A value as an outside system sent it: any JSON.
public enum OutsideValue: Sendable, Hashable {
    case null
    case boolean(Bool)
    case number(Double)
    case text(String)
    case list([OutsideValue])
    case object([String: OutsideValue])

    /// A text or a number as people read it, the beginning of a long one; nil: it is of parts, or says nothing.
    public var shown: String? {
        switch self {
        case .text(let text): text.count > 60 ? "\(text.prefix(60))…" : text
        case .number(let number): FieldValue.number(number).description
        case .boolean(let flag): flag ? "true" : "false"
        case .null, .list, .object: nil
        }
    }

    /// Absent in meaning: null, blank text, an empty list or object.
    public var isBlank: Bool {
        switch self {
        case .null: true
        case .boolean, .number: false
        case .text(let text): text.allSatisfy(\.isWhitespace)
        case .list(let items): items.allSatisfy(\.isBlank)
        case .object(let members): members.isEmpty
        }
    }
}
