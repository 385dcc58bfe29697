/// One statement of who may or may not do what.
public struct Policy: Sendable, Hashable {
    public enum Effect: String, Sendable, Hashable, CaseIterable {
        case allow, deny
    }

    /// Whom it speaks of: everybody of whom all that is named is true; nothing named: everybody.
    public struct Subject: Sendable, Hashable {
        public var user: String?
        /// Whoever is of this team or one below it.
        public var team: String?
        /// `seller`, `manager`, or a role of the tenant's own.
        public var role: String?

        public init(user: String? = nil, team: String? = nil, role: String? = nil) {
            self.user = user
            self.team = team
            self.role = role
        }

        public static let everyone = Subject()
    }

    public var id: String
    public var subject: Subject
    public var effect: Effect
    public var actions: Set<RecordAction>
    /// A data domain: of the records of these cities only. Nil: it says nothing of cities.
    public var cities: [City]?

    public init(_ id: String, _ effect: Effect, _ actions: Set<RecordAction>, to subject: Subject, cities: [City]? = nil) {
        self.id = id
        self.subject = subject
        self.effect = effect
        self.actions = actions
        self.cities = cities
    }
}

/// How closely a policy speaks of somebody: of two that speak of the same, the closer one counts.
///
/// A name is closer than a team, a nearer team than one above it, any team than none; of what is left, one that names a role is
/// closer than one that does not.
public struct Closeness: Sendable, Hashable, Comparable {
    public let namesUser: Bool
    /// Teams between: 0 is one's own. Nil: no team is named.
    public let levels: Int?
    public let namesRole: Bool

    public static func < (a: Closeness, b: Closeness) -> Bool { a.rank < b.rank }

    private var rank: (Int, Int, Int) { (namesUser ? 1 : 0, levels.map { -$0 } ?? Int.min, namesRole ? 1 : 0) }
}

/// A policy that speaks of somebody, and how closely.
public struct AppliedPolicy: Sendable, Hashable {
    public let policy: Policy
    public let closeness: Closeness
}

extension Policy {
    /// How closely it speaks of this person; nil: it does not.
    func closeness(to person: Person, roles: Set<String>) -> Closeness? {
        if let user = subject.user, user != person.id { return nil }
        if let role = subject.role, !roles.contains(role) { return nil }
        var levels: Int?
        if let team = subject.team {
            guard let distance = person.teams[team] else { return nil }
            levels = distance
        }
        return Closeness(namesUser: subject.user != nil, levels: levels, namesRole: subject.role != nil)
    }
}
