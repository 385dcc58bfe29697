import Identity

/// The columns with the two parts of a person's name, which a lead has as one.
package struct NameColumns: Sendable, Hashable {
    /// What the whole name is called among a lead's fields: the packs' maps read it. What has it keeps it, and its parts as they are.
    package static let field = "contact"

    package var given: String
    package var family: String

    /// Columns of these names.
    package init(given: String, family: String) { (self.given, self.family) = (given, family) }

    /// - Parameter value: what a lead says in a column; nil: nothing.
    func whole(_ value: (String) -> String?) -> String {
        PersonName.whole(given: value(given) ?? "", family: value(family) ?? "")
    }
}
