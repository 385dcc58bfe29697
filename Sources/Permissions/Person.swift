/// Somebody, as far as policies go by it.
public struct Person: Sendable, Hashable {
    public let id: String
    /// Whether they are known as a seller.
    public let isSeller: Bool
    /// Whether they lead a team.
    public let isManager: Bool
    /// Every team they are of, by how far above it is: 0 the one they sell for or lead, 1 the one above it.
    public let teams: [String: Int]

    public init(_ id: String, isSeller: Bool = false, isManager: Bool = false, teams: [String: Int] = [:]) {
        self.id = id
        self.isSeller = isSeller
        self.isManager = isManager
        self.teams = teams
    }
}

/// The teams of a tenant, each below another or none.
public struct Organisation: Sendable, Hashable {
    public struct Team: Sendable, Hashable {
        public let id: String
        public let manager: String?
        public let superior: String?

        public init(_ id: String, manager: String? = nil, superior: String? = nil) {
            self.id = id
            self.manager = manager
            self.superior = superior
        }
    }

    public let teams: [String: Team]
    private let led: [String: [String]]

    public init(_ teams: [Team]) {
        self.teams = Dictionary(teams.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        led = Dictionary(grouping: teams.filter { $0.manager != nil }, by: { $0.manager! }).mapValues { $0.map(\.id) }
    }

    public var managers: Set<String> { Set(led.keys) }

    /// - Parameter team: the one they sell for; nil: none.
    public func person(_ id: String, isSeller: Bool, team: String?) -> Person {
        let own = led[id] ?? []
        return Person(id, isSeller: isSeller, isManager: !own.isEmpty, teams: distances(from: own + (team.map { [$0] } ?? [])))
    }

    /// The shortest way up to each team; a circle of teams ends by itself. A team nobody told of is one without a superior.
    private func distances(from own: [String]) -> [String: Int] {
        var found: [String: Int] = [:]
        var (level, here) = (0, Set(own))
        while !here.isEmpty {
            for team in here { found[team] = level }
            here = Set(here.compactMap { teams[$0]?.superior }).subtracting(found.keys)
            level += 1
        }
        return found
    }
}
