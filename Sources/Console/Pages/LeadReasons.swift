import Foundation
import JSONEnvelope
import SalesModel

/// Why a lead is where it is, with sellers, teams, fields and clocks called what the page calls them.
struct LeadReasons {
    /// As it is now or with an earlier decision, or an earlier decision alone.
    let lead: JSONNode
    let sellers: SellerNames
    let clerk: Clerk

    private var words: Words { clerk.words }

    var sentences: [String] {
        let told = (lead["explanation"]?[words.language.rawValue]?.elements ?? []).compactMap(\.string)
        let recorded =
            (lead["assignment"]?["reasons"] ?? lead["reasons"]).flatMap { try? JSONDecoder().decode([Reason].self, from: Data($0.bytes)) }
            ?? []
        // What is told of something else than its decision, such as a job that failed, comes as sentences only.
        let isOfDecision = recorded.map { $0.text(in: words.language) } == told
        return (isOfDecision ? recorded.map(sentence) : told).map(clerk.local)
    }

    private func sentence(_ reason: Reason) -> String {
        let values = reason.parameters.map { name, value -> (String, Reason.Parameter) in
            guard case .text(let text) = value else { return (name, value) }
            return (name, .text(words.marked(called(text, name, in: reason.code))))
        }
        return words.spaced(Reason(reason.code, Dictionary(uniqueKeysWithValues: values)).text(in: words.language))
    }

    private func called(_ value: String, _ parameter: String, in code: Reason.Code) -> String {
        switch parameter {
        case "field": code == .condition ? LeadWords.heading(value, words) : LeadWords.field(value, words)
        case "rule": LeadWords.rule(value, words)
        case "clock": words.known("clock", value)
        case "seller": sellers.name(value) ?? value
        // Only the English sentences say that it is a team.
        case "team": sellers.teamName(value).map { words.language == .english ? words.teamAlone($0) : $0 } ?? value
        case "target": value.split(separator: ", ").map { target(String($0)) }.joined(separator: words["list_separator"])
        default: value
        }
    }

    /// Sellers, teams or a field that names one; what is none of these says itself.
    private func target(_ name: String) -> String {
        sellers[name]?["name"]?.string ?? sellers.teamName(name).map { LeadWords.field($0, words) } ?? name
    }
}
