import FoundationEssentials

/// A value that can be bound to a parameter.
public protocol PostgresEncodable: Sendable {
    /// What the parameter is declared as, also when it is NULL.
    static var postgresType: PostgresType { get }
    var postgresValue: PostgresValue { get }
}

/// A value that can also be an element of a bound array.
public protocol PostgresArrayElement: PostgresEncodable {
    static var postgresArrayType: PostgresType { get }
    /// Bytes an element usually takes, to size the buffer by. Any number is correct.
    static var expectedSize: Int { get }
    /// Appends the element's bytes, without their length.
    func encode(into buffer: inout PostgresBuffer)
    /// Appends the element with its length; NULL is a length of -1.
    func encodeElement(into buffer: inout PostgresBuffer)
    /// A whole array. A requirement so that each type gets its own specialised loop, and bytes can be bytea.
    static func postgresValue(of elements: [Self]) -> PostgresValue
}

extension PostgresArrayElement {
    public static var expectedSize: Int { 8 }

    public func encodeElement(into buffer: inout PostgresBuffer) { buffer.appendSized { encode(into: &$0) } }

    public static func postgresValue(of elements: [Self]) -> PostgresValue {
        PostgresValue(postgresArrayType, capacity: 20 + elements.count * (4 + expectedSize)) { buffer in
            buffer.append(Int32(elements.isEmpty ? 0 : 1))  // dimensions
            buffer.append(Int32(0))  // "has NULLs"; the server looks for itself
            buffer.append(postgresType.rawValue)
            guard !elements.isEmpty else { return }
            buffer.append(Int32(elements.count))
            buffer.append(Int32(1))  // the first index
            for element in elements { element.encodeElement(into: &buffer) }
        }
    }
}

/// An element of a fixed size, sent as an integer's bits.
protocol PostgresFixedSize: PostgresArrayElement {
    associatedtype Bits: FixedWidthInteger
    var postgresBits: Bits { get }
}

extension PostgresFixedSize {
    public var postgresValue: PostgresValue { PostgresValue(Self.postgresType, bits: postgresBits) }
    public func encode(into buffer: inout PostgresBuffer) { buffer.append(postgresBits) }
    public func encodeElement(into buffer: inout PostgresBuffer) {
        buffer.append(Int32(MemoryLayout<Bits>.size))
        buffer.append(postgresBits)
    }
}

extension Bool: PostgresFixedSize {
    public static var postgresType: PostgresType { .bool }
    public static var postgresArrayType: PostgresType { .boolArray }
    var postgresBits: UInt8 { self ? 1 : 0 }
}

extension Int16: PostgresFixedSize {
    public static var postgresType: PostgresType { .int2 }
    public static var postgresArrayType: PostgresType { .int2Array }
    var postgresBits: Int16 { self }
}

extension Int32: PostgresFixedSize {
    public static var postgresType: PostgresType { .int4 }
    public static var postgresArrayType: PostgresType { .int4Array }
    var postgresBits: Int32 { self }
}

extension Int64: PostgresFixedSize {
    public static var postgresType: PostgresType { .int8 }
    public static var postgresArrayType: PostgresType { .int8Array }
    var postgresBits: Int64 { self }
}

extension Int: PostgresFixedSize {
    public static var postgresType: PostgresType { .int8 }
    public static var postgresArrayType: PostgresType { .int8Array }
    var postgresBits: Int { self }
}

extension Float: PostgresFixedSize {
    public static var postgresType: PostgresType { .float4 }
    public static var postgresArrayType: PostgresType { .float4Array }
    var postgresBits: UInt32 { bitPattern }
}

extension Double: PostgresFixedSize {
    public static var postgresType: PostgresType { .float8 }
    public static var postgresArrayType: PostgresType { .float8Array }
    var postgresBits: UInt64 { bitPattern }
}

/// A `timestamptz`, rounded to microseconds.
extension Date: PostgresFixedSize {
    public static var postgresType: PostgresType { .timestamptz }
    public static var postgresArrayType: PostgresType { .timestamptzArray }
    var postgresBits: Int64 { postgresMicroseconds }
}

extension Date {
    /// Postgres counts from 2000-01-01, Foundation from 2001-01-01: 366 days between.
    private static let epochGap: Int64 = 366 * 86_400 * 1_000_000

    /// Times Postgres cannot hold become its infinities.
    var postgresMicroseconds: Int64 {
        let microseconds = (timeIntervalSinceReferenceDate * 1_000_000).rounded()
        // A time that is no number must not end the process either.
        if microseconds.isNaN || microseconds >= 9.2e18 { return .max }
        if microseconds <= -2.2e17 { return .min }
        return Int64(microseconds) + Self.epochGap
    }

    init(postgresMicroseconds microseconds: Int64) {
        self.init(timeIntervalSinceReferenceDate: Double(microseconds - Self.epochGap) / 1_000_000)
    }
}

extension UUID: PostgresArrayElement {
    public static var postgresType: PostgresType { .uuid }
    public static var postgresArrayType: PostgresType { .uuidArray }
    public static var expectedSize: Int { 16 }
    public func encode(into buffer: inout PostgresBuffer) { withUnsafeBytes(of: uuid) { buffer.append($0) } }
    public var postgresValue: PostgresValue { PostgresValue(.uuid, capacity: 16) { encode(into: &$0) } }
}

extension String: PostgresArrayElement {
    public static var postgresType: PostgresType { .text }
    public static var postgresArrayType: PostgresType { .textArray }
    public static var expectedSize: Int { 24 }
    public func encode(into buffer: inout PostgresBuffer) { buffer.append(self) }
    public var postgresValue: PostgresValue { PostgresValue(.text, capacity: utf8.count) { encode(into: &$0) } }
}

/// JSON as its UTF-8 text, passed to and from `jsonb` untouched; Postgres judges whether it is JSON.
public struct JSONBytes: Sendable, Hashable {
    public var bytes: [UInt8]
    public init(_ bytes: [UInt8]) { self.bytes = bytes }
    public init(_ string: String) { bytes = Array(string.utf8) }
}

extension JSONBytes: CustomStringConvertible {
    public var description: String { String(decoding: bytes, as: UTF8.self) }
}

extension JSONBytes: PostgresArrayElement {
    public static var postgresType: PostgresType { .jsonb }
    public static var postgresArrayType: PostgresType { .jsonbArray }
    public static var expectedSize: Int { 256 }
    public func encode(into buffer: inout PostgresBuffer) {
        buffer.append(UInt8(1))  // the version of jsonb's binary form
        buffer.append(bytes)
    }
    public var postgresValue: PostgresValue { PostgresValue(.jsonb, capacity: bytes.count + 1) { encode(into: &$0) } }
}

/// Only there so that `[UInt8]` binds, as bytea. A lone byte goes as int2, Postgres having nothing smaller.
extension UInt8: PostgresArrayElement {
    public static var postgresType: PostgresType { .int2 }
    public static var postgresArrayType: PostgresType { .bytea }
    public var postgresValue: PostgresValue { PostgresValue(.int2, bits: Int16(self)) }
    public func encode(into buffer: inout PostgresBuffer) { buffer.append(Int16(self)) }
    public static func postgresValue(of elements: [UInt8]) -> PostgresValue {
        PostgresValue(.bytea, capacity: elements.count) { $0.append(elements) }
    }
}

extension Array: PostgresEncodable where Element: PostgresArrayElement {
    public static var postgresType: PostgresType { Element.postgresArrayType }
    public var postgresValue: PostgresValue { Element.postgresValue(of: self) }
}

extension Array: PostgresArrayElement where Element == UInt8 {
    public static var postgresArrayType: PostgresType { .byteaArray }
    public static var expectedSize: Int { 64 }
    public func encode(into buffer: inout PostgresBuffer) { buffer.append(self) }
}

extension Optional: PostgresEncodable where Wrapped: PostgresEncodable {
    public static var postgresType: PostgresType { Wrapped.postgresType }
    public var postgresValue: PostgresValue { self?.postgresValue ?? .null(Wrapped.postgresType) }
}

extension Optional: PostgresArrayElement where Wrapped: PostgresArrayElement {
    public static var postgresArrayType: PostgresType { Wrapped.postgresArrayType }
    public static var expectedSize: Int { Wrapped.expectedSize }
    public func encode(into buffer: inout PostgresBuffer) { self?.encode(into: &buffer) }
    public func encodeElement(into buffer: inout PostgresBuffer) {
        if let self { self.encodeElement(into: &buffer) } else { buffer.append(Int32(-1)) }
    }
}

/// An enum over a string or a number binds as that.
extension PostgresEncodable where Self: RawRepresentable, RawValue: PostgresEncodable {
    public static var postgresType: PostgresType { RawValue.postgresType }
    public var postgresValue: PostgresValue { rawValue.postgresValue }
}

extension PostgresArrayElement where Self: RawRepresentable, RawValue: PostgresArrayElement {
    public static var postgresArrayType: PostgresType { RawValue.postgresArrayType }
    public static var expectedSize: Int { RawValue.expectedSize }
    public func encode(into buffer: inout PostgresBuffer) { rawValue.encode(into: &buffer) }
}
