import COpenSSL

/// A Lua script, sent by its digest and in full only to a server that does not know it.
public struct RedisScript: Sendable, Hashable {
    public let source: String
    /// SHA-1 of the source, 40 lower-case hexadecimal digits: the name Redis files it under.
    public let sha1: String

    public init(_ source: String) {
        self.source = source
        self.sha1 = hexadecimalSHA1(source)
    }
}

extension RedisCommand {
    /// `EVALSHA`, for pipelines. A server that does not know the script answers `NOSCRIPT`: ``RedisClient/load(_:)`` it first.
    public init(_ script: RedisScript, keys: [String], arguments: [RedisArgument] = []) {
        self.init("EVALSHA", script.sha1, keys, arguments)
    }

    /// `EVAL`, which also teaches the server the script.
    init(inFull script: RedisScript, keys: [String], arguments: [RedisArgument]) {
        self.init("EVAL", script.source, keys, arguments)
    }

    private init(_ name: String, _ script: String, _ keys: [String], _ arguments: [RedisArgument]) {
        var parts: [RedisArgument] = []
        parts.reserveCapacity(3 + keys.count + arguments.count)
        parts.append(.string(name))
        parts.append(.string(script))
        parts.append(.integer(Int64(keys.count)))
        for key in keys { parts.append(.string(key)) }
        parts.append(contentsOf: arguments)
        self.init(parts)
    }
}

private func hexadecimalSHA1(_ text: String) -> String {
    var digest = [UInt8](repeating: 0, count: 20)
    let bytes = Array(text.utf8)
    guard EVP_Digest(bytes, bytes.count, &digest, nil, EVP_sha1(), nil) == 1 else {
        preconditionFailure("libcrypto has no SHA-1, which Redis names scripts by")
    }
    let digits = Array("0123456789abcdef".utf8)
    return String(decoding: digest.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
}
