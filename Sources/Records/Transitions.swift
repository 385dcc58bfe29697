import Foundation
import Ledger
import PostgresClient
import Rules
import Tenancy

/// A wish to move an opportunity to another stage.
public struct TransitionWish: Sendable, Hashable {
    public var to: String
    /// When it moved, where it is told late; nil: now, after every move that is known.
    public var at: Date?
    /// Activities of this opportunity that prove what is asked for.
    public var evidence: [Int64]

    public init(to: String, at: Date? = nil, evidence: [Int64] = []) {
        self.to = to
        self.at = at
        self.evidence = evidence
    }
}

/// A transition that was decided.
public struct DecidedMove: Sendable, Hashable {
    public let from: String?
    public let to: String
    /// Another than `to` where it waits for the rest.
    public let asked: String
    public let at: Date
    /// Nil: the tenant has no gates.
    public let ruleVersion: String?
    public let isGated: Bool
    /// `activity:12`, `telling:34`
    public let evidence: [String]
    /// Of warnings, and of what it waits for.
    public let unmet: [UnmetRequirement]
    /// Told after a later one: the opportunity stands where that one brought it.
    public let isLate: Bool
    /// Where the opportunity stands now.
    public let stage: String

    var lacking: [String] { unmet.map { "\($0.gate).\($0.requirement.id)" } }
}

/// Why an opportunity does not move. Its state is unchanged.
public enum TransitionRefusal: Error, Sendable, Hashable {
    case notFound
    /// Every requirement that is not met.
    case shut([UnmetRequirement], rules: String)
    case noSuchStage(known: [String])
    /// Nothing leads out of where it stands.
    case final(stage: String)
    /// It is won or lost already.
    case closed
    case unchanged(stage: String)
    /// Places in the list that name no activity of this opportunity up to then.
    case unknownEvidence([Int])
    /// A gate was passed, and nothing can be shown for it.
    case noEvidence
}

extension Records {
    /// Moves an opportunity to another stage if the tenant's gates let it, once per idempotency key.
    ///
    /// Gates are asked on what was known to have happened up to the moment of the transition. One that is told late is put into its place
    /// among the others; where a later one is known, the opportunity stays where that brought it.
    ///
    /// - Parameter user: the person who moves it, if they may; nil: nobody in particular.
    /// - Throws: `TransitionRefusal`, `AccessRefusal`.
    public func move(
        _ externalID: String, _ wish: TransitionWish, of tenant: TenantID, by actor: String, user: String? = nil, key: IdempotencyKey?,
        answer: @Sendable @escaping (_ id: Int64, DecidedMove) -> StoredAnswer
    ) async throws -> Once {
        let (now, gates) = (Date(), gates)
        return try await tell(tenant, at: now) { transaction in
            var breakers: [String] = []
            let once = try transaction.once(key) {
                let telling = try OpportunityTelling(externalID, since: wish.at, of: tenant, by: actor, at: now, in: transaction)
                guard let known = telling.known else { throw TransitionRefusal.notFound }
                if let user {
                    try transaction.accessJudge(of: user, of: tenant).require(.editOpportunity, ofOpportunity: known.fields.bytes)
                }
                let live = try gates.live(of: tenant, in: transaction)
                let move = try Deciding(known, wish, gates: live, of: tenant, in: transaction).move()
                let id = try telling.append(move, of: known.id)
                if !move.isLate {
                    let won = move.outcome(gates: live)
                    try telling.settle(known.id, stage: move.to, won: won, at: move.at)
                    breakers = telling.breakers(owner: known.owner, won: won, closedAt: move.at, fields: known.fields.bytes)
                }
                return answer(id, move)
            }
            return (once, breakers)
        }
    }
}

extension DecidedMove {
    /// Nil: it stays open. A final stage is a win unless it is named for the loss.
    fileprivate func outcome(gates: GateShelf.Gates?) -> Bool? {
        let isFinal = gates?.compiled.rules.stages.first { $0.id == to }?.isFinal ?? GateRules.usualEnds.contains(to)
        return isFinal ? !GateRules.isLoss(to) : nil
    }
}

extension GateRules {
    /// Stages that end an opportunity of a tenant without gates.
    static let usualEnds: Set = ["won", "won_confirmed", "lost"]

    static func isLoss(_ stage: String) -> Bool { stage == "lost" }
}

/// One wish, judged.
private struct Deciding {
    private let known: OpportunityTelling.Known
    private let wish: TransitionWish
    private let gates: GateShelf.Gates?
    private let reading: OpportunityReading
    private let at: Date
    private let from: String?
    private let isLate: Bool

    init(
        _ known: OpportunityTelling.Known, _ wish: TransitionWish, gates: GateShelf.Gates?, of tenant: TenantID,
        in transaction: PostgresTransaction
    ) throws {
        self.known = known
        self.wish = wish
        self.gates = gates
        reading = try OpportunityReading(known.id, of: tenant, in: transaction)
        let last: Date? = try transaction.query(
            "SELECT max(at) AS at FROM stage_transition WHERE tenant_id = \(tenant.rawValue) AND opportunity_id = \(known.id)"
        ).first!.get("at")
        // Of two at once the second comes after the first, whatever the clocks of those who wrote say.
        let at = wish.at ?? max(Date(), last.map { $0.addingTimeInterval(0.000_001) } ?? .distantPast)
        self.at = at
        isLate = last.map { $0 > at } ?? false
        from = try transaction.query(
            """
            SELECT to_stage FROM stage_transition
            WHERE tenant_id = \(tenant.rawValue) AND opportunity_id = \(known.id) AND at <= \(at) ORDER BY at DESC, id DESC LIMIT 1
            """
        ).first?.get("to_stage")
    }

    func move() throws -> DecidedMove {
        guard known.won == nil || isLate else { throw TransitionRefusal.closed }
        guard from != wish.to else { throw TransitionRefusal.unchanged(stage: wish.to) }
        let activities = reading.activities.filter { $0.at <= at }
        let unknown = wish.evidence.indices.filter { place in !activities.contains { $0.id == wish.evidence[place] } }
        guard unknown.isEmpty else { throw TransitionRefusal.unknownEvidence(unknown) }
        guard let gates else { return decided(to: wish.to, unmet: [], asked: []) }

        switch gates.compiled.answer(from: from, to: wish.to, reading.facts, now: at) {
        case .noSuchStage: throw TransitionRefusal.noSuchStage(known: gates.compiled.rules.stages.map(\.id))
        case .final(let stage): throw TransitionRefusal.final(stage: stage)
        case .shut(let unmet): throw TransitionRefusal.shut(unmet, rules: gates.version)
        case .waiting(let stage, let unmet):
            // It waits there already, for the same.
            guard stage != from else {
                throw TransitionRefusal.shut(unmet.filter { $0.requirement.otherwise != .warn }, rules: gates.version)
            }
            return try gated(to: stage, unmet)
        case .open(let warnings): return try gated(to: wish.to, warnings)
        }
    }

    /// With evidence, where a gate stood in the way.
    private func gated(to stage: String, _ unmet: [UnmetRequirement]) throws -> DecidedMove {
        let asked = gates?.compiled.rules.gates.filter { gate in
            gate.to.contains(wish.to) && (gate.from.isEmpty || from.map(gate.from.contains) ?? false)
        }
        let move = decided(to: stage, unmet: unmet, asked: asked ?? [])
        guard !move.isGated || !move.evidence.isEmpty else { throw TransitionRefusal.noEvidence }
        return move
    }

    /// What was named as evidence, every activity of a type that a gate counted, and the last telling where it read a field.
    private func decided(to stage: String, unmet: [UnmetRequirement], asked: [Gate]) -> DecidedMove {
        let requirements = asked.flatMap(\.requirements)
        let types = Set(requirements.flatMap { $0.when.counts.map(\.type) })
        let counted = reading.activities.filter { $0.at <= at && types.contains($0.type) }.map(\.id)
        let readsFields = requirements.contains { !$0.when.fields.isEmpty }
        let evidence = Set(wish.evidence + counted).sorted().map { "activity:\($0)" }
        return DecidedMove(
            from: from, to: stage, asked: wish.to, at: at, ruleVersion: gates?.version, isGated: !asked.isEmpty,
            evidence: evidence + (readsFields ? reading.lastTelling.map { ["telling:\($0)"] } ?? [] : []), unmet: unmet, isLate: isLate,
            stage: isLate ? known.stage : stage)
    }
}
