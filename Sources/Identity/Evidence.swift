/// Why a record and a customer are taken for the same or not: one line for each field both have.
public struct MatchEvidence: Sendable, Hashable {
    /// What is to be done about it.
    public enum Standing: Int, Sendable, Hashable, Comparable {
        case different
        /// The customer's owner gets it, and a person decides.
        case suspected
        case same

        public static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
    }

    /// What forbids to link without a person, whatever the sum.
    public enum Conflict: String, Sendable, Hashable {
        case creditCodes = "credit_codes"
        /// Two mobile numbers and two people.
        case people
    }

    public var fields: [FieldEvidence] = []
    /// The sum in bits, prior included; nil where the card decides.
    public var bits: Double?
    /// 0…100: the chance that they are one, or the card's points.
    public var percent = 0.0
    public var conflict: Conflict?
    public var standing = Standing.different

    /// To be shown to who creates a customer: above 75, not at it (CID-02, I-06).
    public func isHighlighted(by rules: MatchRules) -> Bool { percent > rules.card.highlight }
}

/// What one field says.
public struct FieldEvidence: Sendable, Hashable {
    public let field: String
    /// 0…1, of the two values closest to each other.
    public let likeness: Double
    /// In bits, or in points of the card.
    public let weight: Double
    /// How many customers carry the value both have; nil when they differ or it is not counted.
    public let carriers: Int?

    public init(field: String, likeness: Double, weight: Double, carriers: Int? = nil) {
        self.field = field
        self.likeness = likeness
        self.weight = weight
        self.carriers = carriers
    }
}
