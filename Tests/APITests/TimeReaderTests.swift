import Foundation
import JSONEnvelope
import SalesModel
import Testing

@testable import API

@Suite struct TimeReaderTests {
    private func read(_ text: String, _ order: DateOrder = .yearFirst) -> String? {
        TimeReader(order: order, zone: TimeZone(identifier: "Asia/Shanghai")!).date(text).map(RFC3339.text)
    }

    @Test(arguments: [
        ("2026-01-31T08:00:00Z", "2026-01-31T08:00:00Z"), ("2026-01-31", "2026-01-30T16:00:00Z"),
        ("2026-01-31 08:00", "2026-01-31T00:00:00Z"),
        ("2026-01-31T08:00:30", "2026-01-31T00:00:30Z"), ("2026/11/7 8:05", "2026-11-07T00:05:00Z"),
        ("2026年11月5日", "2026-11-04T16:00:00Z"), ("2026.11.05 23:59:59", "2026-11-05T15:59:59Z"),
        ("2026-11-05 08:00:00.000", "2026-11-05T00:00:00Z"), ("2026-11-05 08:00:00.750", "2026-11-05T00:00:00.750000Z"),
    ])
    func `a time whose year comes first is read, in the company's time where it has no offset`(text: String, time: String) {
        #expect(read(text) == time)
        #expect(read(text, .monthFirst) == time, "the order speaks of others")
    }

    @Test(arguments: [
        ("4/3/2026", DateOrder.monthFirst, "2026-04-02T16:00:00Z"), ("4/3/2026", .dayFirst, "2026-03-03T16:00:00Z"),
        ("11/5/26 2:15 PM", .monthFirst, "2026-11-05T06:15:00Z"), ("11/5/26, 2:15\u{202F}PM", .monthFirst, "2026-11-05T06:15:00Z"),
        ("11/5/26, 12:05 am", .monthFirst, "2026-11-04T16:05:00Z"),
        ("31.10.2026 09:30", .dayFirst, "2026-10-31T01:30:00Z"),
    ])
    func `a day in figures is read in the order that was said`(text: String, order: DateOrder, time: String) {
        #expect(read(text, order) == time)
        #expect(read(text) == nil, "half of such days would be read wrong")
    }

    @Test(arguments: [
        ("12 Nov 2026", "2026-11-11T16:00:00Z"), ("Nov 12, 2026", "2026-11-11T16:00:00Z"), ("12-Nov-2026", "2026-11-11T16:00:00Z"),
        ("12-NOV-2026 08:30", "2026-11-12T00:30:00Z"), ("September 5, 2026 8:05 PM", "2026-09-05T12:05:00Z"),
        ("Sept. 5 2026", "2026-09-04T16:00:00Z"), ("5. October 2026, 08:00:30", "2026-10-05T00:00:30Z"),
        ("1 may 2026", "2026-04-30T16:00:00Z"),
    ])
    func `a day whose month is a word is read in any order`(text: String, time: String) {
        for order in DateOrder.allCases { #expect(read(text, order) == time, "\(order)") }
    }

    @Test func `a year of two figures beside a word is one only where a file's years come last`() {
        #expect(read("12-Nov-26", .dayFirst) == "2026-11-11T16:00:00Z")
        #expect(read("12-Nov-26", .monthFirst) == "2026-11-11T16:00:00Z")
        #expect(read("12-Nov-26") == nil)
    }

    @Test(
        arguments: [
            ("31/1/2026", DateOrder.yearFirst, "dmy"), ("4/3/2026", .yearFirst, "mdy or dmy"), ("31/1/2026", .monthFirst, "dmy"),
            ("31/31/2026", .dayFirst, nil), ("soon", .yearFirst, nil),
        ] as [(String, DateOrder, String?)])
    func `a refusal speaks of the order only where another would help`(text: String, order: DateOrder, orders: String?) {
        let fault = TimeReader(order: order, zone: .gmt).fault(in: text).text(in: .english)

        #expect(fault.hasPrefix("“\(text)” is no time such as "))
        #expect(fault.hasSuffix(orders.map { "it would be one with date_order \($0)" } ?? "or 31 Jan 2026"))
    }

    @Test(arguments: [
        ("2026-02-30", 28), ("2028/2/30 8:05", 29), ("31/11/2026", 30), ("4/31/26 2:15 PM", 30), ("31 Feb 2026", 28), ("2026年4月31日", 30),
        ("2026-02-30T08:00:00+08:00", 28), ("2026-01-32", 31),
    ])
    func `a day that its month does not have is said to be none`(text: String, days: Int) {
        for order in DateOrder.allCases {
            let fault = TimeReader(order: order, zone: .gmt).fault(in: text).text(in: .english)
            #expect(fault == "“\(text)”: there is no such day, its month has \(days)")
        }
    }

    @Test(arguments: ["2026-13-01", "31/31/2026", "2026-01-31 25:00", "2026-01-31T25:00:00Z", "2026-02-xxT08:00:00Z", "soon"])
    func `what names no day of a month is no time`(text: String) {
        #expect(TimeReader(zone: .gmt).fault(in: text).text(in: .english).hasPrefix("“\(text)” is no time such as "))
    }

    @Test(arguments: [
        "", "soon", "2026-13-01", "2026-02-30", "2026-01-31 25:00", "13/31/2026", "1/2/3", "2026-1-31 13:00 PM", "20260131", "5/2026/1",
        "12 Nox 2026", "31 Feb 2026", "2026-01-31 ０８:００", "Nov 2026", "12 Nov 2026 at noon", "Nov 12 2026 13:00 PM",
        String(repeating: " ", count: 60_000),
    ])
    func `what is no time is none`(text: String) {
        for order in DateOrder.allCases { #expect(read(text, order) == nil) }
    }
}
