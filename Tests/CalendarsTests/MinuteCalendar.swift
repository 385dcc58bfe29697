import Foundation

@testable import Calendars

/// Working time as a child would count it: minute by minute, each asked what the clock on the wall shows and whether that day works then.
/// It shares nothing with the compiled one but what the settings are.
struct MinuteCalendar {
    /// Minutes since 1970 of the first one.
    let first: Int
    /// Working minutes before each minute.
    let before: [Int32]

    init(_ plan: CalendarPlan, _ offsets: [Int16], first: Int) {
        self.first = first
        // What the wall's clock shows is at most a day away; nights begin a day before.
        let (day, days) = (first / 1_440 - 2, offsets.count / 48 + 5)
        var walls = Array(repeating: false, count: (days + 2) * 1_440)
        walls.withUnsafeMutableBufferPointer { walls in
            for place in 0..<days {
                for range in Self.hours(of: CivilDate(number: day + place), plan).ranges {
                    for minute in range { walls[place * 1_440 + minute] = true }
                }
            }
        }
        var before = Array(repeating: Int32(0), count: offsets.count * 30 + 1)
        before.withUnsafeMutableBufferPointer { before in
            walls.withUnsafeBufferPointer { walls in
                offsets.withUnsafeBufferPointer { offsets in
                    var minute = 0
                    while minute < offsets.count * 30 {
                        let wall = first + minute + Int(offsets[minute / 30]) - day * 1_440
                        before[minute + 1] = before[minute] + (walls[wall] ? 1 : 0)
                        minute += 1
                    }
                }
            }
        }
        self.before = before
    }

    /// The zone's offset in minutes for each half hour.
    static func offsets(_ zone: TimeZone, first: Int, count: Int) -> [Int16] {
        (0..<count).map { Int16(zone.secondsFromGMT(for: Date(timeIntervalSince1970: Double((first + $0 * 30) * 60))) / 60) }
    }

    /// The layers one after the other, each with the last word on what it says.
    private static func hours(of date: CivilDate, _ plan: CalendarPlan) -> DayHours {
        var week = Array(repeating: DayHours.wholeDay, count: 7)
        var makeUp: DayHours?
        var observance = CalendarLayer.Observance.all
        var named: DayHours?
        for layer in plan.layers {
            if let own = layer.week { week = own }
            if let own = layer.makeUp { makeUp = own }
            if let own = layer.observance { observance = own }
            if let own = layer.days[date] { named = own }
        }
        if let named { return named }
        if let national = plan.national, observance != .none {
            let year = date.parts.year
            let said = [year, year + 1].compactMap { national.years[$0]?.days[date] }.last
            if said == .off { return .closed }
            if said == .work, observance == .all { return makeUp ?? week[0] }
        }
        return week[date.weekday]
    }

    /// Working seconds before a second since 1970.
    func worked(until second: Int) -> Int {
        let (minute, rest) = (second / 60 - first, second % 60)
        return Int(before[minute]) * 60 + (before[minute + 1] > before[minute] ? rest : 0)
    }
}
