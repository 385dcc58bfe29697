import Foundation
import JSONEnvelope
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
        "", "soon", "2026-13-01", "2026-02-30", "2026-01-31 25:00", "13/31/2026", "1/2/3", "2026-1-31 13:00 PM", "20260131", "5/2026/1",
    ])
    func `what is no time is none`(text: String) {
        for order in DateOrder.allCases { #expect(read(text, order) == nil) }
    }
}
