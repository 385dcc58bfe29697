/// One version of a rule set on its way from draft to live.
public struct Rollout: Sendable, Hashable {
    /// Kind and name of the rule set, such as `route/default`.
    public let lineage: String
    public let version: Int
    public private(set) var state: RolloutState

    public init(lineage: String, version: Int, state: RolloutState = .draft) {
        self.lineage = lineage
        self.version = version
        self.state = state
    }

    public enum Step: Sendable, Hashable {
        case check
        case replay
        case shadow
        /// To be, or to go on, at so many percent.
        case canary(Percent)
        /// - Parameter override: a person's reason to do it before the evidence is there; it belongs in the audit log.
        case promote(Verdict?, override: String?)
        case retire
        case abort
    }

    /// What a step depends on besides the rollout itself.
    public struct Surroundings: Sendable {
        /// All rollouts of the tenant; those of other names, and this one, do not matter.
        public var rollouts: [Rollout]
        public var passedRounds: Int
        public var neededRounds: Int
        /// Why the version does not fit the tenant's present fields; nil where it does.
        public var fault: String?

        public init(rollouts: [Rollout] = [], passedRounds: Int = 0, neededRounds: Int = 0, fault: String? = nil) {
            self.rollouts = rollouts
            self.passedRounds = passedRounds
            self.neededRounds = neededRounds
            self.fault = fault
        }
    }

    /// Takes the step or says why not; then nothing has changed. Whoever goes live retires the live version of its name, which is
    /// the caller's to write in the same transaction.
    public mutating func take(_ step: Step, in surroundings: Surroundings) throws(RolloutRefusal) {
        let target = target(of: step)
        guard state.name.next.contains(target.name) else { throw .notReachable(from: state.name, to: target.name) }
        switch step {
        case .check, .replay, .shadow: try refuseFault(surroundings)
        case .canary(let percent): try admitCanary(percent, surroundings)
        case .promote(let verdict, let override): try admitPromotion(verdict, override, surroundings)
        case .retire, .abort: break
        }
        state = target
    }

    private func target(of step: Step) -> RolloutState {
        switch step {
        case .check: .checked
        case .replay: .replayed
        case .shadow: .shadow
        case .canary(let percent): .canary(percent)
        case .promote: .live
        case .retire: .retired
        case .abort: .aborted
        }
    }

    private func admitCanary(_ percent: Percent, _ surroundings: Surroundings) throws(RolloutRefusal) {
        guard percent > .none else { throw .zeroPercent }
        // A canary that changes its share was admitted already.
        if case .canary = state { return }
        try refuseFault(surroundings)
        try refuseMissingRounds(surroundings)
        if let other = siblings(surroundings).first(where: { $0.state.name == .canary }) { throw .anotherCanary(version: other.version) }
    }

    private func admitPromotion(_ verdict: Verdict?, _ override: String?, _ surroundings: Surroundings) throws(RolloutRefusal) {
        try refuseFault(surroundings)
        switch state {
        // Back to a version that was live: in one step.
        case .retired: return
        case .canary:
            guard override == nil, verdict?.decision != .promotable else { return }
            throw .notPromotable(words: verdict?.words ?? "it has not been judged")
        default:
            try refuseMissingRounds(surroundings)
            // A name's first version has nothing it could be compared with.
            guard override == nil, siblings(surroundings).contains(where: { $0.state == .live }) else { return }
            throw .notPromotable(words: "a live version exists, so it starts as a canary")
        }
    }

    private func refuseFault(_ surroundings: Surroundings) throws(RolloutRefusal) {
        if let fault = surroundings.fault { throw .noLongerValid(reason: fault) }
    }

    private func refuseMissingRounds(_ surroundings: Surroundings) throws(RolloutRefusal) {
        guard surroundings.passedRounds >= surroundings.neededRounds else {
            throw .sandboxRoundsMissing(passed: surroundings.passedRounds, needed: surroundings.neededRounds)
        }
    }

    private func siblings(_ surroundings: Surroundings) -> [Rollout] {
        surroundings.rollouts.filter { $0.lineage == lineage && $0.version != version }
    }
}
