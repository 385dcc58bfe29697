import Foundation
import SalesModel
import Testing

@testable import Rules

@Suite struct PackTests {
    private func live(_ name: String) -> [LiveRuleSet] {
        let pack = RulePack.named(name)!
        var live: [LiveRuleSet] = []
        for (kind, source) in pack.ordered {
            switch RuleSet.parse(kind: kind, name: "default", source: source, catalogue: .of(live.map(\.ruleSet))) {
            case .success(let ruleSet): live.append(LiveRuleSet(ruleSet, version: 1))
            case .failure(let faults): Issue.record("\(name) \(kind): \(faults.faults.map { "\($0.path) \($0.message)" })")
            }
        }
        return live
    }

    @Test(arguments: RulePack.all.map(\.name))
    func `a pack has one rule set of every kind, and its leads are placed`(name: String) throws {
        let live = live(name)

        #expect(Set(live.map(\.ruleSet.kind)) == Set(RuleKind.allCases))
        // A lead of which nothing is known is still scored and placed: every field the rules read is mapped.
        let judgement = TenantRules(live).judgement(of: lead())
        guard case .placed = judgement.verdict else {
            Issue.record("\(name): \(judgement.reasons.map { $0.text(in: .english) })")
            return
        }
        #expect(judgement.score != nil)
    }

    @Test(arguments: RulePack.all.map(\.name))
    func `a pack passes its own checks`(name: String) {
        let sets = live(name).map(\.ruleSet)

        for ruleSet in sets {
            let findings = RuleCheck.findings(of: ruleSet, given: RuleCheckFacts(live: sets))
            #expect(findings == [], "\(name) \(ruleSet.kind)")
        }
    }

    @Test(arguments: RulePack.all.map(\.name))
    func `a lead walks through a pack: judged, clocked, told of, and measured`(name: String) throws {
        let sets = live(name)
        let judgement = TenantRules(sets).judgement(of: lead())
        let clocks = try #require(sets.compactMap(\.ruleSet.clocks).first)
        let messages = try #require(sets.compactMap(\.ruleSet.messages).first)
        let created = Date(timeIntervalSince1970: 1_760_000_000)
        let intent = try #require(judgement.intent)
        var values: [String: FieldValue] = [
            "state": .text("assigned"), "intent": .text(intent.rawValue), "owner": .text("chenwei"), "team": .text("a"),
            "source": .text("website"),
            "source_channel": .text("unknown"), "industry": .empty, "received_at": .date(created), "touched_at": .empty,
        ]
        let facts = SubjectFacts(.lead, id: "1", values: values, events: [SubjectEvent("created", at: created)])
        let now = created.addingTimeInterval(500)

        // After 8 minutes and 20 seconds the manager has it.
        let first = CompiledClock(try #require(clocks.clocks.first { $0.id == "lead_first_touch" }))
        let reading = first.reading(of: facts, now: now)
        #expect(reading.breached.map(\.id) == ["reminder", "manager"])
        let level = try #require(reading.toSend(sent: [], first.clock.catchUp).first)
        #expect(level.id == "manager" && level.lateBy == 20)

        // It is told of in both languages on the level's channels.
        let step = try #require(first.clock.levels.first { $0.id == level.id })
        let said = try #require(step.message)
        let message = try #require(messages[said])
        for channel in step.channels {
            for language in Language.allCases {
                let said = message.rendered(on: channel, in: language, values, timeZone: .gmt)
                #expect(try said.get().body.isEmpty == false)
            }
        }

        // By intent: nothing is known of it, so it is low, and has 24 hours.
        let grade = CompiledClock(try #require(clocks.clocks.first { $0.id == "lead_grade_response" }))
        #expect(grade.reading(of: facts, now: now).levels.map(\.dueAt) == [created.addingTimeInterval(86_400)])

        // Touched, it is late no more, and the measure counts it.
        let touched = SubjectFacts(.lead, id: "1", values: values, events: facts.events + [SubjectEvent("touch", at: now)])
        #expect(first.reading(of: touched, now: now).state == .met(at: now))
        values["touched_at"] = .date(now)
        let measures = CompiledMeasures(try #require(sets.compactMap(\.ruleSet.measures).first))
        let result = measures.result(of: "touched", over: [SubjectFacts(.lead, id: "1", values: values)], now: now)
        #expect(result?.value == .number(1))
        #expect(result?.groups == [["website", "a"]: .number(1)])
    }

    @Test(arguments: RulePack.all.map(\.name))
    func `a deal goes from the first stage to the last only with everything the gates ask for`(name: String) throws {
        let gates = CompiledGates(try #require(live(name).compactMap(\.ruleSet.gates).first))
        let now = Date(timeIntervalSince1970: 1_760_000_000)
        let nothing = SubjectFacts(.opportunity, id: "1", values: ["competitor": .text("无"), "contacts": .number(1)])

        guard case .shut(let unmet) = gates.answer(from: "quoted", to: "won_confirmed", nothing, now: now) else {
            Issue.record("\(name): won without evidence")
            return
        }
        // Every lacking piece is named, in both languages.
        #expect(unmet.count == gates.rules.gates.last?.requirements.count)
        #expect(unmet.allSatisfy { !$0.text(in: .english).isEmpty && $0.text(in: .chinese).contains("缺少") })

        let evidence = unmet.map { SubjectEvent("evidence", at: now, ["kind": .text($0.requirement.id), "verified": .boolean(true)]) }
        let proven = SubjectFacts(.opportunity, id: "1", values: nothing.values, events: evidence)
        #expect(gates.answer(from: "quoted", to: "won_confirmed", proven, now: now) == .open(warnings: []))
        #expect(gates.answer(from: "won_confirmed", to: "lost", proven, now: now) == .final("won_confirmed"))
    }

    @Test(arguments: RulePack.all.map(\.name))
    func `a lost deal owes nothing`(name: String) throws {
        let clocks = try #require(live(name).compactMap(\.ruleSet.clocks).first)
        let now = Date(timeIntervalSince1970: 1_760_000_000)
        let long = now.addingTimeInterval(-40 * 86_400)
        let started: [SubjectEvent] = [
            SubjectEvent("created", at: long), SubjectEvent("transition", at: long, ["to": .text("quoted")]),
            SubjectEvent("demo", at: long, ["on_site": .boolean(true)]), SubjectEvent("support_request", at: long),
            SubjectEvent("action", at: long, ["credibility": .number(80), "evidence_valid": .boolean(true)]),
        ]
        func deal(won: FieldValue) -> SubjectFacts {
            var values: [String: FieldValue] = ["stage": .text("quoted"), "won": won]
            for date in ["planned_signing_at", "revenue_node_at", "delivery_expected_at"] { values[date] = .date(long) }
            return SubjectFacts(.opportunity, id: "1", values: values, events: started)
        }
        let ofDeals = clocks.clocks.filter { $0.subject == .opportunity }.map(CompiledClock.init)

        for clock in ofDeals {
            #expect(clock.reading(of: deal(won: .boolean(false)), now: now).state == .void, "\(clock.clock.id) runs on")
            // It would have been late, had the deal not been lost.
            #expect(clock.reading(of: deal(won: .empty), now: now).breached.isEmpty == false, "\(clock.clock.id) never began")
        }
        #expect(ofDeals.count >= 4)
        // What is won is still to be delivered and paid.
        let owed = ofDeals.filter { $0.reading(of: deal(won: .boolean(true)), now: now).state == .running }.map(\.clock.id)
        #expect(
            Set(owed) == Set(["demo_record", "tech_support", "revenue_node", "shipment_unsigned"]).intersection(ofDeals.map(\.clock.id)))
    }

    @Test func `the sixteen clocks are in the pack of manufacturing`() throws {
        let clocks = try #require(live("manufacturing").compactMap(\.ruleSet.clocks).first)
        let wanted = [
            "lead_first_touch", "lead_grade_response", "lead_source_response", "marketing_completion", "stage_dwell", "no_effective_action",
            "golden_48h", "demo_record", "director_callback", "tech_support", "precheck_items", "revenue_node", "shipment_unsigned",
            "lead_untouched", "tag_48h", "incident_sla",
        ]

        #expect(Set(wanted).subtracting(clocks.clocks.map(\.id)) == [])
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
        #expect(blocks.count >= 12)
    }
}
