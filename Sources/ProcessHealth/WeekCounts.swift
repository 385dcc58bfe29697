/// Cases, and those of them that went well.
public struct Tally: Sendable, Hashable, Codable {
    public var cases: Int
    public var hits: Int

    public init(cases: Int = 0, hits: Int = 0) {
        self.cases = cases
        self.hits = hits
    }

    public mutating func add(_ isHit: Bool) {
        cases += 1
        if isHit { hits += 1 }
    }

    public static func + (a: Tally, b: Tally) -> Tally { Tally(cases: a.cases + b.cases, hits: a.hits + b.hits) }

    /// Nil where there was no case: nothing is not nought.
    public var rate: Double? { cases == 0 ? nil : Double(hits) / Double(cases) }

    /// Wilson's 95 % interval of the rate.
    public var interval: ClosedRange<Double>? {
        guard cases > 0 else { return nil }
        let (z, n, p) = (1.959964, Double(cases), Double(hits) / Double(cases))
        let centre = (p + z * z / (2 * n)) / (1 + z * z / n)
        let half = z / (1 + z * z / n) * (p * (1 - p) / n + z * z / (4 * n * n)).squareRoot()
        return max(0, centre - half)...min(1, centre + half)
    }
}

/// What one seller did in one week.
public struct WeekCounts: Sendable, Hashable, Codable {
    /// Leads whose time for a first visit ended this week, and those visited in it.
    public var conversion = Tally()
    /// Intervals between follow-ups of a customer that were decided this week, and those that were short enough.
    public var rhythm = Tally()
    /// Entries into gated stages, and those whose evidence was there before.
    public var keyActions = Tally()
    /// First touches that fell due, and those made in time.
    public var touches = Tally()
    /// Everything said to or by customers.
    public var communications = 0
    /// Times a customer did not reply for too long.
    public var silences = 0
    /// Revisions of proposals and quotations.
    public var revisions = 0
    /// Communications at night or at a weekend.
    public var offHours = 0
    /// Follow-up records that say nothing.
    public var emptyRecords = 0
    /// Leads that waited for a first touch when the week ended.
    public var waiting = 0
    /// Days on leave or frozen of the two weeks to come, as far as was known then.
    public var leaveAhead = 0
    /// Working days of the two weeks to come.
    public var workdaysAhead = 10

    public init() {}

    public var isEmpty: Bool {
        conversion.cases + rhythm.cases + keyActions.cases + touches.cases + communications + revisions == 0
    }
}
