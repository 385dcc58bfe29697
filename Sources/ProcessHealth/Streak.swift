/// How many weeks in a row a seller has been below the base line, week by week.
///
/// A week without an index neither counts nor ends the streak (SPI-06). A report is due when the streak reaches two, once until the seller
/// is back.
public struct Streak: Sendable, Hashable, Codable {
    public private(set) var weeks = 0
    /// The first week of the present streak.
    public private(set) var since: Week?

    public static let reportAt = 2

    public init() {}

    /// Takes the next week. True when a diagnosis report is due for it.
    public mutating func take(_ reading: HealthReading, of week: Week) -> Bool {
        guard let isBelow = reading.isBelow else { return false }
        guard isBelow else {
            self = Streak()
            return false
        }
        weeks += 1
        if since == nil { since = week }
        return weeks == Self.reportAt
    }
}

extension Streak {
    /// As it stood before; nought weeks begin nowhere.
    public init(weeks: Int, since: Week?) {
        self.init()
        guard weeks > 0, let since else { return }
        self.weeks = weeks
        self.since = since
    }
}
