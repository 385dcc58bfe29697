/// The breaker of a seller's lost deals (BRK-01): a seller whose last deals were all lost, mostly because proposals came late, gets no new
/// leads for a while, and the training for it.
///
/// It is not the dependency breaker nor the assignment fuse: it says of one person's deals.
public struct SellerBreaker: Sendable, Hashable {
    /// A deal that has ended.
    public struct Deal: Sendable, Hashable {
        public let id: Int64
        public let isWon: Bool
        /// Why it was lost; nil: nobody said, which counts as another reason.
        public let reason: String?

        public init(id: Int64, isWon: Bool, reason: String?) {
            self.id = id
            self.isWon = isWon
            self.reason = reason
        }
    }

    /// What is known of the seller besides their deals.
    public struct State: Sendable, Hashable {
        /// Whether the seller gets no new leads at this moment, by whomever.
        public var isFrozen: Bool
        /// Whether that is the breaker's doing.
        public var isOpen: Bool
        /// The deals it opened for the last time.
        public var deals: [Int64]

        public init(isFrozen: Bool, isOpen: Bool, deals: [Int64]) {
            self.isFrozen = isFrozen
            self.isOpen = isOpen
            self.deals = deals
        }
    }

    public enum Verdict: Sendable, Hashable {
        /// The seller is frozen for these deals, of which so many were lost for the reason.
        case opens([Int64], matching: Int)
        /// A correction took away what it had opened for.
        case closes
        case stays
    }

    /// The reason as gates and measures know it, and as people write it.
    public static let slowProposal = (code: "slow_proposal_response", chinese: "方案响应超时")

    /// How many of the last deals count.
    public var deals: Int
    /// It opens when more than so many of a hundred were lost for the reason.
    public var percent: Int
    public var reason: String
    /// How long the freeze lasts unless a manager ends it (BRK-03).
    public var days: Int

    public init(deals: Int = 3, percent: Int = 60, reason: String = Self.slowProposal.code, days: Int = 14) {
        self.deals = deals
        self.percent = percent
        self.reason = reason
        self.days = days
    }

    /// - Parameter ended: the seller's deals that have ended, the last one first; those of `state.deals` that are still the seller's are
    ///   among them.
    public func verdict(on ended: [Deal], _ state: State) -> Verdict {
        if state.isOpen { return matching(ended.filter { state.deals.contains($0.id) }, of: state.deals.count) == nil ? .closes : .stays }
        let last = Array(ended.prefix(deals))
        // Whoever paid for these deals does not pay twice.
        guard !state.isFrozen, Set(last.map(\.id)) != Set(state.deals), let matching = matching(last, of: deals) else { return .stays }
        return .opens(last.map(\.id), matching: matching)
    }

    /// How many were lost for the reason; nil where that is no cause to freeze anybody.
    private func matching(_ last: [Deal], of count: Int) -> Int? {
        guard count > 0, last.count == count, !last.contains(where: \.isWon) else { return nil }
        let matching = last.count { counts($0.reason) }
        return matching * 100 > percent * count ? matching : nil
    }

    /// The reason as people read it in Chinese.
    public var chineseReason: String { reason == Self.slowProposal.code ? Self.slowProposal.chinese : reason }

    private func counts(_ said: String?) -> Bool {
        said == reason || reason == Self.slowProposal.code && said == Self.slowProposal.chinese
    }
}
