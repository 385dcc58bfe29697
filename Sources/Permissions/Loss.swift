import SalesModel

/// Somebody who may do less after a change than before.
public struct Loss: Sendable, Hashable {
    public let user: String
    /// After the change, with the policy that denies it.
    public let verdict: Verdict
    /// Where they may not do it any more; nil: nowhere at all. None: wherever it is not told to be allowed, as it is not known where they sell.
    public let cities: [City]?
    /// Where alone they may do it from now on, where they were held to no city before and `cities` names none.
    public let onlyIn: [City]?

    /// The policy that takes it: where some cities are left, the one that names them rather than the one that allows it there.
    public var causedBy: AppliedPolicy? { onlyIn == nil ? verdict.producedBy : verdict.domains.first }

    /// Why it is lost, in a sentence or two.
    public func text(in language: Language) -> String { onlyIn == nil ? verdict.text(in: language) : verdict.narrowing(in: language) }
}

/// Somebody whom a change may concern.
public struct Holder: Sendable, Hashable {
    public let person: Person
    /// Where they are known to sell: a seller's regions, and the cities of the open opportunities they have.
    public let cities: [City]

    public init(_ person: Person, cities: [City] = []) {
        self.person = person
        self.cities = cities
    }
}

/// What a change of permissions takes from whom, found out before it is made.
public struct PreFlight: Sendable, Hashable {
    public let losses: [Loss]

    public init(from old: PolicyBook, to new: PolicyBook, for holders: [Holder]) {
        losses = holders.flatMap { holder in RecordAction.allCases.compactMap { Self.loss(of: holder, $0, old, new) } }
    }

    private static func loss(of holder: Holder, _ action: RecordAction, _ old: PolicyBook, _ new: PolicyBook) -> Loss? {
        let before = old.verdict(on: action, by: holder.person)
        let after = new.verdict(on: action, by: holder.person)
        guard before.isAllowed else { return nil }
        guard after.isAllowed else { return Loss(user: holder.person.id, verdict: after, cities: nil, onlyIn: nil) }
        // Where they could: the cities of their domain, and where they are known to sell.
        var seen: Set<City> = []
        let could = ((before.cities ?? []) + holder.cities).filter { seen.insert($0).inserted }.filter {
            before.cities?.contains($0) ?? true
        }
        let lost = could.filter { !(after.cities?.contains($0) ?? true) }
        guard let first = lost.first else {
            guard before.cities == nil, let onlyIn = after.cities, holder.cities.isEmpty else { return nil }
            return Loss(user: holder.person.id, verdict: after, cities: [], onlyIn: onlyIn)
        }
        let verdict = new.verdict(on: action, by: holder.person, in: .city(first))
        return Loss(user: holder.person.id, verdict: verdict, cities: lost, onlyIn: nil)
    }

    /// Who may create opportunities no more, somewhere or at all.
    public var withoutCreate: [String] { losses.filter { $0.verdict.action == .createOpportunity }.map(\.user) }

    /// The words that have to be typed before this is done; nil: none.
    public var confirmation: String? {
        withoutCreate.isEmpty ? nil : "remove \(RecordAction.createOpportunity.rawValue) from \(withoutCreate.count)"
    }
}

extension PolicyBook {
    /// Names that policies speak of and nobody bears: most often a slip of the pen.
    public func unknownNames(teams: Set<String>, people: Set<String>) -> [(policy: String, name: String)] {
        policies.flatMap { policy in
            let user = policy.subject.user.flatMap { people.contains($0) ? nil : "the user \($0)" }
            let team = policy.subject.team.flatMap { teams.contains($0) ? nil : "the team \($0)" }
            return [user, team].compactMap { $0 }.map { (policy.id, $0) }
        }
    }
}
