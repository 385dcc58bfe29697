import Foundation
import Jobs
import Ledger
import PostgresClient
import Rollouts
import Routing
import Rules
import Tenancy

extension Records {
    /// Judges first touches and warnings that have fallen due under rollouts, takes back those that did harm, and brings to everybody those that are
    /// good enough and may go by themselves. To be called every second or so; any number of processes may.
    /// - Parameter now: as of when touches are due; what follows is enqueued at once.
    /// - Returns: whether there may be more at once.
    public func judgeRollouts(now: Date, limit: Int = 1_000) async throws -> Bool {
        var isMore = false
        for tenant in try await tenantsToJudge(now: now) {
            do {
                if try await judge(tenant, now, limit) { isMore = true }
            } catch is CancellationError {
                throw CancellationError()
            } catch {
                // The others are judged all the same.
                logger.error("a tenant's rollouts could not be judged", metadata: ["tenant": "\(tenant)", "error": "\(error)"])
            }
        }
        return isMore
    }

    /// Row security shows the rows of tenants that are named, so all are.
    private func tenantsToJudge(now: Date) async throws -> [TenantID] {
        try await engine.pipeline([
            .everyTenant,
            """
            SELECT tenant_id FROM rollout_case WHERE NOT judged AND due_at <= \(now)
            UNION SELECT tenant_id FROM health_prediction WHERE rollout_id IS NOT NULL AND NOT judged AND outcome <> 'pending'
            UNION SELECT tenant_id FROM rollout WHERE state = 'canary' AND plan->>'promotion' = 'automatic'
            ORDER BY 1
            """,
        ])[1].map { TenantID(try $0.get("tenant_id")) }
    }

    private func judge(_ tenant: TenantID, _ now: Date, _ limit: Int) async throws -> Bool {
        let ids = try await ledger.reserve(2 * (RolloutRoster.mostAtOnce + 1))
        let ledger = ledger
        let (count, enqueued) = try await write(tenant, on: engine) { transaction -> (Int, [Enqueued]) in
            // The version is held: nobody settles leads under these rollouts until this is done.
            let rows = try transaction.pipeline(
                ["SELECT version FROM routing_state WHERE tenant_id = \(tenant.rawValue) FOR UPDATE"]
                    + Statement.rollouts(of: tenant, where: "r.state = 'canary'") + [
                        Self.due(of: tenant, now, limit), Self.dueWarnings(of: tenant, limit),
                    ])
            let judging = try RolloutJudging(
                RolloutRecord.records(rows[1], rows[2]), due: rows[3], warnings: rows[4], tenant: tenant, now: now)
            if !judging.counts.isEmpty { _ = try transaction.pipeline(judging.counts) }
            var enqueued: [Enqueued] = []
            for (place, (record, harm)) in judging.harmed.enumerated() {
                let abort = Statement.abort(
                    RolloutStanding(record), of: tenant, by: RolloutActor.guards, reason: "\(harm.name): \(harm.words)", at: now)
                guard record.kind.rules != nil else {
                    _ = try transaction.pipeline([.bumpRouting(tenant)] + abort)
                    continue
                }
                let jobs: [NewJob] = [.makeWhole(rollout: record.id, of: tenant), .releaseHeld(of: tenant)]
                let (statements, making) = ledger.statements(enqueueing: jobs, as: Array(ids[(2 * place)..<(2 * place + 2)]), at: Date())
                let results = try transaction.pipeline([.bumpRouting(tenant)] + abort + statements)
                enqueued.append(making(try results.last!.first!.get("id")))
            }
            return (max(rows[3].count, rows[4].count), enqueued)
        }
        if enqueued.isEmpty { ledger.giveBack(ids) }
        for jobs in enqueued { ledger.announce(jobs) }
        try await promoteThoseThatMay(tenant)
        return count == limit
    }

    /// Cases whose first touch is due, marked as judged, with whether it came in time. A touch that is recorded later than that counts as
    /// late: what is not known is not good.
    private static func due(of tenant: TenantID, _ now: Date, _ limit: Int) -> Statement {
        """
        WITH due AS (
            SELECT rollout_id, lead_id, epoch FROM rollout_case
            WHERE tenant_id = \(tenant.rawValue) AND NOT judged AND due_at <= \(now)
            ORDER BY due_at LIMIT \(limit) FOR UPDATE)
        UPDATE rollout_case c SET judged = true
        FROM due d JOIN lead l ON l.tenant_id = \(tenant.rawValue) AND l.id = d.lead_id
        WHERE c.tenant_id = \(tenant.rawValue) AND c.rollout_id = d.rollout_id AND c.lead_id = d.lead_id AND c.epoch = d.epoch
        RETURNING c.rollout_id, c.stage, c.arm, (l.touched_at IS NULL OR l.touched_at > c.due_at) AS late
        """
    }

    /// Predictions of a rollout whose fortnight is over, marked as judged: whether they warned, and in vain. What nobody can tell of, since the
    /// seller's weeks have no index, counts for nothing.
    private static func dueWarnings(of tenant: TenantID, _ limit: Int) -> Statement {
        """
        WITH due AS (
            SELECT id FROM health_prediction
            WHERE tenant_id = \(tenant.rawValue) AND rollout_id IS NOT NULL AND NOT judged AND outcome <> 'pending'
            ORDER BY id LIMIT \(limit) FOR UPDATE)
        UPDATE health_prediction p SET judged = true FROM due d WHERE p.tenant_id = \(tenant.rawValue) AND p.id = d.id
        RETURNING p.rollout_id, p.stage, p.arm, p.warned AND p.outcome <> 'unknown' AS counts, p.outcome = 'stayed' AS in_vain
        """
    }

    private func promoteThoseThatMay(_ tenant: TenantID) async throws {
        for record in try await rollouts(of: tenant, running: true).items
        where record.state == .canary && record.terms.promotion == .automatic && record.verdict(of: tenant).decision == .promotable {
            if let fault = try await fault(of: record, tenant) {
                try await alarm(fault, about: record, tenant)
                continue
            }
            do {
                _ = try await turn(
                    rollout: record.id, .promoteOnEvidence, of: tenant, by: RolloutActor.guards, reason: record.verdict(of: tenant).words,
                    key: nil
                ) { _ in StoredAnswer(status: 200, body: []) }
            } catch RolloutFault.refused, RolloutFault.ended {
                // What was seen since speaks otherwise, or somebody was quicker.
            }
        }
    }

    /// Why a candidate does not go together with what is live today; nil: it does.
    private func fault(of record: RolloutRecord, _ tenant: TenantID) async throws -> RuleFault? {
        guard let kind = record.kind.rules, let version = try await ruleSetVersion(kind, record.name, version: record.version, of: tenant),
            case .failure(let faults) = try await check(kind, record.name, version.source, of: tenant)
        else { return nil }
        return faults.faults.first
    }

    /// Once, until it ends.
    private func alarm(_ fault: RuleFault, about record: RolloutRecord, _ tenant: TenantID) async throws {
        try await write(tenant, on: engine) { transaction in
            _ = try transaction.query(
                """
                INSERT INTO alert (tenant_id, code, subject, detail)
                VALUES (\(tenant.rawValue), \(RolloutTurning.unfit), \(String(record.id)), \(JSONBytes.encoding(["path": fault.path, "message": fault.message])))
                ON CONFLICT (tenant_id, code, subject) WHERE resolved_at IS NULL DO NOTHING
                """)
        }
    }
}

/// What touches that fell due come to.
private struct RolloutJudging {
    var counts: [Statement] = []
    var harmed: [(record: RolloutRecord, harm: GuardReading)] = []

    init(_ records: [RolloutRecord], due rows: Rows, warnings: Rows, tenant: TenantID, now: Date) throws {
        var running = Dictionary(uniqueKeysWithValues: records.map { ($0.id, $0.running(of: tenant)) })
        for row in rows {
            let arm = Arm(rawValue: try row.get("arm"))!  // a check in the table allows no other
            running[try row.get("rollout_id")]?.countTouch(
                arm, inStage: Int(try row.get("stage", as: Int32.self)), late: try row.get("late"))
        }
        for row in warnings where try row.get("counts", as: Bool.self) {
            let arm = Arm(rawValue: try row.get("arm"))!  // a check in the table allows no other
            running[try row.get("rollout_id")]?.count(
                arm, inStage: Int(try row.get("stage", as: Int32.self)), failed: try row.get("in_vain"))
        }
        for record in records {
            guard let rollout = running[record.id] else { continue }
            for (before, after) in zip(record.stages, rollout.stages) where before != after {
                counts.append(
                    """
                    UPDATE rollout_stage SET stable_due = \(Int64(after.stableTouches.n)), stable_late = \(Int64(after.stableTouches.failures)),
                        canary_due = \(Int64(after.canaryTouches.n)), canary_late = \(Int64(after.canaryTouches.failures)),
                        stable_n = \(Int64(after.stable.n)), stable_failures = \(Int64(after.stable.failures)),
                        canary_n = \(Int64(after.canary.n)), canary_failures = \(Int64(after.canary.failures))
                    WHERE tenant_id = \(tenant.rawValue) AND rollout_id = \(record.id) AND number = \(Int32(after.number))
                    """)
            }
            if let harm = rollout.harm { harmed.append((record, harm)) }
        }
    }
}
