import Foundation

/// What one source said of one field, and when.
public struct SourcedValue: Sendable, Hashable {
    public let field: String
    public let value: String
    /// The lead's source, or `api`.
    public let source: String
    public let at: Date
    /// The lead it came with; nil when a person or a system said it of the customer itself.
    public let lead: Int64?

    public init(field: String, value: String, source: String, at: Date, lead: Int64?) {
        self.field = field
        self.value = value
        self.source = source
        self.at = at
        self.lead = lead
    }
}

/// A field of a customer: the value that counts, and everything that was said of it (CID-04).
public struct CustomerField: Sendable, Hashable {
    public let name: String
    public let value: String
    /// The newest first.
    public let values: [SourcedValue]
    /// Sources contradict each other, once spelling is left aside.
    public let isInConflict: Bool

    /// Of what sources said of a customer each field, in the order of names.
    ///
    /// What was said of the customer itself counts before what came with leads, then the newest, then the source first in the alphabet.
    public static func all(of values: [SourcedValue], rules: MatchRules) -> [CustomerField] {
        Dictionary(grouping: values.filter { !$0.value.allSatisfy(\.isWhitespace) }, by: \.field)
            .map { name, values in
                let ordered = values.sorted { a, b in
                    if (a.lead == nil) != (b.lead == nil) { return a.lead == nil }
                    return a.at != b.at ? a.at > b.at : (a.source, a.value) < (b.source, b.value)
                }
                return CustomerField(
                    name: name, value: ordered[0].value, values: ordered, isInConflict: contradict(ordered.map(\.value), of: name, rules))
            }
            .sorted { $0.name < $1.name }
    }

    private static func contradict(_ values: [String], of name: String, _ rules: MatchRules) -> Bool {
        guard let field = rules.fields.first(where: { $0.field == name }) else { return Set(values).count > 1 }
        return Set(values.flatMap { Form.forms(of: $0, as: field.compare) }.map(\.key)).count > 1
    }
}
