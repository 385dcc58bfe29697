/// What Redis answered.
public enum RedisValue: Sendable, Hashable {
    /// The null bulk or the null array; RESP2 callers have no use for the difference.
    case null
    case integer(Int)
    case bulk([UInt8])
    case status(String)
    case array([RedisValue])
    /// An error reply, such as `WRONGTYPE Operation against a key …`.
    case error(String)

    /// The text of a bulk or status, nil for anything else and for bytes that are not UTF-8.
    public var string: String? {
        switch self {
        case .bulk(let bytes): String(validating: bytes, as: UTF8.self)
        case .status(let text): text
        case .null, .integer, .array, .error: nil
        }
    }

    /// The bytes of a bulk.
    public var bytes: [UInt8]? {
        if case .bulk(let bytes) = self { bytes } else { nil }
    }

    /// An integer, or the integer a bulk or status spells in decimal; nil when it does not fit.
    public var int: Int? {
        if case .integer(let value) = self { value } else { string.flatMap { Int($0) } }
    }

    /// A number as Redis spells scores: a bulk such as `1.5` or `inf`, or an integer.
    public var double: Double? {
        if case .integer(let value) = self { Double(value) } else { string.flatMap { Double($0) } }
    }

    public var array: [RedisValue]? {
        if case .array(let elements) = self { elements } else { nil }
    }

    /// The text of an error reply among a pipeline's replies.
    public var error: String? {
        if case .error(let text) = self { text } else { nil }
    }

    public var isNull: Bool { self == .null }
}
