/// A rollout under way with all that has been seen of it, as of one version of its tenant's routing: who decides leads on that
/// version decides on exact counts.
public struct RunningRollout: Sendable {
    /// What was seen while the percentage stood still.
    public struct Stage: Sendable, Hashable {
        public let number: Int
        public let percent: Percent
        public var stableExposed = 0
        public var canaryExposed = 0
        public var stable = Tally()
        public var canary = Tally()
        /// Failures of the canary's that the stable version would not have had.
        public var canaryOnly = 0
        /// Leads of the canary's that a person is asked about, where the stable version would have asked nobody.
        public var canaryAsked = 0
        /// Leads of the canary's that became part of a customer, where the stable version would not have taken them for that one.
        public var canaryJoined = 0
        /// First touches that fell due; those not in time are the failures.
        public var stableTouches = Tally()
        public var canaryTouches = Tally()

        public init(number: Int, percent: Percent) {
            self.number = number
            self.percent = percent
        }
    }

    /// So many of something, and how many of them failed.
    public struct Tally: Sendable, Hashable {
        public var n: Int
        public var failures: Int

        public init(n: Int = 0, failures: Int = 0) {
            self.n = n
            self.failures = failures
        }

        public mutating func count(_ failed: Bool) {
            n += 1
            if failed { failures += 1 }
        }

        var counts: Counts { Counts(good: n - failures, bad: failures) }
    }

    public let id: Int64
    public let tenant: Int64
    /// `route/default`.
    public let lineage: String
    public let candidate: Int
    public let stable: Int
    public let judge: RolloutJudge
    /// A first touch within this is in time, in seconds; nil: touches are not judged.
    public let firstTouchWithin: Double?
    public private(set) var state: RolloutState
    /// The last is in force. Empty in the shadow.
    public private(set) var stages: [Stage]

    public init(
        id: Int64, tenant: Int64, lineage: String, candidate: Int, stable: Int, judge: RolloutJudge, firstTouchWithin: Double? = nil,
        stages: [Stage]
    ) {
        self.firstTouchWithin = firstTouchWithin
        self.id = id
        self.tenant = tenant
        self.lineage = lineage
        self.candidate = candidate
        self.stable = stable
        self.judge = judge
        self.stages = stages
        state = stages.last.map { .canary($0.percent) } ?? .shadow
    }

    public var isCanary: Bool { state.name == .canary }
    public var isShadow: Bool { state.name == .shadow }
    public var percent: Percent { stages.last?.percent ?? .none }

    /// The arm of a customer nobody has seen under this rollout.
    public func arm(of customer: String) -> Arm { Bucket(tenant: tenant, lineage: lineage, customer: customer).arm(at: percent) }

    public mutating func expose(_ arm: Arm) {
        guard let last = stages.indices.last else { return }
        switch arm {
        case .stable: stages[last].stableExposed += 1
        case .canary: stages[last].canaryExposed += 1
        }
    }

    /// Counts a decided lead.
    /// - Parameters:
    ///   - onlyHere: the other version would not have failed.
    ///   - asked: a person is asked who it is, and the other version would have asked nobody.
    ///   - joined: it became part of a customer whom the other version would not have taken it for.
    public mutating func count(_ arm: Arm, failed: Bool, onlyHere: Bool, asked: Bool = false, joined: Bool = false) {
        guard let last = stages.indices.last else { return }
        switch arm {
        case .stable: stages[last].stable.count(failed)
        case .canary:
            stages[last].canary.count(failed)
            if failed, onlyHere { stages[last].canaryOnly += 1 }
            if asked { stages[last].canaryAsked += 1 }
            if joined { stages[last].canaryJoined += 1 }
        }
    }

    /// Counts a first touch that fell due in a stage.
    public mutating func countTouch(_ arm: Arm, inStage number: Int, late: Bool) {
        guard let place = stages.firstIndex(where: { $0.number == number }) else { return }
        switch arm {
        case .stable: stages[place].stableTouches.count(late)
        case .canary: stages[place].canaryTouches.count(late)
        }
    }

    /// Counts something whose end came later than the stage it was decided in.
    public mutating func count(_ arm: Arm, inStage number: Int, failed: Bool) {
        guard let place = stages.firstIndex(where: { $0.number == number }) else { return }
        switch arm {
        case .stable: stages[place].stable.count(failed)
        case .canary: stages[place].canary.count(failed)
        }
    }

    public mutating func abort() { state = .aborted }

    /// Names of the guards, as the plan has them and as people read them.
    public static let technical = "technical"
    public static let success = "success"
    public static let firstTouch = "first_touch"
    /// Of rules that say who a lead is: leads a person is asked about, and leads put to a customer, where stable would not have.
    public static let asked = "asked"
    public static let joined = "joined"
    /// Of models: warnings that did not come true.
    public static let falseWarnings = "false_warnings"

    public var evidence: RolloutEvidence {
        RolloutEvidence(
            exposures: stages.map { .init(percent: $0.percent, stable: $0.stableExposed, canary: $0.canaryExposed) },
            guards: [
                // What would have failed under both versions is not held against the canary alone.
                Self.technical: stages.map {
                    StageCounts(canary: Counts(good: $0.canary.n - $0.canaryOnly, bad: $0.canaryOnly))
                },
                Self.success: stages.map { StageCounts(stable: $0.stable.counts, canary: $0.canary.counts) },
                Self.asked: stages.map { StageCounts(canary: Counts(good: $0.canary.n - $0.canaryAsked, bad: $0.canaryAsked)) },
                Self.joined: stages.map { StageCounts(canary: Counts(good: $0.canary.n - $0.canaryJoined, bad: $0.canaryJoined)) },
                Self.firstTouch: stages.map { StageCounts(stable: $0.stableTouches.counts, canary: $0.canaryTouches.counts) },
                Self.falseWarnings: stages.map { StageCounts(stable: $0.stable.counts, canary: $0.canary.counts) },
            ])
    }

    /// Every guard's reading, and what they come to.
    public var verdict: Verdict { judge.verdict(of: evidence) }

    /// The reading that asks for an abort, if one does. Cheaper than the whole verdict: to be asked after every lead.
    public var harm: GuardReading? { judge.harm(of: evidence) }
}
