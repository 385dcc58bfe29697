import Foundation
import Jobs
import PostgresClient
import Tenancy

/// A claim as the ledger is asked to grant it.
public struct ClaimedJob: Sendable, Hashable {
    public let id: JobID
    public let token: Int64

    public init(id: JobID, token: Int64) {
        self.id = id
        self.token = token
    }
}

/// The ledger's answer to a batch of claims.
public struct Grants: Sendable {
    /// May run now, each under a fence of its own.
    public var attempts: [Attempt] = []
    /// Not due yet: back to the schedule until then.
    public var early: [(id: JobID, priority: Int, runAt: Date)] = []
    /// Ended: nothing to do.
    public var gone: [JobID] = []
    /// Running under another claim, which may end so that the job waits again: the index must not forget it.
    public var elsewhere: [JobID] = []
}

extension Ledger {
    /// Grants claims: the fence grows, the attempt is counted. One transaction for the batch.
    ///
    /// Asking twice for the same claim (its answer was lost) grants it again without counting twice. A claim of a lost epoch is
    /// refused: the shard's lock is taken shared first, so a new epoch, which takes it exclusively, is either wholly before or after.
    public func begin(_ claims: [ClaimedJob], worker: Int64, epoch: Int64) async throws -> Grants {
        let results = try await postgres.pipeline(Self.statements(granting: claims, worker: worker, epoch: epoch))
        guard try results[2].first!.get("epoch", as: Int64.self) == epoch else { throw LedgerError.epochLost }
        var grants = Grants()
        grants.attempts = try results[1].map(Attempt.init)
        if grants.attempts.count < claims.count {
            let granted = Set(grants.attempts.map(\.id))
            try await explain(claims.filter { !granted.contains($0.id) }, into: &grants)
        }
        return grants
    }

    /// What `begin` sends, in this order.
    package static func statements(granting claims: [ClaimedJob], worker: Int64, epoch: Int64) -> [Statement] {
        let ids = claims.map(\.id.rawValue)
        return [
            .lockShardShared,
            // Rows are locked in id order before they are changed: claims, settles and reapers cannot deadlock. Locked rows stay where
            // they are, so they are found again by their place; joining two lists by id was planned as a comparison of every pair. A row
            // that had to be waited for is not found so, and its claim is not granted.
            """
            WITH x AS (
                SELECT l.ctid AS place, c.token FROM job_live l JOIN unnest(\(ids), \(claims.map(\.token))) AS c(id, token) ON l.id = c.id
                ORDER BY l.id FOR UPDATE OF l)
            UPDATE job_live l
            SET state = 'running', claim_token = x.token, worker_id = \(worker), started_at = clock_timestamp(),
                fence = l.fence + CASE WHEN l.state = 'running' THEN 0 ELSE 1 END,
                attempt = l.attempt + CASE WHEN l.state = 'running' THEN 0 ELSE 1 END
            FROM x, job j
            WHERE l.ctid = x.place AND j.id = l.id
                AND (l.state <> 'running' AND l.claim_token < x.token OR l.state = 'running' AND l.claim_token = x.token)
                AND l.run_at <= clock_timestamp()
                AND \(epoch) = (SELECT epoch FROM shard_epoch WHERE shard = 0)
            RETURNING l.id, l.tenant_id, l.kind, j.args, l.attempt, l.max_attempts, l.lost, l.fence, l.claim_token, l.priority, l.enqueued_at, l.started_at,
                l.unique_key IS NOT NULL AS has_unique_key, CASE WHEN strpos(l.flow, '@') > 0 THEN substr(l.flow, strpos(l.flow, '@') + 1) END AS dependency, l.batch_id,
                j.trace_context
            """,
            "SELECT epoch FROM shard_epoch WHERE shard = 0",
        ]
    }

    /// Sorts claims that were not granted: came too early, runs elsewhere, gone.
    private func explain(_ refused: [ClaimedJob], into grants: inout Grants) async throws {
        let rows = try await postgres.query(
            "SELECT id, priority, run_at, state = 'running' AS runs FROM job_live WHERE id = ANY(\(refused.map(\.id.rawValue)))")
        var live: Set<JobID> = []
        for row in rows {
            let id = JobID(try row.get("id"))
            live.insert(id)
            if try row.get("runs", as: Bool.self) {
                grants.elsewhere.append(id)
            } else {
                grants.early.append((id, Int(try row.get("priority", as: Int16.self)), try row.get("run_at")))
            }
        }
        grants.gone = refused.map(\.id).filter { !live.contains($0) }
    }
}

extension Attempt {
    init(_ row: Row) throws {
        self.init(
            id: JobID(try row.get("id")), tenant: TenantID(try row.get("tenant_id")), kind: try row.get("kind"),
            arguments: try row.get("args", as: JSONBytes.self).bytes, number: Int(try row.get("attempt", as: Int32.self)),
            maxAttempts: Int(try row.get("max_attempts", as: Int32.self)), lost: Int(try row.get("lost", as: Int32.self)),
            fence: try row.get("fence"), token: try row.get("claim_token"), priority: Int(try row.get("priority", as: Int16.self)),
            enqueuedAt: try row.get("enqueued_at"), startedAt: try row.get("started_at"),
            hasUniqueKey: try row.get("has_unique_key"), dependency: try row.get("dependency"),
            batch: try row.get("batch_id"), traceContext: try row.get("trace_context"))
    }
}

extension Statement {
    /// Held to the end of the transaction by all who rely on the epoch; a new epoch takes it exclusively.
    static let lockShardShared: Statement = "SELECT pg_advisory_xact_lock_shared(7155, 0)"
    static let lockShard: Statement = "SELECT pg_advisory_xact_lock(7155, 0)"
}
