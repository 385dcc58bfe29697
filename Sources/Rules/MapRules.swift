import SalesModel

/// What the fields an outside system sends mean here (LEAD-IN-04).
public struct MapRules: Sendable, Hashable {
    /// The sources it speaks for; `*` means any source, beneath the maps that name one.
    public let sources: [String]
    public let fields: [MappedField]
    /// Outside fields that mean nothing here: neither mapped nor alarmed.
    public let ignored: Set<String>

    public static let anySource = "*"
}

/// How one standard field is filled.
public struct MappedField: Sendable, Hashable {
    /// What happens when the outside sent nothing, or nothing but blanks.
    public enum Absence: Sendable, Hashable {
        /// The lead is held until someone completes it.
        case required
        /// The field is known to be empty.
        case optional
        /// This value is taken, and the field marked as defaulted.
        case defaulted(FieldValue)
    }

    /// What happens to a text that the value table does not list.
    public enum Unlisted: String, Sendable, Hashable, CaseIterable {
        case keep, hold
    }

    public let field: Field
    /// Outside names. The first that is present counts; for a list all of them together.
    public let from: [String]
    public let absence: Absence
    /// Outside value to ours.
    public let values: [String: String]
    public let unlisted: Unlisted
    /// Of amounts that do not name their own.
    public let currency: String?
}

// MARK: - Reading

extension MapRules {
    static func read(_ reader: RuleReader, catalogue: FieldCatalogue) -> MapRules? {
        guard let object = reader.object(keys: ["sources", "fields", "ignore"]) else { return nil }
        let sources = object.required("sources", "which sources this map speaks for, such as [website], or “*” for any.")?.texts()
        let ignored = object["ignore"]?.texts() ?? []
        guard let members = object.required("fields", "standard field: { from: outside field }.")?.members() else { return nil }
        let fields = members.compactMap { MappedField.read($1, name: $0, catalogue: catalogue) }
        for name in Set(ignored).intersection(fields.flatMap(\.from)).sorted() {
            object["ignore"]?.fault(.conflict, "“\(name)” is mapped above and ignored here; keep one.")
        }
        guard let sources else { return nil }
        return MapRules(sources: sources, fields: fields, ignored: Set(ignored))
    }
}

extension MappedField {
    fileprivate static func read(_ reader: RuleReader, name: String, catalogue: FieldCatalogue) -> MappedField? {
        let keys = ["from", "type", "optional", "default", "values", "unlisted", "currency"]
        guard let object = reader.object(keys: keys), let field = field(object, name, catalogue) else { return nil }
        guard let from = object.required("from", "the outside field it comes from.")?.texts() else { return nil }
        let currency = currency(object, field)
        return MappedField(
            field: field, from: from, absence: absence(object, field, currency), values: values(object, field),
            unlisted: object["unlisted"]?.choice(Unlisted.self) ?? .keep, currency: currency)
    }

    /// The standard field of that name, or an own one, which must say its type.
    private static func field(_ object: RuleObject, _ name: String, _ catalogue: FieldCatalogue) -> Field? {
        let reader = object.reader
        let type = object["type"].flatMap { $0.choice(FieldType.self) }
        if let standard = FieldCatalogue.standard[name] {
            guard standard.origin == .mapped else {
                reader.fault(.conflict, "“\(name)” is not mapped: it is known of every lead.")
                return nil
            }
            if let type, type != standard.type {
                object["type"]?.fault(
                    .wrongType, "“\(name)” is a \(standard.type.rawValue) everywhere; leave “type” out or name an own field.")
                return nil
            }
            return standard
        }
        let allowed = name.utf8.allSatisfy { (97...122).contains($0) || (48...57).contains($0) || $0 == 95 }
        guard allowed, name.utf8.count <= 64, name.utf8.first.map({ (97...122).contains($0) }) == true else {
            reader.fault(.outOfRange, "An own field's name has small letters, digits and “_”, and begins with a letter.")
            return nil
        }
        guard let type else {
            if object["type"] == nil {
                let guess = RuleReader.closest(to: name, among: FieldCatalogue.standard.names).map {
                    "Did you mean the standard field “\($0)”? "
                }
                let types = FieldType.allCases.map(\.rawValue).joined(separator: ", ")
                reader.fault(.missing, "\(guess ?? "")An own field needs its type: \(types).")
            }
            return nil
        }
        if let known = catalogue[name], known.type != type {
            object["type"]?.fault(.conflict, "Another map says “\(name)” is a \(known.type.rawValue).")
            return nil
        }
        return Field(name, type, label: Label(name, name))
    }

    private static func currency(_ object: RuleObject, _ field: Field) -> String? {
        guard let reader = object["currency"] else {
            if field.type == .money { object.reader.fault(.missing, "An amount needs its currency, such as currency: CNY.") }
            return nil
        }
        guard let text = reader.text() else { return nil }
        guard field.type == .money else {
            reader.fault(.conflict, "Only an amount has a currency; “\(field.name)” is a \(field.type.rawValue).")
            return nil
        }
        guard let currency = Money.currency(text) else {
            reader.fault(.outOfRange, "“\(text)” is no currency of ISO 4217, such as CNY.")
            return nil
        }
        return currency
    }

    private static func absence(_ object: RuleObject, _ field: Field, _ currency: String?) -> Absence {
        let isOptional = object["optional"]?.boolean() ?? false
        guard let reader = object["default"] else { return isOptional ? .optional : .required }
        if isOptional { reader.fault(.conflict, "With a default the field is never empty; leave “optional” out.") }
        let isLiteral = [.number, .boolean, .money].contains(field.type)
        let texts = field.type == .list ? reader.texts() : reader.text(takingLiterals: isLiteral).map { [$0] }
        guard let texts else { return .optional }
        guard let value = field.type == .list ? .list(texts) : FieldValue(outsideText: texts[0], as: field.type, currency: currency) else {
            reader.fault(.wrongType, "The default does not fit “\(field.name)”, which is a \(field.type.rawValue).")
            return .optional
        }
        if case .money(let money) = value, !field.takes(money) {
            reader.fault(.outOfRange, "“\(field.name)” is never below zero.")
            return .optional
        }
        return .defaulted(value)
    }

    private static func values(_ object: RuleObject, _ field: Field) -> [String: String] {
        guard let reader = object["values"], let members = reader.members() else {
            object["unlisted"]?.fault(.conflict, "“unlisted” says what to do with what “values” does not list; there are no “values”.")
            return [:]
        }
        guard field.type == .text || field.type == .list else {
            reader.fault(.conflict, "Only texts and lists have a value table; “\(field.name)” is a \(field.type.rawValue).")
            return [:]
        }
        return Dictionary(members.compactMap { key, value in value.text().map { (key, $0) } }, uniquingKeysWith: { first, _ in first })
    }
}
