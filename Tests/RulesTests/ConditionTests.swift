import SalesModel
import Testing

@testable import Rules

@Suite struct ConditionTests {
    private let catalogue = FieldCatalogue([
        Field("text", .text, label: Label("", "")), Field("number", .number, label: Label("", "")),
        Field("money", .money, label: Label("", "")),
        Field("list", .list, label: Label("", "")), Field("flag", .boolean, label: Label("", "")),
        Field("date", .date, label: Label("", "")), Field("size", .text, label: Label("", ""), values: ["small", "large"]),
    ])

    /// What a condition, written as rules write it, says of one value of its field.
    private func truth(_ source: String, _ value: FieldValue) throws -> Truth {
        let condition = try read(source)
        let table = FieldTable(condition.fields)
        return CompiledCondition(condition, in: table).truth(of: table.names.map { _ in value })
    }

    private func read(_ source: String) throws -> Condition {
        let faults = FaultList()
        let reader = RuleReader(node: try RuleNode.parse(source).get(), path: "when", faults: faults)
        let condition = Condition.read(reader, in: ConditionScope(catalogue: catalogue, isScored: true))
        if !faults.faults.isEmpty { throw RuleFaults(faults.faults) }
        return try #require(condition)
    }

    @Test(arguments: [
        ("{ field: text, equals: a }", FieldValue.text("a"), Truth.yes),
        ("{ field: text, equals: a }", .text("b"), .no),
        ("{ field: text, equals: a }", .empty, .no),
        ("{ field: text, equals: a }", .unmapped, .unknown),
        ("{ field: text, equals: NO }", .text("NO"), .yes),
        ("{ field: text, equals: 012 }", .text("012"), .yes),
        ("{ field: text, in: [a, b] }", .text("b"), .yes),
        ("{ field: text, contains: 新能源 }", .text("新能源汽车"), .yes),
        ("{ field: text, contains: [x, 汽车] }", .text("新能源汽车"), .yes),
        ("{ field: text, empty: true }", .empty, .yes),
        ("{ field: text, empty: true }", .text("a"), .no),
        ("{ field: text, empty: true }", .unmapped, .unknown),
        ("{ field: text, empty: false }", .text("a"), .yes),
        ("{ field: text, present: true }", .text("a"), .yes),
        ("{ field: list, contains: b }", .list(["a", "b"]), .yes),
        ("{ field: list, contains: [c, d] }", .list(["a", "b"]), .no),
        ("{ field: number, gte: 3 }", .number(3), .yes),
        ("{ field: number, gt: 3 }", .number(3), .no),
        ("{ field: number, gte: 3, lt: 5 }", .number(4), .yes),
        ("{ field: number, gte: 3, lt: 5 }", .number(5), .no),
        ("{ field: number, lt: 5 }", .empty, .no),
        ("{ field: money, gte: CNY 500000 }", .money(Money(amountMinor: 50_000_000, currency: "CNY")), .yes),
        ("{ field: money, gte: 500000 CNY }", .money(Money(amountMinor: 49_999_999, currency: "CNY")), .no),
        ("{ field: money, gte: CNY 1 }", .money(Money(amountMinor: 100_000, currency: "USD")), .unknown),
        ("{ field: flag, equals: true }", .boolean(true), .yes),
        ("{ not: { field: text, equals: a } }", .text("b"), .yes),
        ("{ not: { field: text, equals: a } }", .unmapped, .unknown),
    ])
    func `a comparison answers true, false or unknown`(source: String, value: FieldValue, expected: Truth) throws {
        #expect(try truth(source, value) == expected)
    }

    @Test(arguments: [
        // text is empty, number is unmapped
        ("{ all: [{ field: text, equals: a }, { field: number, gt: 1 }] }", Truth.no),
        ("{ all: [{ field: number, gt: 1 }, { field: text, equals: a }] }", .no),
        ("{ all: [{ field: text, empty: true }, { field: number, gt: 1 }] }", .unknown),
        ("{ any: [{ field: number, gt: 1 }, { field: text, empty: true }] }", .yes),
        ("{ any: [{ field: number, gt: 1 }, { field: text, equals: a }] }", .unknown),
        ("{ not: { all: [{ field: number, gt: 1 }, { field: text, equals: a }] } }", .yes),
    ])
    func `unknown spreads as Kleene says`(source: String, expected: Truth) throws {
        let table = FieldTable(["text", "number"])
        let values = table.names.map { $0 == "text" ? FieldValue.empty : .unmapped }

        #expect(CompiledCondition(try read(source), in: table).truth(of: values) == expected)
    }

    @Test func `a condition names the tests that decided`() throws {
        let condition = try read(
            "{ any: [{ field: text, equals: a }, { all: [{ field: number, gte: 3 }, { not: { field: text, equals: c } }] }] }")
        let table = FieldTable(condition.fields)
        let values = table.names.map { $0 == "text" ? FieldValue.text("b") : .number(4) }

        let reasons = CompiledCondition(condition, in: table).decidingTests(for: values).map { Reason($0).text(in: .english) }

        #expect(reasons == ["number is 3 or more (it is “4”).", "text is not “c” (it is “b”)."])
    }

    @Test(arguments: [
        ("{ field: txt, equals: a }", "when.field: unknown_field"),
        ("{ field: text }", "when: missing"),
        ("{ field: text, gt: a }", "when.gt: wrong_type"),
        ("{ field: list, equals: a }", "when.equals: wrong_type"),
        ("{ field: number, contains: 1 }", "when.contains: wrong_type"),
        ("{ field: number, gt: many }", "when.gt: wrong_type"),
        ("{ field: money, gt: 5 }", "when.gt: wrong_type"),
        ("{ field: flag, equals: yes }", "when.equals: wrong_type"),
        ("{ field: money, gt: XYZ 5 }", "when.gt: wrong_type"),
        ("{ field: date, gt: tomorrow }", "when.gt: wrong_type"),
        ("{ field: date, gt: '2026-02-30' }", "when.gt: wrong_type"),
        ("{ field: date, gt: '2026-01-31T25:00:00Z' }", "when.gt: wrong_type"),
        ("{ field: size, equals: huge }", "when.equals: unknown_value"),
        ("{ field: size, in: [small, huge] }", "when.in[1]: unknown_value"),
        ("{ field: text, in: [] }", "when.in: empty"),
        ("{ field: text, equals: a, any: [] }", "when: conflict"),
        ("{ all: [] }", "when.all: empty"),
        ("{ any: [{ not: { field: text, eqals: a } }] }", "when.any[0].not.eqals: unknown_key"),
        ("{ }", "when: missing"),
        ("[]", "when: wrong_type"),
    ])
    func `a wrong condition is refused at its exact place`(source: String, fault: String) {
        #expect(throws: RuleFaults.self) { try read(source) }
        do { _ = try read(source) } catch let error as RuleFaults {
            #expect(error.faults.first.map { "\($0.path): \($0.code.rawValue)" } == fault)
        } catch { Issue.record(error) }
    }

    @Test func `a misspelt name is guessed`() {
        do { _ = try read("{ field: nubmer, gt: 1 }") } catch let error as RuleFaults {
            #expect(error.faults.first?.message == "There is no field “nubmer”; did you mean “number”?")
        } catch { Issue.record(error) }
    }
}
