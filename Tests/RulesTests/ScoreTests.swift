import SalesModel
import Testing

@testable import Rules

@Suite struct ScoreTests {
    private let map = """
        sources: ["*"]
        fields:
          industry: { from: industry, optional: true }
          budget: { from: budget, currency: CNY, optional: true }
          interactions: { from: interactions, optional: true }
          intent_signals: { from: signals, optional: true }
        """
    private let card = """
        dimensions:
          industry_match: { cases: [{ when: { field: industry, equals: medical }, points: 20 }], otherwise: 5 }
          budget_clarity:
            mode: sum
            cases:
              - { when: { field: budget, present: true }, points: 8 }
              - { when: { field: budget, gte: CNY 100000 }, points: 8 }
              - { when: { field: budget, gte: CNY 1000000 }, points: 8 }
          decision_chain: { cases: [] }
          urgency: { cases: [], otherwise: 3 }
          interaction: { cases: [{ when: { field: interactions, gte: 5 }, points: 20 }, { when: { field: interactions, gte: 1 }, points: 10 }] }
        """

    private func score(_ fields: [String: OutsideValue]) throws -> (Score?, IntentGrade?) {
        let judgement = try rules(map: map, score: card).judgement(of: lead(fields))
        return (judgement.score, judgement.intent)
    }

    @Test func `the first true case gives its points, or all of them together, at most 20`() throws {
        let (score, _) = try score(["industry": "medical", "budget": "2000000", "interactions": 2])

        #expect(score?.parts == [.industryMatch: 20, .budgetClarity: 20, .decisionChain: 0, .urgency: 3, .interaction: 10])
        #expect(score?.total == 53)
        #expect(score?.missing == [])
    }

    @Test func `what is missing scores nothing and is named`() throws {
        let (score, _) = try score(["industry": "steel"])

        #expect(score?.parts == [.industryMatch: 5, .budgetClarity: 0, .decisionChain: 0, .urgency: 3, .interaction: 0])
        #expect(score?.missing == [.budgetClarity, .interaction])
    }

    @Test(arguments: [
        (OutsideValue.list(["white_paper"]), IntentGrade.mid), (.list(["video_watched", "demo_booked"]), .high), (.text("contact"), .low),
        (.null, .low),
    ])
    func `several signals give the highest grade, none the lowest`(signals: OutsideValue, grade: IntentGrade) throws {
        #expect(try score(["signals": signals]).1 == grade)
    }

    @Test func `a budget in another currency holds the lead instead of scoring it wrongly`() throws {
        let judgement = try rules(map: map, score: card).judgement(of: lead(["budget": "USD 5000"]))

        guard case .held(.heldMappingError) = judgement.verdict else {
            Issue.record("it was judged")
            return
        }
        #expect(
            judgement.reasons.map { $0.text(in: .english) } == [
                "“budget” (USD 5000.00) could not be compared with what the rules ask: it is in USD, and they compare with amounts in CNY."
            ])
    }

    private func bands(_ low: String, _ mid: String, _ high: String) -> String {
        card + "\nbands: { low: \(low), mid: \(mid), high: \(high) }"
    }

    @Test func `bands with a gap, an overlap, or without an end are refused`() {
        #expect(faults(.score, bands("{ from: 0, to: 44 }", "{ from: 45, to: 74 }", "{ from: 75, to: 100 }")) == [])
        #expect(faults(.score, bands("{ from: 0, to: 40 }", "{ from: 45, to: 74 }", "{ from: 75, to: 100 }")) == ["bands: bands"])
        #expect(faults(.score, bands("{ from: 0, to: 44 }", "{ from: 45, to: 75 }", "{ from: 75, to: 100 }")) == ["bands: bands"])
        #expect(
            faults(.score, bands("{ from: 1, to: 44 }", "{ from: 45, to: 74 }", "{ from: 75, to: 99 }")) == [
                "bands: bands", "bands: bands",
            ])
        #expect(
            faults(.score, bands("{ from: 44, to: 0 }", "{ from: 45, to: 74 }", "{ from: 75, to: 101 }")) == [
                "bands.high.to: out_of_range", "bands.low: bands",
            ])
    }

    @Test(arguments: [
        ("points: 20 }], otherwise: 5", "points: 21 }], otherwise: 5", "dimensions.industry_match.cases[0].points: out_of_range"),
        ("points: 20 }], otherwise: 5", "points: -1 }], otherwise: 5", "dimensions.industry_match.cases[0].points: out_of_range"),
        ("otherwise: 5", "otherwise: 25", "dimensions.industry_match.otherwise: out_of_range"),
        ("urgency: { cases: [], otherwise: 3 }", "urgencies: { cases: [] }", "dimensions.urgencies: unknown_key"),
        ("field: industry, equals", "field: score, equals", "dimensions.industry_match.cases[0].when.field: unavailable_field"),
        ("mode: sum", "mode: most", "dimensions.budget_clarity.mode: unknown_value"),
    ])
    func `a wrong card is refused at its exact place`(right: String, wrong: String, fault: String) {
        #expect(faults(.score, card.replacing(right, with: wrong)).contains(fault))
    }

    @Test func `every fault is told at once`() {
        let wrong = card.replacing("equals: medical", with: "equal: medical").replacing("points: 8", with: "points: x").replacing(
            "mode: sum", with: "mode: 1")

        #expect(faults(.score, wrong).count == 6)
    }
}
