import Foundation
import Schedules
import Testing

@Suite struct ReadingTests {
    @Test(arguments: [
        ("0 9 * * 1", "monday 09:00"), ("0 9 * * MON", "mon 9:00"), ("30 8 * * 1-5", "weekday 08:30"), ("0 9 * * *", "day 09:00"),
        ("0 10 * * mon,thu", "Monday,Thursday 10:00"), ("0 10 15 * *", "day 15 10:00"), ("0 0 * * 7", "sunday 00:00"),
    ])
    func `words and cron mean the same`(_ cron: String, _ every: String) throws {
        let (a, b) = (try Recurrence(cron: cron), try Recurrence(every: every))
        var now = Date(timeIntervalSince1970: 1_767_225_600)
        for _ in 0..<50 {
            let next = try #require(a.next(after: now, in: .gmt))
            #expect(next == b.next(after: now, in: .gmt))
            now = next
        }
    }

    @Test(arguments: [
        "", "* * * *", "* * * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * 32 * *", "* * * 0 *", "* * * 13 *", "* * * * 8",
        "a * * * *",
        "*/0 * * * *", "*/ * * * *", "5/10 * * * *", "5-1 * * * *", "1,,2 * * * *", "-1 * * * *", "+1 * * * *", "1- * * * *", "* * * foo *",
        "0 0 30 2 *", "0 0 31 4,6,9,11 *", "99999999999999999999 * * * *", "１ * * * *", "1-2-3 * * * *", "*/5/5 * * * *", "** * * * *",
    ])
    func `what is no cron expression is refused`(_ text: String) {
        #expect(throws: RecurrenceFault.self) { try Recurrence(cron: text) }
    }

    @Test(arguments: [
        "", "monday", "09:00", "someday 09:00", "monday 24:00", "monday 9:60", "monday 9", "fifth friday 10:00", "first 10:00",
        "day 32 10:00",
        "day 0 10:00", "monday, 10:00", "first friday of month 10:00", "last 10:00", "monday 09:00:00", "monday +9:00", "day -1 09:00",
    ])
    func `words that mean nothing are refused`(_ text: String) {
        #expect(throws: RecurrenceFault.self) { try Recurrence(every: text) }
    }

    @Test func `a fault says which part is wrong`() {
        #expect(throws: RecurrenceFault.self) { try Recurrence(cron: "0 9 * * funday") }
        do { _ = try Recurrence(cron: "0 9 * * funday") } catch { #expect(error.description.contains("\"funday\" is no day of week")) }
    }
}
