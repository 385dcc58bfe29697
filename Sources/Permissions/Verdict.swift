/// What somebody may do, and by which policy.
public struct Verdict: Sendable, Hashable {
    public enum Refusal: String, Sendable, Hashable {
        case permission
        case dataDomain = "data_domain"
    }

    public let action: RecordAction
    public let place: PolicyBook.Place
    /// The policy that says whether it is permitted; nil: none speaks of it.
    public let decidedBy: AppliedPolicy?
    /// As close as the denial, and allowing it.
    public let overruled: [AppliedPolicy]
    /// The data domains that count.
    public let domains: [AppliedPolicy]
    /// Nil: it is allowed.
    public let refusal: Refusal?

    public var isAllowed: Bool { refusal == nil }

    /// The cities it is allowed in; nil: all.
    public var cities: [City]? {
        guard !domains.isEmpty else { return nil }
        var seen: Set<City> = []
        return domains.flatMap { $0.policy.cities ?? [] }.filter { seen.insert($0).inserted }
    }

    /// Whether the place is within the domains.
    var isWithin: Bool {
        guard let cities else { return true }
        return switch place {
        case .unasked: true
        case .city(let city): cities.contains(city)
        case .unnamed: false
        }
    }

    /// The policy that produced it: the one that permits or denies, or the data domain that the city is within or outside of.
    public var producedBy: AppliedPolicy? {
        switch refusal {
        case .permission: decidedBy
        case .dataDomain: domains.first
        case nil: place == .unasked ? decidedBy ?? domains.first : domain(holding: place) ?? decidedBy
        }
    }

    private func domain(holding place: PolicyBook.Place) -> AppliedPolicy? {
        guard case .city(let city) = place else { return nil }
        return domains.first { $0.policy.cities?.contains(city) == true }
    }

    func refused(_ refusal: Refusal) -> Verdict {
        Verdict(action: action, place: place, decidedBy: decidedBy, overruled: overruled, domains: domains, refusal: refusal)
    }
}
