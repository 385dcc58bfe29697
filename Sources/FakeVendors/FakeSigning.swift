import COpenSSL
import Foundation

/// Written a second time, so that a mistake in ours is not its own witness.
enum FakeSigning {
    static func hmac(key: String, _ text: String) -> String { hmac(key: Data(key.utf8), Data(text.utf8)) }

    static func hmac(key: Data, _ text: Data) -> String {
        // The definition: SHA256((key ^ opad) + SHA256((key ^ ipad) + text)), a key of more than 64 bytes hashed first.
        let short = key.count > 64 ? Data(digest(Array(key))) : key
        let padded = Array(short) + [UInt8](repeating: 0, count: 64 - short.count)
        let inner = digest(padded.map { $0 ^ 0x36 } + Array(text))
        return Data(digest(padded.map { $0 ^ 0x5C } + inner)).base64EncodedString()
    }

    private static func digest(_ bytes: [UInt8]) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: 32)
        SHA256(bytes, bytes.count, &digest)
        return digest
    }
}
