import Foundation
import SalesModel
import Testing

@testable import Rules

@Suite struct PackTests {
    @Test(arguments: RulePack.all)
    func `a pack's rule sets pass every check and work together`(pack: RulePack) throws {
        var live: [LiveRuleSet] = []
        for (kind, source) in pack.ordered {
            let parsed = RuleSet.parse(kind: kind, name: pack.name, source: source, catalogue: .of(live.map(\.ruleSet)))
            if case .failure(let faults) = parsed {
                Issue.record("\(pack.name) \(kind): \(faults.faults.map { "\($0.path) \($0.message)" })")
            }
            live.append(LiveRuleSet(try parsed.get(), version: 1))
        }

        let judgement = TenantRules(live).judgement(of: lead())

        // A lead of which nothing is known is still scored and placed: every field the rules read is mapped.
        guard case .placed = judgement.verdict else {
            Issue.record("\(pack.name): \(judgement.reasons.map { $0.text(in: .english) })")
            return
        }
        #expect(judgement.score != nil)
    }

    @Test func `the reference's examples are taken as they stand`() throws {
        let reference = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../docs/rules.md")
        let blocks = try String(contentsOf: reference, encoding: .utf8).components(separatedBy: "```yaml ").dropFirst().map { block in
            let kind = RuleKind(rawValue: String(block.prefix { $0 != "\n" }))
            return (kind, String(block.drop { $0 != "\n" }.components(separatedBy: "```")[0]))
        }
        var sets: [RuleSet] = []

        for (kind, source) in blocks {
            switch RuleSet.parse(kind: try #require(kind), name: "example", source: source, catalogue: .of(sets)) {
            case .success(let ruleSet): sets.append(ruleSet)
            case .failure(let faults): Issue.record("\(source)\n\(faults.faults.map { "\($0.path): \($0.message)" })")
            }
        }
        #expect(Set(sets.map(\.kind)) == Set(RuleKind.allCases))
        #expect(blocks.count >= 6)
    }
}
