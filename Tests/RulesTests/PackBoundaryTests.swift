import Foundation
import SalesModel
import Testing

@testable import Rules

/// One clock of a pack on a timeline: from 0 on, in seconds.
struct Boundary: Sendable, CustomTestStringConvertible {
    struct Happening: Sendable {
        let type: String
        let at: Double
        let data: [String: FieldValue]

        init(_ type: String, _ at: Double = 0, _ data: [String: FieldValue] = [:]) { (self.type, self.at, self.data) = (type, at, data) }
    }

    let clock: String
    let subject: SubjectType
    var values: [String: FieldValue] = [:]
    /// Dates of the subject, counted from the start like everything.
    var dates: [String: Double] = [:]
    var events: [Happening] = []
    /// Its levels, and when each is due.
    let due: [(level: String, seconds: Double)]
    /// What stops it; nil: nothing does.
    var stop: Happening?

    var testDescription: String { "\(clock) \(due.map(\.seconds)) \(values)" }

    static let hour = 3_600.0
    static let day = 24 * hour

    private static let followUp: [String: FieldValue] = [
        "pain": .text("交期太长"), "our_action": .text("寄样品"), "promised_at": .date(Date(timeIntervalSince1970: 1_760_500_000)),
    ]

    /// The clocks of J2, as manufacturing has them.
    static let all: [Boundary] = ungraded + graded

    private static let ungraded: [Boundary] =
        [
            Boundary(
                clock: "lead_first_touch", subject: .lead, events: [Happening("created")],
                due: [("reminder", 240), ("manager", 480), ("care", day)], stop: Happening("touch")),
            Boundary(
                clock: "lead_source_response", subject: .lead, values: ["source_channel": .text("live_stream")],
                events: [Happening("created")],
                due: [("breach", 2 * hour)], stop: Happening("message")),
            Boundary(
                clock: "fair_interview", subject: .lead,
                values: ["source_channel": .text("exhibition_scan"), "industry": .text("新能源汽车")], events: [Happening("created")],
                due: [("todo", 0), ("breach", 2 * hour)], stop: Happening("interview", 0, ["form_completed": .boolean(true)])),
            Boundary(
                clock: "marketing_completion", subject: .lead, events: [Happening("transferred", 0, ["to": .text("marketing")])],
                due: [("director", day)], stop: Happening("completed")),
            Boundary(
                clock: "lead_untouched", subject: .lead, events: [Happening("assigned")], due: [("recycle", 15 * day)],
                stop: Happening("visit")),
            Boundary(
                clock: "golden_48h", subject: .customer,
                events: [Happening("created"), Happening("follow_up", 10, followUp), Happening("follow_up", 20, followUp)],
                due: [("card", 2 * day)], stop: Happening("follow_up", 0, followUp)),
            Boundary(
                clock: "director_callback", subject: .customer, events: [Happening("follow_up")],
                due: [("director", 2 * day), ("admin", 3 * day)], stop: Happening("callback", 0, ["by_role": .text("sales_director")])),
            Boundary(
                clock: "tag_48h", subject: .customer, events: [Happening("tag_set", 0, ["tag": .text("需48小时响应")])],
                due: [("owner", 2 * day)], stop: Happening("tag_cleared")),
            Boundary(
                clock: "stage_dwell", subject: .opportunity, values: ["stage": .text("requirement_confirmation")],
                events: [Happening("created", -5), Happening("transition")], due: [("superior", 3 * day)]),
            Boundary(
                clock: "stage_dwell", subject: .opportunity, values: ["stage": .text("quoted")], events: [Happening("transition")],
                due: [("superior", 5 * day)]),
            Boundary(
                clock: "no_effective_action", subject: .opportunity, events: [Happening("created")], due: [("red", 3 * day)]),
            Boundary(
                clock: "no_effective_action", subject: .opportunity,
                events: [
                    Happening("created", -day), Happening("action", 0, ["credibility": .number(60), "evidence_valid": .boolean(true)]),
                    Happening("action", day, ["credibility": .number(59), "evidence_valid": .boolean(true)]),
                    Happening("action", day, ["credibility": .number(90), "evidence_valid": .boolean(false)]),
                ], due: [("red", 3 * day)]),
            Boundary(
                clock: "demo_record", subject: .opportunity, events: [Happening("demo", 0, ["on_site": .boolean(true)])],
                due: [("owner", 2 * hour), ("manager", 4 * hour)],
                stop: Happening("demo_record", 0, ["pain": .text("能耗高"), "fit": .text("可替换主机")])),
            Boundary(
                clock: "tech_support", subject: .opportunity, events: [Happening("support_request")], due: [("cto", day)],
                stop: Happening("support_answer")),
            Boundary(
                clock: "precheck_items", subject: .opportunity, dates: ["planned_signing_at": 3 * day],
                events: (0..<4).map { Happening("checklist_item", -1, ["item": .text("\($0)"), "approved": .boolean(true)]) },
                due: [("opened", 0), ("day_before", 2 * day), ("signing", 3 * day)],
                stop: Happening("checklist_item", 0, ["item": .text("5"), "approved": .boolean(true)])),
            Boundary(clock: "revenue_node", subject: .opportunity, dates: ["revenue_node_at": 7 * day], due: [("todo", 0)]),
            Boundary(
                clock: "shipment_unsigned", subject: .opportunity, dates: ["delivery_expected_at": 0], due: [("owner", 0)],
                stop: Happening("shipment", 0, ["signed": .boolean(true)])),
            Boundary(
                clock: "incident_sla", subject: .incident, events: [Happening("incident_detected")], due: [("platform", 2 * hour)],
                stop: Happening("incident_resolved")),
        ]

    private static let graded: [Boundary] = [("high", 0.5), ("mid", 2.0), ("low", 24.0)].map { grade, hours in
        Boundary(
            clock: "lead_grade_response", subject: .lead, values: ["intent": .text(grade)], events: [Happening("created")],
            due: [("breach", hours * hour)], stop: Happening("call"))
    }
}

/// The packs' clocks at their exact boundaries (H-07).
@Suite struct PackBoundaryTests {
    private let start = Date(timeIntervalSince1970: 1_760_000_000)

    private func clock(_ id: String) throws -> CompiledClock {
        let pack = try #require(RulePack.named("manufacturing"))
        var live: [RuleSet] = []
        for (kind, source) in pack.ordered {
            live.append(try RuleSet.parse(kind: kind, name: "default", source: source, catalogue: .of(live)).get())
        }
        return CompiledClock(try #require(live.compactMap(\.clocks).first?.clocks.first { $0.id == id }))
    }

    private func facts(_ row: Boundary, stoppedAt: Double? = nil) -> SubjectFacts {
        var values: [String: FieldValue] =
            row.subject == .lead
            ? ["state": .text("assigned"), "intent": .text("low"), "source_channel": .text("unknown"), "industry": .empty]
            : row.subject == .opportunity ? ["won": .empty, "stage": .text("quoted")] : [:]
        values.merge(row.values) { $1 }
        for (name, seconds) in row.dates { values[name] = .date(start.addingTimeInterval(seconds)) }
        var happenings = row.events
        if let stop = row.stop, let stoppedAt { happenings.append(Boundary.Happening(stop.type, stoppedAt, stop.data)) }
        return SubjectFacts(
            row.subject, id: "1", values: values,
            events: happenings.map { SubjectEvent($0.type, at: start.addingTimeInterval($0.at), $0.data) })
    }

    @Test(arguments: Boundary.all) func `each level is due at its moment and not before`(row: Boundary) throws {
        let clock = try clock(row.clock)
        func missed(_ seconds: Double) -> [String] {
            clock.reading(of: facts(row), now: start.addingTimeInterval(seconds)).breached.map(\.id)
        }

        #expect(clock.clock.levels.map(\.id) == row.due.map(\.level))
        for (place, (_, seconds)) in row.due.enumerated() {
            #expect(missed(seconds - 0.001) == row.due.prefix(place).map(\.level))
            #expect(missed(seconds) == row.due.prefix(place + 1).map(\.level))
        }
    }

    @Test(arguments: Boundary.all.filter { $0.stop != nil })
    func `what comes in the very moment comes in time, and a moment later it is late`(row: Boundary) throws {
        let clock = try clock(row.clock)

        for (place, (_, seconds)) in row.due.enumerated() {
            let inTime = clock.reading(of: facts(row, stoppedAt: seconds), now: start.addingTimeInterval(seconds + 60))
            #expect(inTime.state == .met(at: start.addingTimeInterval(seconds)))
            #expect(inTime.breached.map(\.id) == row.due.prefix(place).map(\.level))
            guard row.clock != "golden_48h" else { continue }
            let late = clock.reading(of: facts(row, stoppedAt: seconds + 0.001), now: start.addingTimeInterval(seconds + 60))
            #expect(late.breached.map(\.id) == row.due.prefix(place + 1).map(\.level))
            #expect(late.toSend(sent: [], clock.clock.catchUp) == [], "whoever did it is not told any more")
        }
    }

    @Test func `a third follow-up after the 48 hours is too late for good`() throws {
        let row = try #require(Boundary.all.first { $0.clock == "golden_48h" })
        let late = try clock(row.clock).reading(
            of: facts(row, stoppedAt: 2 * Boundary.day + 0.001), now: start.addingTimeInterval(3 * Boundary.day))

        #expect(late.state == .running && late.breached.map(\.id) == ["card"])
    }

    /// FC-32.
    @Test(arguments: ["已联系", "待反馈", "已沟通", "待推进", " 已联系。", "Contacted"])
    func `a record that says nothing is no contact, no structured follow-up and no effective action`(words: String) throws {
        let record: [String: FieldValue] = [
            "pain": .text(words), "our_action": .text(words), "customer_next_step": .text(words), "promised_at": .date(start),
        ]
        #expect(!Contact.isMade(by: "follow_up", record))
        #expect(Contact.isMade(by: "follow_up", record.merging(["pain": .text("交期太长")]) { $1 }))
        let records = (1...3).map { Boundary.Happening("follow_up", Double($0), record) }
        for name in ["golden_48h", "no_effective_action", "lead_first_touch", "director_callback"] {
            var row = try #require(Boundary.all.first { $0.clock == name })
            row.events = [Boundary.Happening("created")] + records
            let last = try #require(row.due.last).seconds
            let reading = try clock(name).reading(of: facts(row), now: start.addingTimeInterval(last + 60))
            #expect(reading.breached.map(\.id) == row.due.map(\.level), "\(name)")
        }
    }

    @Test func `every clock of the requirements is on a timeline`() {
        #expect(Set(Boundary.all.map(\.clock)).count == 17, "the sixteen, and the fair's interview")
    }
}
