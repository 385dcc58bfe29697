import Console
import SalesModel

/// The console's words, as commands print them.
extension Words {
    /// - Parameter option: a command's --language.
    static func of(option: String) -> Words { of(Language(rawValue: option) ?? .english) }

    /// A code: in English as it is, as other commands take it; in another language as people say it.
    func code(_ family: String, _ code: String) -> String { language == .english ? code : known(family, code) }

    /// A sentence of the API, which speaks English.
    func relayed(_ sentence: String) -> String { language == .english ? sentence : Sentences.said(sentence, self) }

    /// Parts of one sentence.
    func clauses(_ parts: [String?]) -> String { parts.compactMap(\.self).joined(separator: self["cli_comma"]) }

    /// Names of equal rank.
    func list(_ names: [String]) -> String { names.joined(separator: self["cli_list_comma"]) }

    func inBrackets(_ text: String) -> String { self["cli_in_brackets", ["text": text]] }
}
