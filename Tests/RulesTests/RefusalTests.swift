import SalesModel
import Testing

@testable import Rules

/// Every fault of a rule file that the requirements name: refused when it is saved, at its place, with a sentence that mends it.
@Suite struct RefusalTests {
    struct Refusal: Sendable, CustomTestStringConvertible {
        let requirement: String
        let kind: RuleKind
        let source: String
        let fault: String
        /// A part of the sentence.
        let says: String

        init(_ requirement: String, _ kind: RuleKind, _ source: String, _ fault: String, _ says: String) {
            (self.requirement, self.kind, self.source, self.fault, self.says) = (requirement, kind, source, fault, says)
        }

        var testDescription: String { "\(requirement) \(fault)" }
    }

    private static func score(_ part: String = "{ cases: [] }", _ rest: String = "") -> String {
        """
        dimensions:
          industry_match: \(part)
          budget_clarity: { cases: [] }
          decision_chain: { cases: [] }
          urgency: { cases: [] }
          interaction: { cases: [] }
        \(rest)
        """
    }

    private static func route(_ placement: String) -> String { "rules: [{ id: a, to: everyone, \(placement) }]" }

    private static func clock(_ rest: String, _ levels: String = "[{ after: 4m, to: owner }]", subject: String = "lead") -> String {
        "clocks: [{ id: c, subject: \(subject), \(rest), levels: \(levels) }]"
    }

    private static func gate(_ gate: String) -> String { "{ stages: [a, b, { id: won, final: true }], gates: [{ id: g, \(gate) }] }" }

    private static func measure(_ measure: String) -> String { "measures: [{ id: m, subject: lead, class: report, \(measure) }]" }

    private static func message(_ body: String) -> String {
        "messages: [{ id: m, subject: lead, texts: [{ language: en, body: \"\(body)\" }, { language: zh, body: x }] }]"
    }

    static let refusals: [Refusal] = [
        // Mapping
        Refusal("LEAD-IN-04", .map, "{ sources: [web], fields: { budget: { from: b } } }", "fields.budget: missing", "currency: CNY"),
        Refusal("LEAD-IN-08", .map, "{ sources: [web], fields: { colour: { from: b } } }", "fields.colour: missing", "needs its type"),
        Refusal(
            "LEAD-IN-04", .map, "{ sources: [web], fields: { needed_in_days: { from: b, default: soon } } }",
            "fields.needed_in_days.default: wrong_type", "number"),
        // Scores
        Refusal(
            "LEAD-SCORE-01", .score, score("{ cases: [{ when: { field: industry, equals: a }, points: 21 }] }"),
            "dimensions.industry_match.cases[0].points: out_of_range", "0 to 20"),
        Refusal("LEAD-SCORE-01", .score, "dimensions: { industry_match: { cases: [] } }", "dimensions: missing", "budget_clarity"),
        Refusal(
            "LEAD-SCORE-03", .score,
            score("{ cases: [] }", "bands: { high: { from: 75, to: 100 }, mid: { from: 45, to: 70 }, low: { from: 0, to: 44 } }"),
            "bands: bands", "leave a gap"),
        Refusal(
            "LEAD-SCORE-03", .score,
            score("{ cases: [] }", "bands: { high: { from: 70, to: 100 }, mid: { from: 45, to: 74 }, low: { from: 0, to: 44 } }"),
            "bands: bands", "overlap"),
        Refusal(
            "RULE-01", .score, score("{ cases: [{ when: { field: industri, equals: a }, points: 1 }] }"),
            "dimensions.industry_match.cases[0].when.field: unknown_field", "did you mean “industry”"),
        // Routes
        Refusal(
            "LEAD-ROUTE-12", .route, "rules: [{ id: a, when: { field: sector, equals: a }, to: everyone }, { id: b, to: everyone }]",
            "rules[0].when.field: unknown_field", "no field “sector”"),
        Refusal("LEAD-ROUTE-13", .route, route("by: top_n_by_close_rate, active_only: true"), "rules[0]: ranking_window", "window_months"),
        Refusal(
            "LEAD-ROUTE-13", .route, route("by: top_n_by_close_rate, active_only: true, window_months: 12"),
            "rules[0].window_months: out_of_range", "1 to 6"),
        Refusal(
            "LEAD-ROUTE-13", .route, route("by: top_n_by_close_rate, window_months: 6"), "rules[0]: ranking_active_only",
            "active_only: true"),
        Refusal(
            "LEAD-ROUTE-16", .route, "rules: [{ id: a, when: { field: score, gte: 1 }, to: everyone }]", ": missing", "would go nowhere"),
        Refusal("RULE-01", .route, "rules: [{ id: a, to: everyone }, { id: b, to: marketing }]", "rules[1]: unreachable", "never asked"),
        Refusal("RULE-01", .route, route("filters: [shift]"), "rules[0].filters[0]: unknown_value", "possible: region, industry"),
        Refusal(
            "LEAD-IN-06", .route, "rules: [{ id: a, when: { count: { type: visit }, gte: 1 }, to: everyone }, { id: b, to: everyone }]",
            "rules[0].when.count: unavailable_field", "clock, gate and measure"),
        // Identity
        Refusal("CID-01", .match, "{ method: card, card: { phone: 40, name: 40, credit_code: 25 } }", "card: weights", "add up to 100"),
        Refusal("CID-01", .match, "{ method: card, card: { phone: 101 } }", "card.phone: out_of_range", "0 to 100"),
        Refusal("CID-02", .match, "{ method: card, card: { review: 80, highlight: 75 } }", "card: weights", "review ≤ highlight"),
        Refusal("CID-05", .match, "{ method: fellegi_sunter, card: { phone: 40 } }", "card: conflict", "method: card"),
        Refusal("CID-05", .match, "{ bands: { link: 1, review: 2 } }", "bands: out_of_range", "no later than"),
        Refusal("CID-05", .match, "{ fields: [{ field: phne }] }", "fields[0].field: unknown_field", "did you mean “phone”"),
        Refusal("CID-05", .match, "aliases: { A: B, B: A }", "aliases.A: conflict", "an alias itself"),
        // Clocks
        Refusal("SLA-03", .clock, clock("starts: { on: creation }"), "clocks[0].starts.on: unknown_value", "no event “creation”"),
        Refusal("SLA-03", .clock, clock("starts: { on: incident_detected }"), "clocks[0].starts.on: conflict", "does not happen to a lead"),
        Refusal(
            "SLA-03", .clock, clock("starts: { on: created }", "[{ after: 8m, to: owner }, { after: 4m, to: manager }]"),
            "clocks[0].levels[1]: conflict", "goes upwards"),
        Refusal(
            "SLA-04", .clock, clock("starts: { on: created }", "[{ after: 8m, to: boss }]"), "clocks[0].levels[0].to: unknown_value",
            "possible: owner, manager"),
        Refusal(
            "SLA-03", .clock, clock("starts: { on: created }", "[{ after: 4 minutes, to: owner }]"),
            "clocks[0].levels[0].after: wrong_type", "such as 90s, 4m"),
        Refusal("SLA-03", .clock, clock("starts: { on: created }", "[]"), "clocks[0].levels: empty", "tell nobody"),
        Refusal(
            "SLA-06", .clock,
            clock("starts: { on: created }, budget: { by: intent, classes: { hgih: 30m }, otherwise: none }", "[{ at: 100%, to: owner }]"),
            "clocks[0].budget.classes.hgih: unknown_value", "high, mid, low"),
        Refusal(
            "SLA-06", .clock, clock("starts: { on: created }, budget: { by: intent, classes: { high: 30m } }", "[{ at: 100%, to: owner }]"),
            "clocks[0].budget: missing", "or none"),
        Refusal(
            "SLA-06", .clock, clock("starts: { on: created }", "[{ at: 100%, to: owner }]"), "clocks[0].levels[0].at: conflict", "has none"),
        Refusal(
            "SLA-06", .clock,
            clock("starts: { on: created }, budget: { by: intnet, classes: { high: 30m }, otherwise: 2h }", "[{ at: 100%, to: owner }]"),
            "clocks[0].budget.by: unknown_field", "did you mean “intent”"),
        Refusal(
            "SLA-08", .clock, clock("starts: { on: created }, stops: { on: interview, where: { field: form, equals: true } }"),
            "clocks[0].stops.where.field: unknown_field", "no field “form”"),
        Refusal(
            "I-03", .clock, clock("starts: { on: created }, calendar: working_hours"), "clocks[0].calendar: unknown_value", "next_open"),
        Refusal(
            "CLOSE-01", .clock, clock("starts: { at: stage, before: 72h }", subject: "opportunity"), "clocks[0].starts.at: wrong_type",
            "a field of date"),
        Refusal(
            "FOLLOW-01", .clock, clock("starts: { on: created }, stops: { when: { field: name, present: true } }", subject: "customer"),
            "clocks[0].stops.when: conflict", "since when"),
        Refusal(
            "FOLLOW-01", .clock,
            clock("starts: { on: created }, stops: { when: { count: { type: follow_up, within: 2 days }, gte: 3 } }", subject: "customer"),
            "clocks[0].stops.when.count.within: wrong_type", "48h"),
        Refusal(
            "FOLLOW-01", .clock,
            clock("starts: { on: created }, stops: { when: { count: { type: follow_up }, contains: 3 } }", subject: "customer"),
            "clocks[0].stops.when.contains: conflict", "a count is a number"),
        // Stages
        Refusal(
            "STAGE-01", .gate, gate("to: c, requires: [{ id: r, when: { field: competitor, filled: true } }]"),
            "gates[0].to: unknown_value", "no stage “c”"),
        Refusal("STAGE-01", .gate, gate("to: b, requires: []"), "gates[0].requires: empty", "is open"),
        Refusal(
            "STAGE-01", .gate, gate("from: won, to: b, requires: [{ id: r, when: { field: competitor, filled: true } }]"),
            "gates[0].from: unreachable", "final"),
        Refusal(
            "STAGE-04", .gate,
            gate("to: b, requires: [{ id: r, when: { count: { type: upload, where: { field: document, gte: 3 } }, gte: 1 } }]"),
            "gates[0].requires[0].when.count.where.gte: wrong_type", "is a text"),
        Refusal(
            "STAGE-05", .gate, gate("to: b, requires: [{ id: r, when: { field: amount, filled: true } }]"),
            "gates[0].requires[0].when.filled: wrong_type", "use present"),
        Refusal(
            "STAGE-08", .gate, gate("to: b, requires: [{ id: r, when: { field: competitor, filled: true }, otherwise: { wait_in: b } }]"),
            "gates[0].requires[0].otherwise.wait_in: conflict", "the very stage"),
        Refusal(
            "STAGE-08", .gate, gate("to: b, requires: [{ id: r, when: { field: competitor, filled: true }, otherwise: { wait_in: won } }]"),
            "gates[0].requires[0].otherwise.wait_in: conflict", "is final"),
        Refusal(
            "STAGE-08", .gate,
            """
            stages: [a, b, c]
            gates:
              - { id: g, to: b, requires: [{ id: r, when: { field: competitor, filled: true }, otherwise: { wait_in: c } }] }
              - { id: h, to: c, requires: [{ id: r, when: { field: competitor, filled: true } }] }
            """, "gates[0].requires[0].otherwise.wait_in: conflict", "guarded by “h”"),
        Refusal(
            "STAGE-08", .gate, gate("to: b, requires: [{ id: r, when: { field: competitor, filled: true }, otherwise: later }]"),
            "gates[0].requires[0].otherwise: unknown_value", "refuse, warn"),
        Refusal(
            "STAGE-06", .gate, gate("to: b, requires: [{ id: r, when: { count: { type: upload, from: start }, gte: 1 } }]"),
            "gates[0].requires[0].when.count.from: unavailable_field", "no clock here"),
        // Measures
        Refusal("KPI-01", .measure, "measures: [{ id: m, subject: lead, count: true }]", "measures[0]: missing", "class"),
        Refusal("KPI-01", .measure, "measures: [{ id: m, class: input, count: true }]", "measures[0]: missing", "subject"),
        Refusal(
            "KPI-05", .measure, measure("ratio: { field: industry, equals: a }, count: true"), "measures[0]: conflict", "exactly one of"),
        Refusal("KPI-05", .measure, measure("sum: industry"), "measures[0].sum: wrong_type", "money or number"),
        Refusal("KPI-05", .measure, measure("count: true, window: 14d"), "measures[0]: missing", "received_at"),
        Refusal(
            "KPI-06", .measure,
            "measures: [{ id: a, subject: lead, class: input, count: true, target: { gte: 1 } }, { id: m, subject: lead, class: report, weighted: [{ measure: a, weight: 90 }] }]",
            "measures[1].weighted: weights", "make 90"),
        Refusal(
            "KPI-06", .measure, "measures: [{ id: m, subject: lead, class: report, weighted: [{ measure: a, weight: 100 }] }]",
            "measures[0].weighted[0].measure: unknown_value", "no measure “a”"),
        Refusal("KPI-05", .measure, measure("count: true, by: [budget]"), "measures[0].by[0]: wrong_type", "boolean or list or text"),
        // Messages
        Refusal("FOLLOW-23", .message, message("Hello {compnay}"), "messages[0].texts[0].body: unknown_field", "did you mean “{company}”"),
        Refusal("FOLLOW-23", .message, message("Hello {company"), "messages[0].texts[0].body: placeholder", "not closed"),
        Refusal("FOLLOW-23", .message, message("Hello company}"), "messages[0].texts[0].body: placeholder", "closes nothing"),
        Refusal("FOLLOW-23", .message, message("{company|}"), "messages[0].texts[0].body: empty", "may not be empty"),
        Refusal("SLA-02", .message, message("{company:money}"), "messages[0].texts[0].body: wrong_type", "possible: plain"),
        Refusal("SLA-02", .message, message("{due_at:soon}"), "messages[0].texts[0].body: unknown_value", "possible: plain, date"),
        Refusal(
            "SLA-02", .message, "messages: [{ id: m, subject: lead, texts: [{ language: en, body: x }] }]", "messages[0].texts: missing",
            "no text in zh"),
        Refusal(
            "SLA-02", .message, "messages: [{ id: m, subject: lead, texts: [{ channel: fax, language: en, body: x }] }]",
            "messages[0].texts[0].channel: unknown_value", "sms, mail"),
        Refusal(
            "RULE-01", .message,
            "messages: [{ id: m, subject: lead, texts: [{ language: en, body: x }, { language: zh, body: x }] }, { id: m, subject: lead, texts: [{ language: en, body: x }, { language: zh, body: x }] }]",
            "messages[1]: duplicate", "there already"),
    ]

    @Test(arguments: refusals) func `a fault the requirements name is refused at its place`(refusal: Refusal) throws {
        guard case .failure(let faults) = RuleSet.parse(kind: refusal.kind, name: "test", source: refusal.source) else {
            Issue.record("it was taken: \(refusal.source)")
            return
        }
        let found = try #require(
            faults.faults.first { "\($0.path): \($0.code.rawValue)" == refusal.fault },
            "found \(faults.faults.map { "\($0.path): \($0.code.rawValue) \($0.message)" })")
        #expect(found.message.lowercased().contains(refusal.says.lowercased()), "\(found.message)")
        #expect(found.line != nil || found.path.isEmpty)
    }

    @Test func `every kind has its refusals, and what is not wrong in them is taken`() {
        #expect(Set(Self.refusals.map(\.kind)) == Set(RuleKind.allCases))
        // The frames the table is made with are right themselves.
        #expect(faults(.score, Self.score()) == [])
        #expect(faults(.route, Self.route("by: fewest_pending")) == [])
        #expect(faults(.clock, Self.clock("starts: { on: created }")) == [])
        #expect(faults(.gate, Self.gate("to: b, requires: [{ id: r, when: { field: competitor, filled: true } }]")) == [])
        #expect(faults(.measure, Self.measure("count: true")) == [])
        #expect(faults(.message, Self.message("{company}")) == [])
    }
}
