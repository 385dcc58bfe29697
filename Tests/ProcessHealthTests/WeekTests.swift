import Foundation
import ProcessHealth
import Testing

@Suite struct WeekTests {
    private let utc = TimeZone(identifier: "UTC")!

    @Test func `weeks are those of the ISO calendar, over sixty years`() {
        var calendar = Calendar(identifier: .iso8601)
        calendar.timeZone = utc
        for day in stride(from: -3_000, through: 22_000, by: 5) {
            let instant = Date(timeIntervalSince1970: Double(day) * 86_400 + 43_200)
            let parts = calendar.dateComponents([.yearForWeekOfYear, .weekOfYear], from: instant)
            let expected = String(format: "%d-W%02d", parts.yearForWeekOfYear!, parts.weekOfYear!)
            #expect(Week(containing: instant, in: utc).description == expected)
        }
    }

    @Test(arguments: ["2026-W01", "2026-W48", "2020-W53", "2024-W52"])
    func `a week is read as it is written`(text: String) {
        #expect(Week(text)?.description == text)
    }

    @Test(arguments: ["2026-W54", "2025-W53", "2026-W00", "2026W01", "26-W01", "2026-W1", "", "2026-W+1", "２０２６-W01"])
    func `what is no week is refused`(text: String) {
        #expect(Week(text) == nil)
    }

    @Test(arguments: ["UTC", "Asia/Shanghai", "America/New_York", "Australia/Lord_Howe"])
    func `a week begins at midnight on its Monday, and the grid agrees`(name: String) {
        let zone = TimeZone(identifier: name)!
        let first = Week("2026-W05")!
        let grid = WeekGrid(first...first + 60, in: zone)
        for number in 0...60 {
            let start = (first + number).start(in: zone)
            #expect(Week(containing: start, in: zone) == first + number)
            #expect(Week(containing: start - 1, in: zone) == first + number - 1)
            #expect(grid.place(of: start) == number)
            #expect(grid.place(of: start - 1) == (number == 0 ? nil : number - 1))
        }
        #expect(grid.place(of: (first + 61).start(in: zone)) == nil)
    }
}
