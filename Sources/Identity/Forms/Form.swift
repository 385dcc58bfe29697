/// A value in form, ready to be compared with others of its field.
public enum Form: Sendable, Hashable {
    case phone(Phone)
    case company(CompanyName)
    case person(PersonName)
    case email(EmailAddress)
    case creditCode(CreditCode)
    /// Words of any kind.
    case text([Unicode.Scalar])
    /// Letters and digits in which each counts: a number, a date.
    case code([Unicode.Scalar])

    /// The forms of a text; none when it can't be a value of its kind (LEAD-IN-08: kept, and not used to compare).
    public static func forms(of text: String, as comparison: FieldComparison.Comparison, aliases: [String: String] = [:]) -> [Form] {
        switch comparison {
        case .phone: Phone.all(in: text).map(Form.phone)
        case .company: CompanyName(text).map { [.company($0)] + alias($0, text, aliases) } ?? []
        case .person: PersonName(text).map { [.person($0)] } ?? []
        case .email: EmailAddress(text).map { [.email($0)] } ?? []
        case .creditCode: CreditCode(text).map { [.creditCode($0)] } ?? []
        case .text: words(text)
        case .code, .date: characters(text)
        }
    }

    /// What the alias table calls it, besides its own name.
    private static func alias(_ name: CompanyName, _ text: String, _ aliases: [String: String]) -> [Form] {
        guard !aliases.isEmpty, let stands = aliases[text] ?? aliases[name.full] ?? aliases[name.core] else { return [] }
        return CompanyName(stands).map { $0 == name ? [] : [.company($0)] } ?? []
    }

    private static func words(_ text: String) -> [Form] {
        let words = Folding.folded(text).split { !$0.isWordly }
        return words.isEmpty ? [] : [.text(Array(words.joined(separator: [" "])))]
    }

    private static func characters(_ text: String) -> [Form] {
        let characters = Folding.folded(text).filter(\.isWordly)
        return characters.isEmpty ? [] : [.code(characters)]
    }

    /// 0…1; 1 is equality. Nil when nothing can be said.
    func likeness(to other: Form) -> Double? {
        switch (self, other) {
        case (.phone(let a), .phone(let b)): a.likeness(to: b)
        case (.company(let a), .company(let b)): a.likeness(to: b)
        case (.person(let a), .person(let b)): a.likeness(to: b)
        case (.email(let a), .email(let b)): a.likeness(to: b)
        case (.creditCode(let a), .creditCode(let b)): a == b ? 1 : 0
        case (.text(let a), .text(let b)): a == b ? 1 : min(Slips.jaroWinkler(a, b), 0.999)
        case (.code(let a), .code(let b)): a == b ? 1 : Slips.areOneApart(a, b) ? 0.9 : Slips.distance(a, b) == 2 ? 0.8 : 0
        default: nil
        }
    }

    /// What is counted to know how many customers carry a value, and looked up to find them.
    public var key: String {
        switch self {
        case .phone(let phone): phone.number
        case .company(let name): name.core
        case .person(let name): name.text
        case .email(let address): address.description
        case .creditCode(let code): code.text
        case .text(let scalars), .code(let scalars): String(scalars)
        }
    }
}
