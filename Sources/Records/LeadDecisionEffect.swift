import Foundation
import Jobs
import Ledger
import PostgresClient
import Rollouts
import Routing
import SalesModel
import Tenancy

/// Writes what was decided about a lead: the lead, its assignment, the seller's load, the pool's turn, the log and the alerts.
///
/// Decisions of one group were made one upon another: each counts on the load and the turns that those before it left.
/// So of a group only an unbroken beginning is written, on the version of sellers and rules it was decided on; the rest is
/// decided again.
public struct LeadDecisionEffect: JudgedEffect {
    let group: Int64
    /// 0 for the group's first.
    let place: Int
    /// Of `routing_state`.
    let version: Int64
    let basis: DecisionBasis
    let lead: LeadFacts
    let decision: LeadDecision
    let cursor: PoolCursor?
    /// What it showed of the rollouts it was made under.
    let trials: [Trial]
    /// Nil where the lead is held: who it is, is found out when it can be read.
    let customer: CustomerChange?
    /// Answers that come to another customer, or to another question, than the one that held.
    let others: Set<Int>
    /// Who had the customer already.
    let claim: OwnerClaim?
    let body: JSONBytes
    /// Rollouts whose candidate could not be read when it was decided.
    let unreadable: [UnreadableRollout]

    /// The rollouts it takes back.
    public var takesBack: [Int64] { trials.filter { $0.harm != nil }.map(\.rollout) + unreadable.map(\.standing.id) }

    /// - Parameters:
    ///   - resolutions: who the lead is, by the versions it may have been decided under.
    ///   - facts: those the decision was made on; it counts as the next of their group.
    public init(_ tried: TriedLead, about lead: LeadFacts, as resolutions: Resolutions, on facts: inout RoutingFacts) {
        group = facts.group
        place = facts.decided
        version = facts.version
        basis = facts.basis
        self.lead = lead
        decision = tried.routed.decision
        cursor = tried.routed.cursor
        trials = tried.trials
        let resolution = resolutions[tried.identity]
        claim = resolution.claim
        others = Set(resolutions.all.indices.filter { !resolutions.isSame(tried.identity, $0) })
        let isHeld = decision.outcome.leadState == .held
        customer = isHeld ? nil : CustomerChange(resolution, of: lead.lead, owner: decision.owner?.id, in: &facts.customers)
        body = DecisionBody.json(tried, customer: customer)
        // Whoever decides first takes them back; if that does not hold, nothing of its group does.
        unreadable = facts.unreadable
        facts.unreadable = []
        facts.decided += 1
        facts.leads[lead.lead.id]?.decided = decision.outcome
    }
}

// MARK: - Whether it still holds

extension LeadDecisionEffect {
    private struct Row: Hashable {
        let tenant: TenantID
        let id: Int64
    }

    /// Locks, in this order and each in the order of its keys: the routing versions, the loads, the leads (touches lock
    /// the last two alike). Answers the jobs whose decisions rest on something that has changed.
    static func stale(among settlements: [Settlement], in transaction: PostgresTransaction) throws -> Set<JobID> {
        let decisions = decisions(among: settlements)
        guard !decisions.isEmpty else { return [] }
        let rows = try transaction.pipeline(judging(decisions))
        var versions: [TenantID: Int64] = [:]
        for row in rows[1] { versions[TenantID(try row.get("tenant_id"))] = try row.get("version") }
        var current: [Row: (epoch: Int32, updatedAt: Date)] = [:]
        for row in rows.last! {
            current[Row(tenant: TenantID(try row.get("tenant_id")), id: try row.get("id"))] = (
                try row.get("assignment_epoch"), try row.get("updated_at")
            )
        }
        let holding = decisions.filter { attempt, effect in
            guard versions[attempt.tenant] == effect.version else { return false }
            let now = current[Row(tenant: attempt.tenant, id: effect.lead.lead.id.rawValue)]
            return now.map { Int($0.epoch) == effect.lead.epoch && $0.updatedAt == effect.lead.updatedAt } ?? false
        }
        let kept = unbroken(holding)
        return Set(decisions.map(\.attempt.id)).subtracting(kept)
    }

    var routingLocks: RoutingLocks? {
        RoutingLocks(
            sellers: decision.owner.map { [$0.id.rawValue] } ?? [], leads: [lead.lead.id.rawValue], movesLoads: isRelieved)
    }

    private typealias Judged = (attempt: Attempt, effect: LeadDecisionEffect)

    private static func decisions(among settlements: [Settlement]) -> [Judged] {
        settlements.flatMap { settlement in
            settlement.outcome.effects.compactMap { $0 as? LeadDecisionEffect }.map { (settlement.attempt, $0) }
        }
    }

    /// What is asked, and locked, before these are written.
    static func judging(_ settlements: [Settlement]) -> [Statement] { judging(decisions(among: settlements)) }

    private static func judging(_ decisions: [Judged]) -> [Statement] {
        let tenants = Set(decisions.map(\.attempt.tenant)).sorted()
        let loads = Set(
            decisions.compactMap { attempt, effect in effect.decision.owner.map { Row(tenant: attempt.tenant, id: $0.id.rawValue) } }
        )
        .sorted { ($0.tenant, $0.id) < ($1.tenant, $1.id) }
        let leads = decisions.map { Row(tenant: $0.attempt.tenant, id: $0.effect.lead.lead.id.rawValue) }
        let relieved = Set(decisions.filter(\.effect.isRelieved).map(\.attempt.tenant)).sorted()
        return [
            .beginRoutingVersions(of: tenants),
            "SELECT tenant_id, version FROM routing_state WHERE tenant_id = ANY(\(tenants.map(\.rawValue))) ORDER BY tenant_id FOR UPDATE",
        ] + relieved.map(Statement.moveLoads) + [
            """
            SELECT FROM seller_load l JOIN unnest(\(loads.map(\.tenant.rawValue)), \(loads.map(\.id))) AS n(tenant, id)
                ON l.tenant_id = n.tenant AND l.seller_id = n.id
            ORDER BY l.tenant_id, l.seller_id FOR UPDATE OF l
            """,
            """
            SELECT l.tenant_id, l.id, l.assignment_epoch, l.updated_at
            FROM lead l JOIN unnest(\(leads.map(\.tenant.rawValue)), \(leads.map(\.id))) AS n(tenant, id) ON l.tenant_id = n.tenant AND l.id = n.id
            ORDER BY l.tenant_id, l.id FOR UPDATE OF l
            """,
        ]
    }

    /// The jobs of each group up to its first gap. Two groups decided on one version cannot both hold: the first one counts.
    private static func unbroken(_ decisions: [Judged]) -> Set<JobID> {
        var kept: Set<JobID> = []
        var groupOf: [TenantID: Int64] = [:]
        var next: [Int64: Int] = [:]
        for (attempt, effect) in decisions.sorted(by: { $0.effect.place < $1.effect.place }) {
            let group = groupOf[attempt.tenant] ?? effect.group
            groupOf[attempt.tenant] = group
            guard group == effect.group, next[group, default: 0] == effect.place else { continue }
            next[group] = effect.place + 1
            kept.insert(attempt.id)
        }
        return kept
    }
}

extension Statement {
    /// A tenant whose sellers and rules nobody told us of yet has no version to lock.
    fileprivate static func beginRoutingVersions(of tenants: [TenantID]) -> Statement {
        """
        INSERT INTO routing_state (tenant_id, version)
        SELECT t, 0 FROM unnest(\(tenants.map(\.rawValue))) AS t
        WHERE NOT EXISTS (SELECT FROM routing_state r WHERE r.tenant_id = t)
        ORDER BY t
        ON CONFLICT DO NOTHING
        """
    }
}

// MARK: - Writing it

extension LeadDecisionEffect {
    private typealias Decided = (settled: SettledEffect, effect: LeadDecisionEffect)

    static func statements(for effects: [SettledEffect]) -> [Statement] {
        let decided = effects.compactMap { settled in (settled.effect as? LeadDecisionEffect).map { (settled: settled, effect: $0) } }
            .sorted { ($0.settled.tenant, $0.effect.lead.lead.id) < ($1.settled.tenant, $1.effect.lead.lead.id) }
        guard !decided.isEmpty else { return [] }
        let assigned = decided.filter { $0.effect.decision.owner != nil }
        let counted = decided.filter {
            $0.effect.decision.owner != nil || $0.effect.customer != nil || !$0.effect.trials.isEmpty || !$0.effect.unreadable.isEmpty
        }
        var statements: [Statement] = []
        let changes = decided.compactMap { settled, effect in
            effect.customer.map { CustomerChange.Settled(tenant: settled.tenant, place: effect.place, change: $0) }
        }
        if !counted.isEmpty { statements.append(nextVersion(counted)) }
        if !assigned.isEmpty { statements.append(loads(assigned)) }
        statements += CustomerChange.statements(for: changes)
        statements.append(leads(decided))
        if !assigned.isEmpty { statements.append(assignments(assigned)) }
        statements += relieving(decided)
        let cursors = cursors(decided)
        if !cursors.isEmpty { statements.append(turns(cursors)) }
        // Whose version this settle moves on; a replay has to know which group did.
        statements += [log(decided, moved: Set(counted.map(\.settled.tenant))), events(decided)]
        let told = assigned.filter { $0.effect.decision.notice != nil }
        if !told.isEmpty { statements.append(notices(told)) }
        statements += TrialStatements.statements(for: trials(of: decided)) + unreadable(decided)
        let mended = Set(decided.filter(\.effect.lead.hadFailed).map(\.settled.tenant)).sorted()
        statements += mended.map(Statement.failedAssignmentsOver) + alerts(decided)
        // Last, as everybody takes these rows.
        statements += [armingCustomers(decided), arming(decided)].compactMap { $0 }
        return statements
    }

    /// Whether it gives somebody a lead that was touched before anybody had it: its owner has nothing to wait for. It counts on its owner for
    /// the decisions of its group, and no longer; a replay finds both told.
    private var isRelieved: Bool { lead.isTouched && decision.owner != nil }

    private static func relieving(_ decided: [Decided]) -> [Statement] {
        let relieved = Dictionary(grouping: decided.filter(\.effect.isRelieved), by: \.settled.tenant).sorted { $0.key < $1.key }
        return relieved.map { tenant, decided in .endWaiting(of: decided.map(\.effect.lead.lead.id.rawValue), tenant) }
    }

    /// A lead that has only just come is told at once, on two channels besides Kiteline's own; one that waited longer than this, or comes from
    /// a list of old ones, without haste.
    private static let fresh: TimeInterval = 600

    private static func notices(_ told: [Decided]) -> Statement {
        let decisions = told.map(\.effect.decision)
        let urgencies = told.map { settled in
            settled.effect.decision.decidedAt.timeIntervalSince(settled.effect.lead.lead.receivedAt) < fresh ? Urgency.urgent : .normal
        }
        return """
            INSERT INTO notification (tenant_id, recipient, code, subject, text_en, text_zh, urgency, channels)
            SELECT n.tenant, n.recipient, 'new_lead', n.lead, n.en, n.zh, n.urgency, '{work_app,sms}'
            FROM unnest(\(told.map(\.settled.tenant.rawValue)), \(decisions.map { $0.owner?.externalID ?? "" }),
                \(told.map(\.effect.lead.lead.id.description)), \(decisions.map { $0.notice?.english ?? "" }), \(decisions.map { $0.notice?.chinese ?? "" }), \(urgencies.map(\.rawValue)))
                AS n(tenant, recipient, lead, en, zh, urgency)
            """
    }

    /// Whether the live version might say otherwise who the lead is: it does, or it knows the customer perhaps only by leads that the candidate
    /// put there.
    private func isDoubtful(_ trial: Trial) -> Bool {
        guard let other = trial.otherIdentity else { return false }
        return others.contains(other) || customer?.isNew == false
    }

    private static func trials(of decided: [Decided]) -> [SettledTrial] {
        decided.sorted { $0.effect.place < $1.effect.place }.flatMap { settled, effect in
            effect.trials.map { trial in
                SettledTrial(
                    tenant: settled.tenant, lead: effect.lead.lead.id, epoch: effect.lead.epoch, decidedAt: effect.decision.decidedAt,
                    doubtfulAs: effect.isDoubtful(trial) ? effect.customer?.customer : nil,
                    dueAt: effect.decision.owner == nil ? nil : trial.firstTouchWithin.map(effect.decision.decidedAt.addingTimeInterval),
                    trial: trial)
            }
        }
    }

    private static func unreadable(_ decided: [Decided]) -> [Statement] {
        decided.flatMap { settled, effect in
            effect.unreadable.flatMap {
                Statement.abort(
                    $0.standing, of: settled.tenant, by: RolloutActor.guards, reason: $0.words, at: effect.decision.decidedAt)
            }
        }
    }

    /// Whoever decided on the loads, turns, customers and counts as they were has to decide again.
    private static func nextVersion(_ counted: [Decided]) -> Statement {
        var made: [Int64: Int64] = [:]
        for (settled, effect) in counted { made[settled.tenant.rawValue, default: 0] += effect.customer?.isNew ?? false ? 1 : 0 }
        let tenants = made.keys.sorted()
        return """
            UPDATE routing_state r SET version = r.version + 1, customers = r.customers + n.made
            FROM unnest(\(tenants), \(tenants.map { made[$0]! })) AS n(tenant, made)
            WHERE r.tenant_id = n.tenant
            """
    }

    private static func loads(_ assigned: [Decided]) -> Statement {
        struct Key: Hashable { var tenant: Int64, seller: Int64 }
        var counts: [Key: (count: Int32, last: Date)] = [:]
        for (settled, effect) in assigned {
            guard let owner = effect.decision.owner else { continue }
            let key = Key(tenant: settled.tenant.rawValue, seller: owner.id.rawValue)
            let known = counts[key]
            counts[key] = ((known?.count ?? 0) + 1, max(known?.last ?? .distantPast, effect.decision.decidedAt))
        }
        let keys = counts.keys.sorted { ($0.tenant, $0.seller) < ($1.tenant, $1.seller) }
        return """
            INSERT INTO seller_load AS l (tenant_id, seller_id, pending, assigned, last_assigned_at)
            SELECT n.tenant, n.seller, n.count, n.count, n.last
            FROM unnest(\(keys.map(\.tenant)), \(keys.map(\.seller)), \(keys.map { counts[$0]!.count }), \(keys.map { counts[$0]!.last }))
                AS n(tenant, seller, count, last)
            ON CONFLICT (tenant_id, seller_id) DO UPDATE
                SET pending = l.pending + excluded.pending, assigned = l.assigned + excluded.assigned, last_assigned_at = excluded.last_assigned_at
            """
    }

    /// Exactly the leads decided on are written, or nothing at all (P10).
    private static func leads(_ decided: [Decided]) -> Statement {
        let decisions = decided.map(\.effect.decision)
        return """
            WITH done AS (
                UPDATE lead l
                SET state = n.state, held_reason = n.held, held_detail = NULL, owner_id = n.owner, pool = n.pool, score = n.score, intent = n.intent, job_id = n.job,
                    customer_id = COALESCE(n.customer, l.customer_id), updated_at = now()
                FROM unnest(\(decided.map(\.settled.tenant.rawValue)), \(decided.map(\.effect.lead.lead.id.rawValue)),
                        \(decided.map { Int32($0.effect.lead.epoch) }), \(decided.map(\.settled.job.rawValue)), \(decisions.map { $0.outcome.leadState.rawValue }),
                        \(decisions.map { $0.outcome.leadState == .held ? $0.outcome.rawValue : nil }), \(decisions.map { $0.owner?.id.rawValue }),
                        \(decisions.map(\.pool)), \(decisions.map { $0.score.map { Int32($0.total) } }), \(decisions.map { $0.intent?.rawValue }),
                        \(decided.map { $0.effect.customer?.customer.rawValue }))
                    AS n(tenant, id, epoch, job, state, held, owner, pool, score, intent, customer)
                WHERE l.tenant_id = n.tenant AND l.id = n.id AND l.assignment_epoch = n.epoch
                RETURNING l.id)
            SELECT expect_rows(count(*), \(decided.count)) FROM done
            """
    }

    private static func assignments(_ assigned: [Decided]) -> Statement {
        """
        INSERT INTO assignment (tenant_id, lead_id, epoch, seller_id, job_id, assigned_at)
        SELECT * FROM unnest(\(assigned.map(\.settled.tenant.rawValue)), \(assigned.map(\.effect.lead.lead.id.rawValue)),
            \(assigned.map { Int32($0.effect.lead.epoch) }), \(assigned.compactMap { $0.effect.decision.owner?.id.rawValue }),
            \(assigned.map(\.settled.job.rawValue)), \(assigned.map(\.effect.decision.decidedAt)))
        """
    }

    /// Of each pool the turn of the last decision made in it.
    private static func cursors(_ decided: [Decided]) -> [(tenant: Int64, cursor: PoolCursor)] {
        struct Key: Hashable { var tenant: Int64, pool: String }
        var last: [Key: (place: Int, cursor: PoolCursor)] = [:]
        for (settled, effect) in decided {
            guard let cursor = effect.cursor else { continue }
            let key = Key(tenant: settled.tenant.rawValue, pool: cursor.pool)
            if last[key].map({ $0.place < effect.place }) ?? true { last[key] = (effect.place, cursor) }
        }
        return last.sorted { ($0.key.tenant, $0.key.pool) < ($1.key.tenant, $1.key.pool) }.map { ($0.key.tenant, $0.value.cursor) }
    }

    /// Arrays of arrays travel as their text.
    private static func turns(_ cursors: [(tenant: Int64, cursor: PoolCursor)]) -> Statement {
        func text(_ numbers: [some BinaryInteger]) -> String { "{\(numbers.map { String($0) }.joined(separator: ","))}" }
        return """
            INSERT INTO route_cursor (tenant_id, pool, sellers, credits)
            SELECT n.tenant, n.pool, n.sellers::bigint[], n.credits::bigint[]
            FROM unnest(\(cursors.map(\.tenant)), \(cursors.map(\.cursor.pool)), \(cursors.map { text($0.cursor.sellers.map(\.rawValue)) }),
                \(cursors.map { text($0.cursor.credits) })) AS n(tenant, pool, sellers, credits)
            ON CONFLICT (tenant_id, pool) DO UPDATE SET sellers = excluded.sellers, credits = excluded.credits
            """
    }

    /// With what each was decided on, for a replay.
    private static func log(_ decided: [Decided], moved: Set<TenantID>) -> Statement {
        let effects = decided.map(\.effect)
        return """
            INSERT INTO decision_log (tenant_id, lead_id, epoch, job_id, outcome, decided_at, body, version, moved, load_seq, deal_seq, deals_at, told, claim)
            SELECT * FROM unnest(\(decided.map(\.settled.tenant.rawValue)), \(effects.map(\.lead.lead.id.rawValue)),
                \(effects.map { Int32($0.lead.epoch) }), \(decided.map(\.settled.job.rawValue)), \(effects.map(\.decision.outcome.rawValue)),
                \(effects.map(\.decision.decidedAt)), \(effects.map(\.body)), \(effects.map(\.version)), \(decided.map { moved.contains($0.settled.tenant) }),
                \(effects.map(\.basis.loadSeq)), \(effects.map(\.basis.dealSeq)), \(effects.map(\.basis.dealsAt)), \(effects.map(\.lead.told)), \(effects.map { $0.claim?.json }))
            """
    }

    private static func events(_ decided: [Decided]) -> Statement {
        let decisions = decided.map(\.effect.decision)
        return """
            INSERT INTO event (tenant_id, type, body)
            SELECT tenant_id, type, jsonb_build_object('lead_id', lead::text, 'job_id', job::text, 'outcome', outcome, 'owner', owner, 'pool', pool)
            FROM unnest(\(decided.map(\.settled.tenant.rawValue)), \(decisions.map { "lead.\($0.outcome.leadState.rawValue)" }),
                    \(decided.map(\.effect.lead.lead.id.rawValue)), \(decided.map(\.settled.job.rawValue)), \(decisions.map(\.outcome.rawValue)),
                    \(decisions.map { $0.owner?.externalID }), \(decisions.map(\.pool))) WITH ORDINALITY
                AS d(tenant_id, type, lead, job, outcome, owner, pool, place)
            WHERE \(unescaped: isListenedTo)
            ORDER BY place
            """
    }

    // MARK: Alerts

    private static func alerts(_ decided: [Decided]) -> [Statement] {
        var raised: [Raised: (count: Int64, detail: JSONBytes)] = [:]
        var drifted: Set<Drift> = []
        for (settled, effect) in decided {
            let source = effect.lead.lead.source
            for alert in effect.decision.alerts(source: source) {
                let key = Raised(tenant: settled.tenant.rawValue, code: alert.code, subject: alert.subject)
                raised[key] = ((raised[key]?.count ?? 0) + 1, alert.detail(lead: effect.lead.lead.id))
            }
            for field in effect.decision.unmappedFields.prefix(Drift.limit) {
                drifted.insert(Drift(tenant: settled.tenant.rawValue, source: source, field: String(field.prefix(200))))
            }
        }
        var statements: [Statement] = []
        if !raised.isEmpty { statements.append(raise(raised)) }
        if !drifted.isEmpty { statements.append(drift(drifted.sorted())) }
        return statements
    }

    private struct Raised: Hashable {
        let tenant: Int64
        let code: String
        let subject: String
    }

    private static func raise(_ raised: [Raised: (count: Int64, detail: JSONBytes)]) -> Statement {
        let keys = raised.keys.sorted { ($0.tenant, $0.code, $0.subject) < ($1.tenant, $1.code, $1.subject) }
        return """
            INSERT INTO alert AS a (tenant_id, code, subject, detail, count)
            SELECT n.tenant, n.code, n.subject, n.detail, n.count
            FROM unnest(\(keys.map(\.tenant)), \(keys.map(\.code)), \(keys.map(\.subject)), \(keys.map { raised[$0]!.detail }),
                \(keys.map { raised[$0]!.count })) AS n(tenant, code, subject, detail, count)
            ON CONFLICT (tenant_id, code, subject) WHERE resolved_at IS NULL
                DO UPDATE SET count = a.count + excluded.count, last_at = now(), detail = excluded.detail
            """
    }

    /// A field nobody mapped, where it was first seen.
    private struct Drift: Hashable, Comparable {
        /// Of one lead; what comes beyond is seen once these are mapped or ignored.
        static let limit = 100

        let tenant: Int64
        let source: String
        let field: String

        static func < (a: Self, b: Self) -> Bool { (a.tenant, a.source, a.field) < (b.tenant, b.source, b.field) }
    }

    /// One alarm for each source and field, when it is first seen, told to the operators at once (LEAD-IN-05): those of a source in one
    /// message, which names twenty.
    private static func drift(_ drifted: [Drift]) -> Statement {
        """
        WITH fresh AS (
            INSERT INTO unmapped_field (tenant_id, source, field)
            SELECT * FROM unnest(\(drifted.map(\.tenant)), \(drifted.map(\.source)), \(drifted.map(\.field)))
            ON CONFLICT DO NOTHING
            RETURNING tenant_id, source, field),
        sources AS (
            SELECT tenant_id, source, count(*) AS fields, (array_agg(field ORDER BY field))[1:20] AS named
            FROM fresh
            GROUP BY tenant_id, source),
        told AS (
            INSERT INTO notification (tenant_id, recipient, code, subject, text_en, text_zh, urgency, channels)
            SELECT tenant_id, 'role:operator', 'schema_drift', source || CASE WHEN fields = 1 THEN '/' || named[1] ELSE '' END,
                'The source ' || source || ' sends ' || CASE WHEN fields = 1 THEN 'a field' ELSE 'fields' END || ' nobody has mapped: '
                    || array_to_string(named, ', ') || CASE WHEN fields > 20 THEN ' and ' || (fields - 20)::text || ' more' ELSE '' END
                    || '. Name each in a map, or list it under ignore.',
                '来源“' || source || '”出现未映射的新字段：' || array_to_string(named, '、')
                    || CASE WHEN fields > 20 THEN '，另有 ' || (fields - 20)::text || ' 个' ELSE '' END
                    || '。请在映射中说明其含义，或列入 ignore。',
                'urgent', '{work_app}'
            FROM sources ORDER BY tenant_id, source)
        INSERT INTO alert AS a (tenant_id, code, subject, detail)
        SELECT tenant_id, 'schema_drift', source || '/' || field, jsonb_build_object('source', source, 'field', field) FROM fresh
        ON CONFLICT (tenant_id, code, subject) WHERE resolved_at IS NULL DO UPDATE SET count = a.count + 1, last_at = now()
        """
    }
}

extension AssignmentOutcome {
    /// What state a lead is in after it.
    var leadState: LeadState {
        switch self {
        case .assigned, .assignedExistingOwner, .alreadyAssigned: .assigned
        case .pooled: .pooled
        case .toMarketing: .withMarketing
        case .heldMappingError, .heldMissingData: .held
        case .manualQueueFallback, .manualQueueFuse: .manualQueue
        }
    }
}
