import Routing
import SalesModel

/// What a replay found, in numbers.
public struct ReplaySummary: Sendable {
    /// What it does not answer.
    public static let honesty = """
        A replay answers who would have got a lead, not whether it would have closed. Where a seller has other leads than they had, \
        their touches are taken from how soon they touched their own; deals are those that were closed. Of clocks those are compared that know no working time, of messages what an owner is told of a new lead.
        """

    /// What happened, and what would have.
    public private(set) var live = Tally()
    public private(set) var candidate = Tally()
    /// Leads of the decisions that were made again: one that stays held is decided anew with each publication.
    public internal(set) var leads = 0
    /// Decisions whose end, owner or pool is another, or what follows from them.
    public private(set) var differing = 0
    /// Those that put the lead at the same place, where its owner owes something at another time or is told something else.
    public private(set) var followedOtherwise = 0
    /// Of those at another place, by the lead's source and first region.
    public private(set) var differingBySource: [String: Int] = [:]
    public private(set) var differingByRegion: [String: Int] = [:]
    /// Decisions whose outcome is another: `assigned → pooled`.
    public private(set) var changedOutcomes: [String: Int] = [:]
    /// Decisions the candidate did not have to make: it had assigned the lead at once, and the live rules only later.
    public internal(set) var ahead = 0
    /// Those who were active at some moment of the window.
    public private(set) var activeSellers: Set<String> = []
    /// In seconds.
    public let touchWithin: Double
    /// Whether anything is known of touches at all; if not, `touchedInTime` says nothing.
    public let areTouchesKnown: Bool

    /// Decisions that came out as they were logged, byte for byte; and those that did not.
    public var reproduced = 0
    public var notReproduced = 0
    /// Decisions that could not be made again because something they rested on was not kept.
    public var notReplayable = 0

    init(touchWithin: Double, areTouchesKnown: Bool) {
        self.touchWithin = touchWithin
        self.areTouchesKnown = areTouchesKnown
    }

    mutating func meet(_ seller: Seller) {
        if seller.status == .active { activeSellers.insert(seller.externalID) }
    }

    mutating func count(_ routed: RoutedLead, _ past: PastDecision, in world: World) {
        if live.decided == 0 { for seller in world.sellers { meet(seller) } }
        live.count(routed, source: past.lead.source, in: world)
        if routed.decision.owner != nil, past.isTouched(within: touchWithin) { live.touchedInTime += 1 }
    }

    mutating func count(candidate routed: RoutedLead, beside live: RoutedLead, _ past: PastDecision, in world: World, isInTime: Bool) {
        candidate.count(routed, source: past.lead.source, in: world)
        if isInTime { candidate.touchedInTime += 1 }
        let (new, old) = (routed.decision, live.decision)
        guard new.isElsewhere(than: old) else {
            guard new.following(unlike: old) != nil else { return }
            followedOtherwise += 1
            differing += 1
            return
        }
        differing += 1
        Tally.count(past.lead.source, &differingBySource)
        Tally.count(live.regions.first ?? routed.regions.first ?? "unknown", &differingByRegion)
        if new.outcome != old.outcome { Tally.count("\(old.outcome.rawValue) → \(new.outcome.rawValue)", &changedOutcomes) }
    }
}
