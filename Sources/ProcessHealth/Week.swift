import Foundation

/// A week from Monday to Sunday as ISO 8601 counts them.
public struct Week: Sendable, Hashable, Comparable, Codable {
    /// Weeks since the one that began on Monday, 5 January 1970.
    public let number: Int

    public init(number: Int) { self.number = number }

    public init(containing instant: Date, in zone: TimeZone) {
        let local = instant.timeIntervalSince1970 + Double(zone.secondsFromGMT(for: instant))
        let day = Int((local / 86_400).rounded(.down))
        number = Self.floorDivided(day - Self.firstMonday, by: 7)
    }

    /// `2026-W48`; nil for anything else, and for week 53 of a year that has none.
    public init?(_ text: String) {
        let parts = text.split(separator: "-W", omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0].count == 4, parts[1].count == 2,
            parts.allSatisfy({ $0.utf8.allSatisfy { (48...57).contains($0) } }),
            let year = Int(parts[0]), let week = Int(parts[1]), (1...53).contains(week)
        else { return nil }
        // 4 January is always in week 1.
        let first = Self.floorDivided(Self.days(toYear: year) + 3 - Self.firstMonday, by: 7)
        self.init(number: first + week - 1)
        guard description == text else { return nil }
    }

    /// When its Monday begins there.
    public func start(in zone: TimeZone) -> Date {
        let midnight = Double((number * 7 + Self.firstMonday) * 86_400)
        // The offset at that moment is asked for twice: the first guess may be on the other side of a change.
        let guess = Date(timeIntervalSince1970: midnight - Double(zone.secondsFromGMT(for: Date(timeIntervalSince1970: midnight))))
        return Date(timeIntervalSince1970: midnight - Double(zone.secondsFromGMT(for: guess)))
    }

    public func end(in zone: TimeZone) -> Date { (self + 1).start(in: zone) }

    public static func + (week: Week, count: Int) -> Week { Week(number: week.number + count) }
    public static func - (week: Week, count: Int) -> Week { Week(number: week.number - count) }
    public static func - (a: Week, b: Week) -> Int { a.number - b.number }
    public static func < (a: Week, b: Week) -> Bool { a.number < b.number }

    private static let firstMonday = 4

    private static func floorDivided(_ value: Int, by divisor: Int) -> Int {
        let quotient = value / divisor
        return value % divisor < 0 ? quotient - 1 : quotient
    }

    /// Days from 1970 to 1 January of a year.
    private static func days(toYear year: Int) -> Int {
        let before = year - 1
        return before * 365 + before / 4 - before / 100 + before / 400 - 719_162
    }
}

extension Week: CustomStringConvertible {
    /// A week belongs to the year of its Thursday.
    public var description: String {
        let thursday = number * 7 + Self.firstMonday + 3
        var year = 1969 + Self.floorDivided(thursday, by: 366)
        while Self.days(toYear: year + 1) <= thursday { year += 1 }
        let week = (thursday - Self.days(toYear: year)) / 7 + 1
        return "\(year)-W\(week < 10 ? "0" : "")\(week)"
    }
}

/// Many instants put into weeks, without asking the time zone for each.
public struct WeekGrid: Sendable {
    public let first: Week
    /// When each begins, and when the last one ends: seconds since 1970.
    private let bounds: [Double]

    public init(_ weeks: ClosedRange<Week>, in zone: TimeZone) {
        first = weeks.lowerBound
        bounds = (0...(weeks.upperBound - weeks.lowerBound + 1)).map { (weeks.lowerBound + $0).start(in: zone).timeIntervalSince1970 }
    }

    public var count: Int { bounds.count - 1 }

    /// Which of the weeks, from 0; nil before the first and after the last.
    public func place(of instant: Date) -> Int? {
        let seconds = instant.timeIntervalSince1970
        guard seconds >= bounds[0], seconds < bounds[count] else { return nil }
        // No week is longer or shorter than another by more than a change of the clocks.
        var place = min(count - 1, Int((seconds - bounds[0]) / 604_800))
        while seconds < bounds[place] { place -= 1 }
        while seconds >= bounds[place + 1] { place += 1 }
        return place
    }

    public func end(of place: Int) -> Date { Date(timeIntervalSince1970: bounds[place + 1]) }
}
