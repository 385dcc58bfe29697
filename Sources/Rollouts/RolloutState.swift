/// Where a version of a rule set stands on its way.
public enum RolloutState: Sendable, Hashable {
    case draft
    /// Its text was checked against the tenant's fields.
    case checked
    /// It was tried on recorded leads.
    case replayed
    /// It decides every lead too, without effect.
    case shadow
    /// It serves this share of customers.
    case canary(Percent)
    case live
    /// Another version took its place.
    case retired
    /// Taken back, by a guard or a person. A new try is a new rollout.
    case aborted

    /// The states without what belongs to them.
    public enum Name: String, Sendable, Hashable, CaseIterable {
        case draft, checked, replayed, shadow, canary, live, retired, aborted

        /// Where it may go next. Replay and shadow may be left out where the tenant asks for none; a retired version may come back at once.
        public var next: Set<Name> {
            switch self {
            case .draft: [.checked, .aborted]
            case .checked: [.replayed, .shadow, .canary, .live, .aborted]
            case .replayed: [.replayed, .shadow, .canary, .live, .aborted]
            case .shadow: [.canary, .live, .aborted]
            case .canary: [.canary, .live, .aborted]
            case .live: [.retired]
            case .retired: [.live]
            case .aborted: []
            }
        }
    }

    /// - Parameter percent: the share a canary serves.
    public init(_ name: Name, percent: Percent) {
        self =
            switch name {
            case .draft: .draft
            case .checked: .checked
            case .replayed: .replayed
            case .shadow: .shadow
            case .canary: .canary(percent)
            case .live: .live
            case .retired: .retired
            case .aborted: .aborted
            }
    }

    public var name: Name {
        switch self {
        case .draft: .draft
        case .checked: .checked
        case .replayed: .replayed
        case .shadow: .shadow
        case .canary: .canary
        case .live: .live
        case .retired: .retired
        case .aborted: .aborted
        }
    }
}

/// Why a rollout does not go where it was told to.
public enum RolloutRefusal: Error, Sendable, Hashable {
    case notReachable(from: RolloutState.Name, to: RolloutState.Name)
    /// One canary of a name at a time, or nobody could say which of them did the harm.
    case anotherCanary(version: Int)
    case sandboxRoundsMissing(passed: Int, needed: Int)
    /// 0 % is an abort, which is asked for by its own word.
    case zeroPercent
    /// The name has a live version, so this one must show that it is good.
    case notPromotable(words: String)
    /// What it was checked against is not so any more.
    case noLongerValid(reason: String)
}

extension RolloutRefusal: CustomStringConvertible {
    public var description: String {
        switch self {
        case .notReachable(let from, let to): "a rollout that is \(from.rawValue) cannot become \(to.rawValue)"
        case .anotherCanary(let version): "version \(version) of the same name is in its canary already"
        case .sandboxRoundsMissing(let passed, let needed): "\(passed) of \(needed) sandbox rounds passed on this version"
        case .zeroPercent: "a canary of 0 % serves nobody: abort it"
        case .notPromotable(let words): "not promotable yet: \(words)"
        case .noLongerValid(let reason): "no longer valid: \(reason)"
        }
    }
}
