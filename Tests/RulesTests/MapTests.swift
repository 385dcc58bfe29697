import Foundation
import SalesModel
import Testing

@testable import Rules

@Suite struct MapTests {
    private func mapped(_ fields: String, _ outside: [String: OutsideValue], source: String = "website") throws -> MappedLead {
        try rules(map: "sources: [website]\nfields: \(fields)").judgement(of: lead(outside, source: source)).mapped
    }

    private func value(_ field: String, _ fields: String, _ outside: [String: OutsideValue]) throws -> FieldValue {
        let rules = try rules(map: "sources: [website]\nfields: \(fields)")
        return rules.judgement(of: lead(outside)).mapped.values[try #require(rules.table[field])]
    }

    @Test(arguments: [
        ("industry", "{ industry: { from: tag } }", "tag", OutsideValue.text(" 医疗 "), FieldValue.text("医疗")),
        ("industry", "{ industry: { from: tag, values: { 三甲医院: hospital } } }", "tag", "三甲医院", .text("hospital")),
        ("industry", "{ industry: { from: tag, values: { 三甲医院: hospital } } }", "tag", "诊所", .text("诊所")),
        ("industry", "{ industry: { from: tag } }", "tag", 7, .text("7")),
        ("budget", "{ budget: { from: b, currency: CNY } }", "b", "500,000", .money(Money(amountMinor: 50_000_000, currency: "CNY"))),
        ("budget", "{ budget: { from: b, currency: CNY } }", "b", "¥ 480,000", .money(Money(amountMinor: 48_000_000, currency: "CNY"))),
        ("budget", "{ budget: { from: b, currency: CNY } }", "b", "48.5万元", .money(Money(amountMinor: 48_500_000, currency: "CNY"))),
        ("budget", "{ budget: { from: b, currency: CNY } }", "b", "-0", .money(Money(amountMinor: 0, currency: "CNY"))),
        ("mine", "{ mine: { from: b, type: money, currency: CNY } }", "b", "-¥100", .money(Money(amountMinor: -10_000, currency: "CNY"))),
        ("budget", "{ budget: { from: b, currency: USD } }", "b", "$1,200.50", .money(Money(amountMinor: 120_050, currency: "USD"))),
        ("budget", "{ budget: { from: b, currency: CNY } }", "b", "１２０．５ 元", .money(Money(amountMinor: 12_050, currency: "CNY"))),
        ("budget", "{ budget: { from: b, currency: CNY } }", "b", "1,234,567.8", .money(Money(amountMinor: 123_456_780, currency: "CNY"))),
        ("budget", "{ budget: { from: b, currency: INR } }", "b", "12,34,567", .money(Money(amountMinor: 123_456_700, currency: "INR"))),
        ("budget", "{ budget: { from: b, currency: INR } }", "b", "1,00,000", .money(Money(amountMinor: 10_000_000, currency: "INR"))),
        ("budget", "{ budget: { from: b, currency: CNY } }", "b", "48,0000", .money(Money(amountMinor: 48_000_000, currency: "CNY"))),
        ("budget", "{ budget: { from: b, currency: CNY } }", "b", "1 200 000 元", .money(Money(amountMinor: 120_000_000, currency: "CNY"))),
        ("budget", "{ budget: { from: b, currency: CNY } }", "b", "12500.000", .money(Money(amountMinor: 1_250_000, currency: "CNY"))),
        ("budget", "{ budget: { from: b, currency: CNY } }", "b", "0.500", .money(Money(amountMinor: 50, currency: "CNY"))),
        ("budget", "{ budget: { from: b, currency: CNY } }", "b", "1.234万", .money(Money(amountMinor: 1_234_000, currency: "CNY"))),
        ("budget", "{ budget: { from: b, currency: JPY } }", "b", "1.2亿", .money(Money(amountMinor: 120_000_000, currency: "JPY"))),
        ("budget", "{ budget: { from: b, currency: CNY } }", "b", 12.5, .money(Money(amountMinor: 1250, currency: "CNY"))),
        ("budget", "{ budget: { from: b, currency: CNY } }", "b", "USD 10", .money(Money(amountMinor: 1000, currency: "USD"))),
        ("budget", "{ budget: { from: b, currency: JPY } }", "b", "500", .money(Money(amountMinor: 500, currency: "JPY"))),
        (
            "budget", "{ budget: { from: b, currency: CNY } }", "b", .object(["amount_minor": 5, "currency": "EUR"]),
            .money(Money(amountMinor: 5, currency: "EUR"))
        ),
        ("interactions", "{ interactions: { from: n } }", "n", "4", .number(4)),
        ("interactions", "{ interactions: { from: n } }", "n", 4, .number(4)),
        ("intent_signals", "{ intent_signals: { from: s } }", "s", .list(["a", "b"]), .list(["a", "b"])),
        ("intent_signals", "{ intent_signals: { from: s } }", "s", "a， b;c", .list(["a", "b", "c"])),
        ("mine", "{ mine: { from: m, type: boolean } }", "m", "是", .boolean(true)),
        ("mine", "{ mine: { from: m, type: boolean } }", "m", .boolean(false), .boolean(false)),
        ("mine", "{ mine: { from: m, type: date } }", "m", "2026-01-31", .date(Date(timeIntervalSince1970: 1_769_817_600))),
        (
            "mine", "{ mine: { from: m, type: date } }", "m", "2026-01-31T08:00:00.5+08:00",
            .date(Date(timeIntervalSince1970: 1_769_817_600.5))
        ),
        (
            "mine", "{ mine: { from: m, type: date } }", "m", "2026-01-31T08:00:00.000+0800",
            .date(Date(timeIntervalSince1970: 1_769_817_600))
        ),
    ])
    func `an outside value is read as its field's type`(
        field: String, fields: String, name: String, outside: OutsideValue, expected: FieldValue
    ) throws {
        #expect(try value(field, fields, [name: outside]) == expected)
    }

    @Test(arguments: [
        ("{ budget: { from: b, currency: CNY } }", OutsideValue.text("about half a million")),
        ("{ budget: { from: b, currency: CNY } }", .text("1.005")),
        ("{ budget: { from: b, currency: CNY } }", .text("万")),
        ("{ budget: { from: b, currency: CNY } }", .text("$500")),
        ("{ budget: { from: b, currency: USD } }", .text("480000元")),
        ("{ budget: { from: b, currency: CNY } }", .text("€48万")),
        ("{ budget: { from: b, currency: CNY } }", .text("四十八万")),
        ("{ budget: { from: b, currency: CNY } }", .list(["1"])),
        ("{ budget: { from: b, currency: CNY } }", .text("-¥100")),
        ("{ budget: { from: b, currency: CNY } }", .text("CNY -0.01")),
        ("{ budget: { from: b, currency: CNY } }", .number(-1)),
        ("{ budget: { from: b, currency: CNY } }", .object(["amount_minor": -5, "currency": "EUR"])),
        ("{ interactions: { from: b } }", .text("many")),
        ("{ interactions: { from: b } }", .text("nan")),
        ("{ interactions: { from: b } }", .boolean(true)),
        ("{ industry: { from: b } }", .object(["a": 1])),
        ("{ mine: { from: b, type: boolean } }", .text("maybe")),
        ("{ mine: { from: b, type: date } }", .text("31.01.2026")),
        ("{ mine: { from: b, type: date } }", .text("2026-02-30")),
        ("{ budget: { from: b, currency: CNY } }", .text("XYZ 500")),
        ("{ intent_signals: { from: b } }", .list([.object([:]), .object(["a": 1])])),
        ("{ industry: { from: b, values: { a: A }, unlisted: hold } }", .text("b")),
    ])
    func `a value that does not fit is a mapping error, not a guess`(fields: String, outside: OutsideValue) throws {
        let judgement = try rules(map: "sources: [website]\nfields: \(fields)").judgement(of: lead(["b": outside]))

        guard case .held(.heldMappingError) = judgement.verdict else {
            Issue.record("it was judged")
            return
        }
        #expect(judgement.reasons.map(\.code) == [.typeMismatch])
    }

    @Test(arguments: [
        ("CNY", " $48,000.00", "$", "USD, CAD, AUD, NZD, HKD, SGD, TWD"), ("CNY", "-$5", "$", "USD, CAD, AUD, NZD, HKD, SGD, TWD"),
        ("CNY", "€48万", "€", "EUR"), ("CNY", "500 £", "£", "GBP"), ("USD", "480000元", "元", "CNY"), ("EUR", "￥500", "￥", "CNY, JPY"),
        ("CNY", "US$500", "US$", "USD"), ("CNY", "HK$5", "HK$", "HKD"), ("CNY", "A$1,200.50", "A$", "AUD"), ("CNY", "S$20", "S$", "SGD"),
        ("CNY", "R$ 90", "R$", "BRL"), ("CNY", "NT$ 3万", "NT$", "TWD"), ("CNY", "500 NZ$", "NZ$", "NZD"), ("CAD", "US$500", "US$", "USD"),
        ("USD", "-CA$5", "CA$", "CAD"), ("CNY", "C$5", "C$", "CAD, NIO"),
        // The yen has nothing behind its point.
        ("EUR", "¥1.50", "¥", "CNY"), ("USD", "¥480,000元", "¥", "CNY"),
    ])
    func `an amount with another currency's sign is held for it, and both currencies are told`(
        currency: String, text: String, sign: String, currencies: String
    ) throws {
        let fields = "{ budget: { from: b, currency: \(currency) } }"
        let judgement = try rules(map: "sources: [website]\nfields: \(fields)").judgement(of: lead(["b": .text(text)]))

        let told = try #require(judgement.reasons.first).parameters
        #expect(told["expected"] == "money_in" && told["asked"] == .text(currency))
        #expect(told["sign"] == .text(sign) && told["currencies"] == .text(currencies))
    }

    @Test(
        arguments: [
            ("USD", "US$500", 50_000), ("HKD", "HK$5", 500), ("AUD", "A$1,200.50", 120_050), ("AUD", "AU$ 7", 700), ("SGD", "S$20", 2_000),
            ("SGD", "-SG$20", -2_000), ("CAD", "C$1", 100), ("CAD", "CA$1", 100), ("NZD", "500 NZ$", 50_000), ("TWD", "NT$300", 30_000),
            ("BRL", "R$ 90", 9_000), ("USD", "500 US$", 50_000),
        ] as [(String, String, Int64)])
    func `a dollar with its country before it is read where the map's currency is that one`(currency: String, text: String, minor: Int64) {
        #expect(Money(mainUnits: text, currency: currency) == Money(amountMinor: minor, currency: currency))
    }

    @Test(arguments: [
        ("2026-02-30", "day_of_calendar"), ("2026-04-31T08:00:00+0800", "day_of_calendar"), ("31.01.2026", "date"), ("2026-13-01", "date"),
        ("2026-01-31T25:00:00Z", "date"), ("2026-02-xx", "date"), ("soon", "date"),
    ])
    func `a date on a day that does not exist is told apart from what is no date`(text: String, expected: String) throws {
        let rules = try rules(map: "sources: [website]\nfields: { mine: { from: b, type: date } }")
        let told = try #require(rules.judgement(of: lead(["b": .text(text)])).reasons.first).parameters

        #expect(told["expected"] == .text(expected))
    }

    @Test(arguments: ["$12.500", "$", "about $500", "500 USD now", "1,5 €", "US$", "XUS$5", "R$ 1.200,50"])
    func `what is no amount but for its sign is no amount in another currency`(text: String) throws {
        let rules = try rules(map: "sources: [website]\nfields: { budget: { from: b, currency: CNY } }")
        let told = try #require(rules.judgement(of: lead(["b": .text(text)])).reasons.first).parameters

        #expect(told["expected"] == "money" && told["sign"] == nil)
    }

    @Test(arguments: [OutsideValue.null, "", "   ", [], nil])
    func `what is absent or blank is empty, defaulted or missing, as the map says`(outside: OutsideValue?) throws {
        let fields = outside.map { ["tag": $0] } ?? [:]
        let optional = try mapped("{ industry: { from: tag, optional: true } }", fields)
        let defaulted = try mapped("{ industry: { from: tag, default: other } }", fields)
        let required = try mapped("{ industry: { from: tag } }", fields)

        #expect(optional.values.contains(.empty))
        #expect(optional.missing.isEmpty)
        #expect(defaulted.values.contains(.text("other")))
        #expect(defaulted.defaulted.map(\.field) == ["industry"])
        #expect(required.missing == ["industry"])
    }

    @Test func `of several outside fields the first present one counts, of a list all`() throws {
        #expect(try value("industry", "{ industry: { from: [a, b] } }", ["a": "", "b": "x"]) == .text("x"))
        #expect(try value("region", "{ region: { from: [province, city] } }", ["province": "浙江", "city": "杭州"]) == .list(["浙江", "杭州"]))
    }

    @Test func `a map for the source stands above the one for any source`() throws {
        let both = TenantRules([
            LiveRuleSet(
                try RuleSet.parse(
                    kind: .map, name: "a",
                    source: "{ sources: ['*'], fields: { industry: { from: x, optional: true }, company: { from: c, optional: true } } }"
                ).get(), version: 1),
            LiveRuleSet(
                try RuleSet.parse(kind: .map, name: "b", source: "{ sources: [douyin], fields: { industry: { from: y } } }").get(),
                version: 1),
        ])

        let mapped = both.judgement(of: lead(["x": "general", "y": "own", "c": "Acme"], source: "douyin")).mapped

        #expect(mapped.values[both.table["industry"]!] == .text("own"))
        #expect(mapped.values[both.table["company"]!] == .text("Acme"))
        #expect(mapped.unmapped.isEmpty)
    }

    @Test(arguments: [
        ("douyin", ["map/any@1", "map/douyin@1", "route/main@1"], ["map/fair@1"]),
        ("elsewhere", ["map/any@1", "route/main@1"], ["map/douyin@1", "map/fair@1"]),
    ])
    func `of the maps those of a lead's own source have a say`(source: String, read: [String], otherMaps: [String]) throws {
        func map(_ name: String, of source: String) throws -> LiveRuleSet {
            let text = "{ sources: ['\(source)'], fields: { industry: { from: x, optional: true } } }"
            return LiveRuleSet(try RuleSet.parse(kind: .map, name: name, source: text).get(), version: 1)
        }
        let route = try RuleSet.parse(kind: .route, name: "main", source: "rules: [{ id: all, to: everyone }]").get()
        let rules = TenantRules([
            try map("any", of: "*"), try map("douyin", of: "douyin"), try map("fair", of: "fair"), LiveRuleSet(route, version: 1),
        ])

        let references = rules.references(for: source)

        #expect(references.read.map(\.description) == read)
        #expect(references.otherMaps.map(\.description) == otherMaps)
    }

    @Test func `what no map speaks of is told, what is ignored is not`() throws {
        let rules = try rules(map: "{ sources: [website], fields: { industry: { from: tag, optional: true } }, ignore: [utm] }")

        #expect(rules.judgement(of: lead(["b": 1, "utm": "x", "a": 2])).mapped.unmapped == ["a", "b"])
        #expect(rules.judgement(of: lead(["tag": "x"], source: "elsewhere")).mapped.unmapped == ["tag"])
    }

    @Test(arguments: [
        ("{ fields: {} }", ": missing"),
        ("{ sources: [a], fields: { industry: { from: x, form: x } } }", "fields.industry.form: unknown_key"),
        ("{ sources: [a], fields: { industry: {} } }", "fields.industry: missing"),
        ("{ sources: [a], fields: { industri: { from: x } } }", "fields.industri: missing"),
        ("{ sources: [a], fields: { Mine: { from: x, type: text } } }", "fields.Mine: out_of_range"),
        ("{ sources: [a], fields: { industry: { from: x, type: number } } }", "fields.industry.type: wrong_type"),
        ("{ sources: [a], fields: { source: { from: x } } }", "fields.source: conflict"),
        ("{ sources: [a], fields: { budget: { from: x } } }", "fields.budget: missing"),
        ("{ sources: [a], fields: { budget: { from: x, currency: yuan } } }", "fields.budget.currency: out_of_range"),
        ("{ sources: [a], fields: { budget: { from: x, currency: CNY, default: lots } } }", "fields.budget.default: wrong_type"),
        ("{ sources: [a], fields: { budget: { from: x, currency: CNY, default: -1 } } }", "fields.budget.default: out_of_range"),
        ("{ sources: [a], fields: { industry: { from: x, default: y, optional: true } } }", "fields.industry.default: conflict"),
        ("{ sources: [a], fields: { industry: { from: x, unlisted: hold } } }", "fields.industry.unlisted: conflict"),
        ("{ sources: [a, a], fields: {} }", "sources[1]: duplicate"),
        ("{ sources: [a], fields: { industry: { from: x } }, ignore: [x] }", "ignore: conflict"),
        ("{ sources: [a], fields: { industry: { from: x, optional: maybe } } }", "fields.industry.optional: wrong_type"),
    ])
    func `a wrong map is refused at its exact place`(source: String, fault: String) {
        #expect(faults(.map, source) == [fault])
    }

    @Test func `two maps may not speak for one source`() throws {
        let first = try RuleSet.parse(kind: .map, name: "a", source: "{ sources: [x, y], fields: {} }").get()
        let second = try RuleSet.parse(kind: .map, name: "b", source: "{ sources: [z, y], fields: {} }").get()

        #expect(second.conflicts(with: [first]).map(\.path) == ["sources[1]"])
        #expect(first.conflicts(with: [first]).isEmpty)
    }

    @Test func `an own field is known to the other rule sets, of one type`() throws {
        let map = try parse(.map, "{ sources: [a], fields: { beds: { from: beds, type: number, optional: true } } }")
        let route = "{ rules: [{ id: big, when: { field: beds, gte: 100 }, to: everyone }], strategy: { high: {}, mid: {}, low: {} } }"

        #expect(faults(.route, route) == ["rules[0].when.field: unknown_field"])
        #expect(faults(.route, route, catalogue: .of([map])) == [])
        #expect(
            faults(.map, "{ sources: [b], fields: { beds: { from: x, type: text } } }", catalogue: .of([map])) == [
                "fields.beds.type: conflict"
            ])
    }

    @Test(arguments: [
        "0,500", "012,500", "12,34", "12,34,56", "1,000,00", "12.500,00", "12.500", "480.000", "1,5", "12,50", "480,00", "1,2,3",
        "1.234.567,89", "1.234.567", "1,234,56", ",5", "1,,000", "1 5",
        "12k",
        "$12", "US$12", "", "-", "元",
    ])
    func `what may be another amount elsewhere is none`(text: String) {
        #expect(Money(mainUnits: text, currency: "CNY") == nil)
    }
}
