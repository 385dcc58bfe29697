import COpenSSL
import Foundation

/// How the outside systems know that it is us. Every signature is HMAC-SHA256 in Base64; they differ in what is key and what is text.
public enum Signing {
    /// DingTalk's custom robot: key the secret, text milliseconds, a line feed and the secret.
    public static func dingtalk(milliseconds: Int64, secret: String) -> String {
        base64(hmac(key: Array(secret.utf8), Array("\(milliseconds)\n\(secret)".utf8)))
    }

    /// Feishu's custom bot: key seconds, a line feed and the secret; the text is empty.
    public static func feishu(seconds: Int64, secret: String) -> String {
        base64(hmac(key: Array("\(seconds)\n\(secret)".utf8), []))
    }

    /// Standard Webhooks, `v1`: key what stands behind `whsec_`, decoded; text id, seconds and body, with dots between.
    /// - Returns: nil when the secret is none.
    public static func webhook(id: String, seconds: Int64, body: [UInt8], secret: String) -> String? {
        guard let key = webhookKey(secret) else { return nil }
        return "v1," + base64(hmac(key: key, Array("\(id).\(seconds).".utf8) + body))
    }

    /// The key behind `whsec_`: 24 to 64 bytes in Base64.
    public static func webhookKey(_ secret: String) -> [UInt8]? {
        guard secret.hasPrefix("whsec_"), let data = Data(base64Encoded: String(secret.dropFirst(6))), (24...64).contains(data.count)
        else { return nil }
        return Array(data)
    }

    /// RFC 2104 with SHA-256.
    public static func hmac(key: [UInt8], _ text: [UInt8]) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: 32)
        var length: UInt32 = 0
        // An empty array has no address worth taking; OpenSSL wants a key that is none.
        HMAC(EVP_sha256(), key.isEmpty ? [0] : key, Int32(key.count), text.isEmpty ? [0] : text, text.count, &digest, &length)
        return digest
    }

    static func base64(_ bytes: [UInt8]) -> String { Data(bytes).base64EncodedString() }
}
