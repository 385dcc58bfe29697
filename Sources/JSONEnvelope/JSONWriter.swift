import Foundation

/// Writes one JSON object or array straight into bytes, members in the order they are given.
///
/// Answers carry values that are JSON already (a job's arguments, a decision as it was recorded), which a `JSONEncoder`
/// could only take in by decoding them first.
public struct JSONWriter: Sendable {
    public private(set) var bytes: [UInt8]
    private var isFirst = true
    private let close: UInt8

    private init(_ open: Unicode.Scalar, _ close: Unicode.Scalar, capacity: Int) {
        bytes = []
        bytes.reserveCapacity(capacity)
        bytes.append(UInt8(ascii: open))
        self.close = UInt8(ascii: close)
    }

    public static func object(capacity: Int = 128, _ write: (inout JSONWriter) throws -> Void) rethrows -> [UInt8] {
        try finished(JSONWriter("{", "}", capacity: capacity), write)
    }

    public static func array(capacity: Int = 128, _ write: (inout JSONWriter) throws -> Void) rethrows -> [UInt8] {
        try finished(JSONWriter("[", "]", capacity: capacity), write)
    }

    private static func finished(_ writer: JSONWriter, _ write: (inout JSONWriter) throws -> Void) rethrows -> [UInt8] {
        var writer = writer
        try write(&writer)
        writer.bytes.append(writer.close)
        return writer.bytes
    }

    // MARK: Members of an object

    public mutating func member(_ name: String, _ text: String?) {
        key(name)
        string(text)
    }

    public mutating func member(_ name: String, _ number: (some BinaryInteger)?) {
        key(name)
        raw(number.map { Array(String($0).utf8) })
    }

    public mutating func member(_ name: String, _ number: Double?) {
        key(name)
        // JSON has no word for infinity or not-a-number.
        raw(number.flatMap { $0.isFinite ? Array($0.description.utf8) : nil })
    }

    public mutating func member(_ name: String, _ flag: Bool?) {
        key(name)
        raw(flag.map { Array(($0 ? "true" : "false").utf8) })
    }

    public mutating func member(_ name: String, _ date: Date?) {
        member(name, date.map(RFC3339.text))
    }

    /// - Parameter json: a JSON value, written as it is; null when nil.
    public mutating func member(_ name: String, json: (some Sequence<UInt8>)?) {
        key(name)
        raw(json)
    }

    public mutating func member(_ name: String, _ texts: [String]) {
        member(name, json: JSONWriter.array { list in for text in texts { list.element(text) } })
    }

    public mutating func object(_ name: String, _ write: (inout JSONWriter) throws -> Void) rethrows {
        member(name, json: try JSONWriter.object(write))
    }

    public mutating func array(_ name: String, _ write: (inout JSONWriter) throws -> Void) rethrows {
        member(name, json: try JSONWriter.array(write))
    }

    // MARK: Elements of an array

    public mutating func element(_ text: String) {
        separate()
        string(text)
    }

    public mutating func element(json: some Sequence<UInt8>) {
        separate()
        bytes.append(contentsOf: json)
    }

    public mutating func object(_ write: (inout JSONWriter) throws -> Void) rethrows {
        element(json: try JSONWriter.object(write))
    }

    // MARK: Bytes

    private mutating func key(_ name: String) {
        separate()
        string(name)
        bytes.append(UInt8(ascii: ":"))
    }

    private mutating func separate() {
        if isFirst { isFirst = false } else { bytes.append(UInt8(ascii: ",")) }
    }

    private mutating func raw(_ json: (some Sequence<UInt8>)?) {
        if let json { bytes.append(contentsOf: json) } else { bytes.append(contentsOf: "null".utf8) }
    }

    private mutating func string(_ text: String?) {
        guard let text else { return raw([UInt8]?.none) }
        bytes.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""): bytes.append(contentsOf: #"\""#.utf8)
            case UInt8(ascii: "\\"): bytes.append(contentsOf: #"\\"#.utf8)
            case 0x0A: bytes.append(contentsOf: #"\n"#.utf8)
            case 0x0D: bytes.append(contentsOf: #"\r"#.utf8)
            case 0x09: bytes.append(contentsOf: #"\t"#.utf8)
            case 0x00..<0x20:
                bytes.append(contentsOf: #"\u00"#.utf8)
                bytes.append(Self.hex[Int(byte >> 4)])
                bytes.append(Self.hex[Int(byte & 15)])
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    private static let hex = Array("0123456789abcdef".utf8)
}
