import Foundation
import Routing
import Rules
import SalesModel

/// Sellers, loads and turns as decisions find and leave them: one world for what happened, one for what would have.
struct World: Sendable {
    /// As they were before the roster was made; while there is one it knows better.
    private var told: [Seller]
    private var roster: Roster?
    /// What decisions were made under so far, the roster's variants: arms of a rollout share loads and turns.
    private var variants: [(references: [RuleSetReference], rules: TenantRules)] = []
    private var cursors: [String: PoolCursor]
    /// Taken since decisions were last written.
    private var turns: [PoolCursor] = []
    private var deals: [Int: DealStatistics] = [:]
    private var dealGeneration = -1
    /// Of those who are active.
    private(set) var pending = 0
    private(set) var capacity = 0

    init(_ state: PastState) {
        told = state.sellers.sorted { $0.id < $1.id }
        cursors = Dictionary(state.cursors.map { ($0.pool, $0) }, uniquingKeysWith: { $1 })
        sumUp()
    }

    var sellers: [Seller] { roster?.sellers ?? told }

    func seller(_ id: SellerID) -> Seller? { roster?.seller(id) ?? told.first { $0.id == id } }

    /// Decides a lead and counts it in, on the very code that decides live.
    mutating func decide(_ past: PastDecision, by rules: TenantRules, _ references: [RuleSetReference]) -> RoutedLead {
        let variant = variant(rules, references)
        if roster == nil {
            roster = Roster(sellers: told, deals: deals, cursors: Array(cursors.values), variants: variants.map(\.rules))
        }
        let routed =
            past.outcome == AssignmentOutcome.manualQueueFuse.rawValue
            ? roster!.leftToPeople(decidedAt: past.decidedAt)
            : roster!.decision(for: past.lead, under: variant, claim: past.claim, decidedAt: past.decidedAt)
        if let cursor = routed.cursor {
            cursors[cursor.pool] = cursor
            turns.append(cursor)
        }
        if routed.decision.owner != nil { pending += 1 }
        return routed
    }

    /// The place of these rules among the roster's; those not met lately are forgotten when there are many.
    private mutating func variant(_ rules: TenantRules, _ references: [RuleSetReference]) -> Int {
        if let known = variants.firstIndex(where: { $0.references == references }) { return known }
        dropRoster()
        if variants.count >= 8 { variants = [] }
        variants.append((references, rules))
        return variants.count - 1
    }

    /// Has a roster made anew, from what the one there is knows.
    private mutating func dropRoster() {
        told = sellers
        roster = nil
    }

    /// The decisions so far are written; those that follow read them.
    mutating func resume() {
        guard !turns.isEmpty else { return }
        roster?.resume(after: turns)
        turns = []
    }

    mutating func changePending(of seller: SellerID, by change: Int) {
        if self.seller(seller)?.status == .active { pending += change }
        guard roster == nil else { return roster!.changePending(of: seller, by: change) }
        if let index = told.firstIndex(where: { $0.id == seller }) { told[index].pending += change }
    }

    /// A seller comes or changes; what they have to do stays with them.
    mutating func put(_ seller: Seller) {
        dropRoster()
        var seller = seller
        if let index = told.firstIndex(where: { $0.id == seller.id }) {
            seller.pending = told[index].pending
            seller.lastAssignedAt = told[index].lastAssignedAt
            told[index] = seller
        } else {
            (seller.pending, seller.lastAssignedAt) = (0, nil)
            told.insert(seller, at: told.firstIndex { $0.id > seller.id } ?? told.endIndex)
        }
        sumUp()
    }

    /// Rankings from now on.
    mutating func put(_ book: DealBook) {
        guard book.generation != dealGeneration else { return }
        dealGeneration = book.generation
        deals = book.statistics
        dropRoster()
    }

    private mutating func sumUp() {
        let active = told.filter { $0.status == .active }
        pending = active.reduce(0) { $0 + $1.pending }
        capacity = active.reduce(0) { $0 + $1.capacity }
    }
}
