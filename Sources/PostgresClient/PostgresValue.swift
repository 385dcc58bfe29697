/// The number Postgres knows a type by (`pg_type.oid`).
public struct PostgresType: RawRepresentable, Sendable, Hashable {
    public let rawValue: UInt32
    public init(rawValue: UInt32) { self.rawValue = rawValue }
    private init(_ rawValue: UInt32) { self.rawValue = rawValue }

    public static let bool = Self(16)
    public static let bytea = Self(17)
    public static let char = Self(18)
    public static let name = Self(19)
    public static let int8 = Self(20)
    public static let int2 = Self(21)
    public static let int4 = Self(23)
    public static let text = Self(25)
    public static let oid = Self(26)
    public static let json = Self(114)
    public static let xml = Self(142)
    public static let float4 = Self(700)
    public static let float8 = Self(701)
    public static let unknown = Self(705)
    public static let bpchar = Self(1042)
    public static let varchar = Self(1043)
    public static let date = Self(1082)
    public static let timestamp = Self(1114)
    public static let timestamptz = Self(1184)
    public static let numeric = Self(1700)
    public static let uuid = Self(2950)
    public static let jsonb = Self(3802)

    public static let boolArray = Self(1000)
    public static let byteaArray = Self(1001)
    public static let int2Array = Self(1005)
    public static let int4Array = Self(1007)
    public static let textArray = Self(1009)
    public static let int8Array = Self(1016)
    public static let float4Array = Self(1021)
    public static let float8Array = Self(1022)
    public static let timestamptzArray = Self(1185)
    public static let uuidArray = Self(2951)
    public static let jsonbArray = Self(3807)
}

/// One bound parameter, already in Postgres' binary form.
public struct PostgresValue: Sendable {
    enum Storage: Sendable {
        case null
        /// Up to eight bytes in network order, so that a scalar needs no allocation.
        case word(UInt64, size: Int)
        case bytes(EncodedBytes)
    }

    public let type: PostgresType
    let storage: Storage

    public init(_ value: some PostgresEncodable) { self = value.postgresValue }

    /// NULL of a type.
    public static func null(_ type: PostgresType) -> PostgresValue { PostgresValue(type, .null) }

    init(_ type: PostgresType, _ storage: Storage) {
        self.type = type
        self.storage = storage
    }

    /// A fixed-size value, by its bit pattern.
    init<Bits: FixedWidthInteger>(_ type: PostgresType, bits: Bits) {
        let shifted = UInt64(truncatingIfNeeded: bits) << (64 - Bits.bitWidth)
        self.init(type, .word(shifted.bigEndian, size: Bits.bitWidth / 8))
    }

    /// A value of any size, as `write` puts it.
    init(_ type: PostgresType, capacity: Int, _ write: (inout PostgresBuffer) -> Void) {
        var buffer = PostgresBuffer(capacity: capacity)
        write(&buffer)
        self.init(type, .bytes(buffer.finished()))
    }

    /// Bytes on the wire.
    var size: Int {
        switch storage {
        case .null: 0
        case .word(_, let size): size
        case .bytes(let bytes): bytes.count
        }
    }

    public var isNull: Bool {
        if case .null = storage { true } else { false }
    }
}

extension PostgresValue: ExpressibleByIntegerLiteral, ExpressibleByStringLiteral, ExpressibleByBooleanLiteral, ExpressibleByFloatLiteral {
    public init(integerLiteral value: Int) { self.init(value) }
    public init(stringLiteral value: String) { self.init(value) }
    public init(booleanLiteral value: Bool) { self.init(value) }
    public init(floatLiteral value: Double) { self.init(value) }
}

/// A growing run of bytes that values are written to once, without an allocation for each.
public struct PostgresBuffer: ~Copyable {
    private var start: UnsafeMutableRawPointer
    private var capacity: Int
    private(set) var count = 0

    init(capacity: Int) {
        self.capacity = max(capacity, 16)
        start = .allocate(byteCount: self.capacity, alignment: 8)
    }

    deinit { start.deallocate() }

    /// Appends an integer in network order.
    public mutating func append<Number: FixedWidthInteger>(_ number: Number) {
        let size = MemoryLayout<Number>.size
        reserve(size)
        (start + count).storeBytes(of: number.bigEndian, as: Number.self)
        count += size
    }

    public mutating func append(_ bytes: UnsafeRawBufferPointer) {
        guard let source = bytes.baseAddress else { return }
        reserve(bytes.count)
        (start + count).copyMemory(from: source, byteCount: bytes.count)
        count += bytes.count
    }

    public mutating func append(_ bytes: [UInt8]) { bytes.withUnsafeBytes { append($0) } }

    public mutating func append(_ text: String) {
        var text = text
        text.withUTF8 { append(UnsafeRawBufferPointer($0)) }
    }

    /// Appends what `write` puts, with its length before it, as array elements are sent.
    mutating func appendSized(_ write: (inout PostgresBuffer) -> Void) {
        let place = count
        append(Int32(0))
        write(&self)
        (start + place).storeBytes(of: Int32(count - place - 4).bigEndian, as: Int32.self)
    }

    /// Room for `more` bytes; doubling keeps the copying linear.
    private mutating func reserve(_ more: Int) {
        guard count + more > capacity else { return }
        capacity = max(capacity * 2, count + more)
        let grown = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 8)
        grown.copyMemory(from: start, byteCount: count)
        start.deallocate()
        start = grown
    }

    /// Hands the bytes over, for good.
    consuming func finished() -> EncodedBytes {
        let bytes = EncodedBytes(start, count: count)
        discard self
        return bytes
    }
}

/// Bytes at a fixed address, which is what libpq takes.
///
/// `@unchecked Sendable`: the memory is written only by the `PostgresBuffer` it was taken from, which is consumed in `finished()`;
/// from then on it is read only, and freed with the last reference.
final class EncodedBytes: @unchecked Sendable {
    let start: UnsafeRawPointer
    let count: Int

    fileprivate init(_ start: UnsafeMutableRawPointer, count: Int) {
        self.start = UnsafeRawPointer(start)
        self.count = count
    }

    deinit { start.deallocate() }
}
