import Foundation

extension WeekCounting {
    /// Each week as it could be known when it ended, without what was told later: what a prediction of that day may rest on.
    ///
    /// Where nothing was told late this is what `counts` says, and costs hardly more.
    ///
    /// - Parameter known: what `counts` says, where it has been asked before.
    public func countsAsPublished(of facts: ProcessFacts, known: [WeekCounts]? = nil, at now: Date) -> [WeekCounts] {
        var weeks = known ?? counts(of: facts, at: now)
        for place in weeks.indices where facts.hasLate(beyond: grid.end(of: place)) {
            let end = grid.end(of: place)
            guard end <= now else { break }
            weeks[place] = counts(of: facts, at: end)[place]
        }
        return weeks
    }
}

extension ProcessFacts {
    /// Whether something had happened by then of which we learned only later.
    func hasLate(beyond instant: Date) -> Bool {
        func isLate(_ at: Date?, _ recordedAt: Date?) -> Bool {
            guard let at, let recordedAt else { return false }
            return at <= instant && recordedAt > instant
        }
        return leads.contains {
            isLate($0.capturedAt, $0.recordedAt) || isLate($0.touchedAt, $0.touchRecordedAt) || isLate($0.visitedAt, $0.visitRecordedAt)
        } || contacts.contains { isLate($0.at, $0.recordedAt) } || entries.contains { isLate($0.at, $0.recordedAt) }
    }
}
