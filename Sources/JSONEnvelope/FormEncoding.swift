import Foundation

/// `application/x-www-form-urlencoded`, as queries and forms have it.
public enum FormEncoding {
    /// Names and values in their order; nil in the place of a pair that is not percent-encoded UTF-8, or holds a zero.
    public static func pairs(_ text: String) -> [(text: Substring, decoded: (name: String, value: String)?)] {
        text.split(separator: "&").map { part in
            let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = decoded(pair[0]), let value = pair.count > 1 ? decoded(pair[1]) : "" else { return (pair[0], nil) }
            return (pair[0], (name, value))
        }
    }

    private static func decoded(_ text: Substring) -> String? {
        guard let text = text.replacing("+", with: " ").removingPercentEncoding, !text.utf8.contains(0) else { return nil }
        return text
    }
}

extension String {
    /// Percent-encoded but for letters, digits and `-._~`: safe as a value in a query and as a part of a path.
    public var queryEncoded: String {
        utf8.reduce(into: "") { text, byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"):
                text.unicodeScalars.append(Unicode.Scalar(byte))
            default: text += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }
        }
    }
}
