import Foundation
import Messages
import Testing

@Suite struct QuietHoursTests {
    private let shanghai = TimeZone(identifier: "Asia/Shanghai")!

    private func moment(_ text: String) -> Date { try! Date(text, strategy: .iso8601) }  // written out below

    @Test(arguments: [
        ("2026-11-26T20:59:59+08:00", nil), ("2026-11-26T21:00:00+08:00", "2026-11-27T08:00:00+08:00"),
        ("2026-11-27T00:30:00+08:00", "2026-11-27T08:00:00+08:00"), ("2026-11-27T07:59:59+08:00", "2026-11-27T08:00:00+08:00"),
        ("2026-11-27T08:00:00+08:00", nil),
    ])
    func `a night is quiet over midnight, until its very end`(now: String, end: String?) throws {
        let night = try #require(QuietHours(from: "21:00", to: "08:00"))

        #expect(night.end(at: moment(now), in: shanghai) == end.map(moment))
    }

    @Test func `a lunch is quiet within the day`() throws {
        let lunch = try #require(QuietHours(from: "12:00", to: "13:30"))

        #expect(lunch.end(at: moment("2026-11-26T12:15:10+08:00"), in: shanghai) == moment("2026-11-26T13:30:00+08:00"))
        #expect(lunch.end(at: moment("2026-11-26T13:30:00+08:00"), in: shanghai) == nil)
        #expect(lunch.end(at: moment("2026-11-26T04:15:10+08:00"), in: shanghai) == nil)
    }

    @Test func `where the clocks change in the night, the clock on the wall says when it is over`() throws {
        let night = try #require(QuietHours(from: "22:00", to: "07:00"))
        let berlin = TimeZone(identifier: "Europe/Berlin")!

        // Summer time begins: the night is an hour shorter.
        #expect(night.end(at: moment("2026-03-28T23:00:00+01:00"), in: berlin) == moment("2026-03-29T07:00:00+02:00"))
        #expect(night.end(at: moment("2026-10-24T23:00:00+02:00"), in: berlin) == moment("2026-10-25T07:00:00+01:00"))
    }

    @Test(arguments: [("21:00", "21:00"), ("24:00", "08:00"), ("9:00", "10:00"), ("", "10:00"), ("21:60", "08:00")])
    func `what are no two times of a day is refused`(from: String, to: String) { #expect(QuietHours(from: from, to: to) == nil) }
}
