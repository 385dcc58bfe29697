/// Why a document was refused, and where.
public struct JSONFault: Error, Equatable, Sendable, CustomStringConvertible {
    public enum Reason: String, Sendable, CaseIterable {
        case empty
        case byteOrderMark
        case unexpectedByte
        case unexpectedEnd
        case trailingComma
        case trailingText
        case badLiteral
        case badNumber
        case numberTooLarge
        case badEscape
        case loneSurrogate
        case nullCharacter
        case controlCharacter
        case badUTF8
        case duplicateKey
        case tooLarge
        case tooDeep
        case tooManyMembers
    }

    public let reason: Reason
    /// Bytes before the fault.
    public let offset: Int

    /// Whether the text is JSON, only more of it than is taken: a bound was met, not a mistake.
    public var isBound: Bool {
        switch reason {
        case .tooLarge, .tooDeep, .tooManyMembers, .numberTooLarge: true
        default: false
        }
    }

    public var description: String { "\(explanation) (at byte \(offset))" }

    private var explanation: String {
        switch reason {
        case .empty: "the text is empty"
        case .byteOrderMark: "the text begins with a byte order mark; JSON has none"
        case .unexpectedByte: "something stands where a value, a comma or a closing bracket belongs"
        case .unexpectedEnd: "the text ends too early"
        case .trailingComma: "a comma stands before a closing bracket"
        case .trailingText: "text follows the value"
        case .badLiteral: "only true, false and null may stand without quotes"
        case .badNumber: "a number is not written as JSON writes numbers"
        case .numberTooLarge:
            "a number has too many characters or an exponent beyond ±\(JSONScanner.largestExponent)"
        case .badEscape: "a backslash is followed by something JSON does not know"
        case .loneSurrogate: "an escaped surrogate lacks its other half"
        case .nullCharacter: "a string holds the character U+0000, which cannot be stored"
        case .controlCharacter: "a string holds a control character that is not escaped"
        case .badUTF8: "the text is not UTF-8"
        case .duplicateKey: "an object has the same key twice"
        case .tooLarge: "the text is too large"
        case .tooDeep: "the text is nested too deeply"
        case .tooManyMembers: "an object or array has too many members"
        }
    }
}

/// What a document may be at most.
public struct JSONLimits: Sendable {
    public var bytes: Int
    /// How many brackets may be open at once.
    public var depth: Int
    /// Members of one object, elements of one array.
    public var members: Int
    /// Characters of one number.
    public var number: Int

    public init(bytes: Int = 1 << 20, depth: Int = 32, members: Int = 10_000, number: Int = 64) {
        self.bytes = bytes
        self.depth = depth
        self.members = members
        self.number = number
    }

    /// Of what Postgres gives back: it puts spaces in, and writes 1e300 with all its digits. What was taken in can always be read again.
    public static let stored = JSONLimits(bytes: .max, depth: 512, members: .max, number: 1_000)
}
