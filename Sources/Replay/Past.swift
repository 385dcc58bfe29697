import Foundation
import Routing
import Rules
import SalesModel

/// A decision as it was logged, with what it was decided on.
public struct PastDecision: Sendable {
    /// As it was told when it was decided.
    public var lead: Lead
    public var epoch: Int
    public var job: Int64
    /// Of the routing state: sellers, rules and assignments up to it were seen.
    public var version: Int64
    /// Whether its group moved that version on. Of the groups of one version at most one did, and came last.
    public var moved: Bool
    /// Touches up to this one were seen.
    public var loadSeq: Int64
    /// Deals told up to this one were seen.
    public var dealSeq: Int64
    /// Up to when closed deals were counted; nil: no rule asked.
    public var dealsAt: Date?
    public var decidedAt: Date
    public var outcome: String
    /// The owner's external id.
    public var owner: String?
    /// The rule sets it was judged by.
    public var rules: [RuleSetReference]
    /// Which arm decided, and of which rollouts, as JSON: who is in which arm is not for the rules to say. Nil: none served it.
    public var arm: String
    public var rollouts: [UInt8]?
    /// The owner's first touch, as far as there was one.
    public var touchedAt: Date?
    /// Whom it was taken for, as JSON, and who had that customer: who somebody is, is not for the rules replayed to say.
    public var customer: [UInt8]?
    public var claim: OwnerClaim?

    public init(
        lead: Lead, epoch: Int = 0, job: Int64 = 0, version: Int64, moved: Bool, loadSeq: Int64 = 0, dealSeq: Int64 = 0,
        dealsAt: Date? = nil,
        decidedAt: Date, outcome: String, owner: String? = nil, rules: [RuleSetReference], arm: String = "stable", rollouts: [UInt8]? = nil,
        touchedAt: Date? = nil, customer: [UInt8]? = nil, claim: OwnerClaim? = nil
    ) {
        self.customer = customer
        self.claim = claim
        self.lead = lead
        self.epoch = epoch
        self.job = job
        self.version = version
        self.moved = moved
        self.loadSeq = loadSeq
        self.dealSeq = dealSeq
        self.dealsAt = dealsAt
        self.decidedAt = decidedAt
        self.outcome = outcome
        self.owner = owner
        self.rules = rules
        self.arm = arm
        self.rollouts = rollouts
        self.touchedAt = touchedAt
    }
}

/// Something of the past with its number in its own order.
protocol Numbered: Sendable {
    var seq: Int64 { get }
}

/// What a seller became with a version of the routing state. Their load is not the change's to say.
public struct SellerChange: Numbered {
    public var version: Int64
    public var seller: Seller

    public init(version: Int64, seller: Seller) {
        self.version = version
        self.seller = seller
    }

    var seq: Int64 { version }
}

/// A change of a seller's pending leads that no decision made: a first touch takes one away.
public struct LoadChange: Numbered {
    public var seq: Int64
    public var seller: SellerID
    public var lead: LeadID
    public var change: Int

    public init(seq: Int64, seller: SellerID, lead: LeadID, change: Int = -1) {
        self.seq = seq
        self.seller = seller
        self.lead = lead
        self.change = change
    }
}

/// A closed deal that counts for its owner.
public struct Deal: Sendable, Hashable {
    public var owner: String
    public var industry: String?
    public var won: Bool
    public var closedAt: Date

    public init(owner: String, industry: String?, won: Bool, closedAt: Date) {
        self.owner = owner
        self.industry = industry
        self.won = won
        self.closedAt = closedAt
    }
}

/// What a deal became when it was told; nil: nothing that counts.
public struct DealChange: Numbered {
    public var seq: Int64
    public var id: Int64
    public var deal: Deal?

    public init(seq: Int64, id: Int64, deal: Deal?) {
        self.seq = seq
        self.id = id
        self.deal = deal
    }
}

/// Everything decisions rest on, as of one moment.
public struct PastState: Sendable {
    public var version: Int64
    public var loadSeq: Int64
    public var dealSeq: Int64
    /// With their loads.
    public var sellers: [Seller]
    public var cursors: [PoolCursor]
    public var deals: [Int64: Deal]

    public init(
        version: Int64 = 0, loadSeq: Int64 = 0, dealSeq: Int64 = 0, sellers: [Seller] = [], cursors: [PoolCursor] = [],
        deals: [Int64: Deal] = [:]
    ) {
        self.version = version
        self.loadSeq = loadSeq
        self.dealSeq = dealSeq
        self.sellers = sellers
        self.cursors = cursors
        self.deals = deals
    }
}

/// The next decisions in their order, and all that happened up to the last of them and was not in an earlier page.
public struct PastPage: Sendable {
    public var decisions: [PastDecision]
    public var sellers: [SellerChange]
    public var loads: [LoadChange]
    public var deals: [DealChange]

    public init(decisions: [PastDecision], sellers: [SellerChange] = [], loads: [LoadChange] = [], deals: [DealChange] = []) {
        self.decisions = decisions
        self.sellers = sellers
        self.loads = loads
        self.deals = deals
    }
}
