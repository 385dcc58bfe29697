extension WeekCounts {
    /// Everything in it, in an order that never changes: what is new comes last.
    public var numbers: [Int32] {
        [
            conversion.cases, conversion.hits, rhythm.cases, rhythm.hits, keyActions.cases, keyActions.hits, touches.cases, touches.hits,
            communications, silences, revisions, offHours, emptyRecords, waiting, leaveAhead, workdaysAhead,
        ].map { Int32(clamping: $0) }
    }

    /// Nil where there are too few.
    public init?(numbers: [Int32]) {
        guard numbers.count >= 16 else { return nil }
        let all = numbers.map(Int.init)
        conversion = Tally(cases: all[0], hits: all[1])
        rhythm = Tally(cases: all[2], hits: all[3])
        keyActions = Tally(cases: all[4], hits: all[5])
        touches = Tally(cases: all[6], hits: all[7])
        (communications, silences, revisions, offHours) = (all[8], all[9], all[10], all[11])
        (emptyRecords, waiting, leaveAhead, workdaysAhead) = (all[12], all[13], all[14], all[15])
    }
}
