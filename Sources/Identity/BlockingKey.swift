/// What two records must have in common for the one to be looked at as the other: `phone:+8613800138000`, `company:明远科技`.
///
/// The union over all keys is looked at. Of a key that more than `carrierLimit` customers carry only that many are: it says next to
/// nothing, and whoever is meant has other keys.
public struct BlockingKey: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// How many customers of one key are looked at.
    public static let carrierLimit = 200

    public let text: String

    public init(_ text: String) { self.text = text }

    public var description: String { text }

    public static func < (a: Self, b: Self) -> Bool { a.text < b.text }
}

extension MatchRules {
    /// Where a record is found: by its values, and a company also by the four characters it begins with.
    public func keys(of record: MatchRecord) -> [BlockingKey] {
        var keys: [BlockingKey] = []
        for (field, forms) in zip(fields, record.forms) where field.finds {
            for form in forms { keys += field.keys(of: form).filter { !keys.contains($0) } }
        }
        return keys
    }
}

extension FieldComparison {
    /// By which the customers that carry a value are counted.
    func key(of form: Form) -> BlockingKey { BlockingKey("\(field):\(form.key.prefix(100))") }

    fileprivate func keys(of form: Form) -> [BlockingKey] {
        guard case .company(let name) = form, name.scalars.count > 4 else { return [key(of: form)] }
        return [key(of: form), BlockingKey("\(field):\(String(name.scalars.prefix(4)))")]
    }
}
