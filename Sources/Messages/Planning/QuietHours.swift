import Foundation

/// Hours of the day in which people are not disturbed by what is not urgent.
public struct QuietHours: Sendable, Hashable {
    /// Minutes of the day by the clock on the wall; over midnight where the end comes before the beginning.
    public let from: Int
    public let to: Int

    /// - Parameters:
    ///   - from: 0 ..< 1,440, and another than `to`.
    ///   - to: the first minute in which it is over.
    public init?(from: Int, to: Int) {
        guard (0..<1_440).contains(from), (0..<1_440).contains(to), from != to else { return nil }
        (self.from, self.to) = (from, to)
    }

    /// `21:00` and `08:00`.
    public init?(from: String, to: String) {
        guard let from = Self.minute(from), let to = Self.minute(to) else { return nil }
        self.init(from: from, to: to)
    }

    /// When they are over; nil where it is not quiet.
    public func end(at now: Date, in zone: TimeZone) -> Date? {
        let offset = Double(zone.secondsFromGMT(for: now))
        let second = (now.timeIntervalSince1970 + offset).truncatingRemainder(dividingBy: 86_400)
        let minute = Int(second / 60)
        let isQuiet = from < to ? (from..<to).contains(minute) : minute >= from || minute < to
        guard isQuiet else { return nil }
        let left = (Double(to) * 60 - second + 86_400).truncatingRemainder(dividingBy: 86_400)
        let end = now.addingTimeInterval(left)
        // Where the clocks are changed meanwhile, the wall's clock is what counts.
        return end.addingTimeInterval(offset - Double(zone.secondsFromGMT(for: end)))
    }

    public static func text(_ minute: Int) -> String {
        "\(minute / 60 < 10 ? "0" : "")\(minute / 60):\(minute % 60 < 10 ? "0" : "")\(minute % 60)"
    }

    private static func minute(_ text: String) -> Int? {
        guard let match = text.wholeMatch(of: /([01][0-9]|2[0-3]):([0-5][0-9])/) else { return nil }
        return Int(match.1)! * 60 + Int(match.2)!  // two digits each
    }
}
