import Calendars
import Clocks
import Foundation
import Rules
import SalesModel
import Testing

@Suite struct ClockBookTests {
    @Test func `before anything is due nothing is missed, and it looks again when something will be`() throws {
        let verdict = try book(firstTouch).verdict(lead(), after: 239)

        #expect(verdict.missed.isEmpty)
        #expect(verdict.nextAt == start.addingTimeInterval(240))
    }

    @Test func `a level is told and acted upon once`() throws {
        let book = try book(firstTouch)
        let first = book.verdict(lead(), after: 480, recorded: book.verdict(lead(), after: 240).recorded())
        let again = book.verdict(lead(), after: 481, recorded: first.recorded(book.verdict(lead(), after: 240).recorded()))

        #expect(first.toldNames == ["first.b"])
        #expect(first.missed.map(\.acts) == [true])
        #expect(again.missed.isEmpty && again.toTell.isEmpty)
        #expect(again.nextAt == start.addingTimeInterval(86_400))
    }

    @Test func `after an outage every level is written down, the highest is told, less urgently`() throws {
        let verdict = try book(firstTouch).verdict(lead(), after: 90_000)

        #expect(verdict.names == ["first.a", "first.b", "first.c"])
        #expect(verdict.missed.map(\.lateBy) == [89_760, 89_520, 3_600])
        #expect(verdict.toldNames == ["first.c"])
        #expect(verdict.toTell.map(\.urgency) == [.digest])
        #expect(verdict.missed.map(\.acts) == [true, true, true])
        #expect(verdict.nextAt == nil)
    }

    @Test func `what was due long before the subject was known here is history: written down, told nobody, nothing done`() throws {
        let book = try book(firstTouch)
        func imported(_ seconds: Double) -> SubjectFacts {
            SubjectFacts(.lead, id: "7", values: [:], events: [event("created", 0)], knownSince: start.addingTimeInterval(seconds))
        }
        let year = book.verdict(imported(365 * 86_400), after: 365 * 86_400)
        // A form that was sent half an hour ago comes with the hourly file: its first limits are history, its last is not.
        let hour = book.verdict(imported(3_000), after: 3_000)

        #expect(year.names == ["first.a", "first.b", "first.c"])
        #expect(year.missed.allSatisfy { $0.isHistory && !$0.acts && $0.told == .untold })
        #expect(year.toTell.isEmpty && year.nextAt == nil)
        #expect(hour.missed.map(\.isHistory) == [true, true])
        #expect(hour.history == ["first": ["a", "b"]])
        #expect(hour.nextAt == start.addingTimeInterval(86_400))
        let day = book.verdict(imported(3_000), after: 86_400, recorded: hour.recorded())
        #expect(day.toldNames == ["first.c"])
        #expect(day.missed.map(\.acts) == [true])
        #expect(day.history == hour.history, "what was written down before stays history")
    }

    @Test func `what leads up to a date that is ahead is no history, and what led up to one long gone is`() throws {
        let book = try book(
            """
            { id: precheck, subject: opportunity, starts: { at: planned_signing_at, before: 72h },
              levels: [{ id: opened, after: 0h, to: owner }, { id: day_before, after: 48h, to: manager }] }
            """)
        func deal(signing days: Double) -> SubjectFacts {
            SubjectFacts(
                .opportunity, id: "o", values: ["planned_signing_at": .date(start.addingTimeInterval(days * 86_400))], knownSince: start)
        }

        #expect(book.verdict(deal(signing: 2), after: 1).toldNames == ["precheck.opened"])
        #expect(book.verdict(deal(signing: 0.5), after: 1).toldNames == ["precheck.day_before"])
        let gone = book.verdict(deal(signing: -30), after: 1)
        #expect(gone.missed.map(\.isHistory) == [true, true] && gone.toTell.isEmpty)
    }

    @Test(arguments: [(840.0, true), (840.1, false), (10.0, true)])
    func `ten minutes on its way is no history`(known: Double, isTold: Bool) throws {
        let facts = SubjectFacts(.lead, id: "7", values: [:], events: [event("created", 0)], knownSince: start.addingTimeInterval(known))
        let book = try book("{ id: first, subject: lead, starts: { on: created }, levels: [{ id: a, after: 4m, to: owner }] }")

        #expect(book.verdict(facts, after: 900).toldNames == (isTold ? ["first.a"] : []))
    }

    @Test func `who touches before the tick hears nothing; a late touch is written down and nobody is told`() throws {
        let book = try book(firstTouch)

        #expect(book.verdict(lead(event("touch", 239.995)), after: 300).missed.isEmpty)
        let late = book.verdict(lead(event("touch", 240.005)), after: 300)
        #expect(late.names == ["first.a"])
        #expect(late.toTell.isEmpty)
        #expect(late.missed.map(\.acts) == [false])
        #expect(late.nextAt == nil)
    }

    @Test func `a touch that is told of late withdraws what was written down`() throws {
        let book = try book(firstTouch)
        let recorded = book.verdict(lead(), after: 240).recorded()

        let verdict = book.verdict(lead(event("touch", 200)), after: 400, recorded: recorded)

        #expect(verdict.withdrawn.map(\.level) == ["a"])
        #expect(verdict.missed.isEmpty)
    }

    @Test func `a better grade moves the deadline from creation on, and what was fired stays fired`() throws {
        let book = try book(
            """
            { id: g, subject: lead, starts: { on: created }, stops: { on: touch }, budget: { by: intent, classes: { high: 30m, mid: 2h, low: 24h }, otherwise: none },
              levels: [{ id: breach, at: 100%, to: manager, do: record_breach }] }
            """)
        func graded(_ grade: String) -> SubjectFacts { lead(values: ["intent": .text(grade)]) }

        #expect(book.verdict(graded("low"), after: 3_600).nextAt == start.addingTimeInterval(86_400))
        #expect(book.verdict(graded("mid"), after: 3_600).nextAt == start.addingTimeInterval(7_200))
        let fired = book.verdict(graded("high"), after: 3_600)
        #expect(fired.toldNames == ["g.breach"])
        #expect(book.verdict(graded("mid"), after: 8_000, recorded: fired.recorded()).missed.isEmpty)
    }

    @Test func `of several limits the tightest is told, the others are only written down`() throws {
        let book = try book(
            "{ id: g, subject: lead, starts: { on: created }, stops: { on: touch }, levels: [{ id: x, after: 24h, to: manager, do: record_breach }] }",
            "{ id: s, subject: lead, starts: { on: created }, stops: { on: touch }, levels: [{ id: x, after: 2h, to: manager, do: record_breach }] }"
        )
        let tight = book.verdict(lead(), after: 7_200)
        let loose = book.verdict(lead(), after: 86_400, recorded: tight.recorded())

        #expect(tight.toldNames == ["s.x"])
        #expect(loose.names == ["g.x"])
        #expect(loose.toTell.isEmpty)
        #expect(book.verdict(lead(), after: 90_000).toldNames == ["s.x"])
    }

    @Test func `each beginning of a clock has its own warning, and an update begins it anew`() throws {
        let book = try book(
            "{ id: d, subject: opportunity, starts: { on: [created, stage_update], which: latest }, levels: [{ id: x, after: 72h, to: manager }] }"
        )
        func opportunity(_ events: SubjectEvent...) -> SubjectFacts {
            SubjectFacts(.opportunity, id: "o", values: [:], events: [event("created", 0)] + events)
        }
        let first = book.verdict(opportunity(), after: 259_200)
        let updated = opportunity(event("stage_update", 300_000))

        #expect(first.toldNames == ["d.x"])
        #expect(book.verdict(updated, after: 300_001, recorded: first.recorded()).missed.isEmpty)
        #expect(book.verdict(updated, after: 300_000 + 259_200, recorded: first.recorded()).toldNames == ["d.x"])
    }

    @Test func `a field nobody mapped is told of, and the other clocks go on`() throws {
        let book = try book(
            "{ id: g, subject: lead, starts: { on: created }, budget: { by: intent, classes: { high: 30m }, otherwise: none }, levels: [{ at: 100%, to: manager }] }",
            firstTouch)
        let verdict = book.verdict(lead(), after: 240)

        #expect(verdict.unknown.map(\.clock) == ["g"])
        #expect(verdict.toldNames == ["first.a"])
    }

    @Test func `what is lacking for a clock that counts is named`() throws {
        let clock = try book(
            """
            { id: golden, subject: customer, starts: { on: created }, levels: [{ id: card, after: 48h, to: manager }],
              stops: { when: { count: { type: follow_up, from: start, within: 48h,
                where: { all: [{ field: pain, filled: true }, { field: our_action, filled: true }] } }, gte: 3 } } }
            """)
        func follow(_ seconds: Double, _ pain: String) -> SubjectEvent {
            event("follow_up", seconds, ["pain": .text(pain), "our_action": .text("寄样品")])
        }
        func customer(_ events: SubjectEvent...) -> SubjectFacts {
            SubjectFacts(.customer, id: "c", values: ["name": .text("东方")], events: [event("created", 0)] + events)
        }
        let two = customer(follow(10, "交期"), follow(20, "价格"), follow(30, "已联系"))
        let verdict = clock.verdict(two, after: 172_800)

        #expect(verdict.toldNames == ["golden.card"])
        let shortfall = clock.clocks[0].shortfall(of: two, start: start, now: start.addingTimeInterval(172_800))
        #expect(shortfall?.counted == 2)
        #expect(shortfall?.missing == ["pain"])
        // One more at 47:59 prevents it (FC-34), also when it is told of after the tick.
        let third = customer(follow(10, "交期"), follow(20, "价格"), follow(30, "已联系"), follow(172_740, "能耗"))
        #expect(clock.verdict(third, after: 172_800).missed.isEmpty)
    }
}

@Suite struct OffHoursTests {
    private let hours = ClockHours(owner: office, others: office)

    private func at(_ seconds: Double) -> SubjectFacts {
        SubjectFacts(.lead, id: "7", values: [:], events: [event("created", seconds)])
    }

    /// 18:58 on Friday 13 February 2026; the Saturday after is worked, then comes the Spring Festival.
    private let friday: Double = -1_436_520

    @Test(arguments: [
        ("24x7", 240), ("working", 50_760), ("next_open, grace: 10m", 51_360),
    ])
    func `a clock goes by the calendar its rule names`(calendar: String, due: Double) throws {
        let book = try book(
            "{ id: x, subject: lead, calendar: \(calendar), starts: { on: created }, levels: [{ id: a, after: 4m, to: owner }] }")
        let began = start.addingTimeInterval(friday)
        let verdict = book.verdict(on: at(friday), recorded: [], hours: hours, now: began)

        #expect(office.isOpen(at: began.addingTimeInterval(-3_600)) && !office.isOpen(at: began))
        #expect(verdict.nextAt == began.addingTimeInterval(due))
    }

    @Test func `in working hours next_open is as 24x7`() throws {
        let book = try book(
            "{ id: x, subject: lead, calendar: next_open, starts: { on: created }, levels: [{ id: a, after: 9h, to: owner }] }")

        #expect(book.verdict(lead(), after: 0, hours: hours).nextAt == start.addingTimeInterval(9 * 3_600))
    }

    @Test func `what is not urgent waits for working hours, and lapses if it is made good before`() throws {
        let book = try book(
            "{ id: x, subject: lead, starts: { on: created }, stops: { on: touch }, levels: [{ id: a, after: 9h, to: manager }] }")
        let opening = start.addingTimeInterval(23 * 3_600)
        let evening = book.verdict(lead(), after: 9 * 3_600, hours: hours)

        #expect(evening.missed.map(\.told) == [.held(until: opening)])
        #expect(evening.toTell.isEmpty)
        #expect(evening.nextAt == opening)
        let morning = book.verdict(lead(), after: 23 * 3_600, recorded: evening.recorded(), hours: hours)
        #expect(morning.toldNames == ["x.a"])
        #expect(morning.toTell.map(\.acts) == [false])
        let touched = book.verdict(lead(event("touch", 40_000)), after: 23 * 3_600, recorded: evening.recorded(), hours: hours)
        #expect(touched.toTell.isEmpty)
        #expect(touched.lapsed.map(\.level) == ["a"])
    }

    @Test func `what is urgent does not wait, and what a rule calls urgent is`() throws {
        let night = at(13 * 3_600)
        let book = try book(
            "{ id: x, subject: lead, starts: { on: created }, levels: [{ id: a, after: 4m, to: owner }, { id: b, after: 2h, to: manager, urgency: urgent }] }"
        )
        let now = start.addingTimeInterval(13 * 3_600 + 240)

        #expect(book.verdict(on: night, recorded: [], hours: hours, now: now).toldNames == ["x.a"])
        let later = book.verdict(on: night, recorded: [], hours: hours, now: now.addingTimeInterval(7_000))
        #expect(later.toldNames == ["x.b"])
        #expect(later.toTell.map(\.urgency) == [.urgent])
    }

    @Test func `a deadline in a year without a notice is provisional`() throws {
        let book = try book(
            "{ id: x, subject: lead, calendar: working, starts: { on: created }, levels: [{ id: a, after: 9h, to: owner }] }")
        let eve = Date(timeIntervalSince1970: 1_798_700_400)  // 2026-12-31 15:00

        let verdict = book.verdict(
            on: SubjectFacts(.lead, id: "7", values: [:], events: [SubjectEvent("created", at: eve)]), recorded: [], hours: hours, now: eve)

        #expect(verdict.isProvisional)
    }
}
