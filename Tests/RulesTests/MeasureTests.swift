import Foundation
import SalesModel
import Testing

@testable import Rules

@Suite struct MeasureTests {
    private let now = Date(timeIntervalSince1970: 1_760_000_000)

    private func result(_ source: String, _ subjects: [SubjectFacts], of id: String = "m") throws -> MeasureResult {
        let rules = try #require(try parse(.measure, "measures:\n\(source)").measures)
        return try #require(CompiledMeasures(rules).result(of: id, over: subjects, now: now))
    }

    private func deal(_ id: String, _ values: [String: FieldValue], daysAgo: Double = 1) -> SubjectFacts {
        SubjectFacts(
            .opportunity, id: id, values: values.merging(["closed_at": .date(now.addingTimeInterval(-daysAgo * 86_400))]) { old, _ in old })
    }

    private func money(_ amount: Int64, _ currency: String = "CNY") -> FieldValue { .money(Money(amountMinor: amount, currency: currency)) }

    private let winRate =
        "  - { id: m, class: output, subject: opportunity, among: { field: won, present: true }, ratio: { field: won, equals: true }, window: 14d, at: closed_at, by: [industry] }"

    @Test func `a ratio is taken over its window and by its dimensions, and opens to its records`() throws {
        let deals = [
            deal("1", ["won": .boolean(true), "industry": .text("a")]), deal("2", ["won": .boolean(false), "industry": .text("a")]),
            deal("3", ["won": .boolean(true), "industry": .empty]), deal("4", ["won": .empty, "industry": .text("a")]),
            deal("5", ["won": .boolean(true), "industry": .text("a")], daysAgo: 14), deal("6", ["won": .boolean(true)], daysAgo: -1),
        ]
        let result = try result(winRate, deals)

        #expect(result.value == .number(2.0 / 3))
        #expect(result.groups == [["a"]: .number(0.5), [""]: .number(1)])
        #expect(result.counted == ["1", "2", "3"])
        #expect(result.unknown == [])
    }

    @Test func `nothing to divide by is no data, not 0`() throws {
        #expect(try result(winRate, []).value == .noData(.noSubjects))
        #expect(try result(winRate, [deal("1", ["won": .empty])]).value == .noData(.noSubjects))
        let count = "  - { id: m, class: report, subject: opportunity, count: true, among: { field: won, equals: true } }"
        #expect(try result(count, []).value == .noData(.noSubjects))
        #expect(try result(count, [deal("1", ["won": .boolean(false)])]).value == .number(0))
    }

    @Test func `of whom it is not known is in no figure and is named`() throws {
        let result = try result(winRate, [deal("1", ["won": .boolean(true), "industry": .text("a")]), deal("2", [:])])

        #expect(result.value == .number(1))
        #expect(result.unknown == ["2"])
    }

    @Test func `amounts are added to the last unit, and never across currencies`() throws {
        let sum = "  - { id: m, class: report, subject: opportunity, sum: amount }"
        let large = Int64(1) << 60

        #expect(
            try result(sum, [deal("1", ["amount": money(large)]), deal("2", ["amount": money(1)])]).value
                == .money(Money(amountMinor: large + 1, currency: "CNY")))
        #expect(
            try result(sum, [deal("1", ["amount": money(1)]), deal("2", ["amount": money(1, "USD")])]).value == .noData(.mixedCurrencies))
        #expect(try result(sum, (0..<9).map { deal("\($0)", ["amount": money(large)]) }).value == .noData(.overflow))
        #expect(try result(sum, [deal("1", ["amount": .empty])]).value == .noData(.noSubjects))
    }

    @Test func `a part without data gives its weight to the others`() throws {
        let source = """
              - { id: won, class: output, subject: opportunity, ratio: { field: won, equals: true }, target: { gte: 0.5 } }
              - { id: slow, class: process, subject: opportunity, among: { field: stage, equals: none }, ratio: { field: won, equals: true }, target: { lte: 0.1 } }
              - { id: m, class: report, subject: opportunity, weighted: [{ measure: won, weight: 60 }, { measure: slow, weight: 40 }] }
            """
        let deals =
            [deal("1", ["won": .boolean(true), "stage": .text("a")])]
            + (2...4).map { deal("\($0)", ["won": .boolean(false), "stage": .text("a")]) }

        // A quarter won of the half aimed at.
        #expect(try result(source, deals).value == .number(50))
        #expect(try result(source, []).value == .noData(.noPart))
    }
}
