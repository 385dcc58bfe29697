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
    public var name: String { "\(role)/\(city?.name ?? "-")/\(action.rawValue)" }
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

extension PolicyBook {
    /// What is to be tried: for each role and each city of its people, one person of each kind the policies make of them, and every action.
    ///
    /// The cities of a role are those its people are known to sell in, and those of their data domains; where there are none, a record without
    /// a city has to do.
    public func probes(of holders: [Holder]) -> [AccessProbe] {
        var members: [String: [Holder]] = [:]
        for holder in holders { for role in roles(of: holder.person) { members[role, default: []].append(holder) } }
        return members.sorted { $0.key < $1.key }.flatMap { role, members in
            var places: [City: [(holder: Holder, isTheirs: Bool)]] = [:]
            for holder in members {
                let own = Set(holder.cities)
                let allowed = RecordAction.allCases.flatMap { cities(for: $0, of: holder.person) ?? [] }
                for city in own.union(allowed) { places[city, default: []].append((holder, own.contains(city))) }
            }
            let asked: [(city: City?, people: [(holder: Holder, isTheirs: Bool)])] =
                places.isEmpty
                ? [(nil, members.map { ($0, false) })] : places.sorted { $0.key.key < $1.key.key }.map { ($0.key, $0.value) }
            return asked.flatMap { city, people in
                standingFor(people, in: city).flatMap { holder, isTheirs in
                    RecordAction.allCases.map {
                        AccessProbe(role: role, person: holder.person, city: city, isTheirs: isTheirs, action: $0)
                    }
                }
            }
        }
    }

    /// The first of each kind of people, whom the policies let do the same there; who sells there comes first.
    private func standingFor(
        _ people: [(holder: Holder, isTheirs: Bool)], in city: City?
    ) -> [(holder: Holder, isTheirs: Bool)] {
        let place: Place = city.map { .city($0) } ?? .unnamed
        var seen: Set<[Verdict.Refusal?]> = []
        return people.sorted { ($0.isTheirs ? 0 : 1, $0.holder.person.id) < ($1.isTheirs ? 0 : 1, $1.holder.person.id) }.filter { person in
            seen.insert(RecordAction.allCases.map { verdict(on: $0, by: person.holder.person, in: place).refusal }).inserted
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
