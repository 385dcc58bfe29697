/// One field of a request that is wrong: which, how a program names the fault, how a person does.
public struct FieldError: Error, Hashable, Sendable {
    public enum Code: String, Sendable {
        case missing
        case wrongType = "wrong_type"
        case badFormat = "bad_format"
        case tooShort = "too_short"
        case tooLong = "too_long"
        case tooMany = "too_many"
        case outOfRange = "out_of_range"
        case notAllowed = "not_allowed"
        case unknownField = "unknown_field"
        case unknownKind = "unknown_kind"
        case moduleOff = "module_off"
        case duplicate
        case notFound = "not_found"
        case invalid
    }

    /// The way to it from the body's root: `jobs[3].args.sleep_ms`; empty for the body itself.
    public var field: String
    public var code: String
    public var message: String

    public init(_ field: String, _ code: Code, _ message: String) {
        self.init(field, code: code.rawValue, message)
    }

    public init(_ field: String, code: String, _ message: String) {
        self.field = field
        self.code = code
        self.message = message
    }
}
