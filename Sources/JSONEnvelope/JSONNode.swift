/// One value of an envelope: its type, its bytes, and what is in it.
public struct JSONNode: Sendable {
    let storage: JSONEnvelope.Storage
    let index: Int

    private var entry: JSONEnvelope.Entry { storage.entries[index] }

    public var type: JSONType { entry.type }

    /// Members of an object, elements of an array; else 0.
    public var count: Int { Int(entry.count) }

    /// The value as it was written, brackets and quotes included.
    public var bytes: ArraySlice<UInt8> { storage.bytes[Int(entry.start)..<Int(entry.end)] }

    // MARK: What is in it

    /// The elements of an array; none of anything else.
    public var elements: [JSONNode] {
        guard type == .array else { return [] }
        var nodes: [JSONNode] = []
        nodes.reserveCapacity(count)
        var at = index + 1
        while at < Int(entry.next) {
            nodes.append(JSONNode(storage: storage, index: at))
            at = Int(storage.entries[at].next)
        }
        return nodes
    }

    /// The members of an object in the order they were written; none of anything else.
    public var members: [(key: String, value: JSONNode)] {
        var found: [(key: String, value: JSONNode)] = []
        found.reserveCapacity(count)
        visitMembers { key, value, _ in
            found.append((key.text, value))
            return true
        }
        return found
    }

    /// The member of that name; nil when there is none.
    public subscript(name: String) -> JSONNode? { member(name)?.value }

    /// The member of that name and its place among its neighbours.
    func member(_ name: String) -> (value: JSONNode, place: Int)? {
        var found: (JSONNode, Int)?
        visitMembers { key, value, place in
            guard key.spells(name) else { return true }
            found = (value, place)
            return false
        }
        return found
    }

    func visitMembers(_ visit: (_ key: JSONNode, _ value: JSONNode, _ place: Int) -> Bool) {
        guard type == .object else { return }
        let end = Int(entry.next)
        var at = index + 1
        var place = 0
        while at < end {
            guard visit(JSONNode(storage: storage, index: at), JSONNode(storage: storage, index: at + 1), place) else { return }
            at = Int(storage.entries[at + 1].next)
            place += 1
        }
    }

    // MARK: What it means

    /// A string's characters; nil of anything else.
    public var string: String? { type == .string ? text : nil }

    public var bool: Bool? {
        switch type {
        case .true: true
        case .false: false
        default: nil
        }
    }

    /// A whole number; nil of anything else, also of 1.0 and 1e2, and of what 64 bits cannot hold.
    public var integer: Int64? {
        guard type == .number else { return nil }
        var digits = bytes
        let isNegative = digits.first == UInt8(ascii: "-")
        if isNegative { digits = digits.dropFirst() }
        var value: Int64 = 0
        for byte in digits {
            guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { return nil }
            let (tens, overflow) = value.multipliedReportingOverflow(by: 10)
            let digit = Int64(byte - UInt8(ascii: "0"))
            let (sum, overflowToo) = isNegative ? tens.subtractingReportingOverflow(digit) : tens.addingReportingOverflow(digit)
            if overflow || overflowToo { return nil }
            value = sum
        }
        return value
    }

    /// Any number, rounded to the nearest double; nil of anything else and of what is beyond a double.
    public var double: Double? {
        guard type == .number, let value = Double(String(decoding: bytes, as: UTF8.self)), value.isFinite else { return nil }
        return value
    }

    /// The characters of a string or key, escapes resolved.
    var text: String {
        let inner = storage.bytes[Int(entry.start) + 1..<Int(entry.end) - 1]
        return entry.hasEscapes ? unescaped(inner) : String(decoding: inner, as: UTF8.self)
    }

    private func spells(_ name: String) -> Bool {
        if entry.hasEscapes { return text.utf8.elementsEqual(name.utf8) }
        guard Int(entry.end - entry.start) - 2 == name.utf8.count else { return false }
        var at = Int(entry.start) + 1
        for byte in name.utf8 {
            if storage.bytes[at] != byte { return false }
            at += 1
        }
        return true
    }
}

/// The characters between the quotes of a string that passed the scanner.
func unescaped(_ bytes: ArraySlice<UInt8>) -> String {
    var out: [UInt8] = []
    out.reserveCapacity(bytes.count)
    var at = bytes.startIndex
    while at < bytes.endIndex {
        let byte = bytes[at]
        guard byte == UInt8(ascii: "\\") else {
            out.append(byte)
            at += 1
            continue
        }
        switch bytes[at + 1] {
        case UInt8(ascii: "b"): out.append(0x08)
        case UInt8(ascii: "f"): out.append(0x0C)
        case UInt8(ascii: "n"): out.append(0x0A)
        case UInt8(ascii: "r"): out.append(0x0D)
        case UInt8(ascii: "t"): out.append(0x09)
        case UInt8(ascii: "u"):
            var unit = hexQuad(bytes, at: at + 2)
            if unit >= 0xD800, unit < 0xDC00 {
                unit = 0x10000 + (unit - 0xD800) << 10 + (hexQuad(bytes, at: at + 8) - 0xDC00)
                at += 6
            }
            at += 4
            // The scanner let only whole pairs through, so this is a scalar.
            out.append(contentsOf: UTF8.encode(Unicode.Scalar(unit)!)!)
        case let same: out.append(same)
        }
        at += 2
    }
    return String(decoding: out, as: UTF8.self)
}

private func hexQuad(_ bytes: ArraySlice<UInt8>, at start: Int) -> UInt32 {
    bytes[start..<start + 4].reduce(0) { $0 << 4 | UInt32(hexDigit($1)!) }
}

func hexDigit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    default: nil
    }
}
