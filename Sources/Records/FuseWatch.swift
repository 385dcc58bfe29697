import Foundation
import Jobs
import PostgresClient
import Tenancy

/// Assignments of one tenant that fail too often.
struct FailingAssignments: Sendable, Hashable {
    let tenant: TenantID
    let ended: Int
    let failed: Int
    /// The class most failures have.
    let cause: String
    let firstAt: Date

    var words: String { "\(Int((Double(failed) / Double(ended) * 100).rounded())) % of \(ended) assignments failed, most of them \(cause)" }
}

extension Records {
    /// Opens the fuse of every tenant whose assignments fail too often (RULE-07). To be called now and then; it never closes one.
    ///
    /// Only what ended after the fuse was last touched counts, or it would open again at once after somebody closed it; and nothing that a
    /// rollout's candidate decided if that was taken back since: what made it fail is gone. A lead that is judged again and again counts once.
    /// - Returns: whose were opened.
    @discardableResult public func watchAssignments(_ alarm: FailureAlarm = FailureAlarm(), now: Date) async throws -> [TenantID] {
        let failing = try await failingAssignments(alarm, now: now)
        for one in failing {
            let turn = FuseTurn(state: .open, reason: one.words, actor: "kiteline", detectedAt: one.firstAt, cause: one.cause, at: now)
            _ = try await self.turn(turn, of: one.tenant) { _ in StoredAnswer(status: 200, body: []) }
        }
        return failing.map(\.tenant)
    }

    private func failingAssignments(_ alarm: FailureAlarm, now: Date) async throws -> [FailingAssignments] {
        let since = now.addingTimeInterval(-alarm.window)
        return try await engine.pipeline([
            .everyTenant,
            """
            WITH taken_back AS MATERIALIZED (
                SELECT d.tenant_id, d.job_id
                FROM rollout r
                JOIN rollout_case c ON c.tenant_id = r.tenant_id AND c.rollout_id = r.id AND c.arm = 'canary'
                JOIN decision_log d ON d.tenant_id = c.tenant_id AND d.lead_id = c.lead_id AND d.epoch = c.epoch
                    -- A job ends in the transaction that logs its decision.
                    AND d.decided_at > \(since.addingTimeInterval(-60))
                WHERE r.state = 'aborted' AND r.ended_at > \(since) AND c.decided_at > \(since.addingTimeInterval(-60))),
            ended AS (
                SELECT tenant_id, id, run, kind, finished_at, \(unescaped: isFailure) AS failed, COALESCE(error_class, outcome, 'unknown') AS cause
                FROM job_history h
                WHERE finished_at > \(since) AND finished_at <= \(now) AND kind = \(NewJob.assignLeadKind)
                    AND state <> 'cancelled' AND (outcome IS NULL OR outcome NOT IN ('manual_queue_fuse', 'already_assigned'))
                    AND NOT EXISTS (SELECT FROM assignment_fuse f
                        WHERE f.tenant_id = h.tenant_id AND (f.state = 'open' OR f.changed_at >= h.finished_at))
                    AND (h.tenant_id, h.id) NOT IN (SELECT tenant_id, job_id FROM taken_back)),
            \(unescaped: overtakenFailures(alarm)),
            counted AS (SELECT ended.*, o.id IS NULL AS last, o.mended IS TRUE AS mended FROM ended LEFT JOIN overtaken o USING (id, run))
            SELECT tenant_id, count(*) FILTER (WHERE last) AS ended, count(*) FILTER (WHERE failed AND last) AS failed,
                mode() WITHIN GROUP (ORDER BY cause) FILTER (WHERE failed AND last) AS cause, min(finished_at) FILTER (WHERE failed AND NOT mended) AS first_at
            FROM counted
            GROUP BY tenant_id
            HAVING count(*) FILTER (WHERE last) >= \(alarm.jobs)
                AND count(*) FILTER (WHERE failed AND last) >= \(alarm.share) * count(*) FILTER (WHERE last)
            ORDER BY tenant_id
            """,
        ])[1].map { row in
            FailingAssignments(
                tenant: TenantID(try row.get("tenant_id")), ended: try row.get("ended"), failed: try row.get("failed"),
                cause: try row.get("cause"), firstAt: try row.get("first_at"))
        }
    }
}
