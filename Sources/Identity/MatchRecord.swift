/// What identifies a customer, in form: for each compared field the values known of it, of one lead or of all records of a customer.
public struct MatchRecord: Sendable, Hashable {
    /// As many values as one field may hold; what comes later is kept with its source but not compared.
    public static let valueLimit = 12

    /// By the place of the field in the rules.
    public internal(set) var forms: [[Form]]

    /// - Parameter values: of fields by name, as they came; a field may have several.
    public init(_ values: [String: [String]], rules: MatchRules) {
        forms = rules.fields.map { field in
            var forms: [Form] = []
            for text in values[field.field] ?? [] {
                for form in Form.forms(of: text, as: field.compare, aliases: rules.aliases) where !forms.contains(form) {
                    forms.append(form)
                }
            }
            return Array(forms.prefix(Self.valueLimit))
        }
    }

    /// Nothing in it can be compared.
    public var isEmpty: Bool { forms.allSatisfy(\.isEmpty) }

    /// This customer and what another record says of it.
    public mutating func add(_ other: MatchRecord) {
        for place in forms.indices {
            for form in other.forms[place] where !forms[place].contains(form) && forms[place].count < Self.valueLimit {
                forms[place].append(form)
            }
        }
    }
}

extension MatchRecord {
    var phones: Set<Phone> { Set(forms.joined().compactMap { if case .phone(let phone) = $0 { phone } else { nil } }) }
    var creditCodes: Set<CreditCode> { Set(forms.joined().compactMap { if case .creditCode(let code) = $0 { code } else { nil } }) }
    var companies: [CompanyName] { forms.joined().compactMap { if case .company(let name) = $0 { name } else { nil } } }
    var people: [PersonName] { forms.joined().compactMap { if case .person(let name) = $0 { name } else { nil } } }
}

extension MatchRules {
    /// The fields whose value can't be one of its kind: kept, and not used to compare (LEAD-IN-08).
    public func unusable(_ values: [String: [String]]) -> [String] {
        fields.filter { field in
            (values[field.field] ?? []).contains { Form.forms(of: $0, as: field.compare).isEmpty }
        }.map(\.field)
    }
}
