import Foundation
import Jobs
import PostgresClient
import Tenancy

/// What became of settlements.
public struct Settled: Sendable {
    /// Committed: end, effects and follow-up jobs, or the retry.
    public var done: [JobID] = []
    /// Decided on facts that have changed: to be handled again, no attempt charged.
    public var stale: [JobID] = []
    /// No longer ours: someone rescued the job. Nothing of it was written.
    public var lost: [JobID] = []
    /// Refused by the database for what its effects contain: ends as a failure of its own.
    public var refused: [(id: JobID, reason: String)] = []
}

extension Ledger {
    /// Commits the ends of many jobs, their effects and follow-up jobs in one transaction, each only under its fence. Effects are
    /// written in the order of the batch, which is the order of deciding.
    ///
    /// A batch that fails for what it contains is split until the bad job is alone; its neighbours are not failed. Throws only
    /// when Postgres can't be reached; settle again then: what was committed unseen is recognised by its fence.
    public func settle(_ batch: [Settlement]) async throws -> Settled {
        do {
            let settle = SettleTransaction(batch: batch, followUps: try await numbered(batch), effects: effects, now: Date())
            if let settled = try await settleAtOnce(settle) { return settled }
            let (settled, enqueued) = try await postgres.transaction { try settle.run(in: $0) }
            if let enqueued { announce(enqueued) }
            return settled
        } catch let error as PostgresError where !error.isOutage && !error.isRetryable {
            guard batch.count > 1 else { return Settled(refused: [(batch[0].attempt.id, error.message)]) }
            let half = batch.count / 2
            let first = try await settle(Array(batch[..<half]))
            let second = try await settle(Array(batch[half...]))
            return first + second
        }
    }

    /// The usual case in one round trip: every job is still ours and no decision needs judging. Nil, and nothing written, otherwise.
    private func settleAtOnce(_ settle: SettleTransaction) async throws -> Settled? {
        guard !settle.mustBeJudged else { return nil }
        do {
            let (statements, rows) = try settle.statementsAtOnce()
            let results = try await postgres.pipeline(statements)
            if !rows.isEmpty { announce(Enqueued(jobs: rows.pushes, outbox: try results.last!.first!.get("id"))) }
            return Settled(done: settle.batch.map(\.attempt.id))
        } catch let error as PostgresError where error.sqlState == "KL001" {
            return nil
        }
    }

    /// Numbers for follow-up jobs, taken before the transaction.
    private func numbered(_ batch: [Settlement]) async throws -> FollowUps {
        let jobs = batch.flatMap(\.outcome.followUps)
        return FollowUps(ids: jobs.isEmpty ? [] : try await numbers.take(jobs.count), horizon: horizon)
    }
}

struct FollowUps: Sendable {
    var ids: [JobID]
    var horizon: TimeInterval
}

/// One settle: step by step, or all at once where every row is as expected.
struct SettleTransaction: Sendable {
    let batch: [Settlement]
    let followUps: FollowUps
    let effects: any EffectWriter
    let now: Date

    var mustBeJudged: Bool { batch.contains { $0.outcome.effects.contains(where: effects.mustBeJudged) } }

    /// Everything under one Sync. The locks are taken in id order within the statements; whichever finds fewer rows than it should
    /// ends the transaction with KL001.
    func statementsAtOnce() throws -> (statements: [Statement], followUps: JobRows) {
        let (statements, rows) = try writes(for: batch)
        return ([.tenants(Set(batch.map(\.attempt.tenant)))] + statements, rows)
    }

    func writes(for ours: [Settlement]) throws -> (statements: [Statement], followUps: JobRows) {
        let ends = ours.filter { if case .end = $0.disposition { true } else { false } }
        let retries = ours.filter { if case .retry = $0.disposition { true } else { false } }
        var statements: [Statement] = []
        if !ends.isEmpty { statements += endStatements(ends) }
        if !retries.isEmpty { statements += retryStatements(retries) }
        statements += resultStatements(ends) + batchStatements(ends)
        statements += try effects.statements(for: ends.flatMap(settledEffects))
        statements += try effects.statements(for: ends.compactMap(DiscardedJob.init))
        let rows = followUpRows(of: ends)
        return (statements + rows.statements, rows)
    }

    func run(in transaction: PostgresTransaction) throws -> (Settled, Enqueued?) {
        let (ours, stale) = try lock(in: transaction)
        let (statements, rows) = try writes(for: ours)
        let results = statements.isEmpty ? [] : try transaction.pipeline(statements)

        var settled = Settled(done: ours.map(\.attempt.id), stale: stale)
        let known = Set(settled.done + stale)
        let missing = batch.filter { !known.contains($0.attempt.id) }
        if !missing.isEmpty {
            let before = try settledBefore(missing, in: transaction)
            settled.done += missing.map(\.attempt.id).filter(before.contains)
            settled.lost = missing.map(\.attempt.id).filter { !before.contains($0) }
        }
        return (settled, rows.isEmpty ? nil : Enqueued(jobs: rows.pushes, outbox: try results.last!.first!.get("id")))
    }

    var lockStatements: [Statement] {
        [
            .tenants(Set(batch.map(\.attempt.tenant))),
            """
            SELECT l.id FROM job_live l JOIN unnest(\(batch.map(\.attempt.id.rawValue)), \(batch.map(\.attempt.fence))) AS c(id, fence) ON l.id = c.id
            WHERE l.fence = c.fence AND l.state = 'running'
            ORDER BY l.id FOR UPDATE OF l
            """,
        ]
    }

    /// Locks our rows in id order, and asks which decisions still hold.
    private func lock(in transaction: PostgresTransaction) throws -> (ours: [Settlement], stale: [JobID]) {
        let rows = try transaction.pipeline(lockStatements)[1]
        let granted = Set(try rows.map { JobID(try $0.get("id")) })
        let ours = batch.filter { granted.contains($0.attempt.id) }
        guard ours.contains(where: { !$0.outcome.effects.isEmpty }) else { return (ours, []) }
        let missing = batch.filter { !granted.contains($0.attempt.id) }
        let stale = try effects.stale(among: ours, missing: missing, in: transaction)
        return (ours.filter { !stale.contains($0.attempt.id) }, ours.map(\.attempt.id).filter(stale.contains))
    }

    private func endStatements(_ ends: [Settlement]) -> [Statement] {
        let ids = ends.map(\.attempt.id.rawValue)
        var states: [String] = []
        var outcomes: [String?] = []
        var classes: [String?] = []
        var errors: [String?] = []
        let held = ends.filter { if case .held = $0.outcome.end { true } else { false } }.map(\.attempt.id.rawValue)
        for end in ends {
            guard case .end(let state, let outcome, let failure) = end.disposition else { continue }
            states.append(state.rawValue)
            outcomes.append(outcome)
            classes.append(failure?.errorClass.rawValue)
            errors.append(failure.map { String($0.message.prefix(2_000)) })
        }
        var statements: [Statement] = [
            """
            -- Found again by their place once they are locked, as begin does, and carrying along what is to be written of them.
            WITH x AS (
                    SELECT l.ctid AS place, c.*
                    FROM job_live l JOIN unnest(\(ids), \(ends.map(\.attempt.fence)), \(states), \(outcomes), \(classes), \(errors), \(ends.map(\.outcome.ruleVersion)), \(ends.map(\.outcome.arm)))
                        AS c(job, fence, state, outcome, class, error, rule_version, arm) ON l.id = c.job
                    WHERE l.fence = c.fence AND l.state = 'running' ORDER BY l.id FOR UPDATE OF l),
                d AS (DELETE FROM job_live l USING x WHERE l.ctid = x.place
                    RETURNING l.id, l.run, l.tenant_id, l.kind, x.state::job_end AS state, x.outcome, x.class, x.error, l.attempt, l.lost, l.fence, x.rule_version, x.arm,
                        l.enqueued_at, l.started_at, l.flow, l.priority, l.max_attempts, l.unique_key, l.batch_id, l.attempts),
                h AS (INSERT INTO job_history (id, run, tenant_id, kind, state, outcome, error_class, error, attempt, lost, fence, rule_version, arm, enqueued_at, started_at, finished_at,
                        flow, priority, max_attempts, unique_key, batch_id, attempts)
                    SELECT id, run, tenant_id, kind, state, outcome, class, error, attempt, lost, fence, rule_version, arm, enqueued_at, started_at, clock_timestamp(),
                        CASE WHEN state <> 'completed' THEN flow END, CASE WHEN state <> 'completed' THEN priority END,
                        CASE WHEN state <> 'completed' THEN max_attempts END, CASE WHEN state <> 'completed' THEN unique_key END, batch_id, attempts
                    FROM d
                    RETURNING id),
                e AS (INSERT INTO event (tenant_id, type, body)
                    SELECT tenant_id, CASE WHEN id = ANY(\(held)) THEN 'job.held' ELSE 'job.' || state END,
                        jsonb_build_object('job_id', id::text, 'kind', kind, 'outcome', outcome, 'error_class', class, 'attempt', attempt, 'run', run)
                    FROM d WHERE \(unescaped: isListenedTo) ORDER BY id)
            SELECT expect_rows(count(*), \(Int64(ids.count))) FROM h
            """
        ]
        if states.contains(JobEnd.discarded.rawValue) {
            statements.append(
                """
                INSERT INTO dlq (id, tenant_id, kind, error_class, error, attempts, lost, first_at, last_at)
                SELECT id, tenant_id, kind, error_class, error, attempt, lost, started_at, finished_at
                FROM job_history h WHERE (id, fence) IN (SELECT * FROM unnest(\(ids), \(ends.map(\.attempt.fence)))) AND state = 'discarded'
                ON CONFLICT (id) DO UPDATE SET error_class = excluded.error_class, error = excluded.error, attempts = excluded.attempts,
                    lost = excluded.lost, last_at = excluded.last_at, redriven_at = NULL, redrive_id = NULL
                """)
        }
        let unique = ends.filter(\.attempt.hasUniqueKey).map(\.attempt.id.rawValue)
        if !unique.isEmpty { statements.append(.releaseUniqueKeys(of: unique)) }
        return statements
    }

    private func resultStatements(_ ends: [Settlement]) -> [Statement] {
        var kept: [(attempt: Attempt, result: [UInt8])] = []
        for end in ends {
            if case .end(.completed, _, _) = end.disposition, let result = end.outcome.result { kept.append((end.attempt, result)) }
        }
        guard !kept.isEmpty else { return [] }
        return [
            """
            UPDATE job_history h SET result = c.result
            FROM unnest(\(kept.map(\.attempt.id.rawValue)), \(kept.map(\.attempt.fence)), \(kept.map { JSONBytes($0.result) })) AS c(id, fence, result)
            WHERE h.id = c.id AND h.fence = c.fence
            """
        ]
    }

    private func batchStatements(_ ends: [Settlement]) -> [Statement] {
        var members: [(batch: Int64, end: JobEnd)] = []
        for end in ends {
            if let batch = end.attempt.batch, case .end(let state, _, _) = end.disposition { members.append((batch, state)) }
        }
        return members.isEmpty ? [] : [.count(members)]
    }

    private func retryStatements(_ retries: [Settlement]) -> [Statement] {
        var runAt: [Date] = []
        var classes: [String] = []
        var errors: [String] = []
        var given: [Int32] = []
        for retry in retries {
            guard case .retry(let at, let failure, let charges) = retry.disposition else { continue }
            runAt.append(at)
            classes.append(failure.errorClass.rawValue)
            errors.append(String(failure.message.prefix(2_000)))
            given.append(charges ? 0 : 1)
        }
        let ids = retries.map(\.attempt.id.rawValue)
        var statements: [Statement] = [
            """
            WITH x AS (
                    SELECT l.ctid AS place, c.*
                    FROM job_live l JOIN unnest(\(ids), \(retries.map(\.attempt.fence)), \(runAt), \(classes), \(errors), \(given))
                        AS c(job, fence, run_at, class, error, given) ON l.id = c.job
                    WHERE l.fence = c.fence AND l.state = 'running' ORDER BY l.id FOR UPDATE OF l),
                u AS (UPDATE job_live l SET state = 'retryable', run_at = x.run_at, error_class = x.class, error = x.error, attempt = l.attempt - x.given,
                        attempts = note_attempt(l.attempts, l.attempt, CASE x.given WHEN 0 THEN 'failed' ELSE 'put_back' END, l.started_at, x.class, x.error, l.worker_id, x.run_at)
                    FROM x WHERE l.ctid = x.place
                    RETURNING l.id)
            SELECT expect_rows(count(*), \(Int64(ids.count))) FROM u
            """
        ]
        // A rebuild of the index leaves what is far off to the promoter, so the promoter has to know of it.
        let far = zip(runAt, ids).filter { $0.0 > now.addingTimeInterval(followUps.horizon) }
        if !far.isEmpty {
            statements.append(
                "INSERT INTO job_sched (run_at, id) SELECT * FROM unnest(\(far.map(\.0)), \(far.map(\.1))) ON CONFLICT DO NOTHING")
        }
        return statements
    }

    private func settledEffects(_ end: Settlement) -> [SettledEffect] {
        guard case .end(.completed, _, _) = end.disposition else { return [] }
        return end.outcome.effects.map {
            SettledEffect(job: end.attempt.id, tenant: end.attempt.tenant, attempt: end.attempt.number, at: now, effect: $0)
        }
    }

    /// Follow-up jobs run for the tenant of the job that asked for them, whatever the handler wrote, and go on in its trace.
    private func followUpRows(of ends: [Settlement]) -> JobRows {
        let jobs = ends.flatMap { end in
            end.outcome.followUps.map { job in
                var job = job
                job.tenant = end.attempt.tenant
                job.traceContext = job.traceContext ?? end.trace?.parent.description ?? end.attempt.traceContext
                return job
            }
        }
        return JobRows(jobs: jobs, ids: Array(followUps.ids.prefix(jobs.count)), now: now, horizon: followUps.horizon)
    }

    /// Those whose commit had succeeded although its answer was lost: ended, or waiting again, under our own fence.
    private func settledBefore(_ missing: [Settlement], in transaction: PostgresTransaction) throws -> Set<JobID> {
        let (ids, fences) = (missing.map(\.attempt.id.rawValue), missing.map(\.attempt.fence))
        let rows = try transaction.query(
            """
            WITH c AS (SELECT * FROM unnest(\(ids), \(fences)) AS c(id, fence))
            SELECT h.id FROM job_history h JOIN c ON h.id = c.id AND h.fence = c.fence
            UNION SELECT l.id FROM job_live l JOIN c ON l.id = c.id AND l.fence = c.fence WHERE l.state <> 'running'
            """)
        return Set(try rows.map { JobID(try $0.get("id")) })
    }
}

extension DiscardedJob {
    fileprivate init?(_ settlement: Settlement) {
        guard case .end(let end, _, let failure?) = settlement.disposition, end != .completed else { return nil }
        let attempt = settlement.attempt
        self.init(id: attempt.id, tenant: attempt.tenant, kind: attempt.kind, arguments: attempt.arguments, failure: failure)
    }
}

extension Settled {
    static func + (a: Settled, b: Settled) -> Settled {
        Settled(done: a.done + b.done, stale: a.stale + b.stale, lost: a.lost + b.lost, refused: a.refused + b.refused)
    }
}

extension Statement {
    static func releaseUniqueKeys(of ids: [Int64]) -> Statement {
        "DELETE FROM job_unique WHERE job_id = ANY(\(ids))"
    }
}
