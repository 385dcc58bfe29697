import COpenSSL

/// Keeps a connector's secrets at rest: AES-256-GCM. What it seals opens only under the same key and in the same place.
///
/// Sealed bytes: a 1 (the form), 12 of the nonce, the text, 16 of the tag.
public struct SecretBox: Sendable {
    private let key: [UInt8]

    /// - Parameter key: 32 bytes.
    public init?(key: [UInt8]) {
        guard key.count == 32 else { return nil }
        self.key = key
    }

    /// - Parameters:
    ///   - place: Whose it is: tenant and connector. Moved elsewhere, it does not open.
    ///   - nonce: 12 bytes that were never used with this key.
    public func seal(_ text: [UInt8], place: String, nonce: [UInt8]) -> [UInt8] {
        precondition(nonce.count == 12, "GCM's nonce has twelve bytes")
        let context = EVP_CIPHER_CTX_new()
        defer { EVP_CIPHER_CTX_free(context) }
        var sealed = [UInt8](repeating: 0, count: text.count + 16)
        var tag = [UInt8](repeating: 0, count: 16)
        var count: Int32 = 0
        let place = Array(place.utf8)
        EVP_EncryptInit_ex(context, EVP_aes_256_gcm(), nil, key, nonce)
        EVP_EncryptUpdate(context, nil, &count, place, Int32(place.count))
        EVP_EncryptUpdate(context, &sealed, &count, text, Int32(text.count))
        var rest: Int32 = 0
        var end = [UInt8](repeating: 0, count: 16)
        EVP_EncryptFinal_ex(context, &end, &rest)
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, 16, &tag)
        return [1] + nonce + sealed.prefix(Int(count)) + tag
    }

    /// What was sealed; nil when it was not sealed with this key for this place, or was changed since.
    public func open(_ sealed: [UInt8], place: String) -> [UInt8]? {
        guard sealed.count >= 29, sealed[0] == 1 else { return nil }
        let (nonce, text, place) = (Array(sealed[1..<13]), Array(sealed[13..<(sealed.count - 16)]), Array(place.utf8))
        var tag = Array(sealed.suffix(16))
        let context = EVP_CIPHER_CTX_new()
        defer { EVP_CIPHER_CTX_free(context) }
        var opened = [UInt8](repeating: 0, count: text.count + 16)
        var count: Int32 = 0
        var rest: Int32 = 0
        var end = [UInt8](repeating: 0, count: 16)
        EVP_DecryptInit_ex(context, EVP_aes_256_gcm(), nil, key, nonce)
        EVP_DecryptUpdate(context, nil, &count, place, Int32(place.count))
        EVP_DecryptUpdate(context, &opened, &count, text, Int32(text.count))
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, 16, &tag)
        guard EVP_DecryptFinal_ex(context, &end, &rest) == 1 else { return nil }
        return Array(opened.prefix(Int(count)))
    }
}
