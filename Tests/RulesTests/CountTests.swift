import Foundation
import SalesModel
import Testing

@testable import Rules

@Suite struct CountTests {
    private let now = Date(timeIntervalSince1970: 1_760_000_000)

    private func truth(_ condition: String, _ events: [SubjectEvent]) throws -> Truth {
        let gates = try parse(.gate, "{ stages: [a, b], gates: [{ id: g, to: b, requires: [{ id: r, when: \(condition) }] }] }").gates
        let compiled = CompiledCondition(try #require(gates?.gates.first?.requirements.first?.when), in: FieldTable([]))
        return compiled.truth(of: [], Happenings(events, now: now))
    }

    private func visit(_ hoursAgo: Double, _ data: [String: FieldValue] = [:]) -> SubjectEvent {
        SubjectEvent("visit", at: now.addingTimeInterval(-hoursAgo * 3_600), data)
    }

    @Test(arguments: [("gte: 2", Truth.yes), ("gte: 3", .no), ("equals: 2", .yes), ("lt: 2", .no), ("lte: 2", .yes), ("gt: 1", .yes)])
    func `events in the window are counted, both ends included`(comparison: String, truth: Truth) throws {
        let events = [visit(0), visit(48), visit(48.1), SubjectEvent("reply", at: now)]

        #expect(try self.truth("{ count: { type: visit, within: 48h }, \(comparison) }", events) == truth)
    }

    @Test func `an event whose filter cannot be answered makes the count unknown only where it matters`() throws {
        // Minutes that are a text cannot be compared with a number.
        let events = [visit(1, ["minutes": .number(30)]), visit(2, ["minutes": .text("long")])]
        let count = "{ count: { type: visit, where: { field: minutes, gte: 25 } }"

        #expect(try truth("\(count), gte: 1 }", events) == .yes)
        #expect(try truth("\(count), gte: 2 }", events) == .unknown)
        #expect(try truth("\(count), equals: 2 }", events) == .unknown)
        #expect(try truth("\(count), gte: 3 }", events) == .no)
        #expect(try truth("\(count), equals: 3 }", events) == .no)
    }

    @Test func `a field an event does not carry is known to be empty`() throws {
        let count = "{ count: { type: follow_up, where: { field: pain, filled: true } }, gte: 1 }"

        #expect(try truth(count, [SubjectEvent("follow_up", at: now)]) == .no)
        #expect(try truth(count, [SubjectEvent("follow_up", at: now, ["pain": .text("—")])]) == .no)
        #expect(try truth(count, [SubjectEvent("follow_up", at: now, ["pain": .text("停机")])]) == .yes)
    }

    @Test func `a count without anything to count is unknown`() throws {
        let condition = Condition.count(EventCount(type: "visit", window: .ever, filter: nil), .equals(.number(0)))

        #expect(CompiledCondition(condition, in: FieldTable([])).truth(of: []) == .unknown)
    }

    @Test(arguments: ["无", "—", " - ", "N/A", "n/a", "已联系", "待推进。", "...", "暂无", "/", "//"])
    func `placeholders say nothing`(text: String) { #expect(Placeholder.isPlaceholder(text)) }

    @Test(arguments: ["无锡机床厂", "停机", "a competitor", "待定价后再谈", "3"])
    func `words that only look like placeholders say something`(text: String) { #expect(!Placeholder.isPlaceholder(text)) }
}
