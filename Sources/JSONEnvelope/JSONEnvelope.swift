/// A JSON text that was checked once, strictly, and split into the spans of its upper levels without decoding any value.
///
/// What passes here passes as Postgres `jsonb` and means the same to every reader: no duplicate keys, no lone
/// surrogates, no U+0000, no byte order mark, only UTF-8. Values are decoded only when asked for, and a value nobody
/// asks for (a job's arguments, a lead's fields) travels on as the bytes it came in.
public struct JSONEnvelope: Sendable {
    /// One value or key: where it is, and where its neighbour's entry is.
    struct Entry {
        var type: JSONType
        /// Only of strings and keys.
        var hasEscapes = false
        /// The bytes of the value, quotes and brackets included.
        var start: Int32
        var end: Int32 = 0
        /// The entry after this value's own members.
        var next: Int32 = 0
        /// Members or elements directly inside.
        var count: Int32 = 0
    }

    final class Storage: Sendable {
        let bytes: [UInt8]
        let entries: [Entry]

        init(bytes: [UInt8], entries: [Entry]) {
            self.bytes = bytes
            self.entries = entries
        }
    }

    let storage: Storage

    /// - Parameter levels: how many levels below the root can be looked into; deeper ones are checked as strictly but not split.
    public init(_ bytes: [UInt8], levels: Int = 2, limits: JSONLimits = JSONLimits()) throws(JSONFault) {
        var scanner = JSONScanner(bytes, levels: levels, limits: limits)
        try scanner.scanDocument()
        storage = Storage(bytes: bytes, entries: scanner.entries)
    }

    /// The outermost value.
    public var root: JSONNode { JSONNode(storage: storage, index: 0) }
}

/// What a value is.
public enum JSONType: UInt8, Sendable {
    case object, array, string, number, `true`, `false`, null

    /// As a sentence names it.
    public var name: String {
        switch self {
        case .object: "an object"
        case .array: "an array"
        case .string: "a string"
        case .number: "a number"
        case .true, .false: "a boolean"
        case .null: "null"
        }
    }
}
