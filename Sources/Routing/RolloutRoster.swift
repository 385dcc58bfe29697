import Foundation
import Rollouts
import Rules
import SalesModel

/// A roster while rule changes are rolled out: each lead is decided under the versions that its customer's arms name, beside what
/// the other version would have decided.
///
/// Counts and verdicts belong to the working copy: the lead after the one that proved a change harmful is decided by the stable
/// version, in the same batch.
public struct RolloutRoster: Sendable {
    /// At most so many rollouts of a tenant run at once: every set of arms has rules of its own.
    public static let mostAtOnce = 4

    public private(set) var roster: Roster
    public private(set) var rollouts: [RunningRollout]
    private var exposures: [Exposure: Arm]

    /// A customer under a rollout.
    public struct Exposure: Sendable, Hashable {
        public let rollout: Int64
        public let customer: String

        public init(rollout: Int64, customer: String) {
            self.rollout = rollout
            self.customer = customer
        }
    }

    /// - Parameters:
    ///   - roster: with the variants of `variants(of:)`, in that order.
    ///   - exposures: the arms of customers seen before.
    public init(roster: Roster, rollouts: [RunningRollout] = [], exposures: [Exposure: Arm] = [:]) {
        self.roster = roster
        self.rollouts = rollouts
        self.exposures = exposures
    }

    /// The candidate of each rollout that takes the place of its lineage's live version, variant by variant: first every set of canary
    /// arms, the empty one at the front, then each shadow by itself.
    public static func variants(of rollouts: [RunningRollout]) -> [[RunningRollout]] {
        let canaries = rollouts.filter(\.isCanary)
        let sets = (0..<(1 << canaries.count)).map { set in canaries.indices.filter { set & (1 << $0) != 0 }.map { canaries[$0] } }
        return sets + rollouts.filter(\.isShadow).map { [$0] }
    }

    /// Decides one lead and counts it in.
    /// - Parameters:
    ///   - customer: who it is, whatever the lead: the same customer is always in the same arm.
    ///   - claim: who has that customer already.
    public mutating func decision(for lead: Lead, of customer: String, claim: OwnerClaim? = nil, at now: Date) -> TriedLead {
        guard !rollouts.isEmpty else { return TriedLead(routed: roster.decision(for: lead, claim: claim, at: now), trials: []) }
        let canaries = places(.canary)
        var arms: [Arm] = []
        var variant = 0
        for (bit, place) in canaries.enumerated() {
            let arm = arm(of: customer, in: place)
            arms.append(arm)
            if arm == .canary { variant |= 1 << bit }
        }
        var suppositions: [Int: LeadDecision] = [:]
        for (bit, arm) in arms.enumerated() where arm == .canary {
            let without = variant & ~(1 << bit)
            suppositions[bit] = roster.supposition(for: lead, under: without, claim: claim, at: now)
        }
        // A shadow is compared with what is live, not with another change that is being tried.
        let shadows = variant == 0 ? shadowDecisions(lead, claim, now) : []
        let routed = roster.decision(for: lead, under: variant, claim: claim, at: now)
        var trials = shadows.map { Trial(shadow: rollouts[$0.place].id, decided: routed.decision, otherwise: $0.decision) }
        for (bit, place) in canaries.enumerated() where rollouts[place].isCanary {
            trials.append(count(routed.decision, beside: suppositions[bit], arms[bit], of: customer, in: place))
        }
        return TriedLead(routed: routed, trials: trials)
    }

    /// Places of those that began the batch as canaries; the bits of a variant are counted by them, so one that is aborted keeps its own.
    private func places(_ name: RolloutState.Name) -> [Int] {
        rollouts.indices.filter { rollouts[$0].state.name == name || (name == .canary && rollouts[$0].state.name == .aborted) }
    }

    private func arm(of customer: String, in place: Int) -> Arm {
        let rollout = rollouts[place]
        guard rollout.isCanary else { return .stable }
        return exposures[Exposure(rollout: rollout.id, customer: customer)] ?? rollout.arm(of: customer)
    }

    private mutating func shadowDecisions(_ lead: Lead, _ claim: OwnerClaim?, _ now: Date) -> [(place: Int, decision: LeadDecision)] {
        let first = 1 << places(.canary).count
        return places(.shadow).enumerated().map { offset, place in
            (place, roster.supposition(for: lead, under: first + offset, claim: claim, at: now))
        }
    }

    private mutating func count(_ decision: LeadDecision, beside other: LeadDecision?, _ arm: Arm, of customer: String, in place: Int)
        -> Trial
    {
        let exposure = Exposure(rollout: rollouts[place].id, customer: customer)
        let isFirst = exposures[exposure] == nil
        if isFirst {
            exposures[exposure] = arm
            rollouts[place].expose(arm)
        }
        let failed = !decision.outcome.isSuccess
        let onlyHere = failed && other?.outcome.isSuccess ?? false
        rollouts[place].count(arm, failed: failed, onlyHere: onlyHere)
        var trial = Trial(rollouts[place], arm, of: customer, isFirst: isFirst, failed: failed, onlyHere: onlyHere)
        if let other, other.isOther(than: decision) { trial.difference = (decision.words, other.words) }
        // Only the canary's leads can make it look bad, or stable's that did better: it is asked after each of either.
        if let harm = rollouts[place].harm {
            rollouts[place].abort()
            trial.harm = harm
        }
        return trial
    }
}

/// A decision, and what it showed of the changes that are being rolled out.
public struct TriedLead: Sendable {
    public let routed: RoutedLead
    public let trials: [Trial]
}

/// One lead under one rollout.
public struct Trial: Sendable {
    public let rollout: Int64
    /// nil: in the shadow.
    public let arm: Arm?
    /// The stage in force; 0 in the shadow.
    public let stage: Int
    public let percent: Percent
    public let customer: String
    /// How soon an owner owes a first touch, for this rollout to call it in time.
    public let firstTouchWithin: TimeInterval?
    /// The customer was not seen under this rollout before.
    public let isFirst: Bool
    public let failed: Bool
    /// Failed, and the other version would not have.
    public let onlyHere: Bool
    /// What was decided, and what the other version would have: where they differ.
    public internal(set) var difference: (decided: String, otherwise: String)?
    /// The rollout is to be taken back, for this.
    public internal(set) var harm: GuardReading?

    init(_ rollout: RunningRollout, _ arm: Arm, of customer: String, isFirst: Bool, failed: Bool, onlyHere: Bool) {
        self.rollout = rollout.id
        self.arm = arm
        stage = rollout.stages.last?.number ?? 0
        percent = rollout.percent
        self.customer = customer
        firstTouchWithin = rollout.firstTouchWithin
        self.isFirst = isFirst
        self.failed = failed
        self.onlyHere = onlyHere
    }

    /// - Parameter otherwise: what the candidate would have decided.
    init(shadow rollout: Int64, decided: LeadDecision, otherwise: LeadDecision) {
        self.rollout = rollout
        arm = nil
        stage = 0
        percent = .none
        customer = ""
        firstTouchWithin = nil
        isFirst = false
        failed = !otherwise.outcome.isSuccess
        onlyHere = failed && decided.outcome.isSuccess
        if otherwise.isOther(than: decided) { difference = (decided.words, otherwise.words) }
    }
}

extension LeadDecision {
    fileprivate func isOther(than other: LeadDecision) -> Bool {
        outcome != other.outcome || owner != other.owner || pool != other.pool
    }

    /// `assigned ann`, `pooled nurture`, `held_mapping_error`.
    fileprivate var words: String { ([outcome.rawValue] + [owner?.externalID ?? pool].compactMap(\.self)).joined(separator: " ") }
}

extension RolloutRoster {
    /// While automatic assignment is stopped: nobody receives the lead, and it says nothing of any rollout.
    public mutating func leftToPeople(at now: Date) -> TriedLead { TriedLead(routed: roster.leftToPeople(at: now), trials: []) }
}
