/// Splits NDJSON that comes in pieces into lines, in bounded memory. A line that is too long is reported and skipped.
struct LineReader: Sendable {
    struct Line: Sendable, Hashable {
        /// Counted from 1.
        var number: Int
        /// Nil: too long.
        var bytes: [UInt8]?
    }

    private let limit: Int
    private var line: [UInt8] = []
    private var number = 1
    private var isTooLong = false

    /// - Parameter limit: bytes of one line.
    init(limit: Int) { self.limit = limit }

    mutating func read(_ bytes: some Sequence<UInt8>) -> [Line] {
        var lines: [Line] = []
        for byte in bytes {
            if byte == 0x0A {
                end(&lines)
            } else if line.count == limit {
                isTooLong = true
            } else if !isTooLong {
                line.append(byte)
            }
        }
        return lines
    }

    mutating func finish() -> [Line] {
        var lines: [Line] = []
        end(&lines)
        return lines
    }

    /// Blank lines are counted and passed over.
    private mutating func end(_ lines: inout [Line]) {
        if isTooLong {
            lines.append(Line(number: number, bytes: nil))
        } else if line.contains(where: { $0 != 0x20 && $0 != 0x09 && $0 != 0x0D }) {
            lines.append(Line(number: number, bytes: line))
        }
        line.removeAll(keepingCapacity: true)
        isTooLong = false
        number += 1
    }
}
