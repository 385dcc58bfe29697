/// Everything a tenant says of permissions: one version of it.
public struct PolicyBook: Sendable, Hashable {
    /// Roles everybody has by what they do; a tenant names none of its own like these.
    public enum BuiltInRole: String, Sendable, CaseIterable {
        case seller, manager
    }

    public var policies: [Policy]
    /// The tenant's own roles: who has each.
    public var roles: [String: [String]]
    /// Which of a lead's fields, as they came, may name its city.
    public var cityFields: [String]

    public static let usualCityFields = ["city", "城市"]

    public init(policies: [Policy] = [], roles: [String: [String]] = [:], cityFields: [String] = PolicyBook.usualCityFields) {
        self.policies = policies
        self.roles = roles
        self.cityFields = cityFields
    }

    /// Where nobody said anything: everything is allowed that a key allows.
    public static let empty = PolicyBook()

    public func roles(of person: Person) -> Set<String> {
        var found = Set(roles.filter { $0.value.contains(person.id) }.keys)
        if person.isSeller { found.insert(BuiltInRole.seller.rawValue) }
        if person.isManager { found.insert(BuiltInRole.manager.rawValue) }
        return found
    }
}

// MARK: - Judging

extension PolicyBook {
    /// Which city an action is about.
    public enum Place: Sendable, Hashable {
        /// It is not asked.
        case unasked
        case city(City)
        /// The record names none.
        case unnamed
    }

    /// What this person may do.
    ///
    /// First the permission: of the policies without cities the closest counts, of equally close ones that differ the denial; where none
    /// speaks, it is allowed. Then the data domain: of the lists of cities the closest count, together; where there is none, every city is
    /// within.
    public func verdict(on action: RecordAction, by person: Person, in place: Place = .unasked) -> Verdict {
        let roles = roles(of: person)
        let applied = policies.compactMap { policy in
            policy.actions.contains(action)
                ? policy.closeness(to: person, roles: roles).map { AppliedPolicy(policy: policy, closeness: $0) } : nil
        }
        let closest = Self.closest(applied.filter { $0.policy.cities == nil })
        let domains = Self.closest(applied.filter { $0.policy.cities != nil })
        let denial = closest.first { $0.policy.effect == .deny }
        let verdict = Verdict(
            action: action, place: place, decidedBy: denial ?? closest.first,
            overruled: denial == nil ? [] : closest.filter { $0.policy.effect == .allow }, domains: domains, refusal: nil)
        if denial != nil { return verdict.refused(.permission) }
        return verdict.isWithin ? verdict : verdict.refused(.dataDomain)
    }

    private static func closest(_ applied: [AppliedPolicy]) -> [AppliedPolicy] {
        guard let most = applied.map(\.closeness).max() else { return [] }
        return applied.filter { $0.closeness == most }
    }

    /// The cities in which they may do it; nil: in all.
    public func cities(for action: RecordAction, of person: Person) -> [City]? { verdict(on: action, by: person).cities }

    /// Whether any data domain holds them.
    public func hasDomain(_ person: Person) -> Bool { RecordAction.allCases.contains { cities(for: $0, of: person) != nil } }
}
