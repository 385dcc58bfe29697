import Identity

/// The columns with the two parts of a person's name, which a lead has as one.
package struct NameColumns: Sendable, Hashable {
    /// What the whole name is called among a lead's fields: the packs' maps read it. What has it keeps it, and its parts as they are.
    package static let field = "contact"

    package var given: String
    package var family: String

    /// Columns of these names.
    package init(given: String, family: String) { (self.given, self.family) = (given, family) }

    /// Nil: a lead tells neither part.
    ///
    /// - Parameter value: the text of a column; nil: it has none.
    func whole(by value: (String) -> String?) -> String? {
        let name = PersonName.whole(given: value(given) ?? "", family: value(family) ?? "")
        return name.isEmpty ? nil : name
    }
}
