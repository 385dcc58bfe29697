import Calendars
import Foundation
import Testing

@Suite struct LayerTests {
    private func working(_ layers: CalendarLayer...) -> WorkingTime {
        WorkingTime(CalendarPlan(zone: shanghai, national: .china, layers: [office] + layers), years: 2026...2026)!
    }

    private func opening(_ text: String, _ layers: CalendarLayer...) -> Date? {
        WorkingTime(CalendarPlan(zone: shanghai, national: .china, layers: [office] + layers), years: 2026...2026)!
            .opening(from: moment(text))?.at
    }

    @Test func `a company's own day off closes it, and its team's shift with it`() {
        let tenant = CalendarLayer(days: [CivilDate("2026-03-03")!: .closed])
        let team = CalendarLayer(week: weekdays("12:00-20:00"))

        #expect(opening("2026-03-03 00:00", tenant, team) == moment("2026-03-04 12:00"))
    }

    @Test func `a shift exchanged by name holds on the company's day off`() {
        let tenant = CalendarLayer(days: [CivilDate("2026-03-03")!: .closed])
        let seller = CalendarLayer(days: [CivilDate("2026-03-03")!: hours("10:00-11:00")])

        #expect(opening("2026-03-03 00:00", tenant, seller) == moment("2026-03-03 10:00"))
    }

    @Test func `as whole days a weekend and a holiday do not count, and a make-up workday does`() {
        let plan = CalendarPlan(zone: shanghai, national: .china, layers: [office]).wholeDays
        let days = WorkingTime(plan, years: 2026...2026)!

        // From Friday the 13th, noon: Saturday is worked for the Spring Festival, which lasts until Monday the 23rd.
        #expect(days.elapsed(from: moment("2026-02-13 12:00"), to: moment("2026-02-15 12:00")) == 36 * 3_600)
        #expect(days.elapsed(from: moment("2026-02-13 12:00"), to: moment("2026-02-24 12:00")) == 48 * 3_600)
        let leave = CalendarPlan(
            zone: shanghai, national: .china, layers: [office, CalendarLayer(days: [CivilDate("2026-03-03")!: .closed])]
        ).wholeDays
        #expect(
            WorkingTime(leave, years: 2026...2026)!.elapsed(from: moment("2026-03-02 00:00"), to: moment("2026-03-05 00:00")) == 48 * 3_600)
    }

    @Test func `a seller's leave is nobody's working time`() {
        let leave = CalendarLayer(days: [CivilDate("2026-03-03")!: .closed, CivilDate("2026-03-04")!: .closed])

        #expect(opening("2026-03-02 18:00", leave) == moment("2026-03-05 09:00"))
    }

    @Test func `a make-up workday has Monday's hours unless it is said otherwise`() {
        let week = [hours("08:00-10:00")] + Array(repeating: hours("09:00-18:00"), count: 4) + [.closed, .closed]

        #expect(opening("2026-02-14 00:00", CalendarLayer(week: week)) == moment("2026-02-14 08:00"))
        #expect(opening("2026-02-14 00:00", CalendarLayer(makeUp: hours("11:00-15:00"))) == moment("2026-02-14 11:00"))
    }

    @Test func `who keeps holidays only does not work on make-up days, who keeps none works through both`() {
        #expect(opening("2026-02-14 00:00", CalendarLayer(observance: .holidays)) == moment("2026-02-24 09:00"))
        #expect(opening("2026-02-14 00:00", CalendarLayer(observance: CalendarLayer.Observance.none)) == moment("2026-02-16 09:00"))
    }

    @Test func `a night shift belongs to the day it began on`() {
        let nights = CalendarLayer(week: weekdays("22:00-06:00"))
        let working = working(nights)

        #expect(working.isOpen(at: moment("2026-03-07 05:59")))
        #expect(!working.isOpen(at: moment("2026-03-07 06:00")))
        #expect(!working.isOpen(at: moment("2026-03-09 05:00")))
        #expect(working.due("2026-03-02 23:00", seconds: 8 * 3_600)?.at == moment("2026-03-03 23:00"))
    }

    @Test func `where clocks are changed, a day has an hour less or more`() {
        let night = CalendarLayer(week: Array(repeating: hours("00:00-06:00"), count: 7))
        let working = WorkingTime(CalendarPlan(zone: zone("America/New_York"), layers: [night]), years: 2026...2026)!
        func midnight(_ date: String, offset: Double) -> Date {
            Date(timeIntervalSince1970: Double(CivilDate(date)!.number) * 86_400 + offset * 3_600)
        }

        #expect(working.elapsed(from: midnight("2026-03-08", offset: 5), to: midnight("2026-03-09", offset: 4)) == 5 * 3_600)
        #expect(working.elapsed(from: midnight("2026-11-01", offset: 4), to: midnight("2026-11-02", offset: 5)) == 7 * 3_600)
    }

    @Test(arguments: [
        ["09:00-12:00", "13:30-18:00"], ["22:00-06:00"], ["00:00-24:00"], [], ["00:00-00:30", "23:00-24:00"],
    ])
    func `hours are read as they are written`(texts: [String]) {
        #expect(DayHours(texts)?.texts == texts)
    }

    @Test(arguments: ["9:00-12:00", "09:00", "09:00-12:60", "24:00-25:00", "09:00-09:00", "09:00-12:00-13:00", "0９:00-12:00", ""])
    func `what are no hours is not taken for some`(text: String) {
        #expect(DayHours([text]) == nil)
    }

    @Test func `hours that touch become one`() {
        #expect(DayHours(["13:00-18:00", "09:00-13:00"])?.texts == ["09:00-18:00"])
    }

    @Test func `days count as the calendar does`() {
        for number in stride(from: -200_000, to: 200_000, by: 37) {
            let date = CivilDate(number: number)
            let (year, month, day) = date.parts
            #expect(CivilDate(year: year, month: month, day: day) == date)
        }
        #expect(CivilDate("2024-02-29")?.number == 19_782)
        #expect(CivilDate("2026-02-29") == nil)
        #expect(CivilDate("2026-11-25")?.weekday == 2)
    }
}
