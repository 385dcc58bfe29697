import Foundation
import Schedules
import Testing

@Suite struct NextTests {
    /// Zones whose clocks are changed by an hour, by half an hour, at midnight, and once by a whole day.
    static let zones = [
        "Asia/Shanghai", "Europe/Paris", "America/New_York", "Australia/Lord_Howe", "America/Santiago", "Pacific/Apia", "UTC",
    ]

    /// Moments around which clocks were changed in one of them or another.
    static let starts = [
        "2026-03-28T00:00:00Z", "2026-10-24T00:00:00Z", "2026-03-07T00:00:00Z", "2026-10-31T00:00:00Z", "2026-04-03T00:00:00Z",
        "2026-10-02T00:00:00Z", "2026-09-04T00:00:00Z", "2011-12-28T12:00:00Z", "2028-02-27T00:00:00Z",
    ]

    static let expressions = [
        "* * * * *", "*/15 * * * *", "17 * * * *", "30 2 * * *", "30 1 * * *", "0 0 * * *", "59 23 * * *", "0 0 29 2 *", "45 1-3 * * sun",
        "0,30 0-4/2 1,28-31 * *", "5 4 13 * fri", "10 2 * mar,oct 0", "15 14 1 * *", "0 3 */2 * 1-5", "30 23 * * 6",
    ]

    @Test(arguments: zones, starts)
    func `the next time is the one found minute by minute`(_ zoneName: String, _ start: String) throws {
        let zone = try #require(TimeZone(identifier: zoneName))
        let begin = try Date(start, strategy: .iso8601)
        let minutes = 2_880
        let clocks = Clocks(zone, from: begin, minutes: minutes)
        for text in Self.expressions {
            let recurrence = try Recurrence(cron: text)
            let due = CronByHand(text).due(by: clocks)
            let found = recurrence.times(after: begin, through: begin + Double(minutes * 60), in: zone, limit: 10_000)
            #expect(found == due, "\(text) in \(zoneName)")
        }
    }

    @Test func `mondays and first fridays come at the tenant's own time`() throws {
        let shanghai = try #require(TimeZone(identifier: "Asia/Shanghai"))
        let now = try Date("2026-11-22T02:00:00Z", strategy: .iso8601)
        func next(_ text: String) throws -> [String] {
            try Recurrence(every: text).times(after: now, through: .distantFuture, in: shanghai, limit: 3).map { $0.formatted(.iso8601) }
        }
        #expect(try next("monday 10:00") == ["2026-11-23T02:00:00Z", "2026-11-30T02:00:00Z", "2026-12-07T02:00:00Z"])
        #expect(try next("first friday 10:00") == ["2026-12-04T02:00:00Z", "2027-01-01T02:00:00Z", "2027-02-05T02:00:00Z"])
        #expect(try next("last friday 17:30") == ["2026-11-27T09:30:00Z", "2026-12-25T09:30:00Z", "2027-01-29T09:30:00Z"])
        #expect(try next("last day 00:15") == ["2026-11-29T16:15:00Z", "2026-12-30T16:15:00Z", "2027-01-30T16:15:00Z"])
        #expect(try next("second tuesday 08:00") == ["2026-12-08T00:00:00Z", "2027-01-12T00:00:00Z", "2027-02-09T00:00:00Z"])
    }

    @Test func `a time that clocks skip is due when the gap ends, a time shown twice is due once`() throws {
        let paris = try #require(TimeZone(identifier: "Europe/Paris"))
        func next(_ text: String, after: String) throws -> String? {
            try Recurrence(cron: text).next(after: Date(after, strategy: .iso8601), in: paris)?.formatted(.iso8601)
        }
        #expect(try next("30 2 * * *", after: "2026-03-28T12:00:00Z") == "2026-03-29T01:00:00Z")
        #expect(try next("30 2 * * *", after: "2026-10-24T12:00:00Z") == "2026-10-25T00:30:00Z")
        #expect(try next("30 2 * * *", after: "2026-10-25T00:30:00Z") == "2026-10-26T01:30:00Z")
        #expect(try next("30 * * * *", after: "2026-10-25T00:30:00Z") == "2026-10-25T01:30:00Z")
    }

    @Test func `leap days are waited for, also over a year that has none`() throws {
        let next = try Recurrence(cron: "0 0 29 2 *").next(after: Date("2096-03-01T00:00:00Z", strategy: .iso8601), in: .gmt)
        #expect(next?.formatted(.iso8601) == "2104-02-29T00:00:00Z")
    }
}

/// What a zone's clocks showed, minute by minute.
private struct Clocks {
    struct Minute {
        let now: Int
        /// As if it were UTC.
        let wall: Int
        let fields: Fields
    }

    /// Taken out of the components once: they are looked at often.
    struct Fields {
        let minute: Int, hour: Int, day: Int, month: Int, weekday: Int

        init(_ wall: Date, _ calendar: Calendar) {
            let parts = calendar.dateComponents([.minute, .hour, .day, .month, .weekday], from: wall)
            minute = parts.minute!
            hour = parts.hour!
            day = parts.day!
            month = parts.month!
            weekday = parts.weekday! - 1
        }
    }

    let minutes: [Minute]

    init(_ zone: TimeZone, from start: Date, minutes: Int) {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = .gmt
        // A day earlier, so as to know which times were shown before.
        self.minutes = (-1_440...minutes).map { minute in
            let now = start + Double(minute * 60)
            let wall = now + Double(zone.secondsFromGMT(for: now))
            return Minute(
                now: Int(now.timeIntervalSince1970), wall: Int(wall.timeIntervalSince1970),
                fields: Fields(wall, calendar))
        }
    }
}

/// Cron as its manual tells it, with no cleverness: every minute is looked at.
private struct CronByHand {
    private let fields: [[Int]]
    private let stars: [Bool]

    init(_ text: String) {
        let ranges = [0...59, 0...23, 1...31, 1...12, 0...6]
        let names = ["sun": 0, "mon": 1, "fri": 5, "mar": 3, "oct": 10]
        func number(_ text: Substring) -> Int { names[String(text)] ?? Int(text)! }
        let parts = text.split(separator: " ")
        fields = zip(parts, ranges).map { part, range in
            part.split(separator: ",").flatMap { item -> [Int] in
                let halves = item.split(separator: "/")
                let ends = halves[0].split(separator: "-")
                let span = halves[0] == "*" ? range : number(ends[0])...number(ends.last!)
                return Array(stride(from: span.lowerBound, through: span.upperBound, by: halves.count == 2 ? Int(halves[1])! : 1))
            }
        }
        stars = parts.map { $0.hasPrefix("*") }
    }

    private func matches(_ parts: Clocks.Fields) -> Bool {
        guard fields[0].contains(parts.minute), fields[1].contains(parts.hour), fields[3].contains(parts.month) else { return false }
        let (day, weekday) = (fields[2].contains(parts.day), fields[4].contains(parts.weekday))
        return stars[2] || stars[4] ? day && weekday : day || weekday
    }

    /// The minutes it is due, of those after the first day.
    func due(by clocks: Clocks) -> [Date] {
        let isHourly = fields[1].count == 24
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = .gmt
        var due: [Date] = []
        var shown: Set<Int> = []
        var expected = clocks.minutes[0].wall
        for (index, minute) in clocks.minutes.enumerated() {
            let skipped =
                isHourly
                ? []
                : Array(stride(from: expected, to: minute.wall, by: 60)).map { wall in
                    Clocks.Fields(Date(timeIntervalSince1970: Double(wall)), calendar)
                }
            let isDue = matches(minute.fields) && (isHourly || !shown.contains(minute.wall)) || skipped.contains(where: matches)
            shown.insert(minute.wall)
            expected = minute.wall + 60
            if isDue && index > 1_440 { due.append(Date(timeIntervalSince1970: Double(minute.now))) }
        }
        return due
    }
}
