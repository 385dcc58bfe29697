import Foundation
import Rules
import SalesModel
import Testing

/// Rule sets that people write, and spoil.
@Suite struct RuleFuzzTests {
    /// What matters to YAML and to our rules.
    private static let words = [
        "[", "]", "{", "}", ":", "- ", "? ", "*a", "&a ", "!!str ", "\"", "'", "#", "\n", "  ", "\t", "null", "~", "-1", "1e999", "nan",
        "when:", "all:", "count: { type: visit }", "within: 99999999999w", "at: 100%", "{company", "}}", "{a|}", "weight: 100",
        "otherwise: none", "- {}", "levels: []",
        "not:", "field: score", "to:", "by: round_robin", "|\n", "\u{FEFF}", "\u{0}", "😀", "\\uD800", "%YAML 1.2\n", "---\n", "<<: *a",
    ]

    @Test(arguments: Fuzz.seeds)
    func `whatever the text, the answer is a rule set or its faults, and what is taken can be used`(seed: UInt64) {
        let received = Date(timeIntervalSince1970: 1_760_000_000)
        let fields: [String: OutsideValue] = ["budget": .text("x"), "signals": .list([]), "title": .object([:])]
        let lead = Lead(id: LeadID(1), source: "website", receivedAt: received, fields: fields)
        for pack in RulePack.all {
            for (kind, source) in pack.ordered {
                Fuzz.run("rules-\(kind.rawValue)", seed, count: 10, texts: [source], words: Self.words) { text, _ in
                    let text = String(decoding: text, as: UTF8.self)
                    switch RuleSet.parse(kind: kind, name: "fuzz", source: text) {
                    case .success(let ruleSet):
                        _ = TenantRules([LiveRuleSet(ruleSet, version: 1)]).judgement(of: lead)
                        _ = RuleCheck.findings(of: ruleSet, given: RuleCheckFacts(live: [ruleSet], sellers: []))
                        _ = try? RuleChange.between(kind, source, text).get().map { ($0.path, $0.text(in: .chinese)) }
                    case .failure(let faults):
                        #expect(!faults.faults.isEmpty && faults.faults.allSatisfy { !$0.message.isEmpty }, "\(text)")
                    }
                }
            }
        }
    }
}
