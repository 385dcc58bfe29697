import Clocks
import Foundation
import Rules
import SalesModel
import Testing

@Suite struct ReportingLineTests {
    private func names(_ line: ReportingLine, _ recipients: Recipient...) -> [String] { line.addressees(of: recipients).map(\.name) }

    @Test func `who is named hears of it`() {
        let line = ReportingLine(owner: "li", managers: ["wang", "zhao"], offices: [.finance: ["qian"], .tenantAdmin: ["sun"]])

        #expect(names(line, .owner, .manager, .finance, .tenantAdmin) == ["li", "wang", "qian", "sun"])
        #expect(line.addressees(of: [.manager]).map(\.standsIn) == [false])
    }

    @Test func `a missing one is stood in for by the next superior, at last by the administrator`() {
        #expect(names(ReportingLine(owner: nil, managers: ["wang"]), .owner) == ["wang"])
        #expect(names(ReportingLine(owner: "li", offices: [.salesDirector: ["zhou"]]), .manager) == ["zhou"])
        #expect(names(ReportingLine(owner: "li", offices: [.tenantAdmin: ["sun"]]), .manager) == ["sun"])
        #expect(names(ReportingLine(owner: "li"), .cto) == ["role:tenant_admin"])
        #expect(ReportingLine(owner: "li").addressees(of: [.manager]).map(\.standsIn) == [true])
        #expect(ReportingLine(owner: nil).addressees(of: [.tenantAdmin]).map(\.standsIn) == [false])
    }

    @Test func `who leads the team is told as its manager's manager would be`() {
        #expect(names(ReportingLine(owner: "wang", managers: ["wang", "zhao"]), .manager) == ["zhao"])
    }

    @Test func `nobody is told twice`() {
        #expect(names(ReportingLine(owner: nil, managers: ["wang"]), .owner, .manager) == ["wang"])
    }

    @Test func `a message is written in both languages, and without its text in plain words`() throws {
        let book = try book(
            firstTouch.replacing("{ id: a, after: 4m, to: owner }", with: "{ id: a, after: 4m, to: owner, message: hurry }"))
        let facts = lead(values: ["company": .text("东方机械")])
        let verdict = book.verdict(facts, after: 300)
        let source = """
            messages:
              - id: hurry
                subject: lead
                texts:
                  - { language: en, body: "{company}: late by {late_by:duration}, {recipient}" }
                  - { language: zh, body: "{company}：超时{late_by:duration}，{recipient}" }
            """
        let rules = try #require(try RuleSet.parse(kind: .message, name: "default", source: source, catalogue: .standard).get().messages)
        func written(_ rules: MessageRules?) -> [ClockMessage] {
            ClockWriter(rules, timeZone: .gmt).messages(
                of: verdict.toTell[0], about: facts, shortfall: nil, to: ReportingLine(owner: "li"), names: ["li": "李丽"])
        }

        #expect(written(rules).map(\.english) == ["东方机械: late by 1 min, 李丽"])
        #expect(written(rules).map(\.chinese) == ["东方机械：超时1 分钟，李丽"])
        #expect(written(nil).map(\.english) == ["lead 7: first is due, late by 1 min."])
        #expect(written(rules)[0].key == "clock/lead/7/first/a")
        #expect(written(rules)[0].code == "first.a")
    }
}
