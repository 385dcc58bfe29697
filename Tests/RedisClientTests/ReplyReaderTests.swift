import NIOCore
import Sampling
import Testing

@testable import RedisClient

@Suite(.timeLimit(.minutes(10))) struct ReplyReaderTests {
    @Test(arguments: 0..<50 as Range<UInt64>)
    func `replies are the same in whatever pieces they arrive`(seed: UInt64) throws {
        var random = SeededNumbers(seed: seed)
        let values = (0..<20).map { _ in RedisValue.random(depth: 4, using: &random) }
        var bytes = ByteBuffer(string: values.map(\.resp).joined())

        var reader = ReplyReader()
        var replies: [RedisValue] = []
        while bytes.readableBytes > 0 {
            let length = min(bytes.readableBytes, .random(in: 1...40, using: &random))
            try reader.feed(bytes.readSlice(length: length)!)
            while let reply = try reader.next() { replies.append(reply) }
        }

        #expect(replies == values)
    }

    @Test func `a reader that met garbage stays unusable`() throws {
        var reader = ReplyReader()
        try reader.feed(ByteBuffer(string: "+OK\r\n?\r\n+OK\r\n"))

        #expect(try reader.next() == .status("OK"))
        for _ in 0..<3 {
            #expect(throws: RedisError.self) { try reader.next() }
        }
    }

    @Test(arguments: 0..<200 as Range<UInt64>)
    func `no bytes bring the reader down`(seed: UInt64) {
        var random = SeededNumbers(seed: seed)
        let alphabet = Array("+-:$*\r\n0123456789abc".utf8)
        var reader = ReplyReader()

        // Either outcome is right: replies, or an error for good.
        for _ in 0..<50 {
            do {
                try reader.feed(ByteBuffer(bytes: (0..<20).map { _ in alphabet.randomElement(using: &random)! }))
                while try reader.next() != nil {}
            } catch {
                #expect(error.code == .protocol)
            }
        }
    }
}

extension RedisValue {
    fileprivate static func random(depth: Int, using random: inout SeededNumbers) -> RedisValue {
        switch Int.random(in: 0...(depth > 0 ? 5 : 4), using: &random) {
        case 0: .null
        case 1: .integer(.random(in: .min ... .max, using: &random))
        case 2: .bulk(.init("bulk \r\n".utf8.shuffled(using: &random).prefix(.random(in: 0...7, using: &random))))
        case 3: .status("status \(UInt8.random(in: 0...255, using: &random))")
        case 4: .error("ERR \(UInt8.random(in: 0...255, using: &random))")
        default: .array((0..<Int.random(in: 0...5, using: &random)).map { _ in .random(depth: depth - 1, using: &random) })
        }
    }

    /// As Redis spells it.
    fileprivate var resp: String {
        switch self {
        case .null: "$-1\r\n"
        case .integer(let value): ":\(value)\r\n"
        case .bulk(let bytes): "$\(bytes.count)\r\n\(String(decoding: bytes, as: UTF8.self))\r\n"
        case .status(let text): "+\(text)\r\n"
        case .error(let text): "-\(text)\r\n"
        case .array(let elements): "*\(elements.count)\r\n" + elements.map(\.resp).joined()
        }
    }
}
