import JSONEnvelope
import SalesModel

extension SalesModel.EventType {
    /// What an activity's data say, as far as the catalogue knows it. What does not fit its field is not known.
    func values(of json: [UInt8]) -> [String: FieldValue] {
        guard let root = try? JSONEnvelope(json, levels: 4, limits: .stored).root else { return [:] }
        return root.members.reduce(into: [:]) { values, member in
            guard let field = fields[member.key] else { return }
            values[field.name] = field.value(of: member.value)
        }
    }
}

extension Field {
    /// What JSON says of this field; what does not fit it is not known.
    func value(of node: JSONNode) -> FieldValue {
        switch (type, node.type) {
        case (_, .null): .empty
        case (.text, .string): node.string.flatMap { $0.isEmpty ? nil : .text($0) } ?? .empty
        case (.number, .number): node.double.map(FieldValue.number) ?? .unmapped
        case (.boolean, .true), (.boolean, .false): .boolean(node.bool == true)
        case (.date, .string): node.string.flatMap(RFC3339.date).map(FieldValue.date) ?? .unmapped
        case (.list, .array): .list(node.elements.compactMap(\.string))
        case (.money, .object): node.money.map(FieldValue.money) ?? .unmapped
        default: .unmapped
        }
    }
}

extension JSONNode {
    fileprivate var money: Money? {
        guard let amount = self["amount_minor"]?.integer, let currency = self["currency"]?.string else { return nil }
        return Money(amountMinor: amount, currency: currency)
    }
}
