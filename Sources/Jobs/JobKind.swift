import Foundation

/// A type of job: its stable name, what arguments it takes, and its limits.
public struct JobKind: Sendable {
    public var name: String
    public var arguments: ArgumentSchema
    public var maxAttempts: Int
    public var retry: RetryPolicy
    /// The longest one attempt may take; then it fails as transient.
    public var timeout: Duration
    /// The module a tenant can switch off, taking this kind with it; nil: part of the minimum loop.
    public var module: String?
    /// Whether tenants may enqueue it themselves.
    public var isPublic: Bool
    /// How its handler reads arguments, so that what it would refuse is refused before there is a job; nil: its schema says all.
    public var reading: (any JobArguments.Type)?

    public init(
        _ name: String, arguments: ArgumentSchema, maxAttempts: Int = 5, retry: RetryPolicy = RetryPolicy(),
        timeout: Duration = .seconds(60),
        module: String? = nil, isPublic: Bool = true, reading: (any JobArguments.Type)? = nil
    ) {
        self.name = name
        self.arguments = arguments
        self.maxAttempts = maxAttempts
        self.retry = retry
        self.timeout = timeout
        self.module = module
        self.isPublic = isPublic
        self.reading = reading
    }
}

/// The shape of a kind's arguments: a flat JSON object of typed, bounded fields.
public struct ArgumentSchema: Sendable {
    public enum FieldType: Sendable, Equatable {
        case string(maxLength: Int)
        /// 1 to 100 of letters, digits and `. _ - :`; part of keys and of lists.
        case name
        /// Whole numbers in the range.
        case integer(ClosedRange<Int64>)
        case boolean
        /// One of these strings.
        case choice([String])
        /// Any JSON value; only its size is bounded.
        case any(maxBytes: Int)
    }

    public struct Field: Sendable {
        public let name: String
        public let type: FieldType
        public let isRequired: Bool
        public let summary: String
    }

    public var fields: [Field]

    public init(_ fields: [Field]) { self.fields = fields }
}

extension ArgumentSchema.Field {
    public static func required(_ name: String, _ type: ArgumentSchema.FieldType, _ summary: String) -> Self {
        Self(name: name, type: type, isRequired: true, summary: summary)
    }

    public static func optional(_ name: String, _ type: ArgumentSchema.FieldType, _ summary: String) -> Self {
        Self(name: name, type: type, isRequired: false, summary: summary)
    }
}
