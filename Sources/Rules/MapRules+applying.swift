import Foundation
import SalesModel

/// What the maps made of one lead.
public struct MappedLead: Sendable {
    /// By place in the tenant's field table.
    public var values: [FieldValue]
    /// Outside fields that no map speaks of, in order.
    public var unmapped: [String] = []
    /// Standard fields that took their default, with it.
    public var defaulted: [(field: String, value: FieldValue)] = []
    /// Values that do not fit their field.
    public var misfits: [Misfit] = []
    /// Required fields the lead does not have.
    public var missing: [String] = []

    /// An outside value that is not what its field needs.
    public struct Misfit: Sendable, Hashable {
        public let field: String
        public let outside: String
        public let expected: String
        /// What it holds instead of a number, an amount, a date, or yes or no; its beginning where it is long.
        public let value: String?
        /// Of an amount, where it says another currency than the map.
        public let sign: Money.ForeignSign?
    }
}

/// The maps that speak for one source: its own above those for any source.
struct SourceMap: Sendable {
    private let fields: [(mapped: MappedField, slot: Int)]
    private let known: Set<String>

    /// - Parameter maps: the first has the last word on a field.
    init(_ maps: [MapRules], table: FieldTable) {
        var fields: [(MappedField, Int)] = []
        var filled: Set<String> = []
        for map in maps {
            for mapped in map.fields where filled.insert(mapped.field.name).inserted {
                guard let slot = table[mapped.field.name] else {
                    preconditionFailure("the table lacks the mapped field \(mapped.field.name)")
                }
                fields.append((mapped, slot))
            }
        }
        self.fields = fields
        known = Set(maps.flatMap { $0.fields.flatMap(\.from) + $0.ignored })
    }

    func apply(to outside: [String: OutsideValue], blank: [FieldValue]) -> MappedLead {
        var lead = MappedLead(values: blank)
        for (mapped, slot) in fields { mapped.fill(slot, of: &lead, from: outside) }
        for name in outside.keys where !known.contains(name) { lead.unmapped.append(name) }
        lead.unmapped.sort()
        return lead
    }
}

extension SourceMap {
    /// What a lead says of some of the fields, as texts; what is absent or does not fit is left out.
    func texts(of wanted: Set<Int>, in outside: [String: OutsideValue]) -> [String: [String]] {
        var texts: [String: [String]] = [:]
        for (mapped, slot) in fields where wanted.contains(slot) {
            if let found = mapped.texts(in: outside) { texts[mapped.field.name] = found }
        }
        return texts
    }
}

extension MappedField {
    fileprivate func texts(in outside: [String: OutsideValue]) -> [String]? {
        guard case .value(let value) = read(outside) else { return nil }
        return switch value {
        case .text(let text): [text]
        case .list(let items): items
        case .number, .money, .date, .boolean: [value.description]
        case .empty, .unmapped: nil
        }
    }

    fileprivate func fill(_ slot: Int, of lead: inout MappedLead, from outside: [String: OutsideValue]) {
        switch read(outside) {
        case .value(let value): lead.values[slot] = value
        case .misfit(let name, let expected, let sign):
            // Of a text nobody asked for a form; what stands there may be anything, and alerts tell it on.
            let value = [.number, .money, .date, .boolean].contains(field.type) ? outside[name]?.shown : nil
            lead.misfits.append(MappedLead.Misfit(field: field.name, outside: name, expected: expected, value: value, sign: sign))
        case .absent:
            switch absence {
            case .required:
                lead.values[slot] = .empty
                lead.missing.append(field.name)
            case .optional: lead.values[slot] = .empty
            case .defaulted(let value):
                lead.values[slot] = value
                lead.defaulted.append((field.name, value))
            }
        }
    }

    private enum Reading {
        case value(FieldValue)
        case misfit(outside: String, expected: String, sign: Money.ForeignSign? = nil)
        case absent
    }

    private func read(_ outside: [String: OutsideValue]) -> Reading {
        if field.type == .list { return readList(outside) }
        guard let name = from.first(where: { outside[$0].map { !$0.isBlank } ?? false }), let value = outside[name] else { return .absent }
        guard let read = FieldValue(value, as: field.type, currency: currency) else {
            let sign = foreignSign(in: value)
            return .misfit(outside: name, expected: sign == nil ? expected(of: value) : "money_in", sign: sign)
        }
        if case .money(let money) = read, !field.takes(money) { return .misfit(outside: name, expected: "money_from_zero") }
        guard case .text(let text) = read else { return .value(read) }
        guard let translated = translated(text) else { return .misfit(outside: name, expected: "one of its value table") }
        return .value(.text(translated))
    }

    /// What a value that is not of the field's type should have been.
    private func expected(of value: OutsideValue) -> String {
        guard field.type == .date, case .text(let text) = value, DateReading.isOfNoDay(text.trimmed()) else { return field.type.rawValue }
        return "day_of_calendar"
    }

    private func foreignSign(in value: OutsideValue) -> Money.ForeignSign? {
        guard field.type == .money, let currency, case .text(let text) = value else { return nil }
        return Money.ForeignSign(in: text.trimmed(), asked: currency)
    }

    private func readList(_ outside: [String: OutsideValue]) -> Reading {
        var items: [String] = []
        for name in from {
            guard let value = outside[name], !value.isBlank else { continue }
            guard case .list(let texts)? = FieldValue(value, as: .list, currency: nil) else {
                return .misfit(outside: name, expected: "list")
            }
            for text in texts {
                guard let translated = translated(text) else { return .misfit(outside: name, expected: "one of its value table") }
                if !items.contains(translated) { items.append(translated) }
            }
        }
        return items.isEmpty ? .absent : .value(.list(items))
    }

    private func translated(_ text: String) -> String? {
        values[text] ?? (unlisted == .keep ? text : nil)
    }
}

extension FieldValue {
    /// Reads an outside value as a field's type; nil when it does not fit. The value is not blank.
    init?(_ value: OutsideValue, as type: FieldType, currency: String?) {
        switch (value, type) {
        case (.text(let text), _):
            self.init(outsideText: text.trimmed(), as: type, currency: currency)
        case (.number(let number), .number) where number.isFinite: self = .number(number)
        case (.number(let number), .text), (.number(let number), .money), (.number(let number), .boolean):
            self.init(outsideText: FieldValue.number(number).description, as: type, currency: currency)
        case (.boolean(let flag), .boolean): self = .boolean(flag)
        case (.boolean(let flag), .text): self = .text(flag ? "true" : "false")
        case (.list(let items), .list): self.init(items)
        case (.object(let members), .money): self.init(members)
        default: return nil
        }
    }

    private init?(_ items: [OutsideValue]) {
        var texts: [String] = []
        for item in items where !item.isBlank {
            guard case .text(let text)? = FieldValue(item, as: .text, currency: nil) else { return nil }
            texts.append(text)
        }
        self = .list(texts)
    }

    private init?(_ members: [String: OutsideValue]) {
        guard case .number(let amount)? = members["amount_minor"], case .text(let text)? = members["currency"],
            let currency = Money.currency(text),
            let minor = Int64(exactly: amount)
        else { return nil }
        self = .money(Money(amountMinor: minor, currency: currency))
    }

    /// Reads a trimmed text, as a CSV file would carry it.
    init?(outsideText text: String, as type: FieldType, currency: String?) {
        switch type {
        case .text: self = .text(text)
        case .number:
            guard let number = Double(text), number.isFinite else { return nil }
            self = .number(number)
        case .money:
            let named = Money(ruleText: text)
            guard let money = named ?? currency.flatMap({ Money(mainUnits: text, currency: $0) }) else { return nil }
            self = .money(money)
        case .boolean:
            switch text.lowercased() {
            case "true", "yes", "1", "是", "有": self = .boolean(true)
            case "false", "no", "0", "否", "无": self = .boolean(false)
            default: return nil
            }
        case .date:
            guard let date = DateReading.date(from: text) else { return nil }
            self = .date(date)
        case .list:
            let items = text.split { ",，;；、|".contains($0) }.map { $0.trimmed(.whitespaces) }.filter { !$0.isEmpty }
            self = .list(items)
        }
    }
}
