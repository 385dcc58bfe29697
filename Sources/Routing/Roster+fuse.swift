import Foundation
import SalesModel

extension Roster {
    /// While automatic assignment is stopped: nobody receives the lead, a person has to assign it.
    public mutating func leftToPeople(at now: Date) -> RoutedLead { leftToPeople(decidedAt: instant(now)) }

    /// The same, made again.
    public func leftToPeople(decidedAt: Date) -> RoutedLead {
        var decision = LeadDecision(outcome: .manualQueueFuse, decidedAt: decidedAt)
        decision.reasons = [Reason(.fuseOpen)]
        return RoutedLead(decision: decision, cursor: nil, regions: [])
    }
}

extension TriedLead {
    /// A person's decision, which says nothing of any rollout.
    public init(byHand decision: LeadDecision) {
        self.init(routed: RoutedLead(decision: decision, cursor: nil, regions: []), identity: 0, trials: [])
    }
}
