import Foundation
import SalesModel

extension LeadDecision {
    /// Whether the lead ends otherwise, or with somebody or somewhere else, than by another decision.
    public func isElsewhere(than other: LeadDecision) -> Bool { outcome != other.outcome || owner != other.owner || pool != other.pool }

    /// Due times of decisions made at the same moment may lie so far apart, in seconds: no two of a batch are of the very same moment.
    private static let sameMoment: TimeInterval = 0.5
    /// Letters shown of what somebody is told.
    private static let shown = 120

    /// What follows from it unlike from another that puts the lead at the same place, in words of both; nil: nothing.
    ///
    /// That is when its owner owes what, by clocks that know no working time, and what its owner is told of it.
    public func following(unlike other: LeadDecision) -> (own: String, others: String)? {
        let own = clocks.filter { !$0.isAmong(other.clocks, within: Self.sameMoment) }
        let others = other.clocks.filter { !$0.isAmong(clocks, within: Self.sameMoment) }
        let areClocksOther = !own.isEmpty || !others.isEmpty
        let isNoticeOther = notice != other.notice
        guard areClocksOther || isNoticeOther else { return nil }
        func words(_ decision: LeadDecision, _ clocks: [LeadClock]) -> String {
            let due = clocks.isEmpty ? ["nothing else due"] : clocks.map { $0.words(since: decision.decidedAt) }
            let told = decision.notice.map { "told “\($0.english.prefix(Self.shown))”" } ?? "told nothing"
            return ((areClocksOther ? due : []) + (isNoticeOther ? [told] : [])).joined(separator: ", ")
        }
        return (words(self, own), words(other, others))
    }
}

extension LeadClock {
    fileprivate func isAmong(_ clocks: [LeadClock], within seconds: TimeInterval) -> Bool {
        clocks.contains { $0.clock == clock && $0.level == level && abs($0.dueAt.timeIntervalSince(dueAt)) < seconds }
    }

    /// `first_touch.reminder due in 4 min`
    fileprivate func words(since moment: Date) -> String {
        let seconds = Int(dueAt.timeIntervalSince(moment).rounded())
        return "\(clock).\(level) due in " + (abs(seconds) < 120 ? "\(seconds) s" : "\(seconds / 60) min")
    }
}
