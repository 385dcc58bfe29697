import COpenSSL

/// A secret that names its bearer's role and, by its hash, its tenant: `kl_t_` and 43 characters, 256 bits of chance.
///
/// It is shown once. Only the hash is kept: the chance in it makes a slow hash or a salt needless, and being looked up
/// by hash it is never compared byte by byte.
public struct APIKey: Sendable, CustomStringConvertible, CustomDebugStringConvertible {
    /// The whole key. Never logged.
    public let secret: String
    public let role: Role

    /// - Parameter chance: 32 bytes nobody can foresee.
    public init(role: Role, chance: [UInt8]) {
        precondition(chance.count == 32, "a key is made of 32 random bytes")
        self.role = role
        secret = "kl_\(role.letter)_\(base64URL(chance))"
    }

    /// Whether it may be what people call a key: 1 to 100 characters on one line, not all of them blank.
    public static func isName(_ text: String) -> Bool {
        let scalars = text.unicodeScalars
        return (1...100).contains(scalars.count) && !scalars.allSatisfy(\.properties.isWhitespace)
            && !scalars.contains { $0.properties.generalCategory == .control }
    }

    /// Nil unless the text has the shape of a key; whether it is one only its hash can tell.
    public init?(_ text: String) {
        var utf8 = text.utf8[...]
        guard utf8.count == 48, utf8.starts(with: "kl_".utf8) else { return nil }
        utf8 = utf8.dropFirst(3)
        guard let role = Role.allCases.first(where: { $0.letter.utf8.first == utf8.first }), utf8.dropFirst().first == UInt8(ascii: "_"),
            utf8.dropFirst(2).allSatisfy(isBase64URL)
        else { return nil }
        self.role = role
        secret = text
    }

    /// SHA-256 of the whole key.
    public var hash: KeyHash { KeyHash(sha256: secret.utf8) }

    /// The first characters, for people to tell keys apart.
    public var hint: String { String(secret.prefix(9)) + "…" }

    public var description: String { hint }
    public var debugDescription: String { hint }
}

/// What is kept of a key.
public struct KeyHash: Hashable, Sendable {
    public let bytes: [UInt8]

    init(sha256 text: some Sequence<UInt8>) { bytes = sha256Digest(of: Array(text)) }
}

/// SHA-256 of some bytes.
public func sha256Digest(of bytes: [UInt8]) -> [UInt8] {
    var digest = [UInt8](repeating: 0, count: 32)
    _ = SHA256(bytes, bytes.count, &digest)
    return digest
}

extension Role {
    fileprivate var letter: String { String(rawValue.prefix(1)) }
}

private let base64URLAlphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

func isBase64URL(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
        UInt8(ascii: "-"), UInt8(ascii: "_"):
        true
    default: false
    }
}

/// RFC 4648 section 5, without padding: 32 bytes become 43 characters.
func base64URL(_ bytes: [UInt8]) -> String {
    var out: [UInt8] = []
    var pending: UInt32 = 0
    var bits: UInt32 = 0
    for byte in bytes {
        pending = pending << 8 | UInt32(byte)
        bits += 8
        while bits >= 6 {
            bits -= 6
            out.append(base64URLAlphabet[Int(pending >> bits & 63)])
        }
    }
    if bits > 0 { out.append(base64URLAlphabet[Int(pending << (6 - bits) & 63)]) }
    return String(decoding: out, as: UTF8.self)
}
