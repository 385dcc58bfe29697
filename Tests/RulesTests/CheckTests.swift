import Foundation
import SalesModel
import Testing

@testable import Rules

@Suite struct CheckTests {
    private func findings(
        _ kind: RuleKind, _ source: String, _ facts: RuleCheckFacts = RuleCheckFacts(), catalogue: FieldCatalogue = .standard
    ) throws -> [String] {
        RuleCheck.findings(of: try parse(kind, source, catalogue: catalogue), given: facts).map {
            "\($0.severity) \($0.path): \($0.code.rawValue)"
        }
    }

    private func condition(_ source: String) throws -> Condition {
        let rules = try #require(
            try parse(.route, "rules: [{ id: a, when: \(source), to: marketing }, { id: b, to: everyone }]").body.route)
        return try #require(rules.rules[0].when)
    }

    @Test(arguments: [
        ("{ field: score, gte: 80 }", "{ field: score, gte: 75 }"), ("{ field: score, gt: 80 }", "{ field: score, gte: 80 }"),
        ("{ field: score, lt: 5 }", "{ field: score, lte: 5 }"), ("{ field: industry, equals: a }", "{ field: industry, in: [b, a] }"),
        ("{ field: industry, in: [a, b] }", "{ field: industry, in: [c, b, a] }"),
        ("{ field: industry, equals: 新能源汽车 }", "{ field: industry, contains: 汽车 }"),
        ("{ field: budget, gte: CNY 5 }", "{ field: budget, present: true }"),
        ("{ all: [{ field: score, gte: 80 }, { field: industry, equals: a }] }", "{ field: industry, present: true }"),
        ("{ any: [{ field: score, gte: 90 }, { field: score, gte: 80 }] }", "{ field: score, gte: 75 }"),
        ("{ not: { field: score, gte: 75 } }", "{ not: { field: score, gte: 80 } }"),
        ("{ field: region, contains: [a] }", "{ any: [{ field: region, contains: [a, b] }, { field: score, gte: 1 }] }"),
    ])
    func `a narrower condition implies the wider one, and not the other way round`(narrow: String, wide: String) throws {
        #expect(try condition(narrow).implies(try condition(wide)))
        #expect(try !condition(wide).implies(try condition(narrow)))
    }

    @Test(arguments: [
        ("{ field: budget, gte: CNY 10 }", "{ field: budget, gte: USD 5 }"),
        ("{ field: industry, contains: a }", "{ field: industry, equals: a }"),
        ("{ field: industry, equals: a }", "{ field: company, equals: a }"),
        ("{ field: industry, empty: true }", "{ field: industry, present: true }"),
    ])
    func `what cannot be compared implies nothing`(one: String, other: String) throws {
        #expect(try !condition(one).implies(try condition(other)))
    }

    /// What is found by reasoning is true of values: a million of them would be too many, these are those that lie around the bounds.
    @Test func `no value tells an implication wrong`() throws {
        let sources = ["gte: 4", "gt: 4", "lte: 4", "lt: 4", "equals: 4", "in: [3, 4]", "in: [4, 5]", "present: true", "empty: true"]
        let comparisons = try sources.map { source -> Condition.Comparison in
            guard case .test(let test) = try condition("{ field: score, \(source) }") else { throw CancellationError() }
            return test.comparison
        }
        let values: [FieldValue] = [.empty] + [2.0, 3, 3.5, 4, 4.5, 5, 6].map(FieldValue.number)

        for (one, oneSource) in zip(comparisons, sources) {
            for (other, otherSource) in zip(comparisons, sources) {
                let fits = values.filter { one.truth(of: $0) == .yes }
                if one.implies(other) { #expect(fits.allSatisfy { other.truth(of: $0) == .yes }, "\(oneSource) ⇒ \(otherSource)") }
                if one.excludes(other) { #expect(fits.allSatisfy { other.truth(of: $0) == .no }, "\(oneSource) ⊥ \(otherSource)") }
            }
        }
    }

    @Test func `a rule that an earlier, wider one shadows is found`() throws {
        let source = """
            rules:
              - { id: wide, when: { field: budget, present: true }, to: marketing }
              - { id: narrow, when: { all: [{ field: budget, gte: CNY 5 }, { field: industry, equals: a }] }, to: marketing }
              - { id: never, when: { all: [{ field: score, gte: 75 }, { field: score, lt: 45 }] }, to: marketing }
              - { id: rest, to: { pool: p } }
            """

        #expect(try findings(.route, source) == ["warning rules[1]: unreachable", "warning rules[2].when: impossible"])
    }

    @Test func `a case behind a wider one is found where the first decides, and not where all count`() throws {
        func score(_ mode: String) -> String {
            """
            dimensions:
              industry_match: { cases: [] }
              budget_clarity: { mode: \(mode), cases: [{ when: { field: budget, present: true }, points: 5 }, { when: { field: budget, gte: CNY 9 }, points: 9 }] }
              decision_chain: { cases: [] }
              urgency: { cases: [] }
              interaction: { cases: [] }
            """
        }
        #expect(try findings(.score, score("first")) == ["warning dimensions.budget_clarity.cases[1]: unreachable"])
        #expect(try findings(.score, score("sum")) == [])
    }

    @Test func `targets are looked up among the sellers there are`() throws {
        let source = """
            rules:
              - { id: a, when: { field: industry, equals: a }, to: { seller: gone } }
              - { id: b, when: { field: industry, equals: b }, to: { seller: left }, alternates: [{ team: ghosts }] }
              - { id: c, when: { field: industry, equals: c }, to: { team: empty } }
            strategy: { high: { by: fewest_pending }, mid: { by: fewest_pending }, low: { to: newcomers } }
            fallback: { pool: p }
            """
        let facts = RuleCheckFacts(
            sellers: [.init("left", team: "empty", isActive: false), .init("anna", team: "a", capacity: 8)], teams: ["empty", "a"],
            pendingPeak: 10)

        #expect(
            try findings(.route, source, facts) == [
                "warning rules[0].to: unknown_target", "warning rules[1].to: inactive_target",
                "warning rules[1].alternates[0]: unknown_target",
                "warning rules[2].to: empty_target", "warning strategy.low.to: empty_target", "warning rules: capacity_below_peak",
            ])
        #expect(try findings(.route, source) == [])
        // Pools take any number.
        #expect(try findings(.route, "rules: [{ id: a, to: { pool: p } }]", facts) == [])
    }

    @Test func `fields that no map gives, or that come empty too often, are found for each source`() throws {
        let map = try parse(.map, "{ sources: [website], fields: { budget: { from: b, currency: CNY } } }")
        let other = try RuleSet.parse(kind: .map, name: "other", source: "{ sources: [fair], fields: { industry: { from: i } } }").get()
        let route =
            "rules: [{ id: a, when: { all: [{ field: budget, present: true }, { field: source, equals: x }] }, to: marketing }, { id: b, to: { pool: p } }]"
        var facts = RuleCheckFacts(live: [map, other])

        #expect(try findings(.route, route, facts) == ["warning rules[0].when: unmapped_field"])
        #expect(RuleCheck.findings(of: try parse(.route, route), given: facts)[0].message.contains("“fair”"))
        facts = RuleCheckFacts(live: [map], nullRates: ["budget": .init(observed: 0.4, highest: 0.2)])
        #expect(try findings(.route, route, facts) == ["warning rules[0].when: null_rate"])
        #expect(try findings(.route, route) == [])
    }

    @Test(
        arguments: [
            ("{ field: city, equals: 北京 }", "a map turns that into “beijing”"), ("{ field: city, equals: Beijing }", nil),
            ("{ field: city, in: [beijing, shanghai] }", nil), ("{ not: { field: city, in: [北京, 广州] } }", "never “北京”"),
            ("{ field: industry, equals: steel }", "It gives: energy, machinery."), ("{ field: industry, equals: energy }", nil),
            (
                "{ any: [{ field: tags, contains: [hot, vip] }, { field: size, gte: 3 }] }",
                "“tags” is never “vip”: a map turns that into “hot”"
            ),
            ("{ field: tags, contains: [none] }", "It gives: hot."), ("{ field: city, contains: [北京] }", nil),
        ] as [(String, String?)])
    func `a value that no map gives is found, by what it is turned into or by what is held`(_ when: String, _ said: String?) throws {
        let map = try parse(
            .map,
            """
            sources: ['*']
            fields:
              city: { type: text, from: c, values: { 北京: beijing, 上海: shanghai } }
              industry: { from: i, values: { E: energy, M: machinery }, unlisted: hold }
              tags: { type: list, from: t, values: { vip: hot }, unlisted: hold, optional: true }
              size: { type: number, from: s }
            """)
        let source = "rules: [{ id: a, when: \(when), to: marketing }, { id: b, to: { pool: p } }]"
        let route = try parse(.route, source, catalogue: .of([map]))

        let findings = RuleCheck.findings(of: route, given: RuleCheckFacts(live: [map]))

        #expect(findings.map(\.code) == (said == nil ? [] : [.neverGiven]), "\(findings)")
        #expect(findings.allSatisfy { $0.path == "rules[0].when" && $0.message.contains(said ?? "") }, "\(findings)")
        // Another source's map may give it.
        let other = try RuleSet.parse(
            kind: .map, name: "other",
            source:
                "{ sources: [fair], fields: { city: { type: text, from: c }, industry: { from: i }, tags: { type: list, from: t }, size: { type: number, from: s } } }"
        ).get()
        #expect(RuleCheck.findings(of: route, given: RuleCheckFacts(live: [map, other])).isEmpty)
    }

    @Test func `a field that comes empty far more often than before is told from one that always did, and from chance`() throws {
        let map = try parse(
            .map, "{ sources: ['*'], fields: { size: { from: b, type: number, optional: true }, industry: { from: i, optional: true } } }"
        )
        var rules = TenantRules([LiveRuleSet(map, version: 1)])
        /// The newest 100 lack `recent` sizes, the 400 before them `before`; every other lead has no industry.
        func rates(recent: Int, before: Int) -> [String: RuleCheckFacts.NullRate] {
            let leads = (0..<500).map { number in
                let lacks = number < 100 ? number < recent : number - 100 < before
                var fields: [String: OutsideValue] = number % 2 == 0 ? ["i": .text("x")] : [:]
                if !lacks { fields["b"] = .number(1) }
                return Lead(id: LeadID(Int64(500 - number)), source: "web", receivedAt: Date(timeIntervalSince1970: 0), fields: fields)
            }
            return rules.nullRates(newestFirst: leads)
        }

        func isHigh(_ rate: RuleCheckFacts.NullRate?) throws -> Bool { try #require(rate).observed > #require(rate).highest }
        #expect(try isHigh(rates(recent: 40, before: 40)["size"]))
        #expect(try !isHigh(rates(recent: 40, before: 40)["industry"]))
        #expect(try !isHigh(rates(recent: 12, before: 40)["size"]))
        #expect(try !isHigh(rates(recent: 1, before: 0)["size"]))
        #expect(try isHigh(rates(recent: 10, before: 0)["size"]))
        #expect(rules.nullRates(newestFirst: []).isEmpty)

        let defaulted = try parse(.map, "{ sources: ['*'], fields: { size: { from: b, type: number, default: 0 } } }")
        rules = TenantRules([LiveRuleSet(defaulted, version: 1)])
        #expect(try isHigh(rates(recent: 10, before: 0)["size"]), "a default hides nothing")
    }

    @Test func `a map is held against the rules that read its fields, live or on their way`() throws {
        let now = try parse(.map, "{ sources: [web], fields: { grade: { from: g, type: text }, budget: { from: b, currency: CNY } } }")
        let own = "rules: [{ id: a, when: { field: grade, equals: a }, to: marketing }, { id: b, to: { pool: p } }]"
        let route = try parse(.route, own, catalogue: .of([now]))
        let without = "{ sources: [web], fields: { budget: { from: b, currency: CNY } } }"
        let asNumber = "{ sources: [web], fields: { grade: { from: g, type: number }, budget: { from: b, currency: CNY } } }"
        let live = RuleCheckFacts(live: [now, route])

        #expect(try findings(.map, without, live) == ["error fields: unreadable_rules"])
        #expect(try findings(.map, asNumber, live) == ["error fields: unreadable_rules"])
        #expect(try findings(.map, without, RuleCheckFacts(live: [now], candidates: [route])) == ["error fields: unreadable_rules"])
        let said = RuleCheck.findings(of: try parse(.map, without), given: live)[0].message
        #expect(
            said.hasPrefix("The live route rules “") && said.contains("could not be read any more with this map (rules[0].when")
                && said.contains("grade"))
        // Another map may give it as well.
        let other = try RuleSet.parse(kind: .map, name: "more", source: "{ sources: [fair], fields: { grade: { from: g, type: text } } }")
            .get()
        #expect(
            try findings(.map, without, RuleCheckFacts(live: [now, other, route])) == ["warning fields: unmapped_field"])
        let budget = try parse(
            .route, "rules: [{ id: a, when: { field: budget, present: true }, to: marketing }, { id: b, to: { pool: p } }]")
        let noBudget = "{ sources: [web], fields: { grade: { from: g, type: text } } }"
        #expect(try findings(.map, noBudget, RuleCheckFacts(live: [now, budget])) == ["warning fields: unmapped_field"])
        #expect(try findings(.map, noBudget, RuleCheckFacts(live: [budget])) == ["warning fields: unmapped_field"])
        #expect(try findings(.map, noBudget, RuleCheckFacts(live: [try parse(.map, noBudget), budget])) == [])
        #expect(
            try findings(.map, "{ sources: [web], fields: { grade: { from: h, type: text }, budget: { from: b, currency: CNY } } }", live)
                == [])
    }

    @Test func `an amount that comes in another currency than it is compared in is found, by the rules and by the map`() throws {
        func map(_ currency: String) -> String {
            "{ sources: [web], fields: { budget: { from: b, currency: \(currency) } } }"
        }
        let source =
            "rules: [{ id: a, when: { all: [{ field: budget, gte: CNY 5 }, { field: budget, in: [CNY 7, CNY 9] }] }, to: marketing }, { id: b, to: { pool: p } }]"
        let route = try parse(.route, source)
        let (yuan, dollars) = (RuleCheckFacts(live: [try parse(.map, map("CNY"))]), RuleCheckFacts(live: [try parse(.map, map("USD"))]))

        #expect(try findings(.route, source, yuan) == [])
        #expect(try findings(.route, source, dollars) == ["warning rules[0].when: other_currency"])
        #expect(
            RuleCheck.findings(of: route, given: dollars)[0].message
                == "“budget” is compared with an amount in CNY, but comes in USD from “web”: such leads would be held. Write both in one currency."
        )
        for facts in [RuleCheckFacts(live: [route]), RuleCheckFacts(candidates: [route])] {
            #expect(try findings(.map, map("CNY"), facts) == [])
            #expect(try findings(.map, map("USD"), facts) == ["warning fields.budget.currency: other_currency"])
        }
        #expect(
            RuleCheck.findings(of: try parse(.map, map("USD")), given: RuleCheckFacts(live: [route]))[0].message
                .contains("rules “test” compare “budget” with an amount in CNY, which this map gives in USD"))
        // What is only looked for has no currency.
        let present = "rules: [{ id: a, when: { field: budget, present: true }, to: marketing }, { id: b, to: { pool: p } }]"
        #expect(try findings(.route, present, dollars) == [])
    }

    @Test func `a score card's amounts, and those of its intent, are held against the maps' currencies`() throws {
        let source = """
            dimensions:
              industry_match: { cases: [] }
              budget_clarity: { cases: [{ when: { field: budget, gte: CNY 9 }, points: 9 }] }
              decision_chain: { cases: [] }
              urgency: { cases: [] }
              interaction: { cases: [] }
            intent: { high: { field: budget, gte: CNY 9 }, mid: { not: { field: budget, lt: USD 1 } } }
            """
        let map = try parse(.map, "{ sources: [web], fields: { budget: { from: b, currency: USD } } }")

        #expect(
            try findings(.score, source, RuleCheckFacts(live: [map])) == [
                "warning dimensions.budget_clarity.cases[0].when: other_currency", "warning intent.high: other_currency",
            ])
    }

    @Test func `a ladder's messages exist, fit, and speak on its channels`() throws {
        func clocks(_ message: String, _ channel: String = "mail") -> String {
            "clocks: [{ id: c, subject: lead, starts: { on: created }, levels: [{ after: 4m, to: owner, channels: \(channel), message: \(message) }] }]"
        }
        let messages = try parse(
            .message,
            """
            messages:
              - { id: sms, subject: lead, texts: [{ channel: sms, language: en, body: x }, { channel: sms, language: zh, body: x }] }
              - { id: deal, subject: opportunity, texts: [{ language: en, body: x }, { language: zh, body: x }] }
            """)
        let facts = RuleCheckFacts(live: [messages])

        #expect(try findings(.clock, clocks("none"), facts) == ["warning clocks[0].levels[0].message: unknown_message"])
        #expect(try findings(.clock, clocks("deal"), facts) == ["error clocks[0].levels[0].message: unknown_message"])
        #expect(try findings(.clock, clocks("sms"), facts).count == 2)
        #expect(try findings(.clock, clocks("sms", "sms"), facts) == [])
    }

    @Test(arguments: [(2, 1), (3, 0), (5, 0), (6, 1)]) func `a stage's action list has three to five of them`(count: Int, found: Int) throws
    {
        let requirements = (0..<count).map { "{ id: r\($0), when: { field: competitor, filled: true } }" }.joined(separator: ", ")
        let source = "{ stages: [a, b], gates: [{ id: g, to: b, action_list: true, requires: [\(requirements)] }] }"

        #expect(try findings(.gate, source).count == found)
    }
}

extension RuleSet.Body {
    fileprivate var route: RouteRules? { if case .route(let rules) = self { rules } else { nil } }
}
