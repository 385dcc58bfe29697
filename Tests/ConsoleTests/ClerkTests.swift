import Foundation
import JSONEnvelope
import SalesModel
import Testing

@testable import Console

@Suite struct ClerkTests {
    private let clerk = frame().1
    private let chinese = frame(.chinese).1

    @Test(
        arguments: [
            (0.0, "under 1 ms"), (0.0004, "under 1 ms"), (0.001, "1 ms"), (0.0451, "45 ms"), (0.9996, "1 s"), (1, "1 s"), (4.25, "4.3 s"),
            (59.6, "1 min"), (200, "3 min 20 s"),
            (3_600, "1 h"), (3_605, "1 h"), (187_200, "2 d 4 h"), (34_560_000, "400 d"),
        ] as [(Double, String)])
    func `a span is two units at most`(seconds: Double, text: String) {
        #expect(clerk.span(seconds).replacing("\u{A0}", with: " ") == text)
    }

    @Test func `a number and its unit stay on one line`() {
        #expect(clerk.span(200) == "3\u{A0}min 20\u{A0}s" && chinese.span(200) == "3\u{A0}分钟 20\u{A0}秒")
        #expect(clerk.span(0) == "under\u{A0}1\u{A0}ms" && chinese.span(0) == "不到\u{A0}1\u{A0}毫秒")
        #expect(clerk.percent(0.125) == "12.5\u{A0}%" && chinese.percent(0.125) == "12.5%")
    }

    @Test func `a key and its number stay on one line, in a sentence too`() {
        var named = clerk
        named.keyNames = [7: "Night shift"]

        #expect(clerk.actor("key:7") == "key\u{A0}7" && chinese.actor("key:7") == "密钥\u{A0}7")
        #expect(named.actor("key:7") == "Night shift (key\u{A0}7)", "a name may be long and wraps")
        #expect(chinese.words["round_asked_by", ["actor": "密钥\u{A0}7"]] == "由密钥\u{A0}7 发起")
    }

    @Test(
        arguments: [
            (0, "0"), (7, "7"), (999, "999"), (1_000, "1,000"), (-1_234_567, "−1,234,567"), (Int.min, "−9,223,372,036,854,775,808"),
        ] as [(Int, String)])
    func `whole numbers are grouped`(value: Int, text: String) { #expect(clerk.number(value) == text) }

    @Test(
        arguments: [
            (0.0, 2, "0"), (1.005, 1, "1"), (12.345, 2, "12.35"), (-0.04, 1, "0"), (-6.14, 1, "−6.1"), (1_234.5, 1, "1,234.5"),
            (0.5, 0, "1"),
            (.infinity, 1, "–"),
        ] as [(Double, Int, String)])
    func `other numbers have so many decimals at most`(value: Double, decimals: Int, text: String) {
        #expect(clerk.number(value, decimals: decimals) == text)
    }

    @Test func `times are the tenant's`() throws {
        let date = try #require(RFC3339.date("2026-03-18T06:29:05Z"))

        #expect(clerk.full(date) == "2026-03-18 14:29:05")
        #expect(clerk.offset(date) == "UTC+8")
        #expect(clerk.ago(date) == "3\u{A0}min ago")
        #expect(chinese.ago(date) == "3\u{A0}分钟前")
        #expect(clerk.ago(date.addingTimeInterval(600)) == "in 7\u{A0}min")
        #expect(clerk.when(date)["iso"] == .text("2026-03-18T06:29:05Z"))
        #expect(clerk.when(Date?.none) == .nothing)
    }

    @Test func `money has two decimals`() {
        #expect(clerk.money(1_234_567, "CNY") == "12,345.67 CNY")
        #expect(clerk.money(-5, nil) == "−0.05")
        #expect(clerk.money(-12_300, nil) == "−123.00")
    }

    @Test func `pictures keep within their field`() {
        #expect(Picture.length(1.5) == "100")
        #expect(Picture.length(.nan) == "0")
        #expect(Picture.line([0, 5, 10], top: 10) == "16.67,100 50,50 83.33,0")
        #expect(Picture.area([10], top: 10) == "50,100 50,0 50,100")
        #expect(Picture.roundTop(230) == 500)
        #expect(Picture.roundTop(0) == 1)
        #expect(Picture.roundTop(10) == 10)
    }
}
