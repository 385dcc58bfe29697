import Foundation
import Testing

@testable import JSONEnvelope

@Suite struct RFC3339Tests {
    @Test(arguments: [
        ("1970-01-01T00:00:00Z", 0), ("2000-02-29T23:59:59Z", 951_868_799), ("2026-01-31T08:00:00+08:00", 1_769_817_600),
        ("2026-01-31t00:00:00z", 1_769_817_600),
        ("1969-12-31T23:59:59.5Z", -0.5), ("2026-01-31T00:00:00.123456789Z", 1_769_817_600.123456),
        ("0001-01-01T00:00:00Z", -62_135_596_800),
        ("9999-12-31T23:59:59Z", 253_402_300_799), ("1970-01-01T00:00:00-23:59", 86_340),
    ])
    func `a time is read`(_ text: String, _ seconds: Double) {
        #expect(RFC3339.date(text)?.timeIntervalSince1970 == seconds)
    }

    @Test(arguments: [
        "", "2026-01-31", "2026-01-31T08:00:00", "2026-01-31 08:00:00Z", "2026-1-31T08:00:00Z", "2026-02-29T00:00:00Z",
        "2026-04-31T00:00:00Z",
        "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z", "2026-01-00T00:00:00Z", "2026-01-31T24:00:00Z", "2026-01-31T08:60:00Z",
        "2026-06-30T23:59:60Z",
        "2026-01-31T08:00:00.Z", "2026-01-31T08:00:00+0800", "2026-01-31T08:00:00+24:00", "2026-01-31T08:00:00Zx", "0000-01-01T00:00:00Z",
        "２026-01-31T08:00:00Z",
        "1769817600", "9999-12-31T23:59:59-00:01", "9999-12-31T23:59:59.999999999Z", "0001-01-01T00:00:00+00:01",
    ])
    func `what only looks like a time is not one`(_ text: String) {
        #expect(RFC3339.date(text) == nil)
    }

    @Test func `a time is written in UTC and read back the same`() {
        #expect(RFC3339.text(Date(timeIntervalSince1970: 1_769_817_600)) == "2026-01-31T00:00:00Z")
        #expect(RFC3339.text(Date(timeIntervalSince1970: 1_769_817_600.25)) == "2026-01-31T00:00:00.250000Z")
        #expect(RFC3339.text(Date(timeIntervalSince1970: -0.5)) == "1969-12-31T23:59:59.500000Z")
        #expect(RFC3339.day("2018-02-01") == Date(timeIntervalSince1970: 1_517_443_200))
        #expect(RFC3339.day("2018-02-30") == nil)
    }

    @Test(arguments: [
        (9.4e12, "9999-12-31T23:59:59Z"), (-1e30, "0001-01-01T00:00:00Z"), (.infinity, "9999-12-31T23:59:59Z"),
        (.nan, "1970-01-01T00:00:00Z"),
    ])
    func `what no text can name is written as the nearest that can`(seconds: Double, text: String) {
        #expect(RFC3339.text(Date(timeIntervalSince1970: seconds)) == text)
    }

    @Test func `days since the calendar was mended agree with it`() {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = TimeZone(identifier: "UTC")!

        for days in stride(from: -141_000, to: 146_097, by: 17) {
            let parts = calendar.dateComponents([.year, .month, .day], from: Date(timeIntervalSince1970: Double(days) * 86_400))
            let (year, month, day) = RFC3339.civil(days)
            #expect((year, month, day) == (parts.year!, parts.month!, parts.day!))
            #expect(RFC3339.daysFromCivil(year, month, day) == days)
        }
    }
}
