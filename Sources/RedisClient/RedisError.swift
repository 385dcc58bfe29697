/// Why a command has no answer. Neither the description nor any field ever holds the password.
public struct RedisError: Error, Sendable, Hashable, CustomStringConvertible {
    public enum Code: Sendable, Hashable {
        /// Redis answered with this error.
        case reply(String)
        /// The connection broke, or could not be made in time.
        case connectionLost
        /// No answer within the command timeout.
        case timeout
        /// The client was closed.
        case closed
        /// More commands are waiting than the configuration allows.
        case tooManyPending
        /// The other side does not speak RESP2.
        case `protocol`
        /// The URL or the TLS settings cannot be used.
        case configuration
    }

    public let code: Code
    public let message: String
    /// Whether the command may have run: its bytes were handed to the network and no answer came back.
    public let fateUnknown: Bool

    init(_ code: Code, _ message: String, fateUnknown: Bool = false) {
        self.code = code
        self.message = message
        self.fateUnknown = fateUnknown
    }

    /// The first word of an error reply: `NOSCRIPT`, `WRONGTYPE`, `OOM`, `ERR` …
    public var prefix: String? {
        guard case .reply(let text) = code else { return nil }
        return text.split(separator: " ", maxSplits: 1).first.map(String.init)
    }

    public var description: String {
        fateUnknown ? "Redis: \(message); the command may have run" : "Redis: \(message)"
    }
}

extension RedisError {
    static func reply(_ text: String) -> RedisError { RedisError(.reply(text), text) }

    static let closed = RedisError(.closed, "the client is closed")

    func withFateUnknown(_ unknown: Bool) -> RedisError {
        RedisError(code, message, fateUnknown: unknown)
    }
}
