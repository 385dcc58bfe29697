import Testing

@testable import Rules

@Suite struct FuzzTests {
    /// Cuts, doubles, swaps and spoils pieces of rule sets that are right.
    private struct Spoiler {
        var state: UInt64

        mutating func next(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }

        private static let pieces = [
            "[", "]", "{", "}", ":", "- ", "? ", "*a", "&a ", "!!str ", "\"", "'", "#", "\n", "  ", "\t", "null", "~", "-1", "1e999", "nan",
            "when:", "all:", "count: { type: visit }", "within: 99999999999w", "at: 100%", "{company", "}}", "{a|}", "weight: 100",
            "otherwise: none", "- {}", "levels: []",
            "not:", "field: score", "to:", "by: round_robin", "|\n", "\u{FEFF}", "\u{0}", "😀", "\\uD800", "%YAML 1.2\n", "---\n", "<<: *a",
        ]

        mutating func spoiled(_ source: String) -> String {
            var characters = Array(source)
            for _ in 0...next(4) {
                let at = next(characters.count + 1)
                switch next(4) {
                case 0: characters.removeSubrange(at..<min(characters.count, at + next(40)))
                case 1: characters.insert(contentsOf: characters[at..<min(characters.count, at + next(40))], at: next(characters.count + 1))
                default: characters.insert(contentsOf: Array(Self.pieces[next(Self.pieces.count)]), at: at)
                }
                if characters.isEmpty { characters = ["a"] }
            }
            return String(characters)
        }
    }

    @Test(arguments: 0..<40)
    func `whatever the text, the answer is a rule set or its faults, and what is taken can be used`(seed: Int) {
        var spoiler = Spoiler(state: UInt64(seed))
        let (kind, source) = RulePack.all[seed / 8].ordered[seed % 8]

        for _ in 0..<40 {
            let text = spoiler.spoiled(source)
            switch RuleSet.parse(kind: kind, name: "fuzz", source: text) {
            case .success(let ruleSet):
                let live = TenantRules([LiveRuleSet(ruleSet, version: 1)])
                _ = live.judgement(of: lead(["budget": "x", "signals": .list([]), "title": .object([:])]))
                _ = RuleCheck.findings(of: ruleSet, given: RuleCheckFacts(live: [ruleSet], sellers: []))
                _ = try? RuleChange.between(kind, source, text).get().map { ($0.path, $0.text(in: .chinese)) }
            case .failure(let faults):
                #expect(!faults.faults.isEmpty && faults.faults.allSatisfy { !$0.message.isEmpty }, "\(text)")
            }
        }
    }
}
