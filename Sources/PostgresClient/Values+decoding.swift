import FoundationEssentials

/// A value that can be read from a column.
public protocol PostgresDecodable {
    static func decode(_ cell: PostgresCell) throws -> Self
    /// What NULL reads as; an error unless the type is optional.
    static func decodeNull() throws -> Self
    /// A whole array. A requirement so that bytes can be bytea.
    static func decodeArray(_ cell: PostgresCell) throws -> [Self]
}

/// The bytes of one value that is not NULL, and what they are.
public struct PostgresCell {
    public let type: PostgresType
    /// Results come in binary; only `execute` and its like are answered in text.
    let isText: Bool
    /// Valid while `owner` lives, which is as long as this value does.
    let bytes: UnsafeRawBufferPointer
    let owner: ResultHandle

    /// The value's bytes, copied.
    public var copied: [UInt8] { Array(bytes) }

    func mismatch(_ wanted: Any.Type) -> PostgresError {
        PostgresError(.decoding, "type \(type.rawValue) is not read as \(wanted); SQL can cast it")
    }

    /// The whole value as an integer in network order.
    func integer<Number: FixedWidthInteger>(_: Number.Type) throws -> Number {
        guard !isText, bytes.count == MemoryLayout<Number>.size else { throw mismatch(Number.self) }
        return Number(bigEndian: bytes.loadUnaligned(as: Number.self))
    }

    func part(_ range: Range<Int>, as type: PostgresType) -> PostgresCell {
        PostgresCell(type: type, isText: isText, bytes: UnsafeRawBufferPointer(rebasing: bytes[range]), owner: owner)
    }
}

extension PostgresDecodable {
    public static func decodeNull() throws -> Self { throw PostgresError(.decoding, "is NULL, \(Self.self) wanted") }

    public static func decodeArray(_ cell: PostgresCell) throws -> [Self] {
        var reader = try ArrayReader(cell)
        var elements: [Self] = []
        elements.reserveCapacity(reader.count)
        for _ in 0..<reader.count {
            elements.append(try reader.next().map { try decode($0) } ?? decodeNull())
        }
        return elements
    }
}

/// Walks Postgres' binary form of a one-dimensional array.
struct ArrayReader {
    let count: Int
    private let cell: PostgresCell
    private let elementType: PostgresType
    private var position: Int

    init(_ cell: PostgresCell) throws {
        self.cell = cell
        guard !cell.isText, cell.bytes.count >= 12 else { throw cell.mismatch([Any].self) }
        let dimensions = Self.word(cell, 0)
        elementType = PostgresType(rawValue: UInt32(bitPattern: Self.word(cell, 8)))
        // A scalar's bytes could pass for a header; only true arrays repeat their element type where it belongs.
        guard dimensions == 0 || (dimensions == 1 && cell.bytes.count >= 20) else {
            throw PostgresError(.decoding, "only one-dimensional arrays are read")
        }
        guard (0...1).contains(Self.word(cell, 4)), cell.type.isArray(of: elementType) else { throw cell.mismatch([Any].self) }
        count = dimensions == 0 ? 0 : Int(Self.word(cell, 12))
        position = 20
    }

    /// The next element, nil for NULL.
    mutating func next() throws -> PostgresCell? {
        guard position + 4 <= cell.bytes.count else { throw cell.mismatch([Any].self) }
        let size = Int(Self.word(cell, position))
        position += 4
        guard size >= 0 else { return nil }
        guard position + size <= cell.bytes.count else { throw cell.mismatch([Any].self) }
        defer { position += size }
        return cell.part(position..<position + size, as: elementType)
    }

    private static func word(_ cell: PostgresCell, _ offset: Int) -> Int32 {
        Int32(bigEndian: cell.bytes.loadUnaligned(fromByteOffset: offset, as: Int32.self))
    }
}

extension PostgresType {
    /// Refuses the scalars read here; any other type may be an array, of a domain or an enum for instance.
    fileprivate func isArray(of element: PostgresType) -> Bool {
        self != element && !Self.scalars.contains(self)
    }

    private static let scalars: Set<PostgresType> = [
        .bool, .bytea, .char, .name, .int8, .int2, .int4, .text, .oid, .json, .xml, .float4, .float8, .unknown, .bpchar, .varchar, .date,
        .timestamp, .timestamptz, .numeric, .uuid, .jsonb,
    ]

    /// Types made by the user (enums, domains over text) have numbers from here on.
    fileprivate static let firstUserType: UInt32 = 16_384
    fileprivate static let textual: Set<PostgresType> = [.text, .varchar, .bpchar, .name, .char, .json, .xml, .unknown]
}

extension Bool: PostgresDecodable {
    public static func decode(_ cell: PostgresCell) throws -> Bool {
        guard cell.type == .bool else { throw cell.mismatch(Self.self) }
        return cell.isText ? cell.bytes.first == UInt8(ascii: "t") : try cell.integer(UInt8.self) != 0
    }
}

extension FixedWidthInteger {
    /// Any integer that fits, and a numeric without a fraction, which is what `sum` gives.
    fileprivate static func decodeInteger(_ cell: PostgresCell) throws -> Self {
        let value: Int64
        if cell.isText {
            guard let parsed = Int64(String(decoding: cell.bytes, as: UTF8.self)) else { throw cell.mismatch(Self.self) }
            value = parsed
        } else {
            switch cell.type {
            case .int8: value = try cell.integer(Int64.self)
            case .int4: value = Int64(try cell.integer(Int32.self))
            case .int2: value = Int64(try cell.integer(Int16.self))
            case .oid: value = Int64(try cell.integer(UInt32.self))
            case .numeric:
                guard let whole = Int64(try NumericText(cell).text) else {
                    throw PostgresError(.decoding, "numeric is not a whole \(Self.self)")
                }
                value = whole
            default: throw cell.mismatch(Self.self)
            }
        }
        guard let exact = Self(exactly: value) else { throw PostgresError(.decoding, "too large for \(Self.self)") }
        return exact
    }
}

extension Int: PostgresDecodable {
    public static func decode(_ cell: PostgresCell) throws -> Int { try decodeInteger(cell) }
}

extension Int64: PostgresDecodable {
    public static func decode(_ cell: PostgresCell) throws -> Int64 { try decodeInteger(cell) }
}

extension Int32: PostgresDecodable {
    public static func decode(_ cell: PostgresCell) throws -> Int32 { try decodeInteger(cell) }
}

extension Int16: PostgresDecodable {
    public static func decode(_ cell: PostgresCell) throws -> Int16 { try decodeInteger(cell) }
}

/// Only there so that `[UInt8]` reads, from bytea.
extension UInt8: PostgresDecodable {
    public static func decode(_ cell: PostgresCell) throws -> UInt8 { try decodeInteger(cell) }
    public static func decodeArray(_ cell: PostgresCell) throws -> [UInt8] {
        guard cell.type == .bytea, !cell.isText else { throw cell.mismatch([UInt8].self) }
        return cell.copied
    }
}

extension Double: PostgresDecodable {
    public static func decode(_ cell: PostgresCell) throws -> Double {
        switch cell.type {
        case _ where cell.isText:
            guard let value = Double(String(decoding: cell.bytes, as: UTF8.self)) else { throw cell.mismatch(Self.self) }
            return value
        case .float8: return Double(bitPattern: try cell.integer(UInt64.self))
        case .float4: return Double(Float(bitPattern: try cell.integer(UInt32.self)))
        case .numeric:
            guard let value = Double(try NumericText(cell).text) else { throw cell.mismatch(Self.self) }
            return value
        default: return Double(try Int64.decodeInteger(cell))
        }
    }
}

extension Float: PostgresDecodable {
    public static func decode(_ cell: PostgresCell) throws -> Float {
        guard cell.type == .float4, !cell.isText else { throw cell.mismatch(Self.self) }
        return Float(bitPattern: try cell.integer(UInt32.self))
    }
}

extension String: PostgresDecodable {
    /// Text of any kind, enums, JSON, UUIDs, and numerics with all their digits.
    public static func decode(_ cell: PostgresCell) throws -> String {
        if cell.isText || PostgresType.textual.contains(cell.type) || cell.type.rawValue >= PostgresType.firstUserType {
            guard let text = String(validating: cell.bytes, as: UTF8.self) else { throw cell.mismatch(Self.self) }
            return text
        }
        switch cell.type {
        case .jsonb: return try JSONBytes.decode(cell).description
        case .uuid: return try UUID.decode(cell).uuidString.lowercased()
        case .numeric: return try NumericText(cell).text
        default: throw cell.mismatch(Self.self)
        }
    }
}

extension JSONBytes: PostgresDecodable {
    public static func decode(_ cell: PostgresCell) throws -> JSONBytes {
        switch cell.type {
        case .json: return JSONBytes(cell.copied)
        case .jsonb where cell.isText: return JSONBytes(cell.copied)
        case .jsonb:
            guard cell.bytes.first == 1 else { throw cell.mismatch(Self.self) }
            return JSONBytes(Array(cell.bytes.dropFirst()))
        default: throw cell.mismatch(Self.self)
        }
    }
}

extension UUID: PostgresDecodable {
    public static func decode(_ cell: PostgresCell) throws -> UUID {
        guard cell.type == .uuid, !cell.isText, cell.bytes.count == 16 else { throw cell.mismatch(Self.self) }
        return UUID(uuid: cell.bytes.loadUnaligned(as: uuid_t.self))
    }
}

extension Date: PostgresDecodable {
    /// A `timestamptz`, a `timestamp` taken as UTC, or a `date` at its midnight in UTC.
    public static func decode(_ cell: PostgresCell) throws -> Date {
        switch cell.type {
        case .timestamptz, .timestamp:
            let microseconds = try cell.integer(Int64.self)
            guard microseconds != .max, microseconds != .min else { throw PostgresError(.decoding, "an infinite time is not a Date") }
            return Date(postgresMicroseconds: microseconds)
        case .date:
            let days = try cell.integer(Int32.self)
            guard days != .max, days != .min else { throw PostgresError(.decoding, "an infinite date is not a Date") }
            return Date(postgresMicroseconds: Int64(days) * 86_400 * 1_000_000)
        default: throw cell.mismatch(Self.self)
        }
    }
}

extension Optional: PostgresDecodable where Wrapped: PostgresDecodable {
    public static func decode(_ cell: PostgresCell) throws -> Wrapped? { try Wrapped.decode(cell) }
    public static func decodeNull() throws -> Wrapped? { nil }
}

extension Array: PostgresDecodable where Element: PostgresDecodable {
    public static func decode(_ cell: PostgresCell) throws -> [Element] { try Element.decodeArray(cell) }
}

/// An enum over a string or a number reads from that.
extension PostgresDecodable where Self: RawRepresentable, RawValue: PostgresDecodable {
    public static func decode(_ cell: PostgresCell) throws -> Self {
        let raw = try RawValue.decode(cell)
        guard let value = Self(rawValue: raw) else { throw PostgresError(.decoding, "no case of \(Self.self)") }
        return value
    }
}

/// Postgres' binary numeric as decimal text: base-10000 digits, the weight of the first, and how many decimals to show.
struct NumericText {
    let text: String

    init(_ cell: PostgresCell) throws {
        let bytes = cell.bytes
        guard bytes.count >= 8 else { throw cell.mismatch(String.self) }
        func half(_ index: Int) -> Int { Int(Int16(bigEndian: bytes.loadUnaligned(fromByteOffset: index * 2, as: Int16.self))) }
        let count = half(0)
        let weight = half(1)
        let sign = UInt16(truncatingIfNeeded: half(2))
        let scale = half(3)
        switch sign {
        case 0xC000: text = "NaN"
        case 0xD000: text = "Infinity"
        case 0xF000: text = "-Infinity"
        default:
            guard bytes.count == 8 + 2 * count else { throw cell.mismatch(String.self) }
            func group(_ index: Int) -> String {
                let digits = String((0..<count).contains(index) ? half(4 + index) : 0)
                return String(repeating: "0", count: 4 - digits.count) + digits
            }
            let whole = weight < 0 ? "0" : String((0...weight).map(group).joined().drop { $0 == "0" })
            let groups = (scale + 3) / 4
            let fraction = (0..<groups).map { group(weight + 1 + $0) }.joined().prefix(scale)
            text = (sign == 0x4000 ? "-" : "") + (whole.isEmpty ? "0" : whole) + (scale > 0 ? "." + fraction : "")
        }
    }
}
