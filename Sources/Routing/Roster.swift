import Foundation
import Rules
import SalesModel

/// A tenant's sellers as of one moment, with all that choosing among them needs: a working copy, changed by each decision
/// it makes, so that the leads of a batch are decided as if one after another.
public struct Roster: Sendable {
    /// By id.
    public private(set) var sellers: [Seller]
    /// What decides, one variant for each set of arms a lead may be in; the first is the live rules.
    let variants: [TenantRules]
    /// By length of the window in months.
    let deals: [Int: DealStatistics]
    /// Regions and industries that some seller names: only these tell pools apart.
    let namedRegions: Set<String>
    let namedIndustries: Set<String>

    var pools: [PoolKey: Pool] = [:]
    var cursors: [String: PoolCursor]
    private var lastInstant: Date

    /// - Parameters:
    ///   - deals: for each window the rules ask for (`TenantRules.windows`).
    ///   - cursors: whose turn it was, by pool.
    ///   - rules: what decides.
    public init(sellers: [Seller], deals: [Int: DealStatistics] = [:], cursors: [PoolCursor] = [], rules: TenantRules) {
        self.init(sellers: sellers, deals: deals, cursors: cursors, variants: [rules])
    }

    /// - Parameter variants: the live rules, and others that some leads are decided under; not empty.
    public init(sellers: [Seller], deals: [Int: DealStatistics], cursors: [PoolCursor], variants: [TenantRules]) {
        self.sellers = sellers.sorted { $0.id < $1.id }
        self.deals = deals
        self.cursors = Dictionary(cursors.map { ($0.pool, $0) }, uniquingKeysWith: { first, _ in first })
        self.variants = variants
        namedRegions = Set(sellers.flatMap(\.regions))
        namedIndustries = Set(sellers.flatMap(\.industries))
        lastInstant = .distantPast
    }

    /// Whose turn it is in a pool that chooses by turn.
    func turn(of pool: Pool) -> Turn {
        let credits = cursors[pool.name].map { Dictionary(zip($0.sellers, $0.credits), uniquingKeysWith: { first, _ in first }) } ?? [:]
        return Turn(credits: pool.members.map { credits[sellers[$0].id] })
    }

    /// A turn was taken in a pool: whoever asks for the pool of that name under other rules sees it.
    mutating func took(_ turn: Turn, in key: PoolKey, leaving cursor: PoolCursor) {
        pools[key]?.turn = turn
        guard variants.count > 1 else { return }
        cursors[cursor.pool] = cursor
        for other in pools.keys where other.variant != key.variant && pools[other]?.name == cursor.pool { pools[other]?.turn = nil }
    }

    /// A moment for a decision: never the same twice, so that "longest since the last" is clear however leads are batched.
    ///
    /// In whole microseconds, which is what is kept: read back it is the same moment, and a replay compares what was compared.
    mutating func instant(_ now: Date) -> Date {
        let next = max(now, lastInstant.addingTimeInterval(0.000_001)).timeIntervalSinceReferenceDate
        lastInstant = Date(timeIntervalSinceReferenceDate: (next * 1_000_000).rounded() / 1_000_000)
        return lastInstant
    }

    mutating func assign(to index: Int, at instant: Date) {
        sellers[index].pending += 1
        sellers[index].lastAssignedAt = instant
    }

    mutating func changePending(ofSellerAt index: Int, by change: Int) { sellers[index].pending += change }
}

/// The credits of a pool after a turn, as they are kept.
public struct PoolCursor: Sendable, Hashable {
    public let pool: String
    public let sellers: [SellerID]
    /// Of each of `sellers`.
    public let credits: [Int]

    public init(pool: String, sellers: [SellerID], credits: [Int]) {
        self.pool = pool
        self.sellers = sellers
        self.credits = credits
    }
}
