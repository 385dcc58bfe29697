import CHiredis
import NIOCore

/// Bytes in, replies out: hiredis's incremental RESP2 parser.
struct ReplyReader: ~Copyable {
    private let reader: UnsafeMutablePointer<redisReader>

    init() {
        guard let reader = redisReaderCreate() else { preconditionFailure("no memory for a reply reader") }
        // Keeps its buffer between the large reads of a busy connection instead of growing a new one each time.
        reader.pointee.maxbuf = 256 * 1024
        self.reader = reader
    }

    deinit { redisReaderFree(reader) }

    /// - Throws: `protocol` when out of memory for the reply.
    mutating func feed(_ buffer: ByteBuffer) throws(RedisError) {
        let status = buffer.withUnsafeReadableBytes { bytes in
            redisReaderFeed(reader, bytes.baseAddress?.assumingMemoryBound(to: CChar.self), bytes.count)
        }
        if status != REDIS_OK { throw failure }
    }

    /// - Returns: nil until the rest of the reply is fed.
    /// - Throws: `protocol`, from then on always, when the bytes are not RESP2 or arrays nest deeper than seven.
    mutating func next() throws(RedisError) -> RedisValue? {
        var raw: UnsafeMutableRawPointer?
        guard redisReaderGetReply(reader, &raw) == REDIS_OK else { throw failure }
        guard let raw else { return nil }
        defer { freeReplyObject(raw) }
        return RedisValue(raw.assumingMemoryBound(to: redisReply.self).pointee)
    }

    private var failure: RedisError {
        let text = withUnsafeBytes(of: &reader.pointee.errstr) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        return RedisError(.protocol, "the server does not speak RESP2: \(text)")
    }
}

extension RedisValue {
    fileprivate init(_ reply: redisReply) {
        switch reply.type {
        case REDIS_REPLY_STRING: self = .bulk([UInt8](reply.bytes))
        case REDIS_REPLY_STATUS: self = .status(String(decoding: reply.bytes, as: UTF8.self))
        case REDIS_REPLY_ERROR: self = .error(String(decoding: reply.bytes, as: UTF8.self))
        case REDIS_REPLY_INTEGER: self = .integer(Int(reply.integer))
        case REDIS_REPLY_ARRAY:
            // hiredis fills every slot of a complete array.
            self = .array(UnsafeBufferPointer(start: reply.element, count: reply.elements).map { RedisValue($0!.pointee) })
        default: self = .null
        }
    }
}

extension redisReply {
    fileprivate var bytes: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: str, count: len)
    }
}
