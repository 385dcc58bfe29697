/// One command: its name and arguments, e.g. `["ZADD", key, 3, member]`.
public struct RedisCommand: Sendable, Hashable, ExpressibleByArrayLiteral {
    public var parts: [RedisArgument]

    public init(_ parts: [RedisArgument]) {
        self.parts = parts
    }

    public init(arrayLiteral parts: any RedisArgumentConvertible...) {
        self.parts = parts.map(\.redisArgument)
    }
}

/// One word of a command. Redis sees bytes; numbers travel in decimal.
public enum RedisArgument: Sendable, Hashable {
    case string(String)
    case bytes([UInt8])
    case integer(Int64)
    case double(Double)

    public init(_ value: String) { self = .string(value) }
    public init(_ value: [UInt8]) { self = .bytes(value) }
    public init(_ value: Int) { self = .integer(Int64(value)) }
    public init(_ value: Int64) { self = .integer(value) }
    public init(_ value: Double) { self = .double(value) }
}

extension RedisArgument: ExpressibleByStringInterpolation, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral {
    public init(stringLiteral value: String) { self = .string(value) }
    public init(integerLiteral value: Int64) { self = .integer(value) }
    public init(floatLiteral value: Double) { self = .double(value) }
}

/// What may stand in a command written as an array literal.
public protocol RedisArgumentConvertible: Sendable {
    var redisArgument: RedisArgument { get }
}

extension RedisArgument: RedisArgumentConvertible {
    public var redisArgument: RedisArgument { self }
}
extension String: RedisArgumentConvertible {
    public var redisArgument: RedisArgument { .string(self) }
}
extension Int: RedisArgumentConvertible {
    public var redisArgument: RedisArgument { .integer(Int64(self)) }
}
extension Int64: RedisArgumentConvertible {
    public var redisArgument: RedisArgument { .integer(self) }
}
extension Double: RedisArgumentConvertible {
    public var redisArgument: RedisArgument { .double(self) }
}
extension [UInt8]: RedisArgumentConvertible {
    public var redisArgument: RedisArgument { .bytes(self) }
}
