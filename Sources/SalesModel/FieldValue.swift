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

    /// Reads an amount in main units as people write it: `500000`, `1,200.50`, `¥480,000`, `US$500`, `48万`, `１２０ 元`.
    ///
    /// - Returns: nil when the text is no decimal number but for that, has more decimals than the currency, is out of range, or may mean another
    ///   amount elsewhere: `12.500,00`, `1,5`, `12.500`.
    public init?(mainUnits text: String, currency: String) {
        guard let (plain, power, isNegative) = Self.plain(text, in: currency) else { return nil }
        let decimals = Self.decimals(of: currency) + power
        let parts = plain.split(separator: ".", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), let whole = Self.digits(parts[0]) else { return nil }
        let fraction = parts.count == 2 ? parts[1] : ""
        guard fraction.allSatisfy(Self.isDigit), fraction.dropFirst(decimals).allSatisfy({ $0 == "0" }) else { return nil }
        // A point before three digits groups thousands in half of the world.
        let isGroup = fraction.count == 3 && power == 0 && parts[0].count <= 3 && whole.contains { $0 != "0" }
        guard !isGroup else { return nil }
        let kept = fraction.prefix(decimals)
        let minor = whole + kept + String(repeating: "0", count: decimals - kept.count)
        guard let amount = Int64(minor) else { return nil }
        self.init(amountMinor: isNegative ? -amount : amount, currency: currency)
    }

    private struct Sign {
        let text: String
        /// Those it stands for, the ones that are meant most often first.
        let currencies: [String]
    }

    /// What ends with another sign comes before it: a dollar with its country says which dollar it is.
    private static let signs = [
        Sign(text: "US$", currencies: ["USD"]), Sign(text: "CA$", currencies: ["CAD"]), Sign(text: "C$", currencies: ["CAD", "NIO"]),
        Sign(text: "AU$", currencies: ["AUD"]), Sign(text: "A$", currencies: ["AUD"]), Sign(text: "NZ$", currencies: ["NZD"]),
        Sign(text: "HK$", currencies: ["HKD"]), Sign(text: "SG$", currencies: ["SGD"]), Sign(text: "S$", currencies: ["SGD"]),
        Sign(text: "NT$", currencies: ["TWD"]), Sign(text: "R$", currencies: ["BRL"]),
        Sign(text: "$", currencies: ["USD", "CAD", "AUD", "NZD", "HKD", "SGD", "TWD"]),
        Sign(text: "¥", currencies: ["CNY", "JPY"]), Sign(text: "￥", currencies: ["CNY", "JPY"]), Sign(text: "元", currencies: ["CNY"]),
        Sign(text: "€", currencies: ["EUR"]), Sign(text: "£", currencies: ["GBP"]),
    ]
    /// What signs end with.
    private static let signEnds = Set(signs.compactMap(\.text.last))

    /// The sign at one end of a text; most texts have a digit there.
    private static func sign(at end: Character?, where stands: (String) -> Bool) -> Sign? {
        guard let end, !isDigit(end) else { return nil }
        return signs.first { stands($0.text) }
    }

    private static func isDigit(_ character: Character) -> Bool { character.isASCII && character.isNumber }

    /// The digits of a whole number, which may stand in groups of three, of four as 万 counts, or of two before the last as lakhs do; nil: it is
    /// none.
    private static func digits(_ text: Substring) -> String? {
        let groups = text.split(omittingEmptySubsequences: false) { ", ，\u{A0}\u{202F}".contains($0) }
        guard groups.allSatisfy({ !$0.isEmpty && $0.allSatisfy(isDigit) }) else { return nil }
        guard groups.count > 1 else { return groups.joined() }
        let (first, sizes) = (groups[0], Set(groups.dropFirst().dropLast().map(\.count)))
        let last = groups[groups.count - 1].count
        let size = sizes.first ?? last
        guard sizes.count <= 1, [[3, 3], [4, 4], [2, 3]].contains([size, last]), first.count <= size, first.first != "0" else { return nil }
        return groups.joined()
    }

    /// Without a currency's sign and the unit, and the spaces about them; the power of ten the unit stands for; nil: the sign is another's.
    private static func plain(_ text: String, in currency: String) -> (digits: String, power: Int, isNegative: Bool)? {
        func trimmed(_ text: Substring) -> Substring {
            let isSpace: (Character) -> Bool = { " \u{A0}\u{202F}\u{3000}".contains($0) }
            let start = text.drop(while: isSpace)
            return start.prefix((start.lastIndex { !isSpace($0) }.map { start.distance(from: start.startIndex, to: $0) + 1 }) ?? 0)
        }
        var rest = trimmed(text[...])
        let isNegative = rest.first == "-"
        if isNegative { rest = trimmed(rest.dropFirst()) }
        if let found = sign(at: rest.first, where: { rest.hasPrefix($0) }) {
            guard found.currencies.contains(currency) else { return nil }
            rest = trimmed(rest.dropFirst(found.text.count))
        }
        if let found = sign(at: rest.last, where: { rest.hasSuffix($0) }) {
            guard found.currencies.contains(currency) else { return nil }
            rest = trimmed(rest.dropLast(found.text.count))
        }
        let power = rest.last.flatMap { ["万": 4, "亿": 8][$0] } ?? 0
        if power > 0 { rest = trimmed(rest.dropLast()) }
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

extension Money {
    /// A currency's sign at an amount that was to be in another.
    public struct ForeignSign: Sendable, Hashable {
        public let sign: String
        /// Those it may stand for; what has decimals is in none that has no smaller unit.
        public let currencies: [String]
        /// The one the amount was to be in.
        public let asked: String

        /// Nil: the text has no such sign, or is no amount but for that.
        public init?(in text: String, asked: String) {
            // The first alone: a text may be long, and each currency reads it once.
            guard let end = text.firstIndex(where: Money.signEnds.contains),
                let found = Money.signs.first(where: { text[...end].hasSuffix($0.text) }), !found.currencies.contains(asked)
            else { return nil }
            let currencies = found.currencies.filter { Money(mainUnits: text, currency: $0) != nil }
            guard !currencies.isEmpty else { return nil }
            self.sign = found.text
            self.currencies = currencies
            self.asked = asked
        }
    }
}

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
