/// A phone number in form: E.164 where the country is known.
public struct Phone: Sendable, Hashable, CustomStringConvertible {
    public enum Kind: String, Sendable, Hashable {
        case mobile, landline
        /// 400, 800, 95xxx and the like: a company's, never a person's.
        case service
        /// With a country's code other than China's.
        case foreign
        /// 7 to 15 digits of which no more is known.
        case other
    }

    public let kind: Kind
    /// `+8613800138000`; of a service or another number only the digits.
    public let number: String
    /// Kept, not compared.
    public let extensionDigits: String?

    public var description: String { number }

    /// Nil when it can't be a phone number.
    public init?(_ text: String) {
        var digits = ""
        var extensionDigits: String?
        var hasPlus = false
        let scalars = Folding.folded(text)
        scan: for (place, scalar) in scalars.enumerated() {
            if scalar.isDigit {
                digits.unicodeScalars.append(scalar)
            } else if scalar == "+", digits.isEmpty {
                hasPlus = true
            } else if scalar == "转" || scalar == "#" || scalar == "x" || scalar == "e" || scalar == "分", digits.count >= 7 {
                let rest = String(scalars[(place + 1)...].filter(\.isDigit))
                if !rest.isEmpty { extensionDigits = rest }
                break scan
            }
        }
        guard (5...20).contains(digits.count), Set(digits.utf8).count > 1 else { return nil }
        self.extensionDigits = extensionDigits
        if let foreign = Self.foreign(digits, hasPlus) {
            (kind, number) = foreign
            return
        }
        guard let (kind, number) = Self.chinese(Self.national(digits, hasPlus)) else { return nil }
        self.kind = kind
        self.number = number
    }

    /// Every number in a field that may hold several: `138…/139…`, `021-…、021-…`.
    public static func all(in text: String) -> [Phone] {
        let parts = text.split { "/、,，;；|\n".contains($0) }
        if parts.count > 1, parts.allSatisfy({ $0.filter(\.isNumber).count >= 7 }) { return parts.compactMap { Phone(String($0)) } }
        return Phone(text).map { [$0] } ?? []
    }

    private static func foreign(_ digits: String, _ hasPlus: Bool) -> (Kind, String)? {
        let isInternational = hasPlus || digits.hasPrefix("00")
        let number = digits.hasPrefix("00") ? String(digits.dropFirst(2)) : digits
        guard isInternational, !number.hasPrefix("86"), (7...15).contains(number.count), !number.hasPrefix("0") else { return nil }
        return (.foreign, "+" + number)
    }

    /// Without China's code; a landline begins with 0.
    private static func national(_ digits: String, _ hasPlus: Bool) -> String {
        if digits.hasPrefix("0086") { return national("86" + digits.dropFirst(4), true) }
        guard digits.hasPrefix("86") else { return digits }
        let rest = String(digits.dropFirst(2))
        if isMobile(rest) { return rest }
        if rest.hasPrefix("0") { return rest }
        return hasPlus ? (isService(rest) ? rest : "0" + rest) : digits
    }

    private static func chinese(_ digits: String) -> (Kind, String)? {
        if isMobile(digits) { return (.mobile, "+86" + digits) }
        if isService(digits) { return (.service, digits) }
        if digits.hasPrefix("0") { return isLandline(digits) ? (.landline, "+86" + digits.dropFirst()) : nil }
        // Eleven digits from 1 on were meant to be a mobile number.
        if digits.count == 11, digits.hasPrefix("1") { return nil }
        return (7...15).contains(digits.count) ? (.other, digits) : nil
    }

    private static func isMobile(_ digits: String) -> Bool {
        let bytes = Array(digits.utf8)
        return bytes.count == 11 && bytes[0] == UInt8(ascii: "1") && bytes[1] >= UInt8(ascii: "3")
    }

    private static func isService(_ digits: String) -> Bool {
        (digits.count == 10 && (digits.hasPrefix("400") || digits.hasPrefix("800")))
            || (digits.count == 5 && (digits.hasPrefix("95") || digits.hasPrefix("96") || digits.hasPrefix("10") || digits.hasPrefix("12")))
    }

    /// 010 and 02x have three digits of area, all others four; then seven or eight.
    private static func isLandline(_ digits: String) -> Bool {
        let bytes = Array(digits.utf8)
        guard bytes.count > 3, bytes[1] != UInt8(ascii: "0") else { return false }
        let area = bytes[1] == UInt8(ascii: "1") || bytes[1] == UInt8(ascii: "2") ? 3 : 4
        return (7...8).contains(bytes.count - area)
    }

    /// 1 the same; 0.9 one slip of the hand apart, or the same but for the area; else 0. Nil for somebody's mobile number and a
    /// company's line: who has one has the other too.
    func likeness(to other: Phone) -> Double? {
        if number == other.number { return 1 }
        if (kind == .mobile) != (other.kind == .mobile) { return nil }
        let (a, b) = (Array(number.utf8), Array(other.number.utf8))
        if Slips.areOneApart(a, b) { return 0.9 }
        let (shorter, longer) = a.count < b.count ? (a, b) : (b, a)
        return shorter.count >= 7 && shorter.count < longer.count && longer.suffix(shorter.count).elementsEqual(shorter) ? 0.9 : 0
    }
}
