import Foundation

/// Which closed deals a ranking looks at: those of the months before the minute in which it is asked.
///
/// The window ends with the minute's beginning, not with the moment, so that every decision of a minute looks at the same
/// deals, whoever makes it, and it can be told afterwards which they were.
public enum DealWindow {
    /// The last moment that counts.
    public static func end(at now: Date) -> Date {
        Date(timeIntervalSince1970: (now.timeIntervalSince1970 / 60).rounded(.down) * 60)
    }

    /// Deals count that were closed after this.
    public static func start(_ months: Int, before end: Date) -> Date {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = .gmt
        return calendar.date(byAdding: .month, value: -months, to: end)!  // a Gregorian month can always be subtracted
    }
}
