import Foundation
import SalesModel
import Testing

@testable import Rules

@Suite struct ContactTests {
    struct Row: Sendable, CustomTestStringConvertible {
        let type: String
        let data: [String: FieldValue]
        let isContact: Bool

        init(_ type: String, _ data: [String: FieldValue], _ isContact: Bool) {
            (self.type, self.data, self.isContact) = (type, data, isContact)
        }

        init(_ type: String, _ isContact: Bool) { self.init(type, [:], isContact) }

        var testDescription: String { "\(type) \(data)" }
    }

    static let rows = [
        Row("touch", true), Row("touch", ["direction": .text("inbound")], false), Row("touch", ["direction": .text("outbound")], true),
        Row("call", true), Row("call", ["result": .text("not_answered")], false), Row("call", ["result": .text("忙线中")], false),
        Row("call", ["result": .text("wants a quotation")], true), Row("call", ["direction": .text("呼入")], false),
        Row("message", ["channel": .text("wecom")], true), Row("message", ["direction": .text("Inbound")], false),
        Row("visit", true), Row("visit", ["valid": .boolean(true)], true), Row("visit", ["valid": .boolean(false)], false),
        Row("interview", true), Row("follow_up", false), Row("follow_up", ["our_action": .text("已联系")], false),
        Row("follow_up", ["next_step_choice": .text("quote")], false), Row("follow_up", ["pain": .text("交期太长")], true),
        Row("contact", true), Row("reply", false), Row("upload", false), Row("created", false), Row("demo", false),
    ]

    @Test(arguments: rows) func `a contact is one of ours that was made`(row: Row) throws {
        let start = Date(timeIntervalSince1970: 1_760_000_000)
        let source =
            "clocks: [{ id: first, subject: lead, starts: { on: created }, stops: { on: contact }, levels: [{ after: 4m, to: owner }] }]"
        let clock = CompiledClock(try #require(try parse(.clock, source).clocks?.clocks.first))
        let facts = SubjectFacts(
            .lead, id: "1", values: [:],
            events: [SubjectEvent("created", at: start), SubjectEvent(row.type, at: start.addingTimeInterval(10), row.data)])

        let state = clock.reading(of: facts, now: start.addingTimeInterval(20)).state

        #expect(Contact.isMade(by: row.type, row.data) == row.isContact)
        #expect(state == (row.isContact ? .met(at: start.addingTimeInterval(10)) : .running))
    }

    @Test func `contacts are counted whatever they were told as`() throws {
        let start = Date(timeIntervalSince1970: 1_760_000_000)
        let source = """
            clocks: [{ id: c, subject: lead, starts: { on: created }, levels: [{ after: 4m, to: owner }],
              stops: { when: { count: { type: contact, from: start }, gte: 2 } } }]
            """
        let clock = CompiledClock(try #require(try parse(.clock, source).clocks?.clocks.first))
        func state(_ types: String...) -> ClockReading.State {
            let events = types.enumerated().map { SubjectEvent($1, at: start.addingTimeInterval(Double($0))) }
            return clock.reading(of: SubjectFacts(.lead, id: "1", values: [:], events: events), now: start.addingTimeInterval(20)).state
        }

        #expect(state("created", "call", "reply") == .running)
        #expect(state("created", "call", "visit") == .met(at: start.addingTimeInterval(2)))
    }
}
