import NIOCore

extension ByteBuffer {
    /// Writes a command in RESP: `*2\r\n$3\r\nGET\r\n$1\r\nk\r\n`.
    ///
    /// Straight into memory reserved once a command, for callers do this while they hold the lock they all share.
    mutating func writeCommand(_ command: RedisCommand) {
        let limit = command.parts.reduce(OutputRawSpan.headerLimit) { $0 + $1.encodedLimit }
        writeWithOutputRawSpan(minimumWritableBytes: limit) { output in
            output.appendHeader(UInt8(ascii: "*"), command.parts.count)
            for part in command.parts { output.append(part) }
        }
    }
}

extension RedisArgument {
    /// At least as many bytes as it takes.
    fileprivate var encodedLimit: Int {
        let framing = OutputRawSpan.headerLimit + 2
        return switch self {
        case .string(let text): framing + text.utf8.count
        case .bytes(let bytes): framing + bytes.count
        case .integer: framing + 20  // -9223372036854775808
        case .double: framing + 32  // -1.7976931348623157e+308 is 24 long
        }
    }
}

extension OutputRawSpan {
    /// `$18446744073709551615\r\n`
    fileprivate static var headerLimit: Int { 23 }

    fileprivate mutating func append(_ argument: RedisArgument) {
        switch argument {
        case .string(let text): appendBulk(text)
        case .bytes(let bytes):
            appendHeader(UInt8(ascii: "$"), bytes.count)
            bytes.withUnsafeBytes { append($0) }
            appendLineEnd()
        case .integer(let number):
            let sign = number < 0 ? 1 : 0
            appendHeader(UInt8(ascii: "$"), sign + number.magnitude.decimalDigits)
            if sign == 1 { append(UInt8(ascii: "-")) }
            appendDecimal(number.magnitude)
            appendLineEnd()
        case .double(let number): appendBulk(number.description)
        }
    }

    private mutating func appendBulk(_ text: String) {
        var text = text
        text.withUTF8 { utf8 in
            appendHeader(UInt8(ascii: "$"), utf8.count)
            append(UnsafeRawBufferPointer(utf8))
        }
        appendLineEnd()
    }

    fileprivate mutating func appendHeader(_ marker: UInt8, _ count: Int) {
        append(marker)
        appendDecimal(UInt64(count))
        appendLineEnd()
    }

    private mutating func appendDecimal(_ number: UInt64) {
        if number > 9 { appendDecimal(number / 10) }
        append(UInt8(ascii: "0") + UInt8(number % 10))
    }

    private mutating func appendLineEnd() {
        append(UInt8(ascii: "\r"))
        append(UInt8(ascii: "\n"))
    }

    private mutating func append(_ bytes: UnsafeRawBufferPointer) {
        withUnsafeMutableBytes { memory, count in
            UnsafeMutableRawBufferPointer(rebasing: memory[count...]).copyMemory(from: bytes)
            count += bytes.count
        }
    }
}

extension UInt64 {
    fileprivate var decimalDigits: Int { self < 10 ? 1 : 1 + (self / 10).decimalDigits }
}
