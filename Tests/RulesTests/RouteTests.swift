import SalesModel
import Testing

@testable import Rules

@Suite struct RouteTests {
    private let bands = "strategy: { high: {}, mid: {}, low: { to: { pool: nurture } } }"
    private let emptyCard =
        "dimensions: { industry_match: { cases: [] }, budget_clarity: { cases: [] }, decision_chain: { cases: [] }, urgency: { cases: [] }, interaction: { cases: [] } }"

    private func ranking(_ rest: String) -> String { "rules: [{ id: best, to: everyone, by: top_n_by_close_rate, \(rest) }]" }

    @Test func `a ranking without a window or without the active filter cannot be saved`() {
        #expect(faults(.route, ranking("window_months: 6, active_only: true")) == [])
        #expect(faults(.route, ranking("active_only: true")) == ["rules[0]: ranking_window"])
        #expect(faults(.route, ranking("window_months: 6")) == ["rules[0]: ranking_active_only"])
        #expect(faults(.route, ranking("window_months: 6, active_only: false")) == ["rules[0]: ranking_active_only"])
        #expect(faults(.route, ranking("n: 3")) == ["rules[0]: ranking_window", "rules[0]: ranking_active_only"])
        #expect(faults(.route, ranking("window_months: 7, active_only: true")) == ["rules[0].window_months: out_of_range"])
    }

    @Test(arguments: [
        ("rules: [{ id: a, to: everyone }, { id: b, to: everyone }]", ["rules[1]: unreachable"]),
        ("{ rules: [{ id: a, to: everyone }], strategy: { high: {}, mid: {}, low: {} } }", ["strategy: unreachable"]),
        (
            "{ rules: [{ id: a, when: { field: source, equals: x }, to: marketing }, { id: b, when: { field: source, equals: x }, to: everyone }], strategy: { high: {}, mid: {}, low: {} } }",
            ["rules[1]: unreachable"]
        ),
        ("rules: [{ id: a, when: { field: source, equals: x }, to: everyone }]", [": missing"]),
        ("{}", [": missing"]),
        ("{ strategy: { high: {}, low: {} } }", ["strategy: missing"]),
        ("{ strategy: { high: {}, mid: {}, low: {}, none: {} } }", ["strategy.none: unknown_key"]),
        ("{ strategy: { per: score, high: {}, mid: {}, low: {} } }", ["strategy.per: unknown_value"]),
        ("rules: [{ id: a, to: { seller: x, team: y } }]", ["rules[0].to: conflict"]),
        ("rules: [{ id: a, to: { sellers: [x, x] } }]", ["rules[0].to.sellers[1]: duplicate"]),
        ("rules: [{ id: a, to: { sellers: [] } }]", ["rules[0].to.sellers: empty"]),
        ("rules: [{ id: a, to: nobody }]", ["rules[0].to: unknown_value"]),
        ("rules: [{ id: a }]", ["rules[0]: missing"]),
        ("rules: [{ to: everyone }]", ["rules[0]: missing"]),
        ("rules: [{ id: a, to: { team: x }, alternates: [{ team: y }, { team: y }] }]", ["rules[0].alternates[1]: duplicate"]),
        ("rules: [{ id: a, to: { team: x }, alternates: [{ team: x }] }]", ["rules[0].alternates[0]: duplicate"]),
        ("rules: [{ id: a, to: { team: x }, alternates: [{ pool: y }] }]", ["rules[0].alternates[0]: conflict"]),
        ("rules: [{ id: a, to: everyone, by: dedicated }]", ["rules[0].by: conflict"]),
        ("rules: [{ id: a, to: everyone, by: group_first }]", ["rules[0].by: conflict"]),
        ("rules: [{ id: a, to: everyone, by: lottery }]", ["rules[0].by: unknown_value"]),
        ("rules: [{ id: a, to: everyone, n: 3 }]", ["rules[0].n: conflict"]),
        ("rules: [{ id: a, to: { pool: p }, by: round_robin }]", ["rules[0].by: conflict"]),
        ("rules: [{ id: a, to: { seller_in_field: budget } }]", ["rules[0].to.seller_in_field: unknown_field"]),
        ("rules: [{ id: a, when: { field: colour, equals: x }, to: everyone }]", ["rules[0].when.field: unknown_field"]),
        ("rules: [{ id: a b, to: everyone }]", ["rules[0].id: out_of_range"]),
        ("rules: [{ id: a, filters: [city], to: everyone }]", ["rules[0].filters[0]: unknown_value"]),
        ("rules: everyone", ["rules: wrong_type"]),
    ])
    func `a wrong route is refused at its exact place`(source: String, expected: [String]) {
        #expect(Set(faults(.route, source)).isSuperset(of: expected), "\(faults(.route, source))")
    }

    @Test func `rules may not share a name`() {
        let rule = "{ id: a, when: { field: source, equals: %d }, to: everyone }"
        let source = "{ rules: [\(rule.replacing("%d", with: "x")), \(rule.replacing("%d", with: "y"))], \(bands) }"

        #expect(faults(.route, source) == ["rules[1]: duplicate"])
    }

    @Test func `the first true rule decides, and says by what`() throws {
        let rules = try rules(
            score: emptyCard,
            route: """
                rules:
                  - { id: fair, when: { all: [{ field: source, equals: fair }, { field: source, in: [fair, web] }] }, to: { team: key } }
                  - { id: web, when: { not: { field: source, equals: fair } }, to: marketing }
                \(bands)
                """)

        let judgement = rules.judgement(of: lead(source: "web"))
        guard case .placed(let place) = judgement.verdict else {
            Issue.record("it was not placed: \(judgement.reasons)")
            return
        }
        #expect(place.name == "web")
        #expect(
            judgement.reasons.map { $0.text(in: .english) }.suffix(2) == ["Rule “web” applies.", "source is not “fair” (it is “web”)."])
    }

    @Test func `routing by score without a card holds the lead and says so`() throws {
        let judgement = try rules(route: bands).judgement(of: lead())

        guard case .held(.heldMappingError) = judgement.verdict else {
            Issue.record("it was judged")
            return
        }
        #expect(judgement.reasons.map(\.code) == [.noScoreRules])
    }

    @Test(arguments: [#"rules: [{ id: "a\0b", to: everyone }]"#, #"{ "rules\u0000": [] }"#])
    func `a null character is refused when it is saved, not at every lead`(source: String) {
        #expect(faults(.route, source) == [": syntax"])
    }

    @Test func `an unknown key is guessed and its line told`() {
        guard case .failure(let faults) = RuleSet.parse(kind: .route, name: "x", source: "rules:\n  - id: a\n    too: everyone\n") else {
            Issue.record("it was taken")
            return
        }
        let unknown = faults.faults.first { $0.code == .unknownKey }
        #expect(unknown?.message == "“too” is not known here; did you mean “to”?")
        #expect(unknown?.line == 3)
    }
}
