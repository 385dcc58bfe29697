import Foundation
import PostgresClient
import Tenancy

extension Statement {
    /// Something is about to be told of opportunities. In the same transaction, before `routing_clock` and before any opportunity.
    ///
    /// - Parameter since: the earliest moment it tells of; an hour later it is late, and forecasts made meanwhile lack it.
    static func moveOpportunities(of tenant: TenantID, since: Date?) -> Statement {
        let isLate = since.map { $0 < Date().addingTimeInterval(-3_600) } ?? false
        return """
            INSERT INTO opportunity_clock AS c (tenant_id, seq, late_seq) VALUES (\(tenant.rawValue), 1, \(isLate ? 1 : 0))
            ON CONFLICT (tenant_id) DO UPDATE SET seq = c.seq + 1, late_seq = CASE WHEN \(isLate) THEN c.seq + 1 ELSE c.late_seq END
            RETURNING seq
            """
    }
}

/// One telling of an opportunity, in a transaction: the row as it is now, and everything it was appended to.
struct OpportunityTelling {
    /// What was known of it before.
    struct Known {
        let id: Int64
        let owner: String?
        let stage: String
        let won: Bool?
        let closedAt: Date?
        let openedAt: Date
        /// A JSON object.
        let fields: JSONBytes
    }

    let known: Known?
    private let externalID: String
    private let tenant: Int64
    private let actor: String
    let now: Date
    private let transaction: PostgresTransaction
    private let seq: Int64
    private let dealSeq: Int64

    /// Takes the next number, and the row's lock where there is a row.
    ///
    /// The counters come first: whoever counts deals while this is not committed counts without it, and sees the counter without it.
    ///
    /// - Parameter since: the earliest moment that is told of; nil: now.
    init(
        _ externalID: String, since: Date?, of tenant: TenantID, by actor: String, at now: Date, in transaction: PostgresTransaction
    ) throws {
        let begun = try transaction.pipeline([
            .moveOpportunities(of: tenant, since: since), .moveDeals(of: tenant),
            """
            SELECT id, owner, stage, won, closed_at, opened_at, fields FROM opportunity
            WHERE tenant_id = \(tenant.rawValue) AND external_id = \(externalID)
            FOR UPDATE
            """,
        ])
        seq = try begun[0].first!.get("seq")
        dealSeq = try begun[1].first!.get("deal_seq")
        known = try begun[2].first.map {
            Known(
                id: try $0.get("id"), owner: try $0.get("owner"), stage: try $0.get("stage"), won: try $0.get("won"),
                closedAt: try $0.get("closed_at"), openedAt: try $0.get("opened_at"),
                fields: try $0.get("fields"))
        }
        self.externalID = externalID
        self.tenant = tenant.rawValue
        self.actor = actor
        self.now = now
        self.transaction = transaction
    }

    /// Replaces what was told before; what it was is kept, under its numbers.
    mutating func tell(_ facts: OpportunityFacts) throws {
        let at = facts.at ?? facts.closedAt ?? now
        let opened = facts.openedAt ?? known?.openedAt ?? facts.stages.first?.at ?? min(now, at)
        let id: Int64 = try transaction.pipeline([
            """
            INSERT INTO opportunity_past (tenant_id, id, seq, until_seq, owner, industry, won, closed_at)
            SELECT tenant_id, id, seq, \(dealSeq), owner, industry, won, closed_at
            FROM opportunity
            WHERE tenant_id = \(tenant) AND external_id = \(externalID)
            """,
            """
            INSERT INTO opportunity (tenant_id, external_id, owner, industry, stage, won, amount_minor, currency, closed_at, opened_at,
                self_entered, fields, seq)
            VALUES (\(tenant), \(externalID), \(facts.owner), \(facts.industry), \(facts.stage), \(facts.won), \(facts.amountMinor),
                \(facts.currency), \(facts.closedAt), \(opened), \(facts.isSelfEntered), \(JSONBytes(facts.fields)), \(dealSeq))
            ON CONFLICT (tenant_id, external_id) DO UPDATE
                SET owner = excluded.owner, industry = excluded.industry, stage = excluded.stage, won = excluded.won,
                    amount_minor = excluded.amount_minor, currency = excluded.currency, closed_at = excluded.closed_at,
                    opened_at = excluded.opened_at, self_entered = excluded.self_entered, fields = excluded.fields, seq = excluded.seq,
                    updated_at = now()
            RETURNING id
            """,
        ])[1].first!.get("id")
        try append(facts, at: at, to: id)
        var moves = facts.stages.filter { $0.stage != facts.stage }
        if known == nil || known?.stage != facts.stage {
            // The stages told end with the one it is in now, or that one began when this was told.
            moves.append(
                facts.stages.last { $0.stage == facts.stage } ?? .init(stage: facts.stage, at: moves.isEmpty && known == nil ? opened : at))
        }
        try move(id, moves)
    }

    /// What has been told, for good.
    private func append(_ facts: OpportunityFacts, at: Date, to id: Int64) throws {
        _ = try transaction.query(
            """
            INSERT INTO opportunity_fact (tenant_id, opportunity_id, seq, at, actor, owner, industry, stage, won, amount_minor, currency,
                closed_at, self_entered, fields)
            VALUES (\(tenant), \(id), \(seq), \(at), \(actor), \(facts.owner), \(facts.industry), \(facts.stage), \(facts.won),
                \(facts.amountMinor), \(facts.currency), \(facts.closedAt), \(facts.isSelfEntered), \(JSONBytes(facts.fields)))
            """)
    }

    /// Moves that were told: no gate was asked. One told before is not told again. Its clocks are looked at again in any case.
    private func move(_ id: Int64, _ moves: [OpportunityFacts.StageEntry]) throws {
        guard !moves.isEmpty else {
            // Who has it, its dates and whether it is lost may have changed, and clocks go by them.
            _ = try transaction.query(.armOpportunityClocks(named: [externalID], of: TenantID(tenant), at: Date()))
            return
        }
        let froms = [known?.stage] + moves.dropLast().map { Optional($0.stage) }
        _ = try transaction.query(
            """
            INSERT INTO stage_transition (tenant_id, opportunity_id, seq, at, from_stage, to_stage, asked, actor, is_gated)
            SELECT \(tenant), \(id), \(seq), n.at, n.from_stage, n.to_stage, n.to_stage, \(actor), false
            FROM unnest(\(moves.map(\.at)), \(froms), \(moves.map(\.stage))) AS n(at, from_stage, to_stage)
            ON CONFLICT (tenant_id, opportunity_id, at, to_stage) DO NOTHING
            """)
        try StageMove.happened(
            zip(moves, froms).map { StageMove(opportunity: externalID, from: $1, to: $0.stage, at: $0.at) }, seq: seq, actor: actor, tenant,
            transaction)
    }

    /// A decided transition closes or moves the row; it is the caller who appends the transition.
    func settle(_ id: Int64, stage: String, won: Bool?, at: Date) throws {
        guard let won else {
            _ = try transaction.query(
                "UPDATE opportunity SET stage = \(stage), updated_at = now() WHERE tenant_id = \(tenant) AND id = \(id)")
            return
        }
        _ = try transaction.pipeline([
            """
            INSERT INTO opportunity_past (tenant_id, id, seq, until_seq, owner, industry, won, closed_at)
            SELECT tenant_id, id, seq, \(dealSeq), owner, industry, won, closed_at FROM opportunity
            WHERE tenant_id = \(tenant) AND id = \(id)
            """,
            """
            UPDATE opportunity SET stage = \(stage), won = \(won), closed_at = \(at), seq = \(dealSeq), updated_at = now()
            WHERE tenant_id = \(tenant) AND id = \(id)
            """,
            """
            INSERT INTO opportunity_fact (tenant_id, opportunity_id, seq, at, actor, owner, industry, stage, won, amount_minor, currency,
                closed_at, self_entered, fields)
            SELECT tenant_id, id, \(seq), \(at), \(actor), owner, industry, stage, won, amount_minor, currency, closed_at, self_entered, fields
            FROM opportunity WHERE tenant_id = \(tenant) AND id = \(id)
            """,
        ])
    }

    /// A transition that was decided.
    func append(_ move: DecidedMove, of id: Int64) throws -> Int64 {
        let transition: Int64 = try transaction.query(
            """
            INSERT INTO stage_transition (tenant_id, opportunity_id, seq, at, from_stage, to_stage, asked, actor, rule_version, is_gated,
                evidence, lacking)
            VALUES (\(tenant), \(id), \(seq), \(move.at), \(move.from), \(move.to), \(move.asked), \(actor), \(move.ruleVersion),
                \(move.isGated), \(move.evidence), \(move.lacking))
            RETURNING id
            """
        ).first!.get("id")
        try StageMove.happened(
            [StageMove(opportunity: externalID, from: move.from, to: move.to, at: move.at)], seq: seq, actor: actor, tenant, transaction)
        return transition
    }
}

/// A change of stage as an event: what clocks, gates and measures count.
///
/// The one place where a change of stage becomes known to the rest. Who keeps time by opportunities looks at them again here.
struct StageMove {
    let opportunity: String
    /// Nil: it began there.
    let from: String?
    let to: String
    let at: Date

    static func happened(_ moves: [StageMove], seq: Int64, actor: String, _ tenant: Int64, _ transaction: PostgresTransaction) throws {
        _ = try transaction.pipeline([
            """
            INSERT INTO activity (tenant_id, subject_type, subject, type, at, actor, data, seq)
            SELECT \(tenant), 'opportunity', n.opportunity, CASE WHEN n.from_stage IS NULL THEN 'created' ELSE 'transition' END, n.at,
                \(actor), CASE WHEN n.from_stage IS NULL THEN '{}' ELSE jsonb_build_object('from', n.from_stage, 'to', n.to_stage) END, \(seq)
            FROM unnest(\(moves.map(\.opportunity)), \(moves.map(\.from)), \(moves.map(\.to)), \(moves.map(\.at)))
                WITH ORDINALITY AS n(opportunity, from_stage, to_stage, at, place)
            ORDER BY n.place
            """, .armOpportunityClocks(named: moves.map(\.opportunity), of: TenantID(tenant), at: Date()),
        ])
    }
}
