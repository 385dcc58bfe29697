import Foundation
import Jobs
import Ledger
import PostgresClient
import Rollouts
import Routing
import Rules
import SalesModel
import Tenancy

/// Why a rollout cannot be started or turned.
public enum RolloutFault: Error, Sendable, Hashable {
    /// There is no such version.
    case noSuchVersion
    /// The version is the live one.
    case alreadyLive
    /// The name has no live version, so there is nothing to hold a candidate against.
    case nothingLive
    /// Another change of the same name is being rolled out.
    case running(rollout: Int64)
    /// As many run as may at once.
    case tooMany
    /// The model's gate did not let it through, for these reasons.
    case silentModel([String])
    /// It has ended.
    case ended(RolloutState.Name)
    case refused(RolloutRefusal)
}

/// What is done to a rollout.
public enum RolloutTurn: Sendable, Hashable {
    case percent(Percent)
    /// 0 %, which takes a canary back; a shadow has nobody who could be taken from it, and stays.
    case nobody
    case promote
    /// Nobody does: its guards find it good enough, which is judged in the transaction that makes it live.
    case promoteOnEvidence
    case abort
}

extension Records {
    /// Starts rolling a version out, once per idempotency key: in the shadow at 0 %, else as a canary.
    ///
    /// The version's text was checked by the caller against the tenant's present rules.
    /// - Throws: `RolloutFault`.
    public func startRollout(
        _ kind: RolloutKind, _ name: String, version: Int, percent: Percent, terms: RolloutTerms, of tenant: TenantID, by actor: String,
        reason: String?, key: IdempotencyKey?, answer: @Sendable @escaping (RolloutRecord) -> StoredAnswer
    ) async throws -> Once {
        try await write(tenant, on: engine) { transaction in
            try transaction.once(key) {
                let results = try transaction.pipeline(
                    [
                        .bumpRouting(tenant),
                        """
                        SELECT version, state FROM ruleset_version
                        WHERE tenant_id = \(tenant.rawValue) AND kind = \(kind.rawValue) AND name = \(name) AND (version = \(Int32(clamping: version)) OR state = 'live')
                        """,
                        .lately(of: tenant),
                    ] + Statement.rollouts(of: tenant, where: "r.state IN ('shadow', 'canary')"))
                let stable = try Self.stableVersion(results[1], candidate: version, mayBeNone: kind == .warningModel)
                if kind == .warningModel { try transaction.requireGate(ofModel: version, tenant) }
                let running = try RolloutRecord.records(results[3], results[4])
                if let other = running.first(where: { $0.kind == kind && $0.name == name }) {
                    throw RolloutFault.running(rollout: other.id)
                }
                // Models decide no leads, so they take nobody's place.
                guard kind == .warningModel || running.count(where: { $0.kind.rules != nil }) < RolloutRoster.mostAtOnce else {
                    throw RolloutFault.tooMany
                }
                let before = kind == .warningModel ? nil : results[2].first
                let id: Int64 = try transaction.query(
                    """
                    INSERT INTO rollout (tenant_id, kind, name, version, stable_version, state, plan, before_n, before_failures, started_by)
                    VALUES (\(tenant.rawValue), \(kind.rawValue), \(name), \(Int32(version)), \(stable.map(Int32.init)),
                        \(percent == .none ? "shadow" : "canary"), \(JSONBytes.encoding(terms)),
                        \(try before?.get("n", as: Int32.self) ?? 0), \(try before?.get("failures", as: Int32.self) ?? 0), \(actor))
                    RETURNING id
                    """
                ).first!.get("id")
                let stage: [Statement] = percent == .none ? [] : [.rolloutStage(id, number: 1, percent: percent, of: tenant)]
                if percent != .none, let rules = kind.rules {
                    try transaction.noteForClocks(candidate: rules, name, version: version, of: tenant)
                }
                _ = try transaction.pipeline(
                    stage + [
                        .abortsHeardOf(kind.rawValue, name, of: tenant, at: Date()),
                        .rolloutEvent(id, of: tenant, by: actor, "start", percent: percent, reason: reason),
                        .audit(
                            tenant, by: actor, "rollout.start", "\(kind.rawValue)/\(name)@\(version)",
                            after: .encoding(["percent": percent.description, "stable": stable.map(String.init) ?? "none"]), reason: reason),
                    ])
                return answer(try transaction.rollout(id, of: tenant)!)
            }
        }
    }

    private static func stableVersion(_ rows: Rows, candidate: Int, mayBeNone: Bool) throws -> Int? {
        var live: Int?
        var isKnown = false
        for row in rows {
            let version = Int(try row.get("version", as: Int32.self))
            if version == candidate { isKnown = true }
            if try row.get("state", as: String.self) == "live" { live = version }
        }
        guard isKnown else { throw RolloutFault.noSuchVersion }
        guard live != nil || mayBeNone else { throw RolloutFault.nothingLive }
        guard live != candidate else { throw RolloutFault.alreadyLive }
        return live
    }

    /// Turns a rollout, once per idempotency key. Nil when there is none of that id.
    ///
    /// The routing version is moved on first: decisions under way are made anew, so after the answer nothing is committed that rests on
    /// what was before. An abort has the canary's untouched leads assigned again.
    /// - Throws: `RolloutFault`.
    public func turn(
        rollout id: Int64, _ turn: RolloutTurn, of tenant: TenantID, by actor: String, reason: String, key: IdempotencyKey?,
        answer: @Sendable @escaping (RolloutRecord) -> StoredAnswer
    ) async throws -> Once? {
        let takesBack = [.abort, .nobody].contains(turn)
        do {
            return try await releasing(
                tenant, orManual: turn == .promote, following: takesBack ? [.makeWhole(rollout: id, of: tenant)] : []
            ) {
                transaction, release in
                try transaction.once(key) {
                    _ = try transaction.query(.bumpRouting(tenant))
                    guard let record = try transaction.rollout(id, of: tenant) else { throw NoSuchRollout() }
                    guard record.isRunning else { throw RolloutFault.ended(record.state) }
                    let turned = RolloutTurning(record: record, tenant: tenant, actor: actor, reason: reason)
                    switch turn {
                    case .nobody where record.state == .shadow: return answer(record)
                    case .abort, .nobody:
                        _ = try transaction.pipeline(try turned.abortStatements(at: Date()))
                        if record.kind.rules != nil { try release(nil) }
                    case .percent(let percent):
                        _ = try transaction.pipeline(try turned.statements(percent))
                        if let kind = record.kind.rules {
                            try transaction.noteForClocks(candidate: kind, record.name, version: record.version, of: tenant)
                        }
                    case .promote, .promoteOnEvidence:
                        if let version = try turned.promote(onEvidence: turn == .promoteOnEvidence, in: transaction) {
                            try release(version)
                        }
                    }
                    return answer(try transaction.rollout(id, of: tenant)!)
                }
            }
        } catch is NoSuchRollout {
            return nil
        }
    }

    /// Rollouts, the newest first.
    public func rollouts(of tenant: TenantID, running: Bool = false, before cursor: Int64 = .max, limit: Int = 100) async throws -> Page<
        RolloutRecord
    > {
        let condition = "r.id < \(cursor)" + (running ? " AND r.state IN ('shadow', 'canary')" : "")
        let rows = try await app.pipeline([.tenants([tenant])] + Statement.rollouts(of: tenant, where: condition, limit: limit + 1))
        let records = try RolloutRecord.records(rows[1], rows[2])
        return Page(items: Array(records.prefix(limit)), next: records.count > limit ? records[limit - 1].id : nil)
    }

    /// A rollout with its history, the newest differences it showed, and what became of its leads where it was taken back; nil when there is
    /// none of that id.
    public func rollout(_ id: Int64, of tenant: TenantID) async throws -> (
        record: RolloutRecord, events: [RolloutEvent], differences: [RolloutDifference], takenBack: TakenBackLeads?
    )? {
        let rows = try await app.pipeline(
            [.tenants([tenant])] + Statement.rollouts(of: tenant, where: "r.id = \(id)") + [
                """
                SELECT at, actor, action, percent, reason FROM rollout_event
                WHERE tenant_id = \(tenant.rawValue) AND rollout_id = \(id) ORDER BY id LIMIT 1000
                """,
                RolloutDifference.some(of: id, tenant), TakenBackLeads.count(of: id, tenant),
            ])
        guard let record = try RolloutRecord.records(rows[1], rows[2]).first else { return nil }
        return (
            record, try rows[3].map(RolloutEvent.init), try rows[4].map(RolloutDifference.init),
            record.state == .aborted ? try rows[5].first.map(TakenBackLeads.init) : nil
        )
    }
}

private struct NoSuchRollout: Error {}

/// One rollout being turned by someone, in the transaction that holds it.
struct RolloutTurning {
    let record: RolloutRecord
    let tenant: TenantID
    let actor: String
    let reason: String

    /// Has the machine of states take the step, or throws what it refuses.
    private func admit(_ step: Rollout.Step) throws {
        var rollout = record.standing
        do throws(RolloutRefusal) { try rollout.take(step, in: Rollout.Surroundings()) } catch { throw RolloutFault.refused(error) }
    }

    /// Another percentage begins another stage.
    func statements(_ percent: Percent) throws -> [Statement] {
        try admit(.canary(percent))
        let action = record.state == .shadow ? "canary" : "percent"
        let audit = audit("rollout.\(action)", after: ["state": "canary", "percent": percent.description])
        guard percent != record.percent else { return [audit] }
        return [
            "UPDATE rollout SET state = 'canary' WHERE tenant_id = \(tenant.rawValue) AND id = \(record.id)",
            .rolloutStage(record.id, number: (record.stages.last?.number ?? 0) + 1, percent: percent, of: tenant),
            .rolloutEvent(record.id, of: tenant, by: actor, action, percent: percent, reason: reason),
            audit,
        ]
    }

    func abortStatements(at now: Date) throws -> [Statement] {
        try admit(.abort)
        return Statement.abort(RolloutStanding(record), of: tenant, by: actor, reason: reason, at: now)
    }

    /// Makes the candidate the live version. A person may do it before the evidence is there; then the history says so.
    ///
    /// - Returns: the version whose rules became live; nil where it is no rules.
    func promote(onEvidence: Bool, in transaction: PostgresTransaction) throws -> RuleSetVersion? {
        let verdict = record.verdict(of: tenant)
        try admit(.promote(verdict, override: onEvidence ? nil : reason))
        let because = verdict.decision == .promotable ? reason : "\(reason) (before the evidence: \(verdict.words))"
        var live: RuleSetVersion?
        switch record.kind {
        case .rule(let kind):
            live = try transaction.makeLive(
                kind, record.name, version: record.version, of: tenant, by: actor, action: "rollout.promote", reason: because)
            guard live != nil else { throw RolloutFault.noSuchVersion }
        case .warningModel: try transaction.makeModelLive(version: record.version, of: tenant, by: actor, reason: because)
        }
        _ = try transaction.pipeline([
            .resolve(Self.unfit, "\(record.id)", of: tenant, at: Date()),
            """
            UPDATE rollout SET state = 'live', ended_at = now(), end_reason = \(because)
            WHERE tenant_id = \(tenant.rawValue) AND id = \(record.id)
            """,
            "UPDATE rollout_case SET judged = true WHERE tenant_id = \(tenant.rawValue) AND rollout_id = \(record.id) AND NOT judged",
            .rolloutEvent(record.id, of: tenant, by: actor, "promote", percent: .all, reason: because),
        ])
        return live
    }

    /// The alarm that a change would go live by its evidence, and does not go together with what is live today.
    static let unfit = "rollout_unfit"

    private func audit(_ action: String, after: [String: String]) -> Statement {
        .audit(
            tenant, by: actor, action, "\(record.lineage)@\(record.version)",
            before: .encoding(["state": record.state.rawValue, "percent": record.percent.description]), after: .encoding(after),
            reason: reason)
    }
}

extension PostgresTransaction {
    func rollout(_ id: Int64, of tenant: TenantID) throws -> RolloutRecord? {
        let rows = try pipeline(Statement.rollouts(of: tenant, where: "r.id = \(id)"))
        return try RolloutRecord.records(rows[0], rows[1]).first
    }
}

extension Statement {
    fileprivate static func rolloutStage(_ rollout: Int64, number: Int, percent: Percent, of tenant: TenantID) -> Statement {
        """
        INSERT INTO rollout_stage (tenant_id, rollout_id, number, percent)
        VALUES (\(tenant.rawValue), \(rollout), \(Int32(number)), \(Int32(percent.hundredths)))
        """
    }

    /// What became of the tenant's last 1,000 leads that no candidate decided: what the technical guard holds a candidate against. A change
    /// that was taken back, and is tried again, must not find its own failures there. Each lead counts as the rules decided it last: one that stays
    /// held is decided anew with each publication, and what people or clocks gave to somebody says nothing of the rules. Of the last 5,000 leads, so
    /// that it stays a short question.
    fileprivate static func lately(of tenant: TenantID) -> Statement {
        let others = [Reason.Code.assignedByHand, .transferredOverdue].map(\.rawValue)
        return """
            SELECT count(*)::integer AS n, (count(*) FILTER (WHERE outcome NOT IN ('assigned', 'assigned_existing_owner', 'pooled', 'to_marketing')))::integer AS failures
            FROM (
                SELECT d.outcome
                FROM (SELECT id FROM lead WHERE tenant_id = \(tenant.rawValue) ORDER BY id DESC LIMIT 5000) l
                CROSS JOIN LATERAL (
                    SELECT outcome, COALESCE(body->>'arm', 'stable') AS arm FROM decision_log
                    WHERE tenant_id = \(tenant.rawValue) AND lead_id = l.id AND outcome <> 'manual_queue_fuse'
                        AND COALESCE(body->'reasons'->0->>'code', '') <> ALL(\(others))
                    ORDER BY epoch DESC, decided_at DESC, job_id DESC LIMIT 1) d
                WHERE d.arm <> 'canary'
                ORDER BY l.id DESC LIMIT 1000) last
            """
    }
}
