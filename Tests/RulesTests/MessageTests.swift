import Foundation
import SalesModel
import Testing

@testable import Rules

@Suite struct MessageTests {
    private func message(_ body: String, subject: String = "lead", channel: String = "") throws -> Message {
        let source = """
            messages:
              - id: m
                subject: \(subject)
                texts:
                  - { \(channel)language: en, body: "\(body)" }
                  - { \(channel)language: zh, body: "\(body)" }
            """
        return try #require(try parse(.message, source).messages?["m"])
    }

    private func body(
        _ template: String, _ values: [String: FieldValue], on channel: Channel = .inApp, in language: Language = .english,
        zone: TimeZone = .gmt
    ) throws -> String {
        try message(template).rendered(on: channel, in: language, values, timeZone: zone).get().body
    }

    @Test func `values are written by their type, in the recipient's time zone and language`() throws {
        let values: [String: FieldValue] = [
            "company": .text("华电"), "budget": .money(Money(amountMinor: 1_234_500, currency: "CNY")), "region": .list(["江苏", "上海"]),
            "due_at": .date(Date(timeIntervalSince1970: 1_760_000_000)), "late_by": .number(7_500), "count": .number(2),
            "score": .number(0.384),
        ]
        let shanghai = try #require(TimeZone(identifier: "Asia/Shanghai"))

        #expect(try body("{company} {budget} {count}", values) == "华电 CNY 12345.00 2")
        #expect(try body("{due_at} / {due_at:date}", values, zone: shanghai) == "2025-10-09 16:53 / 2025-10-09")
        #expect(try body("{late_by:duration}", values) == "2 h 5 min")
        #expect(try body("{late_by:duration} {region}", values, in: .chinese) == "2 小时 5 分钟 江苏、上海")
        #expect(try body("{score:percent}", values) == "38.4 %")
        #expect(try body("{{literal}}", values) == "{literal}")
    }

    @Test(arguments: [FieldValue?.none, .unmapped, .empty, .text(" "), .text("\n")])
    func `a missing value keeps the message back and is named`(value: FieldValue?) throws {
        let message = try message("{company} und {contact|the customer}")
        let answer = message.rendered(on: .sms, in: .english, value.map { ["company": $0] } ?? [:], timeZone: .gmt)

        #expect(answer == .failure(.missing(message: "m", ["company"])))
        guard case .failure(let fault) = answer else { return }
        #expect(fault.sentence.contains("{company|…}"))
    }

    @Test func `what stands for a missing value is written instead`() throws {
        #expect(try body("{company|an unnamed company}!", [:]) == "an unnamed company!")
    }

    @Test(arguments: [
        (Channel.mail, "<script>alert('x')</script> & \"b\"", "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; &quot;b&quot;"),
        (.workApp, "[pay](http://evil) **now** <@all> @all", "\\[pay\\]\\(http://evil\\) \\*\\*now\\*\\* &lt;＠all&gt; ＠all"),
        (.sms, "a\nb\r\u{202E}c\u{0}", "a b c "), (.inApp, "one\u{2028}two", "one two"),
    ])
    func `a value cannot become more than text on its channel`(channel: Channel, value: String, written: String) throws {
        let values: [String: FieldValue] = ["company": .text(value)]

        #expect(try message("{company}").rendered(on: channel, in: .english, values, timeZone: .gmt).get().body == written)
    }

    @Test func `a value with braces is not a template`() throws {
        #expect(try body("{company}", ["company": .text("{phone}"), "phone": .text("1")]) == "{phone}")
    }

    @Test func `a channel without text of its own takes the one for all, and none is a fault`() throws {
        #expect(try message("x").text(on: .sms, in: .english) != nil)
        let sms = try message("x", channel: "channel: sms, ")
        #expect(sms.rendered(on: .mail, in: .english, [:], timeZone: .gmt) == .failure(.noText(message: "m", .mail, .english)))
    }
}
