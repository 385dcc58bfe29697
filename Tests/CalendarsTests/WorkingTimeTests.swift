import Calendars
import Foundation
import Testing

@Suite struct WorkingTimeTests {
    private let working = WorkingTime(plan(office), years: 2025...2028)!

    @Test(arguments: [
        // Friday evening before a make-up Saturday.
        ("2026-02-13 17:58", 4 * 60, "2026-02-14 09:02"),
        // The make-up Saturday's end, over the Spring Festival.
        ("2026-02-14 17:59", 4 * 60, "2026-02-24 09:03"),
        // Lunch.
        ("2026-02-28 11:58:30", 4 * 60, "2026-02-28 13:32:30"),
        // A Sunday that is worked.
        ("2026-01-04 09:30", 4 * 60, "2026-01-04 09:34"),
        ("2026-02-13 17:58", 48 * 3_600, "2026-03-02 11:58"),
        // What ends with the day is due then, not on the next morning; what begins outside begins with the next opening.
        ("2026-03-02 17:56", 4 * 60, "2026-03-02 18:00"),
        ("2026-03-07 10:00", 4 * 60, "2026-03-09 09:04"),
        ("2026-03-07 20:00", 4 * 60, "2026-03-09 09:04"),
        ("2026-03-07 20:00", 0, "2026-03-07 20:00"),
    ])
    func `what is due after so much working time is due then`(start: String, seconds: Int, due: String) {
        #expect(working.due(start, seconds: seconds) == .init(at: moment(due), isProvisional: false))
    }

    @Test func `the time between two moments is what was open of it`() {
        let elapsed = working.elapsed(from: moment("2026-02-13 17:58"), to: moment("2026-03-02 11:58"))

        #expect(elapsed == 48 * 3_600)
        #expect(working.elapsed(from: moment("2026-03-02 11:58"), to: moment("2026-02-13 17:58")) == -elapsed)
        #expect(working.elapsed(from: moment("2026-03-02 12:10"), to: moment("2026-03-02 13:30:01")) == 1)
    }

    @Test func `it is open from the first to before the last moment, and opens again`() {
        #expect(working.isOpen(at: moment("2026-03-02 09:00")))
        #expect(!working.isOpen(at: moment("2026-03-02 12:00")))
        #expect(working.opening(from: moment("2026-03-02 12:00"))?.at == moment("2026-03-02 13:30"))
        #expect(working.opening(from: moment("2026-02-15 12:00"))?.at == moment("2026-02-24 09:00"))
        #expect(working.opening(from: moment("2026-02-24 09:00:07"))?.at == moment("2026-02-24 09:00:07"))
    }

    @Test func `a part of a second is kept`() {
        let start = moment("2026-03-02 09:00").addingTimeInterval(0.25)

        #expect(working.due(after: start, seconds: 240)?.at == start.addingTimeInterval(240))
    }

    @Test func `a year without a notice is provisional, and so are the days its notice may still take from the year before`() {
        #expect(working.due("2026-12-28 17:00", seconds: 3_600)?.isProvisional == false)
        #expect(working.due("2026-12-28 17:00", seconds: 3_601) == .init(at: moment("2026-12-29 09:00:01"), isProvisional: true))
        #expect(working.due("2027-05-04 09:00", seconds: 60)?.isProvisional == true)
    }

    @Test func `when the notice is out the deadline moves and is final`() {
        let day = CivilDate("2027-01-01")!
        let notice = NationalCalendar.Year(2027, days: [day: .off, day + 1: .work])
        let told = WorkingTime(plan(office, national: .china.with(notice)), years: 2025...2028)!

        #expect(working.due("2026-12-31 17:59", seconds: 120) == .init(at: moment("2027-01-01 09:01"), isProvisional: true))
        #expect(told.due("2026-12-31 17:59", seconds: 120) == .init(at: moment("2027-01-02 09:01"), isProvisional: false))
    }

    @Test func `beyond the years that are compiled there is no answer`() {
        #expect(working.due("2028-12-29 17:00", seconds: 3_600 * 9) == nil)
        #expect(working.due("2024-12-31 23:59", seconds: 60) == nil)
    }

    @Test func `who never works has no calendar`() {
        let never = CalendarLayer(week: Array(repeating: .closed, count: 7), observance: CalendarLayer.Observance.none)

        #expect(WorkingTime(plan(never), years: 2026...2027) == nil)
    }

    @Test func `without a calendar all time is working time`() {
        #expect(WorkingTime.always.due("2026-02-15 03:00", seconds: 240)?.at == moment("2026-02-15 03:04"))
        #expect(WorkingTime.always.elapsed(from: moment("2026-02-15 03:00"), to: moment("2026-02-16 03:00")) == 86_400)
    }
}
