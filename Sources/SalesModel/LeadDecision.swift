import Foundation

/// How an assignment ended (J1).
public enum AssignmentOutcome: String, Sendable, Hashable, CaseIterable {
    case assigned
    /// To the seller who has the customer already.
    case assignedExistingOwner = "assigned_existing_owner"
    case pooled
    case toMarketing = "to_marketing"
    case alreadyAssigned = "already_assigned"
    case heldMappingError = "held_mapping_error"
    case heldMissingData = "held_missing_data"
    case manualQueueFallback = "manual_queue_fallback"
    /// The tenant's assignment fuse is open: people assign. Neither a success nor a failure of the rules.
    case manualQueueFuse = "manual_queue_fuse"

    /// The state a lead is in after it, as rules name it.
    public var stateName: String {
        switch self {
        case .assigned, .assignedExistingOwner, .alreadyAssigned: "assigned"
        case .pooled: "pooled"
        case .toMarketing: "with_marketing"
        case .heldMappingError, .heldMissingData: "held"
        case .manualQueueFallback, .manualQueueFuse: "manual_queue"
        }
    }

    /// Whether the decision stands without a person's help.
    public var isSuccess: Bool {
        switch self {
        case .assigned, .assignedExistingOwner, .pooled, .toMarketing, .alreadyAssigned: true
        case .heldMappingError, .heldMissingData, .manualQueueFallback, .manualQueueFuse: false
        }
    }

    /// Whether its name in words says why, so that its reasons would only say it again.
    public var saysWhy: Bool { self == .manualQueueFuse }
}

/// Why a seller was not considered.
public enum ExclusionCode: String, Sendable, Hashable, CaseIterable, Comparable {
    case inactive
    case unknownStatus = "unknown_status"
    /// By a manager, for now.
    case frozen
    case offShift = "off_shift"
    case overLoad = "over_load"
    /// Had the lead last and left it untouched.
    case recycled
    case region
    case industry
    case noRankingData = "no_ranking_data"
    case noWeight = "no_weight"
    case unknownSeller = "unknown_seller"

    public static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
}

/// Sellers left out for one reason.
public struct Exclusion: Sendable, Hashable {
    public let code: ExclusionCode
    /// External ids, in order; at most `LeadDecision.listLimit` of them.
    public let sellers: [String]
    /// How many there were.
    public let count: Int

    /// - Parameter count: how many there were; nil: those that are named.
    public init(code: ExclusionCode, sellers: [String], count: Int? = nil) {
        self.code = code
        self.sellers = Array(sellers.prefix(LeadDecision.listLimit))
        self.count = count ?? sellers.count
    }
}

/// A seller who could have had the lead.
public struct Candidate: Sendable, Hashable {
    /// External id.
    public let seller: String
    /// What the strategy ranked by, when it ranks: close rate 0…1 or deals won.
    public let metric: Double?
    /// Before this decision.
    public let pending: Int

    public init(seller: String, metric: Double? = nil, pending: Int) {
        self.seller = seller
        self.metric = metric
        self.pending = pending
    }
}

/// A decision about one lead, with everything needed to explain it later.
public struct LeadDecision: Sendable, Hashable {
    /// How many candidates, and sellers of one exclusion, are kept in the log.
    public static let listLimit = 100

    /// Who received the lead: both of its names.
    public struct Owner: Sendable, Hashable {
        public let id: SellerID
        public let externalID: String

        public init(id: SellerID, externalID: String) {
            self.id = id
            self.externalID = externalID
        }
    }

    public var outcome: AssignmentOutcome
    public var owner: Owner?
    public var pool: String?
    /// The team whose members were considered, if it was one.
    public var team: String?
    /// Which rule sets had a say in it.
    public var ruleSets: [RuleSetReference]
    /// Maps of other sources that were live beside them: the rules were made ready with all maps, and a replay reads them so.
    public var otherMaps: [RuleSetReference]
    /// The route rule that decided, or `strategy.high`, `fallback` and so on.
    public var matchedRule: String?
    public var score: Score?
    public var band: Band?
    public var intent: IntentGrade?
    /// The best first, at most `listLimit`.
    public var candidates: [Candidate] = []
    public var candidateCount = 0
    public var exclusions: [Exclusion] = []
    public var reasons: [Reason] = []
    /// Outside fields no map speaks of.
    public var unmappedFields: [String] = []
    /// Standard fields that took their default.
    public var defaultedFields: [String] = []
    public var decidedAt: Date
    /// When its owner owes what, by the clock rules.
    public var clocks: [LeadClock] = []
    /// When its clocks are to be looked at; nil: none runs.
    public var looksAt: Date?
    /// Whether clocks watch the customer it comes from.
    public var watchesCustomer = false
    /// What its owner is told, by the message rules.
    public var notice: LeadNotice?

    public init(
        outcome: AssignmentOutcome, ruleSets: [RuleSetReference] = [], otherMaps: [RuleSetReference] = [], decidedAt: Date
    ) {
        self.outcome = outcome
        (self.ruleSets, self.otherMaps) = (ruleSets, otherMaps)
        self.decidedAt = decidedAt
    }

    /// It is in the fallback's pool: of those the rules name nobody could take it.
    public var fellBack: Bool { reasons.contains { $0.code == .fallbackPool } }
    /// Whether the lead is where a rule wanted it, what a change of rules is measured by.
    public var foundItsPlace: Bool { outcome.isSuccess && !fellBack }
}

/// A level of a clock that runs for a lead.
public struct LeadClock: Sendable, Hashable {
    public let clock: String
    public let level: String
    public let dueAt: Date

    public init(clock: String, level: String, dueAt: Date) {
        self.clock = clock
        self.level = level
        self.dueAt = dueAt
    }
}

/// What somebody is told of a lead, in both languages.
public struct LeadNotice: Sendable, Hashable {
    public let english: String
    public let chinese: String

    public init(english: String, chinese: String) {
        self.english = english
        self.chinese = chinese
    }
}

/// A version of a rule set by name.
public struct RuleSetReference: Sendable, Hashable, Comparable, CustomStringConvertible {
    public let kind: String
    public let name: String
    public let version: Int

    public init(kind: String, name: String, version: Int) {
        self.kind = kind
        self.name = name
        self.version = version
    }

    /// `route/default@3`
    public var description: String { "\(kind)/\(name)@\(version)" }

    public static func < (one: Self, other: Self) -> Bool { (one.kind, one.name, one.version) < (other.kind, other.name, other.version) }
}
