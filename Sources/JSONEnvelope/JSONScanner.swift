/// Walks a JSON text once, byte by byte, without recursion, and refuses all that RFC 8259 refuses and Postgres cannot store.
///
/// Entries are laid down in the order of the text, a container before its members, a key before its value. Work and
/// memory grow with the text's length and with nothing else.
struct JSONScanner {
    /// `jsonb` keeps numbers exactly, so a short text like 1e99999 would become a large value.
    static let largestExponent = 300

    private(set) var entries: [JSONEnvelope.Entry] = []

    private let bytes: [UInt8]
    private let levels: Int
    private let limits: JSONLimits
    private var at = 0
    private var open: [Container] = []
    /// The keys of every open object, those of the innermost last.
    private var keys: [Key] = []

    private struct Container {
        var isObject: Bool
        /// Its entry, or -1 when it lies deeper than the levels recorded.
        var entry: Int
        var count = 0
        var firstKey: Int
    }

    private struct Key {
        /// Without the quotes.
        var range: Range<Int>
        var hasEscapes: Bool
    }

    init(_ bytes: [UInt8], levels: Int, limits: JSONLimits) {
        self.bytes = bytes
        self.levels = levels
        self.limits = limits
    }

    mutating func scanDocument() throws(JSONFault) {
        guard bytes.count <= min(limits.bytes, Int(Int32.max)) else { throw JSONFault(reason: .tooLarge, offset: limits.bytes) }
        guard !bytes.isEmpty else { throw fault(.empty) }
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { throw fault(.byteOrderMark) }
        entries.reserveCapacity(16)
        keys.reserveCapacity(16)
        open.reserveCapacity(4)

        skipSpace()
        guard at < bytes.count else { throw fault(.empty) }
        try scanValue()
        while !open.isEmpty { try scanNextMember() }
        skipSpace()
        guard at == bytes.count else { throw fault(.trailingText) }
    }

    // MARK: Structure

    /// Reads a scalar to its end, or opens a container.
    private mutating func scanValue() throws(JSONFault) {
        let start = at
        switch try peek() {
        case UInt8(ascii: "{"): try openContainer(.object)
        case UInt8(ascii: "["): try openContainer(.array)
        case UInt8(ascii: "\""):
            let hasEscapes = try scanString()
            record(.string, from: start, hasEscapes: hasEscapes)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            try scanNumber()
            record(.number, from: start)
        case UInt8(ascii: "t"):
            try scanLiteral("true")
            record(.true, from: start)
        case UInt8(ascii: "f"):
            try scanLiteral("false")
            record(.false, from: start)
        case UInt8(ascii: "n"):
            try scanLiteral("null")
            record(.null, from: start)
        case UInt8(ascii: "]"), UInt8(ascii: "}"), UInt8(ascii: ","): throw fault(.unexpectedByte)
        default: throw fault(.badLiteral)
        }
    }

    private mutating func openContainer(_ type: JSONType) throws(JSONFault) {
        guard open.count < limits.depth else { throw fault(.tooDeep) }
        var entry = -1
        if open.count <= levels {
            entry = entries.count
            entries.append(JSONEnvelope.Entry(type: type, start: Int32(at)))
        }
        open.append(Container(isObject: type == .object, entry: entry, firstKey: keys.count))
        at += 1
    }

    /// Reads up to and with the next member of the innermost container, or closes it.
    private mutating func scanNextMember() throws(JSONFault) {
        let inner = open.count - 1
        let close = open[inner].isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")
        skipSpace()
        if try peek() == close {
            at += 1
            return try closeContainer()
        }
        if open[inner].count > 0 {
            guard try peek() == UInt8(ascii: ",") else { throw fault(.unexpectedByte) }
            at += 1
            skipSpace()
            if try peek() == close { throw fault(.trailingComma) }
        }
        guard open[inner].count < limits.members else { throw fault(.tooManyMembers) }
        open[inner].count += 1
        if open[inner].isObject { try scanKey() }
        try scanValue()
    }

    private mutating func scanKey() throws(JSONFault) {
        let start = at
        guard try peek() == UInt8(ascii: "\"") else { throw fault(.unexpectedByte) }
        let hasEscapes = try scanString()
        keys.append(Key(range: start + 1..<at - 1, hasEscapes: hasEscapes))
        if open[open.count - 1].entry >= 0, open.count <= levels { record(.string, from: start, hasEscapes: hasEscapes) }
        skipSpace()
        guard try peek() == UInt8(ascii: ":") else { throw fault(.unexpectedByte) }
        at += 1
        skipSpace()
    }

    private mutating func closeContainer() throws(JSONFault) {
        let container = open.removeLast()
        if container.isObject {
            try refuseDuplicates(from: container.firstKey)
            keys.removeLast(keys.count - container.firstKey)
        }
        guard container.entry >= 0 else { return }
        entries[container.entry].end = Int32(at)
        entries[container.entry].next = Int32(entries.count)
        entries[container.entry].count = Int32(container.count)
    }

    private mutating func record(_ type: JSONType, from start: Int, hasEscapes: Bool = false) {
        guard open.count <= levels else { return }
        entries.append(
            JSONEnvelope.Entry(
                type: type, hasEscapes: hasEscapes, start: Int32(start), end: Int32(at), next: Int32(entries.count + 1)))
    }

    /// Objects are small, and comparing pairs is quickest there; a large one is put in a set, so that nobody can make us compare millions.
    private func refuseDuplicates(from first: Int) throws(JSONFault) {
        guard keys.count - first <= 16 else { return try refuseDuplicatesInSet(from: first) }
        for later in first..<keys.count {
            for earlier in first..<later where spellSame(keys[earlier], keys[later]) {
                throw JSONFault(reason: .duplicateKey, offset: keys[later].range.lowerBound - 1)
            }
        }
    }

    private func refuseDuplicatesInSet(from first: Int) throws(JSONFault) {
        var seen: Set<[UInt8]> = []
        for key in keys[first...] where !seen.insert(spelling(key)).inserted {
            throw JSONFault(reason: .duplicateKey, offset: key.range.lowerBound - 1)
        }
    }

    private func spellSame(_ a: Key, _ b: Key) -> Bool {
        if a.hasEscapes || b.hasEscapes { return spelling(a) == spelling(b) }
        guard a.range.count == b.range.count else { return false }
        for offset in 0..<a.range.count where bytes[a.range.lowerBound + offset] != bytes[b.range.lowerBound + offset] { return false }
        return true
    }

    private func spelling(_ key: Key) -> [UInt8] {
        key.hasEscapes ? Array(unescaped(bytes[key.range]).utf8) : Array(bytes[key.range])
    }

    // MARK: Scalars

    /// Leaves `at` after the closing quote; answers whether there was a backslash.
    private mutating func scanString() throws(JSONFault) -> Bool {
        at += 1
        var hasEscapes = false
        while at < bytes.count {
            let byte = bytes[at]
            switch byte {
            case UInt8(ascii: "\""):
                at += 1
                return hasEscapes
            case UInt8(ascii: "\\"):
                hasEscapes = true
                try scanEscape()
            case 0x00..<0x20: throw fault(.controlCharacter)
            case 0x20..<0x80: at += 1
            default: try scanMultibyte(byte)
            }
        }
        throw fault(.unexpectedEnd)
    }

    private mutating func scanEscape() throws(JSONFault) {
        guard at + 1 < bytes.count else { throw fault(.unexpectedEnd) }
        switch bytes[at + 1] {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"), UInt8(ascii: "n"),
            UInt8(ascii: "r"), UInt8(ascii: "t"):
            at += 2
        case UInt8(ascii: "u"): try scanUnicodeEscape()
        default: throw fault(.badEscape)
        }
    }

    private mutating func scanUnicodeEscape() throws(JSONFault) {
        let unit = try scanUnit()
        switch unit {
        case 0: throw JSONFault(reason: .nullCharacter, offset: at - 6)
        case 0xD800..<0xDC00:
            guard at + 1 < bytes.count, bytes[at] == UInt8(ascii: "\\"), bytes[at + 1] == UInt8(ascii: "u") else {
                throw fault(.loneSurrogate)
            }
            let low = try scanUnit()
            guard low >= 0xDC00, low < 0xE000 else { throw JSONFault(reason: .loneSurrogate, offset: at - 6) }
        case 0xDC00..<0xE000: throw JSONFault(reason: .loneSurrogate, offset: at - 6)
        default: break
        }
    }

    /// Four hexadecimal digits after a backslash and a u.
    private mutating func scanUnit() throws(JSONFault) -> UInt32 {
        at += 2
        var unit: UInt32 = 0
        for _ in 0..<4 {
            guard at < bytes.count else { throw fault(.unexpectedEnd) }
            guard let digit = hexDigit(bytes[at]) else { throw fault(.badEscape) }
            unit = unit << 4 | UInt32(digit)
            at += 1
        }
        return unit
    }

    /// The well-formed byte sequences of the Unicode standard, table 3-7: nothing overlong, no surrogates, nothing above U+10FFFF.
    private mutating func scanMultibyte(_ first: UInt8) throws(JSONFault) {
        let length: Int
        var second: ClosedRange<UInt8> = 0x80...0xBF
        switch first {
        case 0xC2...0xDF: length = 2
        case 0xE0: (length, second) = (3, 0xA0...0xBF)
        case 0xED: (length, second) = (3, 0x80...0x9F)
        case 0xE1...0xEF: length = 3
        case 0xF0: (length, second) = (4, 0x90...0xBF)
        case 0xF1...0xF3: length = 4
        case 0xF4: (length, second) = (4, 0x80...0x8F)
        default: throw fault(.badUTF8)
        }
        guard at + length <= bytes.count else { throw fault(.badUTF8) }
        guard second.contains(bytes[at + 1]) else { throw fault(.badUTF8) }
        for offset in 2..<max(length, 2) where bytes[at + offset] & 0xC0 != 0x80 { throw fault(.badUTF8) }
        at += length
    }

    private mutating func scanNumber() throws(JSONFault) {
        let start = at
        if bytes[at] == UInt8(ascii: "-") { at += 1 }
        if at < bytes.count, bytes[at] == UInt8(ascii: "0") {
            at += 1
        } else {
            try scanDigits()
        }
        if at < bytes.count, bytes[at] == UInt8(ascii: ".") {
            at += 1
            try scanDigits()
        }
        var exponent = 0
        if at < bytes.count, bytes[at] | 0x20 == UInt8(ascii: "e") {
            at += 1
            if at < bytes.count, bytes[at] == UInt8(ascii: "+") || bytes[at] == UInt8(ascii: "-") { at += 1 }
            exponent = try scanDigits()
        }
        if at < bytes.count, isPartOfWord(bytes[at]) { throw fault(.badNumber) }
        guard at - start <= limits.number, exponent <= Self.largestExponent else {
            throw JSONFault(reason: .numberTooLarge, offset: start)
        }
    }

    /// One digit or more; answers their value, as far as it matters.
    @discardableResult
    private mutating func scanDigits() throws(JSONFault) -> Int {
        let start = at
        var value = 0
        while at < bytes.count, bytes[at] >= UInt8(ascii: "0"), bytes[at] <= UInt8(ascii: "9") {
            value = min(value * 10 + Int(bytes[at] - UInt8(ascii: "0")), Self.largestExponent + 1)
            at += 1
        }
        if at == start { throw at < bytes.count ? fault(.badNumber) : fault(.unexpectedEnd) }
        return value
    }

    private mutating func scanLiteral(_ literal: StaticString) throws(JSONFault) {
        let length = literal.utf8CodeUnitCount
        for offset in 0..<length {
            guard at + offset < bytes.count else { throw JSONFault(reason: .unexpectedEnd, offset: bytes.count) }
            guard bytes[at + offset] == literal.utf8Start[offset] else { throw fault(.badLiteral) }
        }
        at += length
        if at < bytes.count, isPartOfWord(bytes[at]) { throw fault(.badLiteral) }
    }

    private func isPartOfWord(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "."), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "_"):
            true
        default: false
        }
    }

    // MARK: Bytes

    private mutating func skipSpace() {
        while at < bytes.count {
            switch bytes[at] {
            case 0x20, 0x09, 0x0A, 0x0D: at += 1
            default: return
            }
        }
    }

    private func peek() throws(JSONFault) -> UInt8 {
        guard at < bytes.count else { throw fault(.unexpectedEnd) }
        return bytes[at]
    }

    private func fault(_ reason: JSONFault.Reason) -> JSONFault { JSONFault(reason: reason, offset: at) }
}
