/// A tenant's short name in addresses and commands: lower-case letters, digits and hyphens, at most 63, the first no hyphen.
public struct Slug: Hashable, Sendable, CustomStringConvertible {
    public let description: String

    public init?(_ text: String) {
        guard !text.isEmpty, text.utf8.count <= 63, text.utf8.first != UInt8(ascii: "-") else { return nil }
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"): continue
            default: return nil
            }
        }
        description = text
    }
}
