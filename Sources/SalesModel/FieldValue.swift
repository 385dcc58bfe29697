import Foundation

/// What a lead says about one standard field.
///
/// `unmapped` and `empty` are different answers: nobody said what the outside field means, or it means "nothing here".
public enum FieldValue: Sendable, Hashable {
    /// No map names this field for the lead's source. A condition that reads it is unknown.
    case unmapped
    /// Mapped and known to be empty.
    case empty
    case text(String)
    case number(Double)
    case money(Money)
    case boolean(Bool)
    case date(Date)
    case list([String])

    /// What kind of value it is; nil when there is none.
    public var type: FieldType? {
        switch self {
        case .unmapped, .empty: nil
        case .text: .text
        case .number: .number
        case .money: .money
        case .boolean: .boolean
        case .date: .date
        case .list: .list
        }
    }
}

/// An amount in the currency's smallest unit.
public struct Money: Sendable, Hashable {
    public var amountMinor: Int64
    /// ISO 4217, upper case.
    public var currency: String

    public init(amountMinor: Int64, currency: String) {
        self.amountMinor = amountMinor
        self.currency = currency
    }

    /// How many decimal digits a currency's main unit has: 2, but none for those without a smaller unit.
    public static func decimals(of currency: String) -> Int {
        ["JPY", "KRW", "VND", "CLP", "ISK", "UGX", "XAF", "XOF", "PYG", "RWF"].contains(currency) ? 0 : 2
    }

    /// How many of the smallest unit make a main one: 100, or 1.
    public static func minorUnits(of currency: String) -> Int64 { decimals(of: currency) == 0 ? 1 : 100 }

    /// Reads an amount in main units as people write it: `500000`, `1,200.50`, `¥480,000`, `48万`, `１２０ 元`.
    ///
    /// - Returns: nil when the text is no decimal number but for that, has more decimals than the currency, or is out of range.
    public init?(mainUnits text: String, currency: String) {
        guard let (plain, power, isNegative) = Self.plain(text, in: currency) else { return nil }
        let decimals = Self.decimals(of: currency) + power
        let digits = plain[...]
        let parts = digits.split(separator: ".", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), !parts[0].isEmpty, parts.allSatisfy({ $0.allSatisfy { $0.isASCII && $0.isNumber } }) else {
            return nil
        }
        let fraction = parts.count == 2 ? parts[1] : ""
        guard fraction.dropFirst(decimals).allSatisfy({ $0 == "0" }) else { return nil }
        let kept = fraction.prefix(decimals)
        let minor = String(parts[0]) + kept + String(repeating: "0", count: decimals - kept.count)
        guard let amount = Int64(minor) else { return nil }
        self.init(amountMinor: isNegative ? -amount : amount, currency: currency)
    }

    /// The currencies a sign stands for.
    private static let signs: [Character: Set<String>] = [
        "¥": ["CNY", "JPY"], "￥": ["CNY", "JPY"], "元": ["CNY"], "€": ["EUR"], "£": ["GBP"],
        "$": ["USD", "CAD", "AUD", "NZD", "HKD", "SGD", "TWD"],
    ]

    /// Without a currency's sign, the unit and what groups digits; the power of ten the unit stands for; nil: the sign is another's.
    private static func plain(_ text: String, in currency: String) -> (digits: String, power: Int, isNegative: Bool)? {
        var rest = text.filter { !", ，\u{A0}".contains($0) }[...]
        let isNegative = rest.first == "-"
        if isNegative { rest = rest.dropFirst() }
        if let sign = rest.first, let own = signs[sign] {
            guard own.contains(currency) else { return nil }
            rest = rest.dropFirst()
        }
        if let sign = rest.last, let own = signs[sign] {
            guard own.contains(currency) else { return nil }
            rest = rest.dropLast()
        }
        let power = rest.last.flatMap { ["万": 4, "亿": 8][$0] } ?? 0
        if power > 0 { rest = rest.dropLast() }
        // Digits as wide as characters are.
        let scalars = rest.unicodeScalars.map { (0xFF0E...0xFF19).contains($0.value) ? Unicode.Scalar($0.value - 0xFEE0) ?? $0 : $0 }
        return (String(String.UnicodeScalarView(scalars)), power, isNegative)
    }

    /// `CNY 500000.00`
    public var description: String {
        let decimals = Self.decimals(of: currency)
        let sign = amountMinor < 0 ? "-" : ""
        let digits = String(amountMinor.magnitude)
        guard decimals > 0 else { return "\(currency) \(sign)\(digits)" }
        let padded = String(repeating: "0", count: max(0, decimals + 1 - digits.count)) + digits
        return "\(currency) \(sign)\(padded.dropLast(decimals)).\(padded.suffix(decimals))"
    }
}

extension Money: CustomStringConvertible {}

extension FieldValue: CustomStringConvertible {
    /// As shown in a reason: the value and nothing else.
    public var description: String {
        switch self {
        case .unmapped: "unmapped"
        case .empty: ""
        case .text(let text): text
        case .number(let number): number == number.rounded() && abs(number) < 1e15 ? String(Int64(number)) : String(number)
        case .money(let money): money.description
        case .boolean(let flag): flag ? "true" : "false"
        case .date(let date): date.ISO8601Format()
        case .list(let items): items.joined(separator: ", ")
        }
    }
}
