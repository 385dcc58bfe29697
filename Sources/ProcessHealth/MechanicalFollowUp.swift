/// The rule of two conditions: customers grow silent while proposals are hardly revised any more (PRED-02, PRED-03, I-14).
///
/// What a model must beat, and what warns while no model has been let through.
public enum MechanicalFollowUp {
    /// Too long without a reply ÷ all communications; nil where there were none.
    public static func silenceRate(_ week: WeekCounts) -> Double? {
        week.communications == 0 ? nil : Double(week.silences) / Double(week.communications)
    }

    /// Whether both hold at the end of the week at `place`.
    public static func holds(_ weeks: [WeekCounts], at place: Int) -> Bool {
        isSilenceRising(weeks, at: place) && (revisionChange(weeks, at: place).map { $0 <= -0.35 } ?? false)
    }

    /// A positive slope over four weekly values, the last above the first.
    public static func isSilenceRising(_ weeks: [WeekCounts], at place: Int) -> Bool {
        guard place >= 3 else { return false }
        let rates = (place - 3...place).map { silenceRate(weeks[$0]) }
        guard let a = rates[0], let b = rates[1], let c = rates[2], let d = rates[3] else { return false }
        return 3 * (d - a) + (c - b) > 0 && d > a
    }

    /// The last 14 days' revisions over the mean of the two 14-day spans before, less one; nil where those had none.
    public static func revisionChange(_ weeks: [WeekCounts], at place: Int) -> Double? {
        guard place >= 5 else { return nil }
        func revisions(_ range: ClosedRange<Int>) -> Int { range.reduce(0) { $0 + weeks[$1].revisions } }
        let before = Double(revisions(place - 5...place - 2)) / 2
        return before == 0 ? nil : Double(revisions(place - 1...place)) / before - 1
    }
}
