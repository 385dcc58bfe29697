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
    ///   - customer: who it is, whatever the rules: the same customer is always in the same arm.
    ///   - claim: who has that customer already.
    public mutating func decision(for lead: Lead, of customer: String, claim: OwnerClaim? = nil, at now: Date) -> TriedLead {
        decision(for: lead, as: Identities(customer, claim: claim), at: now)
    }

    /// Decides one lead and counts it in: first who it is, under the versions its arms name, then what becomes of it.
    public mutating func decision(for lead: Lead, as who: Identities, at now: Date) -> TriedLead {
        guard !rollouts.isEmpty else {
            return TriedLead(routed: roster.decision(for: lead, claim: who[0].claim, at: now), identity: 0, trials: [])
        }
        let canaries = places(.canary)
        let standing = standing(of: who, among: canaries)
        let variant = standing.variant
        var others: [Int: Answer] = [:]
        for (bit, member) in standing.members.enumerated() where member.arm == .canary {
            let without = variant & ~(1 << bit)
            // Only the change that says otherwise who it is makes it somebody else.
            let place = who.place(under: without) == who.place(under: variant) ? standing.identity : who.place(under: without)
            let claim = who.answers[place].claim
            others[bit] = Answer(roster.supposition(for: lead, under: without, claim: claim, at: now), place, of: who)
        }
        // A shadow is compared with what is live, not with another change that is being tried.
        let shadows = variant == 0 ? shadowAnswers(lead, who, now) : []
        let routed = roster.decision(for: lead, under: variant, claim: who.answers[standing.identity].claim, at: now)
        let decided = Answer(routed.decision, standing.identity, of: who)
        var trials = shadows.map { Trial(shadow: rollouts[$0.place], decided: decided, otherwise: $0.answer) }
        for (bit, place) in canaries.enumerated() where rollouts[place].isCanary {
            trials.append(count(decided, beside: others[bit], standing.members[bit], in: place))
        }
        return TriedLead(routed: routed, identity: standing.identity, trials: trials)
    }

    /// Places of those that began the batch as canaries; the bits of a variant are counted by them, so one that is aborted keeps its own.
    private func places(_ name: RolloutState.Name) -> [Int] {
        rollouts.indices.filter { rollouts[$0].state.name == name || (name == .canary && rollouts[$0].state.name == .aborted) }
    }

    private mutating func shadowAnswers(_ lead: Lead, _ who: Identities, _ now: Date) -> [(place: Int, answer: Answer)] {
        let first = 1 << places(.canary).count
        return places(.shadow).enumerated().map { offset, place in
            let variant = first + offset
            let supposed = roster.supposition(for: lead, under: variant, claim: who[variant].claim, at: now)
            return (place, Answer(supposed, who.place(under: variant), of: who))
        }
    }

    private mutating func count(_ decided: Answer, beside other: Answer?, _ member: Member, in place: Int) -> Trial {
        var exposed: [Trial.Exposed] = []
        for seen in member.seen {
            let exposure = Exposure(rollout: rollouts[place].id, customer: seen.customer)
            guard exposures[exposure] == nil else { continue }
            exposures[exposure] = seen.arm
            exposed.append(seen)
            // Who takes an arm from another says nothing of how evenly customers fall to the arms.
            if seen.after == nil { rollouts[place].expose(seen.arm) }
        }
        let failed = !decided.decision.foundItsPlace
        let onlyHere = failed && other?.decision.foundItsPlace ?? false
        let asked = decided.identity.standing == .asked && other.map { $0.identity.standing != .asked } ?? false
        let joined = decided.identity.standing == .joined && other.map { $0.identity.customer != decided.identity.customer } ?? false
        rollouts[place].count(member.arm, failed: failed, onlyHere: onlyHere, asked: asked, joined: joined)
        var trial = Trial(rollouts[place], member.arm, exposed: exposed, failed: failed, onlyHere: onlyHere)
        (trial.asked, trial.joined) = (asked, joined)
        if let other {
            trial.difference = decided.difference(from: other)
            trial.isElsewhere = decided.isElsewhere(than: other)
            if other.place != decided.place { trial.otherIdentity = other.place }
        }
        // Only the canary's leads can make it look bad, or stable's that did better: it is asked after each of either.
        if let harm = rollouts[place].harm {
            rollouts[place].abort()
            trial.harm = harm
        }
        return trial
    }
}

// MARK: - Arms

extension RolloutRoster {
    /// In which arm of one rollout a lead is.
    private struct Member {
        let arm: Arm
        /// Whose arm was looked at to know it, and who takes it.
        var seen: [Trial.Exposed]
    }

    /// In which arms a lead is, by bits, and whom it is taken for in them.
    private struct Standing {
        var members: [Member]
        var variant = 0
        /// One of the answers of `Identities`.
        var identity = 0
    }

    /// Changes of who leads are come first: all others go by whom it then is.
    private func standing(of who: Identities, among canaries: [Int]) -> Standing {
        var standing = Standing(members: canaries.map { _ in Member(arm: .stable, seen: []) })
        var isOpen = canaries.indices.map { _ in true }
        for (bit, place) in canaries.enumerated() where who[1 << bit].customer != who[0].customer {
            isOpen[bit] = false
            let (member, holds) = member(who[0], who[1 << bit], own: who.own, in: place)
            standing.members[bit] = member
            guard member.arm == .canary else { continue }
            standing.variant |= 1 << bit
            if holds { standing.identity = who.place(under: standing.variant) }
        }
        for (bit, place) in canaries.enumerated() where isOpen[bit] {
            let customer = who.answers[standing.identity].customer
            let arm = arm(of: customer, in: place)
            standing.members[bit] = Member(arm: arm, seen: [Trial.Exposed(customer: customer, arm: arm)])
            guard arm == .canary else { continue }
            standing.variant |= 1 << bit
            // The same customer by both, with another claim or a question more.
            if standing.identity == 0 { standing.identity = who.place(under: 1 << bit) }
        }
        return standing
    }

    /// The arm of a lead that a candidate takes for another than the live version does.
    ///
    /// It is that of whom the live version knows it to be, else of whom the candidate does, else its own; so the customer it becomes part of
    /// is in that arm. Where that cannot be, since two customers whom the versions name are in different arms, the live version's answer holds.
    ///
    /// - Returns: and whether the candidate's answer holds in its arm.
    private func member(_ live: Identity, _ tried: Identity, own: String, in place: Int) -> (member: Member, holds: Bool) {
        let isOwnSeen = exposures[Exposure(rollout: rollouts[place].id, customer: own)]
        let bearer = live.standing == .joined ? live.customer : isOwnSeen != nil || tried.standing != .joined ? own : tried.customer
        let arm = arm(of: bearer, in: place)
        var member = Member(arm: arm, seen: [Trial.Exposed(customer: bearer, arm: arm)])
        let wanted = arm == .canary ? tried.customer : live.customer
        guard wanted != bearer else { return (member, true) }
        if wanted == own {
            if isOwnSeen == nil { member.seen.append(Trial.Exposed(customer: own, arm: arm, after: bearer)) }
            return (member, isOwnSeen == nil || isOwnSeen == arm)
        }
        let other = self.arm(of: wanted, in: place)
        member.seen.append(Trial.Exposed(customer: wanted, arm: other))
        return (member, other == arm)
    }

    private func arm(of customer: String, in place: Int) -> Arm {
        let rollout = rollouts[place]
        guard rollout.isCanary else { return .stable }
        return exposures[Exposure(rollout: rollout.id, customer: customer)] ?? rollout.arm(of: customer)
    }
}

/// A decision, and what it showed of the changes that are being rolled out.
public struct TriedLead: Sendable {
    public let routed: RoutedLead
    /// Whom it was taken for: the place of the answer that held.
    public let identity: Int
    public let trials: [Trial]
}

/// One lead under one rollout.
public struct Trial: Sendable {
    public let rollout: Int64
    /// `route/default`, and the version that is tried.
    public let lineage: String
    public let candidate: Int
    /// nil: in the shadow.
    public let arm: Arm?
    /// The stage in force; 0 in the shadow.
    public let stage: Int
    public let percent: Percent
    /// Customers whose arm is known from this lead on.
    public let exposed: [Exposed]
    /// How soon an owner owes a first touch, for this rollout to call it in time.
    public let firstTouchWithin: TimeInterval?
    public let failed: Bool
    /// Failed, and the other version would not have.
    public let onlyHere: Bool
    /// A person is asked who it is, or it became part of a customer, where the other version would not have asked or not have taken it for
    /// that one.
    public internal(set) var (asked, joined) = (false, false)
    /// Whom the other version takes it for: the place of its answer; nil where that is not for this change to say.
    public internal(set) var otherIdentity: Int?
    /// The other version would have put the lead elsewhere, or taken it for another.
    public internal(set) var isElsewhere = false
    /// What was decided, and what the other version would have: where they differ.
    public internal(set) var difference: (decided: String, otherwise: String)?
    /// The rollout is to be taken back, for this.
    public internal(set) var harm: GuardReading?

    /// A customer whose arm under a rollout is kept from now on.
    public struct Exposed: Sendable, Hashable {
        public let customer: String
        public let arm: Arm
        /// Whose arm it takes, as it came of a lead of theirs; nil: it has a place of its own.
        public var after: String?
    }

    init(_ rollout: RunningRollout, _ arm: Arm, exposed: [Exposed], failed: Bool, onlyHere: Bool) {
        self.rollout = rollout.id
        (lineage, candidate) = (rollout.lineage, rollout.candidate)
        self.arm = arm
        stage = rollout.stages.last?.number ?? 0
        percent = rollout.percent
        self.exposed = exposed
        firstTouchWithin = rollout.firstTouchWithin
        self.failed = failed
        self.onlyHere = onlyHere
    }

    /// - Parameter otherwise: what the candidate would have decided.
    init(shadow rollout: RunningRollout, decided: Answer, otherwise: Answer) {
        self.rollout = rollout.id
        (lineage, candidate) = (rollout.lineage, rollout.candidate)
        arm = nil
        stage = 0
        percent = .none
        exposed = []
        firstTouchWithin = nil
        failed = !otherwise.decision.foundItsPlace
        onlyHere = failed && decided.decision.foundItsPlace
        difference = decided.difference(from: otherwise)
    }
}

/// What is decided of a lead, as whom.
struct Answer {
    let decision: LeadDecision
    let identity: Identity
    /// Of the identity, among those the lead may have.
    let place: Int

    init(_ decision: LeadDecision, _ place: Int, of who: Identities) {
        self.decision = decision
        self.place = place
        identity = who.answers[place]
    }

    private func isAnother(than other: Answer) -> Bool {
        identity.customer != other.identity.customer || identity.standing != other.identity.standing
    }

    /// Whether the lead is somewhere else by it than by another answer, or is taken for another.
    func isElsewhere(than other: Answer) -> Bool { isAnother(than: other) || decision.isElsewhere(than: other.decision) }

    /// In words, where another answer is another.
    func difference(from other: Answer) -> (decided: String, otherwise: String)? {
        if isAnother(than: other) {
            return ("\(decision.words), \(identity.words)", "\(other.decision.words), \(other.identity.words)")
        }
        guard !decision.isElsewhere(than: other.decision) else { return (decision.words, other.decision.words) }
        return decision.following(unlike: other.decision).map {
            ("\(decision.words), \($0.own)", "\(other.decision.words), \($0.others)")
        }
    }
}

extension LeadDecision {
    /// `assigned ann`, `pooled nurture`, `held_mapping_error`.
    fileprivate var words: String { ([outcome.rawValue] + [owner?.externalID ?? pool].compactMap(\.self)).joined(separator: " ") }
}

extension Identity {
    /// `customer c12`, `asked about c12`, `a new customer`.
    fileprivate var words: String {
        switch standing {
        case .joined: "customer \(customer)"
        case .asked: "asked about \(suspect ?? "others")"
        case .own: "a new customer"
        }
    }
}

extension RolloutRoster {
    /// While automatic assignment is stopped: nobody receives the lead, and it says nothing of any rollout.
    public mutating func leftToPeople(at now: Date) -> TriedLead {
        TriedLead(routed: roster.leftToPeople(at: now), identity: 0, trials: [])
    }
}
