/// A secret that stands for somebody who is signed in, or may sign in once: 43 characters, 256 bits of chance.
///
/// As with a key only its hash is kept, so that a copy of the database signs nobody in.
public struct SessionToken: Sendable, CustomStringConvertible, CustomDebugStringConvertible {
    /// The whole token. Never logged.
    public let secret: String

    /// - Parameter chance: 32 bytes nobody can foresee.
    public init(chance: [UInt8]) {
        precondition(chance.count == 32, "a token is made of 32 random bytes")
        secret = base64URL(chance)
    }

    /// Nil unless the text has the shape of a token; whether it is one only its hash can tell.
    public init?(_ text: String) {
        guard text.utf8.count == 43, text.utf8.allSatisfy(isBase64URL) else { return nil }
        secret = text
    }

    /// SHA-256 of the whole token.
    public var hash: KeyHash { KeyHash(sha256: secret.utf8) }

    /// What a form of this session carries, so that nobody else can make one. Nothing leads back from it to the token.
    public var formToken: String { base64URL(sha256Digest(of: Array("form:\(secret)".utf8))) }

    /// Whether a form carried this session's token; takes as long for any text of its length.
    public func accepts(formToken: String) -> Bool {
        let (own, other) = (Array(self.formToken.utf8), Array(formToken.utf8))
        guard own.count == other.count else { return false }
        return zip(own, other).reduce(0) { $0 | ($1.0 ^ $1.1) } == 0
    }

    public var description: String { "session" }
    public var debugDescription: String { "session" }
}
