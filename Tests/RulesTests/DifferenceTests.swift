import SalesModel
import Testing

@testable import Rules

@Suite struct DifferenceTests {
    /// The changes in a language.
    private func words(_ kind: RuleKind, _ old: String, _ new: String, _ language: Language = .english) throws -> [String] {
        try parse(kind, new).difference(from: try parse(kind, old)).map { $0.text(in: language) }
    }

    private func score(_ high: Int, points: Int = 20) -> String {
        """
        dimensions:
          industry_match: { cases: [{ when: { field: industry, equals: a }, points: \(points) }] }
          budget_clarity: { cases: [] }
          decision_chain: { cases: [] }
          urgency: { cases: [] }
          interaction: { cases: [] }
        bands: { high: { from: \(high), to: 100 }, mid: { from: 45, to: \(high - 1) }, low: { from: 0, to: 44 } }
        """
    }

    @Test func `a band that moves is told by its limits`() throws {
        #expect(try words(.score, score(75), score(80)) == ["high band: at least 75 → at least 80", "mid band: at most 74 → at most 79"])
        #expect(try words(.score, score(75), score(80), .chinese) == ["高分段：不低于 75 → 不低于 80", "中分段：不高于 74 → 不高于 79"])
        let change = try parse(.score, score(80)).difference(from: try parse(.score, score(75)))[0]
        #expect(change.path == "bands.high.from")
    }

    @Test func `points are told with their part and case`() throws {
        #expect(try words(.score, score(75), score(75, points: 15)) == ["part “industry_match”, case “1”, points: 20 → 15"])
        #expect(try words(.score, score(75), score(75, points: 15), .chinese) == ["维度“industry_match”，档位“1”，分值：20 → 15"])
    }

    private let fair = "{ id: fair, when: { field: source_channel, equals: fair }, to: { team: a } }"
    private let rest = "{ id: rest, to: everyone, by: round_robin }"

    @Test func `rules are known by their ids: changed, added, removed, moved`() throws {
        let partner = "{ id: partner, when: { field: budget, gte: CNY 5 }, to: marketing }"
        let old = "rules: [\(fair), \(rest)]"

        #expect(
            try words(.route, old, "rules: [\(fair.replacing("a }", with: "b }")), \(rest)]") == [
                "rule “fair”, goes to: team a → team b"
            ])
        #expect(
            try words(.route, old, "rules: [\(partner), \(fair), \(rest)]") == [
                "rule “partner” added: condition budget at least CNY 5; goes to marketing"
            ])
        #expect(
            try words(.route, "rules: [\(partner), \(fair), \(rest)]", old, .chinese) == [
                "删除规则“partner”（原为：条件：预算不低于 CNY 5；分配给：市场部）"
            ])
        #expect(
            try words(.route, "rules: [\(partner), \(fair), \(rest)]", "rules: [\(fair), \(partner), \(rest)]") == [
                "rule, their order: partner, fair, rest → fair, partner, rest"
            ])
    }

    @Test func `how a rule chooses is told in words, as a value and within a rule`() throws {
        let shared = "{ id: rest, to: everyone, by: fewest_pending }"
        let team = "{ id: team, when: { field: source_channel, equals: fair }, to: { team: a }, by: group_first, then: round_robin }"
        let (old, new) = ("rules: [\(rest)]", "rules: [\(team), \(rest)]")

        #expect(try words(.route, old, "rules: [\(shared)]") == ["rule “rest”, way of choosing: by turns → by fewest pending"])
        #expect(
            try words(.route, "rules: [{ id: all, to: everyone }]", "rules: [{ id: all, to: everyone, by: round_robin }]") == [
                "rule “all”, way of choosing added: by turns"
            ])
        #expect(
            try words(.route, old, new) == [
                "rule “team” added: condition source channel is fair; goes to team a; chosen from the team first; then by turns"
            ])
        #expect(
            try words(.route, old, new, .chinese) == ["新增规则“team”：条件：线索来源渠道为 fair；分配给：团队：a；选择方式：团队优先；其后：轮询"])
    }

    @Test func `a condition is told as a whole`() throws {
        let new = fair.replacing(
            "{ field: source_channel, equals: fair }",
            with: "{ all: [{ field: source_channel, equals: fair }, { not: { field: budget, empty: true } }] }")

        #expect(
            try words(.route, "rules: [\(fair), \(rest)]", "rules: [\(new), \(rest)]") == [
                "rule “fair”, condition: source channel is fair → source channel is fair and not (budget is empty)"
            ])
        #expect(
            try words(.route, "rules: [\(fair), \(rest)]", "rules: [\(new), \(rest)]", .chinese) == [
                "规则“fair”，条件：线索来源渠道为 fair → 线索来源渠道为 fair 且 非（预算为空）"
            ])
    }

    @Test func `clocks are told by clock and level`() throws {
        func source(_ after: String, _ gte: Int) -> String {
            """
            clocks:
              - { id: c, subject: customer, starts: { on: created }, stops: { when: { count: { type: follow_up, within: 48h, from: start }, gte: \(gte) } },
                  levels: [{ id: card, after: \(after), to: [manager] }] }
            """
        }

        #expect(
            try words(.clock, source("48h", 3), source("24h", 2)) == [
                "clock “c”, stop, condition: number of follow-up within 48h at least 3 → number of follow-up within 48h at least 2",
                "clock “c”, level “card”, after: 48h → 24h",
            ])
        #expect(try words(.clock, source("48h", 3), source("24h", 3), .chinese) == ["时钟“c”，级别“card”，时长：48h → 24h"])
    }

    @Test func `messages and weights are told in their words`() throws {
        func message(_ text: String) -> String {
            "messages: [{ id: m, subject: lead, texts: [{ language: en, body: \(text) }, { language: zh, body: x }] }]"
        }
        #expect(try words(.message, message("Hello"), message("Hi")) == ["message “m”, text “en”, body: Hello → Hi"])
        #expect(
            try words(.match, "{ method: card }", "{ method: card, card: { highlight: 80 } }") == ["card added: highlighted above 80"])
    }

    @Test(arguments: RulePack.all.map(\.name))
    func `layout, quotes and key order are no difference, in YAML or JSON`(name: String) throws {
        for (kind, source) in RulePack.named(name)!.ordered {
            let catalogue = FieldCatalogue.of([try parse(.map, RulePack.named(name)!.sources[.map]!)])
            let yaml = try parse(kind, source, catalogue: catalogue)
            let json = try parse(kind, Self.json(yaml.root, reversed: false), catalogue: catalogue)
            let reversed = try parse(kind, Self.json(yaml.root, reversed: true), catalogue: catalogue)

            #expect(json.hash == yaml.hash && json.body == yaml.body, "\(kind)")
            #expect(reversed.hash == yaml.hash, "\(kind)")
            #expect(reversed.difference(from: yaml).isEmpty)
        }
    }

    /// The same as JSON. Numbers and flags as literals, the rest in quotes.
    private static func json(_ node: RuleNode, reversed: Bool) -> String {
        switch node.content {
        case .scalar(let text, let isQuoted):
            let isLiteral = !isQuoted && (["true", "false", "null"].contains(text) || Int(text) != nil || Double(text) != nil)
            if isLiteral { return text }
            return "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n") + "\""
        case .list(let items): return "[" + items.map { json($0, reversed: reversed) }.joined(separator: ",") + "]"
        case .object(let members):
            let parts = members.map { "\"\($0.key)\":\(json($0.value, reversed: reversed))" }
            return "{" + (reversed ? parts.reversed() : parts).joined(separator: ",") + "}"
        }
    }

    @Test(arguments: RulePack.all.map(\.name))
    func `a pack is told apart from the next one in both languages`(name: String) throws {
        let place = try #require(RulePack.all.firstIndex { $0.name == name })
        let other = RulePack.all[(place + 1) % RulePack.all.count]
        for (kind, source) in RulePack.all[place].ordered {
            let changes = try RuleChange.between(kind, try #require(other.sources[kind]), source).get()
            #expect(!changes.isEmpty, "\(kind)")
            #expect(changes.allSatisfy { !$0.text(in: .english).isEmpty && !$0.text(in: .chinese).isEmpty })
        }
    }
}
