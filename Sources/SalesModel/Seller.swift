import Foundation

/// A seller's number within its tenant.
public struct SellerID: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let rawValue: Int64

    public init(_ rawValue: Int64) { self.rawValue = rawValue }

    public var description: String { String(rawValue) }

    public static func < (a: SellerID, b: SellerID) -> Bool { a.rawValue < b.rawValue }
}

/// Whether someone works here today. Only `active` sellers receive leads; who has no known status is not eligible.
public enum EmploymentStatus: String, Sendable, Hashable, CaseIterable {
    case active, inactive, leave, unknown
}

/// Someone who can own leads, as of one moment.
public struct Seller: Sendable, Hashable {
    public let id: SellerID
    /// The tenant's own name for the seller; what rules and receipts use.
    public let externalID: String
    /// External id of the team, if any.
    public var team: String?
    public var status: EmploymentStatus
    /// Empty: everywhere.
    public var regions: [String]
    /// Empty: every industry.
    public var industries: [String]
    /// With more pending leads than this the seller pauses: a capacity of 8 still receives at 8, not at 9 (I-04).
    public var capacity: Int
    /// Share in round robin; 0: never.
    public var weight: Int
    public var isNewcomer: Bool
    /// Assigned and not yet touched.
    public var pending: Int
    public var lastAssignedAt: Date?
    /// Nil: not frozen.
    public var freeze: Freeze?
    /// Nil: leads at all hours.
    public var shift: Shift?

    public init(
        id: SellerID, externalID: String, team: String? = nil, status: EmploymentStatus = .active, regions: [String] = [],
        industries: [String] = [],
        capacity: Int = 8, weight: Int = 1, isNewcomer: Bool = false, pending: Int = 0, lastAssignedAt: Date? = nil,
        freeze: Freeze? = nil, shift: Shift? = nil
    ) {
        self.id = id
        self.externalID = externalID
        self.team = team
        self.status = status
        self.regions = regions
        self.industries = industries
        self.capacity = capacity
        self.weight = weight
        self.isNewcomer = isNewcomer
        self.pending = pending
        self.lastAssignedAt = lastAssignedAt
        self.freeze = freeze
        self.shift = shift
    }
}

/// Deals someone closed in a window, in one industry.
public struct ClosedDeals: Sendable, Hashable {
    /// As the deals name their owner: possibly nobody we know.
    public let owner: String
    /// nil: the deals did not say.
    public let industry: String?
    public var won: Int
    public var lost: Int

    public init(owner: String, industry: String?, won: Int, lost: Int) {
        self.owner = owner
        self.industry = industry
        self.won = won
        self.lost = lost
    }
}
