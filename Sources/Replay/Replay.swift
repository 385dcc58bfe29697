import Foundation
import Routing
import Rules
import SalesModel

/// Makes the decisions of the past again, in their order, from what they rested on: by the rules that were live and, beside
/// them, by a candidate.
///
/// The live world is what happened: every decision is made on exactly the sellers, loads, turns and deals it was made on, so it
/// comes out the same or the log and the past do not fit together. The candidate's world begins as the live one at the window's
/// start and then goes its own way: its own assignments, its own turns. A touch that really happened counts there too where the
/// lead is with the same seller; where it is with another, that seller touches it after a delay of their own (`TouchHabits`).
/// What was not touched by decisions — who came, left, went on leave, which deals were closed — is the same in both.
///
/// Pure. Memory grows with the leads in the window by some tens of bytes each, with nothing else.
public struct Replay: Sendable {
    /// What is replayed, beside what was live.
    public struct Candidate: Sendable {
        /// The rules for a decision that was made under these.
        let rules: @Sendable (_ live: [RuleSetReference]) -> TenantRules

        public init(_ rules: @Sendable @escaping (_ live: [RuleSetReference]) -> TenantRules) { self.rules = rules }
    }

    /// One decision made again.
    public struct Step: Sendable {
        public let past: PastDecision
        /// By the rules that were live.
        public let live: LeadDecision
        /// By the candidate; nil where it has none to make: outside the window, or it had given the lead to somebody before.
        public let candidate: LeadDecision?
        public let isInWindow: Bool

        /// Whether the candidate's end or owner is another, or what follows for the owner.
        public var isDifferent: Bool {
            candidate.map { $0.isElsewhere(than: live) || $0.following(unlike: live) != nil } ?? false
        }
    }

    private let window: Range<Date>
    private let rules: @Sendable ([RuleSetReference]) -> TenantRules
    private let candidate: Candidate?
    private var live: World
    private var other: World?
    private var book: DealBook
    private var sellers = Tape<SellerChange>()
    private var loads = Tape<LoadChange>()
    private var deals = Tape<DealChange>()
    /// What the deals on the tape were before they were put.
    private var dealsBefore: [Deal?] = []
    private var version: Int64
    private var moved = false
    private var owners = Owners()
    private var due = DueTouches()

    public private(set) var summary: ReplaySummary

    /// - Parameters:
    ///   - state: what decisions rested on at or before the window's beginning.
    ///   - window: of which decisions the summary tells; those before it only lead up to it.
    ///   - rules: rule sets as they were under their references.
    public init(
        from state: PastState, window: Range<Date>, touchWithin: TimeInterval = 240, habits: TouchHabits = TouchHabits(),
        candidate: Candidate? = nil, rules: @Sendable @escaping ([RuleSetReference]) -> TenantRules
    ) {
        self.window = window
        self.rules = rules
        self.candidate = candidate
        live = World(state)
        book = DealBook(state.deals)
        version = state.version
        due.habits = habits
        due.within = touchWithin
        summary = ReplaySummary(touchWithin: touchWithin, areTouchesKnown: habits.isKnown)
    }

    /// Makes a page's decisions again.
    public mutating func run(_ page: PastPage) -> [Step] {
        sellers.append(page.sellers)
        loads.append(page.loads)
        deals.append(page.deals)
        return page.decisions.map { step($0) }
    }

    private mutating func step(_ past: PastDecision) -> Step {
        reach(past)
        let isInWindow = window.contains(past.decidedAt)
        // It begins where the live one stands before the first decision that counts.
        if isInWindow, candidate != nil, other == nil { other = live }
        let liveRules = rules(past.rules)
        let books = liveRules.windows
        let candidateRules = isInWindow ? candidate?.rules(past.rules) : nil
        book.move(to: past.dealsAt ?? DealWindow.end(at: past.decidedAt), months: Array(Set(books + (candidateRules?.windows ?? []))))
        live.put(book)
        let routed = live.decide(past, by: liveRules, past.rules)
        guard isInWindow else { return Step(past: past, live: routed.decision, candidate: nil, isInWindow: false) }
        summary.count(routed, past, in: live)
        var answer: RoutedLead?
        if let candidateRules { answer = self.answer(to: past, by: candidateRules, beside: routed) }
        owners.note(past.lead.id, live: routed.decision.owner?.id, candidate: answer?.decision.owner?.id)
        summary.leads = owners.count
        return Step(past: past, live: routed.decision, candidate: answer?.decision, isInWindow: true)
    }

    /// Brings both worlds to where a decision found them.
    private mutating func reach(_ past: PastDecision) {
        if past.version != version || past.moved != moved {
            live.resume()
            other?.resume()
            if past.version != version {
                sellers.settle()
                loads.settle()
            }
            (version, moved) = (past.version, past.moved)
        }
        for step in sellers.move(to: past.version) where !step.isUndone {
            live.put(step.change.seller)
            other?.put(step.change.seller)
            summary.meet(step.change.seller)
        }
        for step in loads.move(to: past.loadSeq) {
            let change = step.isUndone ? -step.change.change : step.change.change
            live.changePending(of: step.change.seller, by: change)
            if owners.isCandidates(step.change) { other?.changePending(of: step.change.seller, by: change) }
        }
        for step in deals.move(to: past.dealSeq) {
            if !step.isUndone {
                dealsBefore.append(book.put(step.change.id, step.change.deal))
            } else if let before = dealsBefore.popLast() {
                book.put(step.change.id, before)
            }
        }
    }

    /// What the candidate does with a lead; nil when it had assigned it while it still waited in the live world.
    private mutating func answer(to past: PastDecision, by rules: TenantRules, beside live: RoutedLead) -> RoutedLead? {
        guard !owners.isAhead(past.lead.id) else {
            summary.ahead += 1
            return nil
        }
        for seller in due.touches(until: past.decidedAt) { other?.changePending(of: seller, by: -1) }
        other?.put(book)
        guard let routed = other?.decide(past, by: rules, rules.references), let world = other else { return nil }
        let (candidate, actual) = (routed.decision.owner, live.decision.owner)
        var isInTime = false
        if let candidate {
            isInTime =
                candidate == actual
                ? past.isTouched(within: due.within) : due.expect(candidate.id, candidate.externalID, from: past.decidedAt)
        }
        summary.count(candidate: routed, beside: live, past, in: world, isInTime: isInTime)
        return routed
    }
}

extension PastDecision {
    func isTouched(within limit: TimeInterval) -> Bool { touchedAt.map { $0.timeIntervalSince(decidedAt) <= limit } ?? false }
}

/// Who has which lead of the window, in both worlds.
private struct Owners: Sendable {
    private var live: [LeadID: SellerID] = [:]
    /// nil inside: decided, and with nobody.
    private var candidate: [LeadID: SellerID?] = [:]

    mutating func note(_ lead: LeadID, live owner: SellerID?, candidate other: SellerID?) {
        if let owner { live[lead] = owner }
        if other != nil || candidate[lead] == nil { candidate[lead] = .some(other) }
    }

    /// Leads that were decided of.
    var count: Int { candidate.count }

    /// Whether a change that really happened also happens in the candidate's world: the lead is with the same seller there, or was
    /// given before the window began.
    func isCandidates(_ change: LoadChange) -> Bool { candidate[change.lead].map { $0 == change.seller } ?? true }

    /// Whether the candidate has given a lead to somebody that nobody had yet in the live world.
    func isAhead(_ lead: LeadID) -> Bool { (candidate[lead] ?? nil) != nil && live[lead] == nil }
}

/// Touches of the candidate's world that did not happen in this one, by when they are due.
private struct DueTouches: Sendable {
    var habits = TouchHabits()
    var within: TimeInterval = 240
    /// A heap: the soonest first.
    private var heap: [(at: Date, seller: SellerID)] = []

    /// Plans the touch of a lead that a seller would have had.
    ///
    /// - Returns: whether it comes in time.
    mutating func expect(_ seller: SellerID, _ name: String, from start: Date) -> Bool {
        guard let delay = habits.next(of: name) else { return false }
        push((start.addingTimeInterval(delay), seller))
        return delay <= within
    }

    mutating func touches(until now: Date) -> [SellerID] {
        var sellers: [SellerID] = []
        while let first = heap.first, first.at <= now {
            sellers.append(first.seller)
            pop()
        }
        return sellers
    }

    private mutating func push(_ touch: (at: Date, seller: SellerID)) {
        heap.append(touch)
        var child = heap.count - 1
        while child > 0, heap[child].at < heap[(child - 1) / 2].at {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    private mutating func pop() {
        heap.swapAt(0, heap.count - 1)
        heap.removeLast()
        var parent = 0
        while true {
            let children = [2 * parent + 1, 2 * parent + 2].filter { $0 < heap.count }
            guard let least = children.min(by: { heap[$0].at < heap[$1].at }), heap[least].at < heap[parent].at else { return }
            heap.swapAt(parent, least)
            parent = least
        }
    }
}
