import Foundation
import Rules
import SalesModel

/// Uses whatever a rule set holds on facts that fit nothing in particular: whoever passed the reader must not crash later.
enum RuleUse {
    private static let now = Date(timeIntervalSince1970: 1_760_000_000)

    private static func facts(_ subject: SubjectType) -> SubjectFacts {
        let values: [String: FieldValue] = [
            "stage": .text("quoted"), "won": .empty, "amount": .money(Money(amountMinor: .max, currency: "CNY")), "score": .text("high"),
            "planned_signing_at": .date(.distantFuture), "revenue_node_at": .date(.distantPast), "region": .list([]),
            "intent": .text("low"),
        ]
        let events = EventCatalogue.standard.names(of: subject).enumerated().map { place, type in
            SubjectEvent(type, at: now.addingTimeInterval(Double(place)), ["credibility": .number(.infinity), "pain": .text("\u{0}")])
        }
        return SubjectFacts(subject, id: "1", values: values, events: events)
    }

    static func everything(in ruleSet: RuleSet) {
        _ = RuleCheck.findings(of: ruleSet, given: RuleCheckFacts(live: [ruleSet], sellers: [], teams: [], pendingPeak: 1))
        for clock in ruleSet.clocks?.clocks ?? [] {
            let reading = CompiledClock(clock).reading(of: facts(clock.subject), now: now.addingTimeInterval(1_000))
            _ = (reading.next, reading.toSend(sent: [], clock.catchUp))
        }
        if let gates = ruleSet.gates {
            let compiled = CompiledGates(gates)
            for stage in gates.stages {
                if case .shut(let unmet) = compiled.answer(from: gates.stages.first?.id, to: stage.id, facts(gates.subject), now: now) {
                    for requirement in unmet { _ = requirement.text(in: .chinese) }
                }
            }
        }
        if let measures = ruleSet.measures {
            let compiled = CompiledMeasures(measures)
            for measure in measures.measures { _ = compiled.result(of: measure.id, over: SubjectType.allCases.map(facts), now: now) }
        }
        for message in ruleSet.messages?.messages ?? [] {
            for channel in Channel.allCases {
                _ = message.rendered(on: channel, in: .english, facts(message.subject).values, timeZone: .gmt)
            }
        }
    }
}
