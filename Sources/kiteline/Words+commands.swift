import Console
import SalesModel

/// The console's words, as commands print them.
extension Words {
    /// - Parameter option: a command's --language.
    static func of(option: String) -> Words { of(Language(rawValue: option) ?? .english) }

    /// The text for a code as a sentence has it; of a code that others made up the code itself, as they wrote it.
    func code(_ family: String, _ code: String) -> String { all["\(family)_\(code)"]?.withSmallLetter ?? code }

    /// A sentence of the API, which speaks English.
    func relayed(_ sentence: String) -> String { language == .english ? sentence : Sentences.said(sentence, self) }

    /// Parts of one sentence.
    func clauses(_ parts: [String?]) -> String { parts.compactMap(\.self).joined(separator: self["cli_comma"]) }

    /// Names of equal rank.
    func list(_ names: [String]) -> String { names.joined(separator: self["cli_list_comma"]) }

    func inBrackets(_ text: String) -> String { self["cli_in_brackets", ["text": text]] }
}

extension String {
    /// As it stands within a sentence: `first touch`, and `CTO`.
    var withSmallLetter: String {
        guard dropFirst().first?.isUppercase != true else { return self }
        return prefix(1).lowercased() + dropFirst()
    }
}
