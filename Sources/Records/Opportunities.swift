import Foundation
import Ledger
import PostgresClient
import SalesModel
import Tenancy

/// An opportunity as the tenant tells of it.
public struct OpportunityFacts: Sendable, Hashable {
    /// The seller's external id, whether or not we know the seller.
    public var owner: String?
    public var industry: String?
    public var stage: String
    /// Nil while it is open.
    public var won: Bool?
    public var amountMinor: Int64?
    /// ISO 4217.
    public var currency: String?
    public var closedAt: Date?
    /// When it began; nil: as told before, else now.
    public var openedAt: Date?
    /// The amount is what a seller expects, and no document says so.
    public var isSelfEntered: Bool
    /// Other fields of the catalogue, as a JSON object.
    public var fields: [UInt8]
    /// When it became so; nil: now.
    public var at: Date?
    /// Stages it went through before this one, as told; in the order of their time.
    public var stages: [StageEntry]

    /// When it came into a stage.
    public struct StageEntry: Sendable, Hashable {
        public var stage: String
        public var at: Date

        public init(stage: String, at: Date) {
            self.stage = stage
            self.at = at
        }
    }

    public init(
        owner: String? = nil, industry: String? = nil, stage: String, won: Bool? = nil, amountMinor: Int64? = nil, currency: String? = nil,
        closedAt: Date? = nil, openedAt: Date? = nil, isSelfEntered: Bool = false, fields: [UInt8] = Array("{}".utf8), at: Date? = nil,
        stages: [StageEntry] = []
    ) {
        self.owner = owner
        self.industry = industry
        self.stage = stage
        self.won = won
        self.amountMinor = amountMinor
        self.currency = currency
        self.closedAt = closedAt
        self.openedAt = openedAt
        self.isSelfEntered = isSelfEntered
        self.fields = fields
        self.at = at
        self.stages = stages
    }
}

extension OpportunityFacts {
    /// The first moment it tells of; nil: none but now.
    var earliest: Date? { ([at, closedAt, openedAt].compactMap { $0 } + stages.map(\.at)).min() }
}

/// Why an opportunity is not told so: its tenant's gates decide that.
public enum OpportunityRefusal: Error, Sendable, Hashable {
    /// It stands in this stage and goes to others by transitions.
    case stageByTransition(from: String)
    /// What is won is for evidence to say (REV-02).
    case wonByEvidence
}

extension Records {
    /// Stores an opportunity as told; whether it is new, and what is known of it now.
    ///
    /// What is new is believed, whatever it says of the past: it may be years old. From then on, where the tenant has gates, only a
    /// transition moves it, only evidence wins it, and nobody's words undo that; who says nothing of its end leaves it ended.
    /// - Parameter user: the person who tells it, if they may; nil: nobody in particular.
    /// - Throws: `OpportunityRefusal`, `AccessRefusal`.
    public func putOpportunity(
        _ externalID: String, _ facts: OpportunityFacts, of tenant: TenantID, by actor: String = "system", user: String? = nil
    ) async throws -> (isNew: Bool, facts: OpportunityFacts) {
        let now = Date()
        let gates = gates
        return try await tell(tenant, at: now) { transaction in
            try transaction.tell(externalID, facts, of: tenant, by: actor, user: user, gates: gates, at: now)
        }
    }
}

extension PostgresTransaction {
    /// The same in a transaction; beside it the sellers whose breakers are to be judged.
    func tell(
        _ externalID: String, _ facts: OpportunityFacts, of tenant: TenantID, by actor: String, user: String?, gates: GateShelf,
        at now: Date
    ) throws -> (result: (isNew: Bool, facts: OpportunityFacts), breakers: [String]) {
        var facts = facts
        var telling = try OpportunityTelling(externalID, since: facts.earliest, of: tenant, by: actor, at: now, in: self)
        if let user { try admit(facts, over: telling.known, by: user, of: tenant) }
        if let known = telling.known, try gates.live(of: tenant, in: self) != nil {
            if known.stage != facts.stage { throw OpportunityRefusal.stageByTransition(from: known.stage) }
            if facts.won == true, known.won != true { throw OpportunityRefusal.wonByEvidence }
            if facts.won == false, known.won == true { throw OpportunityRefusal.wonByEvidence }
            if facts.won == nil { (facts.won, facts.closedAt) = (known.won, known.closedAt) }
        }
        try telling.tell(facts)
        return (
            (telling.known == nil, facts),
            telling.breakers(owner: facts.owner, won: facts.won, closedAt: facts.closedAt, fields: facts.fields)
        )
    }
}
