import NIOCore

extension ByteBuffer {
    /// Writes a command in RESP: `*2\r\n$3\r\nGET\r\n$1\r\nk\r\n`.
    mutating func writeCommand(_ command: RedisCommand) {
        writeHeader("*", command.parts.count)
        for part in command.parts { writeArgument(part) }
    }

    private mutating func writeArgument(_ argument: RedisArgument) {
        switch argument {
        case .string(let text): writeBulk(text)
        case .bytes(let bytes):
            writeHeader("$", bytes.count)
            writeBytes(bytes)
            writeLineEnd()
        case .integer(let number): writeBulk(String(number))
        case .double(let number): writeBulk(number.description)
        }
    }

    private mutating func writeBulk(_ text: String) {
        writeHeader("$", text.utf8.count)
        writeString(text)
        writeLineEnd()
    }

    private mutating func writeHeader(_ marker: Unicode.Scalar, _ count: Int) {
        writeInteger(UInt8(ascii: marker))
        writeString(String(count))
        writeLineEnd()
    }

    private mutating func writeLineEnd() {
        writeInteger(UInt16(0x0D0A))
    }
}
