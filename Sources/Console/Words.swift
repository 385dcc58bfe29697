import Foundation
import JSONEnvelope
import SalesModel
import Tenancy

/// The console's words in one language: of the templates (`Strings/en.json`) and what the program says in them (`Strings/said-en.json`).
public struct Words: Sendable {
    public let language: Language
    public let all: [String: String]

    /// Both files are part of the program, so one that cannot be read is a mistake made here.
    private init(_ language: Language, _ sources: [[UInt8]]) {
        self.language = language
        let members = sources.flatMap { source in
            guard let root = try? JSONEnvelope(source, levels: 1).root, root.type == .object else {
                preconditionFailure("the strings of \(language.rawValue) are no object of texts")
            }
            return root.members.map { ($0.key, $0.value.string ?? "") }
        }
        all = Dictionary(members) { first, _ in preconditionFailure("\(first) has a name that another text has") }
    }

    private static let english = Words(.english, [PackageResources.en_json, PackageResources.said_en_json])
    private static let chinese = Words(.chinese, [PackageResources.zh_json, PackageResources.said_zh_json])

    public static func of(_ language: Language) -> Words {
        switch language {
        case .english: english
        case .chinese: chinese
        }
    }

    /// The text under a name. One that is missing shows its name, which a test finds.
    public subscript(_ name: String) -> String { all[name] ?? "[\(name)]" }

    /// The same with values in their places, written `{name}` in the text. Where `n` is 1 and a language says that otherwise, the text
    /// under `name_one`.
    public subscript(_ name: String, _ values: [String: String]) -> String {
        let pattern = (values["n"] == "1" ? all["\(name)_one"] : nil) ?? self[name]
        let parts = pattern.split(separator: "{", omittingEmptySubsequences: false)
        let sentence = parts.dropFirst().reduce(into: String(parts[0])) { text, part in
            let pair = part.split(separator: "}", maxSplits: 1, omittingEmptySubsequences: false)
            guard pair.count == 2, let value = values[String(pair[0])] else {
                text += "{\(part)"
                return
            }
            text += marked(value) + pair[1]
        }
        return spaced(sentence)
    }

    /// A value for a sentence that `spaced` is given: in Chinese only Latin letters and figures have a space beside them, so that Chinese ends
    /// are marked until the sentence is made.
    func marked(_ value: String) -> String {
        guard language == .chinese else { return value }
        return (value.first?.isChinese == true ? Self.mark : "") + value + (value.last?.isChinese == true ? Self.mark : "")
    }

    /// A sentence with marked values, without the spaces and the marks beside them.
    func spaced(_ sentence: String) -> String {
        guard language == .chinese else { return sentence }
        return sentence.replacing(" \(Self.mark)", with: "").replacing("\(Self.mark) ", with: "").replacing(Self.mark, with: "")
    }

    /// Sentences one after the other: Chinese puts no space between them.
    public func passage(_ sentences: [String]) -> String { sentences.joined(separator: language == .chinese ? "" : " ") }

    /// The word joiner, which is not seen.
    private static let mark = "\u{2060}"

    /// The text for a code that others make up, such as an error class; the code itself where there is none.
    public func known(_ prefix: String, _ code: String) -> String { all["\(prefix)_\(code)"] ?? code }

    /// Who did something, as people say it: `key:7` is the key 7, and one of Wang's is Wang with it.
    ///
    /// - Parameter name: what the key is called, where it has a name.
    func actor(_ actor: String?, called name: String? = nil) -> String? {
        actor.map { actor in
            if let known = all["actor_\(actor)"] { return known }
            guard let holder = KeyActor(actor) else { return actor }
            let key = self.key(String(holder.key))
            return (holder.user ?? name).map { "\($0) (\(key))" } ?? key
        }
    }

    /// `key 7`; the number stays on its line.
    func key(_ number: String) -> String { self["actor_key", ["number": number]].replacing(" ", with: "\u{A0}") }

    /// When a schedule does something, as `day 06:00` or `monday,friday 09:00` say it; what is said otherwise as it is.
    func every(_ text: String) -> String? {
        let parts = text.lowercased().split(separator: " ").map(String.init)
        guard parts.count == 2, let days = parts.first else { return nil }
        if let word = all["every_\(days)"] { return "\(word) \(parts[1])" }
        let names = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
        let places = days.split(separator: ",").compactMap { day in names.firstIndex { day.hasPrefix($0) } }
        guard !places.isEmpty, places.count == days.split(separator: ",").count else { return nil }
        return "\(places.compactMap { all["day_\($0 + 1)"] }.joined(separator: language == .chinese ? "、" : ", ")) \(parts[1])"
    }

    /// A team's name where the sentence itself says that it is a team: “Team 6” is “6” there.
    func teamAlone(_ name: String) -> String {
        let word = self["audit_of_team", ["id": ""]]
        // Chinese puts no space between them.
        let start = language == .chinese ? word.trimmingCharacters(in: .whitespaces) : word
        guard name.count > start.count, name.lowercased().hasPrefix(start.lowercased()) else { return name }
        return name.dropFirst(start.count).trimmingCharacters(in: .whitespaces)
    }

    /// A number of hundredths with its sign, which stays on its line.
    func percent(_ number: String) -> String { number + (language == .chinese ? "%" : "\u{A0}%") }

    /// For templates: under `t`.
    var view: View { .object(all.mapValues { .text($0) }) }
}

extension Character {
    /// A character of Chinese, or one of its signs, which stand in a square of their own.
    fileprivate var isChinese: Bool {
        unicodeScalars.first.map { (0x2E80...0x9FFF).contains($0.value) || (0xFF01...0xFF60).contains($0.value) } ?? false
    }
}
