import Foundation
import ProcessHealth
import Testing

@Suite struct DiagnosisTests {
    @Test func `the three worst places are marked, the worst first`() {
        let facts = ProcessFacts(
            leads: [LeadFact(customer: "a", capturedAt: day(0))],
            contacts: [ContactFact(.followUp, customer: "b", at: day(20)), ContactFact(.followUp, customer: "b", at: day(24))],
            entries: [EntryFact(customer: "c", stage: "quoted", at: day(10), evidenceAt: day(11))],
            stays: [StayFact(customer: "d", stage: "sample_test", from: day(5), to: day(16))])

        let diagnosis = Diagnosis(of: facts, at: day(25))

        // 11 of 5 days: 1.2 beyond; no evidence: 1; 25 of 14 days: .79. The follow-up after 96 of 72 hours, .33, is the fourth.
        #expect(diagnosis.nodes.map(\.kind) == [.longStay, .missingEvidence, .lateVisit])
        #expect(diagnosis.nodes.map(\.customer) == ["d", "c", "a"])
        #expect(diagnosis.nodes[0].hours == 264)
        #expect(abs(diagnosis.nodes[0].excess - 1.2) < 1e-9)
    }

    @Test func `where fewer went wrong fewer are marked, and none is made up`() {
        let fine = ProcessFacts(contacts: [
            ContactFact(.followUp, customer: "a", at: day(0)), ContactFact(.followUp, customer: "a", at: day(3)),
        ])

        #expect(Diagnosis(of: fine, at: day(4)).nodes == [])
        #expect(Diagnosis(of: fine, at: day(7)).nodes.map(\.kind) == [.lateFollowUp])
    }

    @Test func `the last ten customers are shown with their ways in order, and only theirs are marked`() {
        let contacts = (0..<12).flatMap { number in
            [
                ContactFact(.reply, customer: "c\(number)", at: day(Double(number) + 0.5)),
                ContactFact(.followUp, customer: "c\(number)", at: day(Double(number))),
            ]
        }

        let diagnosis = Diagnosis(of: ProcessFacts(contacts: contacts), at: day(12))

        #expect(diagnosis.timelines.map(\.customer) == (2..<12).reversed().map { "c\($0)" })
        #expect(diagnosis.timelines[0].steps.map(\.what) == ["followUp", "reply"])
        #expect(diagnosis.nodes.map(\.customer) == ["c2", "c3", "c4"])
    }

    @Test func `days off are not held against a seller`() {
        let contacts = [0.0, 5].map { ContactFact(.followUp, customer: "a", at: day($0)) }
        let twoDaysOff = CountedTime { from, to in
            to.timeIntervalSince(from) - max(0, min(to, day(3)).timeIntervalSince(max(from, day(1))))
        }

        let facts = ProcessFacts(contacts: contacts)

        #expect(Diagnosis(of: facts, at: day(5)).nodes.map(\.hours) == [120])
        #expect(Diagnosis(of: facts, at: day(5), counted: twoDaysOff).nodes == [])
        let late = Diagnosis(of: ProcessFacts(contacts: [contacts[0]]), at: day(6), counted: twoDaysOff).nodes
        #expect(late.map(\.hours) == [96])
        #expect(late.allSatisfy { abs($0.at.timeIntervalSince(day(5))) <= 1 })
    }

    @Test func `what is told after the day is not in the report`() {
        let late = ProcessFacts(entries: [EntryFact(customer: "a", stage: "quoted", at: day(1), evidenceAt: nil, recordedAt: day(3))])

        #expect(Diagnosis(of: late, at: day(2)).nodes == [])
        #expect(Diagnosis(of: late, at: day(3)).nodes.count == 1)
    }
}
