/// One thing the probe tries in somebody's name (ACCESS-09): a person who stands for all of a role that the policies treat alike in a city.
public struct AccessProbe: Sendable, Hashable {
    public let role: String
    public let person: Person
    /// The data domain it is tried in; nil: a record that names no city.
    public let city: City?
    /// Whether this person is known to sell there.
    public let isTheirs: Bool
    public let action: RecordAction

    public init(role: String, person: Person, city: City?, isTheirs: Bool, action: RecordAction) {
        self.role = role
        self.person = person
        self.city = city
        self.isTheirs = isTheirs
        self.action = action
    }

    /// Where the policies are asked about.
    public var place: PolicyBook.Place { city.map { .city($0) } ?? .unnamed }

    /// `seller/成都/opportunity.create`
    public var name: String { "\(role)/\(city?.key ?? "-")/\(action.rawValue)" }
}

/// What came of trying.
public enum ProbeAnswer: Sendable, Hashable {
    case done
    case refused(Verdict.Refusal)
    /// Neither: it broke, or took too long.
    case failed(String)
}

/// Something that does not work for the people it is there for.
public struct ProbeFailure: Sendable, Hashable {
    public enum Cause: String, Sendable, Hashable, CaseIterable {
        /// It is theirs to do, and broke.
        case broken
        /// The policies allow it.
        case refusedAgainstPolicy = "refused_against_policy"
        /// The policies do not.
        case allowedAgainstPolicy = "allowed_against_policy"
        /// They sell in a city that is in no data domain of theirs.
        case outsideEveryDomain = "outside_every_domain"
    }

    public let probe: AccessProbe
    public let cause: Cause
    /// What broke; empty for the others.
    public let message: String
}

/// What is to be tried in one round.
public struct AccessProbePlan: Sendable, Hashable {
    public let probes: [AccessProbe]
    /// Whether that is all there is.
    public let isComplete: Bool
}

extension PolicyBook {
    /// Names of cities that are longer are none.
    private static let longestName = 100

    /// What is to be tried: for each role and each city of its people, one person of each kind the policies make of them, and every action.
    ///
    /// The cities of a role are those its people are known to sell in, and those of their data domains; for whom there are none, a record
    /// without a city has to do. Where there is more than `limit`, another `turn` begins elsewhere.
    public func plan(for holders: [Holder], actions: [RecordAction] = RecordAction.allCases, limit: Int, turn: Int = 0) -> AccessProbePlan {
        let members = alike(holders)
        let places = members.sorted { $0.key < $1.key }.flatMap { role, kinds in
            Set(kinds.flatMap(\.places)).sorted { ($0?.key ?? "") < ($1?.key ?? "") }.map { (role, $0) }
        }
        guard !places.isEmpty else { return AccessProbePlan(probes: [], isComplete: true) }
        let start = turn % places.count
        var probes: [AccessProbe] = []
        for (role, city) in places[start...] + places[..<start] {
            for (person, isTheirs) in standingFor(members[role] ?? [], in: city) {
                guard probes.count + actions.count <= limit else { return AccessProbePlan(probes: probes, isComplete: false) }
                probes += actions.map { AccessProbe(role: role, person: person, city: city, isTheirs: isTheirs, action: $0) }
            }
        }
        return AccessProbePlan(probes: probes, isComplete: true)
    }

    /// People of whom the policies say the same, wherever they are.
    private struct Alike {
        /// The first of them, by name.
        var first: Person
        /// Where they are known to sell, and the first who does.
        var cities: [City: Person] = [:]
        /// Whether somebody among them is known to sell nowhere.
        var hasPlaceless = false
        /// Where they are tried; nil: with a record that names no city.
        var places: Set<City?> = []
    }

    /// By role: verdicts rest on roles and teams, and on the name of whoever a policy names.
    private func alike(_ holders: [Holder]) -> [String: [Alike]] {
        struct Kind: Hashable {
            let roles: Set<String>
            let teams: [String: Int]
            let named: String?
        }
        var own: [String: Set<String>] = [:]
        for (role, people) in roles { for person in people { own[person, default: []].insert(role) } }
        let named = Set(policies.compactMap(\.subject.user))
        var kinds: [Kind: Alike] = [:]
        for holder in holders.sorted(by: { $0.person.id < $1.person.id }) {
            let person = holder.person
            var roles = own[person.id] ?? []
            if person.isSeller { roles.insert(BuiltInRole.seller.rawValue) }
            if person.isManager { roles.insert(BuiltInRole.manager.rawValue) }
            let kind = Kind(roles: roles, teams: person.teams, named: named.contains(person.id) ? person.id : nil)
            var alike = kinds[kind] ?? Alike(first: person)
            let cities = holder.cities.filter { $0.name.count <= Self.longestName }
            for city in cities where alike.cities[city] == nil { alike.cities[city] = person }
            if cities.isEmpty { alike.hasPlaceless = true }
            kinds[kind] = alike
        }
        var members: [String: [Alike]] = [:]
        for (kind, var alike) in kinds {
            alike.places = places(of: alike)
            for role in kind.roles { members[role, default: []].append(alike) }
        }
        return members
    }

    private func places(of kind: Alike) -> Set<City?> {
        let domains = RecordAction.allCases.compactMap { cities(for: $0, of: kind.first) }
        let all = Set(kind.cities.keys).union(domains.joined().filter { $0.name.count <= Self.longestName })
        return Set(all.map { $0 } + (domains.isEmpty && kind.hasPlaceless ? [nil] : []))
    }

    /// One of each kind of people, whom the policies let do the same there; who sells there comes first.
    private func standingFor(_ kinds: [Alike], in city: City?) -> [(person: Person, isTheirs: Bool)] {
        let place: Place = city.map { .city($0) } ?? .unnamed
        let people = kinds.filter { $0.places.contains(city) }.map { kind in
            let theirs = city.flatMap { kind.cities[$0] }
            return (person: theirs ?? kind.first, isTheirs: theirs != nil)
        }
        var seen: Set<[Verdict.Refusal?]> = []
        return people.sorted { ($0.isTheirs ? 0 : 1, $0.person.id) < ($1.isTheirs ? 0 : 1, $1.person.id) }.filter { one in
            seen.insert(RecordAction.allCases.map { verdict(on: $0, by: one.person, in: place).refusal }).inserted
        }
    }

    /// Whether an answer is what the policies say, and what they say is what these people need; nil: it is.
    public func failure(of probe: AccessProbe, answering answer: ProbeAnswer) -> ProbeFailure? {
        let expected = verdict(on: probe.action, by: probe.person, in: probe.place).refusal
        switch (answer, expected) {
        case (.failed(let message), _): return ProbeFailure(probe: probe, cause: .broken, message: message)
        case (.done, _?): return ProbeFailure(probe: probe, cause: .allowedAgainstPolicy, message: "")
        case (.refused, nil): return ProbeFailure(probe: probe, cause: .refusedAgainstPolicy, message: "")
        case (.refused, .dataDomain?) where probe.isTheirs: return ProbeFailure(probe: probe, cause: .outsideEveryDomain, message: "")
        case (.done, nil), (.refused, _?): return nil
        }
    }
}
