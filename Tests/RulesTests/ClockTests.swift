import Foundation
import SalesModel
import Testing

@testable import Rules

private let start = Date(timeIntervalSince1970: 1_760_000_000)

private func clock(_ source: String) throws -> CompiledClock {
    CompiledClock(try #require(try parse(.clock, "clocks: [\(source)]").clocks?.clocks.first))
}

private func event(_ type: String, _ seconds: Double, _ data: [String: FieldValue] = [:]) -> SubjectEvent {
    SubjectEvent(type, at: start.addingTimeInterval(seconds), data)
}

private func facts(_ subject: SubjectType, _ values: [String: FieldValue] = [:], _ events: [SubjectEvent]) -> SubjectFacts {
    SubjectFacts(subject, id: "1", values: values, events: events)
}

private let firstTouch = """
    { id: first, subject: lead, starts: { on: created }, stops: { on: touch }, levels: [
      { id: a, after: 4m, to: owner }, { id: b, after: 8m, to: manager }, { id: c, after: 24h, to: customer_service } ] }
    """

@Suite struct ClockTests {
    private static let missed: [(Double, [String])] = [
        (239, []), (240, ["a"]), (479, ["a"]), (480, ["a", "b"]), (86_400, ["a", "b", "c"]),
    ]

    @Test(arguments: missed) func `levels are missed at their second, not before`(seconds: Double, late: [String]) throws {
        let reading = try clock(firstTouch).reading(of: facts(.lead, [:], [event("created", 0)]), now: start.addingTimeInterval(seconds))

        #expect(reading.breached.map(\.id) == late)
        #expect(reading.levels.map { $0.dueAt.timeIntervalSince(start) } == [240, 480, 86_400])
        #expect(reading.next?.id == ["a", "b", "c"].first { !late.contains($0) })
    }

    @Test func `what comes in the moment it is due comes in time`() throws {
        let reading = try clock(firstTouch).reading(
            of: facts(.lead, [:], [event("created", 0), event("touch", 480)]), now: start.addingTimeInterval(1_000))

        #expect(reading.state == .met(at: start.addingTimeInterval(480)))
        #expect(reading.breached.map(\.id) == ["a"])
        #expect(reading.breached.map(\.lateBy) == [240])
        #expect(reading.toSend(sent: [], .highest) == [])
    }

    @Test func `what counts from before a beginning stops its clock as it begins`() throws {
        let created = SubjectEvent("created", at: start, since: .distantPast)
        func state(_ events: SubjectEvent...) throws -> ClockReading.State {
            try clock(firstTouch).reading(of: facts(.lead, [:], events), now: start.addingTimeInterval(1_000)).state
        }

        #expect(try state(event("touch", -3_600), created) == .met(at: start))
        #expect(try state(event("touch", -3_600), event("created", 0)) == .running)
        #expect(try state(event("visit", -3_600), created, event("touch", 30)) == .met(at: start.addingTimeInterval(30)))
    }

    @Test func `a late worker records every level missed and sends the highest alone`() throws {
        let clock = try clock(firstTouch)
        let reading = clock.reading(of: facts(.lead, [:], [event("created", 0)]), now: start.addingTimeInterval(90_000))

        #expect(reading.breached.map(\.id) == ["a", "b", "c"])
        #expect(reading.toSend(sent: [], .highest).map(\.id) == ["c"])
        #expect(reading.toSend(sent: [], .each).map(\.id) == ["a", "b", "c"])
        #expect(reading.toSend(sent: ["b"], .each).map(\.id) == ["c"])
        #expect(reading.toSend(sent: ["c"], .highest) == [])
    }

    @Test(arguments: [("high", 1_800.0), ("mid", 7_200), ("low", 86_400)])
    func `the budget goes by the class`(grade: String, seconds: Double) throws {
        let clock = try clock(
            """
            { id: g, subject: lead, starts: { on: created }, stops: { on: touch }, budget: { by: intent, classes: { high: 30m, mid: 2h, low: 24h }, otherwise: none },
              levels: [{ id: half, at: 50%, to: owner }, { id: end, at: 100%, to: manager }] }
            """)
        let reading = clock.reading(of: facts(.lead, ["intent": .text(grade)], [event("created", 0)]), now: start)

        #expect(reading.levels.map { $0.dueAt.timeIntervalSince(start) } == [seconds / 2, seconds])
    }

    @Test func `an unknown class is an error on the subject, an unlisted one has no clock`() throws {
        let clock = try clock(
            "{ id: s, subject: lead, starts: { on: created }, budget: { by: source_channel, classes: { live_stream: 2h }, otherwise: none }, levels: [{ at: 100%, to: manager }] }"
        )
        let events = [event("created", 0)]

        guard case .unknown(let tests) = clock.reading(of: facts(.lead, [:], events), now: start).state else {
            Issue.record("an unmapped field was taken for something")
            return
        }
        #expect(tests.map(\.test.field) == ["source_channel"])
        #expect(clock.reading(of: facts(.lead, ["source_channel": .text("sem")], events), now: start).state == .void)
    }

    @Test func `three full follow-ups within 48 hours stop the golden clock; a placeholder does not count`() throws {
        let clock = try clock(
            """
            { id: golden, subject: customer, starts: { on: created }, levels: [{ after: 48h, to: manager }],
              stops: { when: { count: { type: follow_up, from: start, within: 48h, where: { all: [{ field: pain, filled: true }, { field: promised_at, present: true }] } }, gte: 3 } } }
            """)
        func followUp(_ hours: Double, _ pain: String = "停机") -> SubjectEvent {
            event("follow_up", hours * 3_600, ["pain": .text(pain), "promised_at": .date(start)])
        }
        func state(_ events: [SubjectEvent]) -> ClockReading.State {
            clock.reading(of: facts(.customer, [:], [event("created", 0)] + events), now: start.addingTimeInterval(200_000)).state
        }

        // The record at exactly 48 hours counts.
        #expect(state([followUp(1), followUp(2), followUp(48)]) == .met(at: start.addingTimeInterval(172_800)))
        #expect(state([followUp(1), followUp(2), followUp(48.01)]) == .running)
        #expect(state([followUp(1), followUp(2), followUp(3, "已联系")]) == .running)
        #expect(state([followUp(1), followUp(2), event("follow_up", 10_000, ["pain": .text("停机")])]) == .running)
    }

    @Test func `a clock before a date is due beforehand and follows the date when it moves`() throws {
        let clock = try clock(
            "{ id: pre, subject: opportunity, starts: { at: planned_signing_at, before: 72h }, levels: [{ id: open, after: 0h, to: owner }, { id: sign, after: 72h, to: manager }] }"
        )
        let signing = start.addingTimeInterval(100 * 3_600)
        let early = clock.reading(of: facts(.opportunity, ["planned_signing_at": .date(signing)], []), now: start)
        let moved = clock.reading(of: facts(.opportunity, ["planned_signing_at": .date(start.addingTimeInterval(3_600))], []), now: start)

        #expect(early.state == .notStarted && early.breached.isEmpty && early.next?.dueAt == signing.addingTimeInterval(-72 * 3_600))
        #expect(moved.state == .running && moved.breached.map(\.id) == ["open"])
        #expect(clock.reading(of: facts(.opportunity, ["planned_signing_at": .empty], []), now: start).levels.isEmpty)
    }

    @Test func `each update begins the dwell anew, and a closed deal has none`() throws {
        let clock = try clock(
            """
            { id: dwell, subject: opportunity, starts: { on: [created, stage_update], which: latest }, when: { field: won, empty: true },
              budget: { by: stage, classes: { requirement_confirmation: 72h }, otherwise: 5d }, levels: [{ at: 100%, to: manager }] }
            """)
        let values: [String: FieldValue] = ["won": .empty, "stage": .text("requirement_confirmation")]
        let events = [event("created", 0), event("stage_update", 86_400)]
        let now = start.addingTimeInterval(80 * 3_600)

        #expect(clock.reading(of: facts(.opportunity, values, [events[0]]), now: now).breached.count == 1)
        #expect(clock.reading(of: facts(.opportunity, values, events), now: now).breached.isEmpty)
        #expect(clock.reading(of: facts(.opportunity, values.merging(["won": .boolean(false)]) { $1 }, events), now: now).state == .void)
        #expect(clock.reading(of: facts(.opportunity, values, []), now: now).state == .notStarted)
    }

    @Test func `without an effective action it runs from the creation`() throws {
        let clock = try clock(
            "{ id: idle, subject: opportunity, starts: { on: action, where: { field: credibility, gte: 60 }, which: latest, else_on: created }, levels: [{ after: 3d, to: owner }] }"
        )
        func start(_ events: [SubjectEvent]) -> Double? {
            clock.reading(of: facts(.opportunity, [:], events), now: RulesTests.start.addingTimeInterval(1_000)).start?.timeIntervalSince(
                RulesTests.start)
        }

        #expect(start([event("created", 0), event("action", 50, ["credibility": .number(20)])]) == 0)
        #expect(start([event("created", 0), event("action", 50, ["credibility": .number(80)])]) == 50)
    }

    @Test func `a reading as of a moment does not know what came after`() throws {
        let later = facts(.lead, [:], [event("created", 0), event("touch", 300)])

        #expect(try clock(firstTouch).reading(of: later, now: start.addingTimeInterval(250)).state == .running)
        #expect(try clock(firstTouch).reading(of: later, now: start.addingTimeInterval(-1)).state == .notStarted)
    }
}
