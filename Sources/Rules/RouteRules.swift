import SalesModel

/// Who gets a lead: explicit rules in order, then a strategy by score band or intent grade, then the fallback (I-01).
public struct RouteRules: Sendable, Hashable {
    public let rules: [RouteRule]
    /// For the strategy's placements; a rule has its own.
    public let strategy: GradedStrategy?
    public let fallback: Fallback
}

/// The first rule whose condition is true decides.
public struct RouteRule: Sendable, Hashable {
    public let id: String
    /// nil: always.
    public let when: Condition?
    public let placement: Placement
}

/// A placement for each band, or for each intent grade.
public struct GradedStrategy: Sendable, Hashable {
    public enum Grading: String, Sendable, Hashable, CaseIterable {
        case band, intent
    }

    public let grading: Grading
    public let high: Placement
    public let mid: Placement
    public let low: Placement
}

/// Where a lead goes and how one of several is chosen.
public struct Placement: Sendable, Hashable {
    public let target: Target
    public let strategy: Strategy
    /// Sellers who do not serve the lead's region or industry are left out.
    public let filters: Set<SellerFilter>
    /// Asked in order when nobody of the target can take the lead.
    public let alternates: [Target]
}

public enum Target: Sendable, Hashable {
    case everyone
    case newcomers
    /// By external id.
    case sellers([String])
    /// By external id.
    case teams([String])
    /// The seller whose external id stands in this field.
    case sellerInField(String)
    /// Nobody's yet, but kept with care.
    case pool(String)
    case marketing

    /// Whether sellers compete for it.
    public var hasSellers: Bool {
        switch self {
        case .pool, .marketing: false
        case .everyone, .newcomers, .sellers, .teams, .sellerInField: true
        }
    }
}

public enum Strategy: Sendable, Hashable {
    /// Among the best by past deals, the one with fewest pending.
    case ranked(Ranking)
    case fewestPending
    case roundRobin
    case dedicated
    /// The team first; when it cannot, everyone.
    case groupFirst(then: Turn)

    public enum Turn: String, Sendable, Hashable, CaseIterable {
        case fewestPending = "fewest_pending"
        case roundRobin = "round_robin"
    }
}

/// A ranking always has a window and asks active sellers only (LEAD-ROUTE-13).
public struct Ranking: Sendable, Hashable {
    public enum Metric: String, Sendable, Hashable, CaseIterable {
        case closeRate = "close_rate"
        case dealsWon = "deals_won"
    }

    public let metric: Metric
    public let best: Int
    public let windowMonths: Int
    /// Who closed fewer deals in the window has no ranking.
    public let leastClosed: Int

    public static let longestWindowMonths = 6
}

public enum SellerFilter: String, Sendable, Hashable, CaseIterable {
    case region, industry
}

/// After the target: alternates, then the pool, then the manual queue.
public struct Fallback: Sendable, Hashable {
    public let alternates: [Target]
    public let pool: String?
}

extension RouteRules {
    /// Every field that must be known: what conditions and filters read, those of the score included. The industry by which
    /// deals are ranked is not among them: where no map gives it, all industries count.
    public var fields: Set<String> {
        var fields: Set<String> = []
        for rule in rules { fields.formUnion(rule.when?.fields ?? []) }
        if let strategy { fields.insert(strategy.grading.rawValue) }
        for placement in placements {
            fields.formUnion(placement.filters.map(\.rawValue))
            if case .sellerInField(let name) = placement.target { fields.insert(name) }
        }
        return fields
    }

    /// All placements: the rules' in order, then the strategy's.
    public var placements: [Placement] { rules.map(\.placement) + (strategy.map { [$0.high, $0.mid, $0.low] } ?? []) }
}
