import Routing
import SalesModel

/// What became of the leads of one world, counted by decisions: a lead that was decided twice counts twice.
public struct Tally: Sendable {
    /// More names than this are counted together as `other`.
    static let most = 500

    public internal(set) var decided = 0
    public internal(set) var outcomes: [AssignmentOutcome: Int] = [:]
    /// Assignments, by the owner's external id, the lead's first region, its source.
    public internal(set) var bySeller: [String: Int] = [:]
    public internal(set) var byRegion: [String: Int] = [:]
    public internal(set) var bySource: [String: Int] = [:]
    /// Given to somebody who was not active; must be none.
    public internal(set) var toInactive = 0
    /// Given to somebody who had more to do than their capacity; must be none.
    public internal(set) var overCapacity = 0
    /// The most leads that waited for a touch at once, of active sellers, and what these could take then.
    public internal(set) var peakPending = 0
    public internal(set) var peakCapacity = 0
    /// Of the assigned: touched within the time asked for, as it happened or is to be expected.
    public internal(set) var touchedInTime = 0

    /// Those who got an owner.
    public internal(set) var assigned = 0
    /// Nobody was found of those the rules name: a person must assign them, or the fallback's pool has them.
    public internal(set) var unmatched = 0
    /// The rules read a field that was missing or not to be compared.
    public var unknownPath: Int { (outcomes[.heldMappingError] ?? 0) + (outcomes[.heldMissingData] ?? 0) }

    mutating func count(_ routed: RoutedLead, source: String, in world: World) {
        decided += 1
        outcomes[routed.decision.outcome, default: 0] += 1
        if routed.decision.outcome == .manualQueueFallback || routed.decision.fellBack { unmatched += 1 }
        guard let owner = routed.decision.owner else { return }
        assigned += 1
        Self.count(owner.externalID, &bySeller)
        Self.count(routed.regions.first ?? "unknown", &byRegion)
        Self.count(source, &bySource)
        // After the decision the seller has one more than the decision saw.
        if let seller = world.seller(owner.id) {
            if seller.status != .active { toInactive += 1 }
            if seller.pending - 1 > seller.capacity { overCapacity += 1 }
        }
        if world.pending > peakPending { (peakPending, peakCapacity) = (world.pending, world.capacity) }
    }

    static func count(_ name: String, _ counts: inout [String: Int]) {
        counts[counts[name] != nil || counts.count < most ? name : "other", default: 0] += 1
    }

    /// The share of the assigned that the three who got most got together; nil when nothing was assigned.
    public var topThreeShare: Double? {
        let sum = bySeller.values.reduce(0, +)
        guard sum > 0 else { return nil }
        return Double(bySeller.values.sorted(by: >).prefix(3).reduce(0, +)) / Double(sum)
    }

    /// How unevenly leads are spread: 0 all alike, towards 1 all to one. G = Σᵢ (2i − n − 1)·xᵢ / (n·Σx), x ascending, i from 1.
    ///
    /// - Parameter sellers: external ids of those who could have had leads; who had none counts with 0.
    public func gini(among sellers: Set<String>) -> Double? {
        let counts = sellers.union(bySeller.keys).map { bySeller[$0] ?? 0 }.sorted()
        let sum = counts.reduce(0, +)
        guard sum > 0 else { return nil }
        let n = counts.count
        let weighted = counts.enumerated().reduce(0) { $0 + (2 * ($1.offset + 1) - n - 1) * $1.element }
        return Double(weighted) / Double(n * sum)
    }
}
