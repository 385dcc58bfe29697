/// The working time of one day, in minutes of its wall clock. What goes on past midnight belongs to the day it began on.
public struct DayHours: Sendable, Hashable, CustomStringConvertible {
    /// In order, apart from each other; at most up to the end of the next day.
    public let ranges: [Range<Int>]

    /// A day off.
    public static let closed = DayHours(minutes: [])
    public static let wholeDay = DayHours(minutes: [0..<1_440])

    /// Ranges that touch or overlap become one.
    public init(minutes ranges: [Range<Int>]) {
        var merged: [Range<Int>] = []
        for range in ranges.map({ $0.clamped(to: 0..<2_880) }).filter({ !$0.isEmpty }).sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if let last = merged.last, last.upperBound >= range.lowerBound {
                merged[merged.count - 1] = last.lowerBound..<max(last.upperBound, range.upperBound)
            } else {
                merged.append(range)
            }
        }
        self.ranges = merged
    }

    /// `["09:00-12:00", "13:30-18:00"]`; `22:00-06:00` ends on the next morning, `00:00-24:00` is the whole day. nil: a text that is no such
    /// range.
    public init?(_ texts: [String]) {
        let ranges = texts.map(Self.range)
        guard !ranges.contains(nil) else { return nil }
        self.init(minutes: ranges.compactMap { $0 })
    }

    public var isClosed: Bool { ranges.isEmpty }

    public var minutes: Int { ranges.reduce(0) { $0 + $1.count } }

    /// As it can be read again.
    public var texts: [String] {
        ranges.map { range in
            // An end after midnight is that much of the next morning; more than a whole day can only be written in two.
            let end = range.upperBound > 1_440 ? range.upperBound - 1_440 : range.upperBound
            return "\(Self.text(range.lowerBound))-\(Self.text(end))"
        }
    }

    public var description: String { isClosed ? "closed" : texts.joined(separator: " ") }

    private static func range(_ text: String) -> Range<Int>? {
        let ends = text.split(separator: "-", omittingEmptySubsequences: false).map(minute)
        guard ends.count == 2, let start = ends[0], let end = ends[1], start < 1_440, start != end else { return nil }
        return start..<(end > start ? end : end + 1_440)
    }

    private static func minute(_ text: Substring) -> Int? {
        let bytes = Array(text.utf8)
        guard bytes.count == 5, bytes[2] == UInt8(ascii: ":"), [0, 1, 3, 4].allSatisfy({ (48...57).contains(bytes[$0]) }) else {
            return nil
        }
        let (hour, minute) = (Int(bytes[0] - 48) * 10 + Int(bytes[1] - 48), Int(bytes[3] - 48) * 10 + Int(bytes[4] - 48))
        guard minute < 60, hour < 24 || (hour == 24 && minute == 0) else { return nil }
        return hour * 60 + minute
    }

    private static func text(_ minute: Int) -> String {
        let (hour, rest) = (minute / 60, minute % 60)
        return "\(hour < 10 ? "0" : "")\(hour):\(rest < 10 ? "0" : "")\(rest)"
    }
}
