import Foundation
import ProcessHealth
import Sampling
import Testing

@Suite struct CountingTests {
    @Test func `a lead counts in the week in which its fourteen days end, and exactly at their end is in time`() {
        let leads = [
            LeadFact(customer: "a", capturedAt: hour(10), visitedAt: day(14) + 10 * 3_600),
            LeadFact(customer: "b", capturedAt: hour(10), visitedAt: day(14) + 10 * 3_600 + 1),
            LeadFact(customer: "c", capturedAt: day(7) + 1),
        ]

        let weeks = counting().counts(of: ProcessFacts(leads: leads), at: day(27))

        #expect(weeks.map(\.conversion) == [Tally(), Tally(), Tally(cases: 2, hits: 1), Tally(cases: 1, hits: 0)])
    }

    @Test func `before its time is up a lead is in no week`() {
        let facts = ProcessFacts(leads: [LeadFact(customer: "a", capturedAt: hour(0), visitedAt: hour(1))])

        #expect(counting().counts(of: facts, at: day(14) - 1).allSatisfy { $0.conversion.cases == 0 })
        #expect(counting().counts(of: facts, at: day(14))[2].conversion == Tally(cases: 1, hits: 1))
    }

    @Test func `intervals of exactly 72 hours are in time, a second more is not, and each is decided once`() {
        let contacts = [0, 72, 144 + 1 / 3_600.0, 150].map { ContactFact(.followUp, customer: "a", at: hour($0)) }

        let weeks = counting().counts(of: ProcessFacts(contacts: contacts), at: hour(150 + 71))

        #expect(weeks[0].rhythm == Tally(cases: 3, hits: 2))
        #expect(weeks[1].rhythm == Tally())
    }

    @Test func `an open interval is missed once its limit has passed, once and in that week`() {
        let facts = ProcessFacts(contacts: [ContactFact(.followUp, customer: "a", at: hour(120))])

        #expect(counting().counts(of: facts, at: hour(192))[1].rhythm == Tally())
        #expect(counting().counts(of: facts, at: hour(193))[1].rhythm == Tally(cases: 1, hits: 0))
        #expect(counting().counts(of: facts, at: day(27)).map(\.rhythm.cases) == [0, 1, 0, 0])
    }

    @Test func `records that say nothing close no interval, and nothing runs beyond the end of a relation`() {
        let contacts = [
            ContactFact(.followUp, customer: "a", at: hour(0)), ContactFact(.emptyFollowUp, customer: "a", at: hour(24)),
            ContactFact(.followUp, customer: "b", at: hour(0)), ContactFact(.ended, customer: "b", at: hour(24)),
        ]

        let weeks = counting().counts(of: ProcessFacts(contacts: contacts), at: day(27))

        #expect(weeks[0].rhythm == Tally(cases: 1, hits: 0))
        #expect(weeks[0].emptyRecords == 1)
    }

    @Test func `records told out of order are put in order, and such of the future are refused`() {
        let contacts = [hour(100), hour(0), hour(50), day(60)].map { ContactFact(.followUp, customer: "a", at: $0, recordedAt: hour(101)) }

        #expect(counting().counts(of: ProcessFacts(contacts: contacts), at: hour(101))[0].rhythm == Tally(cases: 2, hits: 2))
    }

    @Test func `with a working calendar only its time counts`() {
        // Nobody works from hour 24 to hour 72.
        let worked = CountedTime { from, to in
            to.timeIntervalSince(from) - max(0, min(to, hour(72)).timeIntervalSince(max(from, hour(24))))
        }
        let counting = WeekCounting(Week("2026-W10")!...Week("2026-W11")!, in: TimeZone(identifier: "UTC")!)
            .by(worked, touchDue: { $0 + $1 }, workdays: { _, _ in 10 })
        let contacts = [0.0, 119].map { ContactFact(.followUp, customer: "a", at: hour($0)) }

        #expect(counting.counts(of: ProcessFacts(contacts: contacts), at: hour(120))[0].rhythm == Tally(cases: 1, hits: 1))
    }

    @Test func `a first touch is due, and work lies ahead, by the seller's own hours`() {
        // Nobody works in the first day; ten days of the fortnight after the week are worked.
        let own = counting().by(
            CountedTime(), touchDue: { max($0, hour(24)) + $1 }, workdays: { from, to in Int(to.timeIntervalSince(from) / 86_400) - 4 })
        let leads = [hour(24) + 200, hour(24) + 300].map {
            LeadFact(customer: "a", capturedAt: hour(10), assignedAt: hour(10), touchedAt: $0)
        }

        let week = own.counts(of: ProcessFacts(leads: leads), at: day(7))[0]

        #expect(week.touches == Tally(cases: 2, hits: 1))
        #expect(week.workdaysAhead == 10)
        #expect(counting().counts(of: ProcessFacts(leads: leads), at: day(7))[0].touches == Tally(cases: 2, hits: 0))
    }

    @Test func `evidence counts when it was there at the entry, not after`() {
        let entries = [
            EntryFact(customer: "a", stage: "quoted", at: hour(5), evidenceAt: hour(5)),
            EntryFact(customer: "b", stage: "quoted", at: hour(5), evidenceAt: hour(6)),
            EntryFact(customer: "c", stage: "quoted", at: hour(5), evidenceAt: nil),
        ]

        #expect(counting().counts(of: ProcessFacts(entries: entries), at: day(20))[0].keyActions == Tally(cases: 3, hits: 1))
    }

    @Test func `a customer who does not answer for 72 hours is silent once, until asked again`() {
        let contacts = [
            ContactFact(.followUp, customer: "a", at: hour(0)), ContactFact(.followUp, customer: "a", at: hour(60)),
            ContactFact(.followUp, customer: "a", at: hour(80)), ContactFact(.reply, customer: "a", at: hour(90)),
            ContactFact(.followUp, customer: "b", at: hour(0)), ContactFact(.reply, customer: "b", at: hour(72)),
        ]

        let weeks = counting().counts(of: ProcessFacts(contacts: contacts), at: day(27))

        #expect(weeks[0].silences == 1)
        #expect(weeks[0].communications == 6)
    }

    @Test func `a lead waits at the end of every week until it is touched`() {
        let leads = [
            LeadFact(customer: "a", capturedAt: hour(0), assignedAt: hour(1), touchedAt: day(15)),
            LeadFact(customer: "b", capturedAt: day(8)),
        ]

        #expect(counting().counts(of: ProcessFacts(leads: leads), at: day(21)).map(\.waiting) == [1, 2, 1, 0])
    }

    @Test func `days of absence ahead are counted from what was said by the end of the week`() {
        let facts = ProcessFacts(absences: [
            AbsenceFact(at: day(3), until: nil), AbsenceFact(at: day(10), until: day(10)), AbsenceFact(at: day(13), until: day(16.5)),
        ])

        #expect(counting().counts(of: facts, at: day(28)).map(\.leaveAhead) == [14, 3, 0, 0])
        #expect(counting().countsAsPublished(of: facts, at: day(28)).map(\.leaveAhead) == [14, 3, 0, 0])
    }

    @Test func `customers that get one name have one rhythm`() {
        let contacts = [0.0, 48, 96].map { ContactFact(.followUp, customer: $0 == 48 ? "deal" : "lead", at: hour($0)) }
        let facts = ProcessFacts(leads: [LeadFact(customer: "lead", capturedAt: hour(0))], contacts: contacts)

        #expect(counting().counts(of: facts, at: hour(100))[0].rhythm == Tally(cases: 1, hits: 0))
        let one = facts.renamed { _ in "customer" }
        #expect(counting().counts(of: one, at: hour(100))[0].rhythm == Tally(cases: 2, hits: 2))
        #expect(one.customers == ["customer"] && facts.customers == ["lead", "deal"])
    }

    @Test func `nothing that was told after a week is in what was published of it`() {
        let facts = ProcessFacts(
            leads: [
                LeadFact(customer: "a", capturedAt: hour(-200), visitedAt: hour(0), visitRecordedAt: day(10)),
                LeadFact(customer: "b", capturedAt: hour(-300), recordedAt: day(8)),
            ],
            contacts: [
                ContactFact(.followUp, customer: "a", at: hour(0)), ContactFact(.followUp, customer: "a", at: hour(20), recordedAt: day(9)),
            ])
        let counting = counting()

        let published = counting.countsAsPublished(of: facts, at: day(28))

        for place in 0..<4 { #expect(published[place] == counting.counts(of: facts, at: day(7 * Double(place + 1)))[place]) }
        #expect(published[0].communications == 1)
        #expect(counting.counts(of: facts, at: day(28))[0].communications == 2)
    }

    @Test func `facts that come later change no earlier week of random histories`() {
        for seed in 0..<200 as Range<UInt64> {
            var facts = ProcessFacts.random(seed: seed)
            let counting = counting(weeks: 6)
            let end = day(21)
            let before = counting.countsAsPublished(of: facts, at: end)
            facts.contacts += (0..<10).map { ContactFact(.followUp, customer: "c\($0 % 3)", at: day(Double($0)), recordedAt: end + 1) }
            facts.leads.append(LeadFact(customer: "z", capturedAt: day(1), recordedAt: end + 1))
            facts.entries.append(EntryFact(customer: "z", stage: "quoted", at: day(2), evidenceAt: nil, recordedAt: end + 1))

            let after = counting.countsAsPublished(of: facts, at: day(42))

            #expect(Array(before[..<3]) == Array(after[..<3]), "seed \(seed)")
        }
    }
}

extension ProcessFacts {
    static func random(seed: UInt64) -> ProcessFacts {
        var random = SeededNumbers(seed: seed)
        func instant() -> Date { day(Double.random(in: 0..<21, using: &random)) }
        let contacts = (0..<60).map { number in
            let at = instant()
            let kind = [ContactFact.Kind.followUp, .followUp, .reply, .emptyFollowUp, .revision].randomElement(using: &random)!
            return ContactFact(kind, customer: "c\(number % 5)", at: at, recordedAt: at + Double.random(in: 0..<400_000, using: &random))
        }
        let leads = (0..<10).map { number in
            let at = instant() - 10 * 86_400
            let visit = at + Double.random(in: 0..<2_000_000, using: &random)
            return LeadFact(customer: "l\(number)", capturedAt: at, visitedAt: visit, visitRecordedAt: visit + 300_000)
        }
        return ProcessFacts(leads: leads, contacts: contacts)
    }
}
