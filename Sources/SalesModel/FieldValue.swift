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

    /// Reads an amount in main units, such as `500000` or `1,200.50`.
    ///
    /// - Returns: nil when the text is no plain decimal number, has more decimals than the currency, or is out of range.
    public init?(mainUnits text: String, currency: String) {
        let decimals = Self.decimals(of: currency)
        var digits = text.filter { $0 != "," && $0 != "，" && $0 != " " }[...]
        let isNegative = digits.first == "-"
        if isNegative { digits = digits.dropFirst() }
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
