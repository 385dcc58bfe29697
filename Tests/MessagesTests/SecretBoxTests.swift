import Messages
import Testing

@Suite struct SecretBoxTests {
    private let box = SecretBox(key: Array(0..<32))!
    private let nonce: [UInt8] = Array(100..<112)
    private let text = Array("SECabc".utf8)

    @Test func `what was sealed opens in its place`() {
        let sealed = box.seal(text, place: "1/robot", nonce: nonce)

        #expect(box.open(sealed, place: "1/robot") == text)
        #expect(!sealed.map { $0 }.split(separator: text[0]).contains { $0.starts(with: text.dropFirst()) })
        #expect(box.open(box.seal([], place: "", nonce: nonce), place: "") == [])
    }

    @Test func `it opens nowhere else, under no other key, and not when a single bit was changed`() {
        let sealed = box.seal(text, place: "1/robot", nonce: nonce)

        #expect(box.open(sealed, place: "2/robot") == nil)
        #expect(SecretBox(key: Array(1..<33))!.open(sealed, place: "1/robot") == nil)
        for index in sealed.indices {
            var changed = sealed
            changed[index] ^= 1
            #expect(box.open(changed, place: "1/robot") == nil)
        }
        #expect(box.open(Array(sealed.dropLast()), place: "1/robot") == nil)
        #expect(box.open([], place: "1/robot") == nil)
    }

    @Test func `AES-256-GCM's published vector comes out`() {
        // Test case 14 of the GCM paper: key, nonce and text are zeros.
        let sealed = SecretBox(key: [UInt8](repeating: 0, count: 32))!.seal(
            [UInt8](repeating: 0, count: 16), place: "", nonce: [UInt8](repeating: 0, count: 12))

        let hex = sealed.dropFirst(13).map { String($0, radix: 16).count == 1 ? "0" + String($0, radix: 16) : String($0, radix: 16) }
            .joined()
        #expect(hex == "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919")
    }

    @Test func `a key of another length is none`() { #expect(SecretBox(key: [1, 2, 3]) == nil) }
}
