import Foundation
import Jobs
import PostgresClient
import Tenancy

/// A waiting job as the index needs it.
public struct WaitingJob: Sendable, Hashable {
    public let id: JobID
    public let tenant: TenantID
    public let flow: String
    public let priority: Int
    public let enqueuedAt: Date
    public let runAt: Date

    init(_ row: Row) throws {
        id = JobID(try row.get("id"))
        tenant = TenantID(try row.get("tenant_id"))
        flow = try row.get("flow")
        priority = Int(try row.get("priority", as: Int16.self))
        enqueuedAt = try row.get("enqueued_at")
        runAt = try row.get("run_at")
    }
}

extension Ledger {
    /// Outbox rows are pushed; they are owed no longer. Under a lost epoch nothing is deleted: the pushes went nowhere.
    public func confirm(outbox: [Int64], epoch: Int64) async throws {
        _ = try await postgres.pipeline([.lockShardShared, .delete(outbox: outbox, epoch: epoch)])
    }

    /// Outbox rows older than `age` whose push nobody confirmed, and their jobs that still wait.
    public func owed(olderThan age: Duration, limit: Int = 100) async throws -> (outbox: [Int64], jobs: [WaitingJob]) {
        let rows = try await postgres.query(
            "SELECT id, ids FROM outbox WHERE created_at < clock_timestamp() - make_interval(secs => \(age.seconds)) ORDER BY id LIMIT \(Int64(limit))"
        )
        let ids = try rows.flatMap { try $0.get("ids", as: [Int64].self) }
        return (try rows.map { try $0.get("id") }, ids.isEmpty ? [] : try await waiting(ids))
    }

    func waiting(_ ids: [Int64]) async throws -> [WaitingJob] {
        let rows = try await postgres.query(
            "SELECT id, tenant_id, flow, priority, enqueued_at, run_at FROM job_live WHERE id = ANY(\(ids)) AND state <> 'running'")
        return try rows.map(WaitingJob.init)
    }

    /// Scheduled jobs that have come within the horizon; delete them by `confirm(scheduled:)` once pushed.
    public func nearing(limit: Int = 5_000) async throws -> (scheduled: [Int64], jobs: [WaitingJob]) {
        let rows = try await postgres.query(
            "SELECT id FROM job_sched WHERE run_at < clock_timestamp() + make_interval(secs => \(horizon)) ORDER BY run_at LIMIT \(Int64(limit))"
        )
        let ids = try rows.map { try $0.get("id", as: Int64.self) }
        return (ids, ids.isEmpty ? [] : try await waiting(ids))
    }

    public func confirm(scheduled: [Int64], epoch: Int64) async throws {
        _ = try await postgres.pipeline([.lockShardShared, .delete(scheduled: scheduled, within: horizon, epoch: epoch)])
    }
}

extension Statement {
    static func delete(outbox: [Int64], epoch: Int64) -> Statement {
        "DELETE FROM outbox WHERE id = ANY(\(outbox)) AND \(epoch) = (SELECT epoch FROM shard_epoch WHERE shard = 0)"
    }

    static func delete(scheduled: [Int64], within horizon: TimeInterval, epoch: Int64) -> Statement {
        """
        DELETE FROM job_sched WHERE run_at < clock_timestamp() + make_interval(secs => \(horizon)) AND id = ANY(\(scheduled))
            AND \(epoch) = (SELECT epoch FROM shard_epoch WHERE shard = 0)
        """
    }
}

// MARK: Epochs and rebuild

/// Which life of the index counts, as the ledger has it.
public struct ShardEpoch: Sendable, Equatable {
    public let epoch: Int64
    /// The Redis process it lives in.
    public let server: String?
    /// Whether its rebuild is complete.
    public let isReady: Bool
    /// How long its rebuild took; nil until it is complete, or when that was before anybody measured.
    public let rebuild: Duration?
}

/// A job that has not ended, as a rebuild reads it.
public struct LiveJob: Sendable {
    public let waiting: WaitingJob
    /// Set while it runs.
    public let token: Int64?
}

extension Ledger {
    public func epoch() async throws -> ShardEpoch {
        let row = try await postgres.query("SELECT epoch, redis_run_id, ready, rebuild_seconds FROM shard_epoch WHERE shard = 0").first!
        return ShardEpoch(
            epoch: try row.get("epoch"), server: try row.get("redis_run_id"), isReady: try row.get("ready"),
            rebuild: try row.get("rebuild_seconds", as: Double?.self).map { .seconds($0) })
    }

    /// How long the oldest push has been owed; zero where none is.
    public func outboxAge() async throws -> Duration {
        let row = try await postgres.query(
            "SELECT COALESCE(extract(epoch FROM clock_timestamp() - min(created_at)), 0)::float8 AS age FROM outbox"
        ).first!
        return .seconds(max(0, try row.get("age", as: Double.self)))
    }

    /// Begins a new epoch: from here on no claim and no confirmation of an older one succeeds.
    /// - Parameter old: the epoch that was found lost; if it is no longer the current one, somebody else was faster: nil.
    public func beginEpoch(after old: Int64, server: String) async throws -> Int64? {
        let results = try await postgres.pipeline([
            .lockShard,
            """
            UPDATE shard_epoch SET epoch = nextval('dispatch_epoch'), redis_run_id = \(server), ready = false, changed_at = clock_timestamp()
            WHERE shard = 0 AND epoch = \(old)
            RETURNING epoch
            """,
        ])
        return try results[1].first?.get("epoch")
    }

    /// - Parameter deferral: what was deferred up to this one was offered to the new index, and deferred again if need be.
    public func finishEpoch(_ epoch: Int64, replacingUpTo deferral: Int64 = 0) async throws {
        _ = try await postgres.pipeline([
            .lockShardShared,
            "DELETE FROM deferred WHERE id <= \(deferral) AND \(epoch) = (SELECT epoch FROM shard_epoch WHERE shard = 0)",
            """
            UPDATE shard_epoch SET ready = true, changed_at = clock_timestamp(),
                rebuild_seconds = CASE WHEN ready THEN rebuild_seconds ELSE extract(epoch FROM clock_timestamp() - changed_at) END
            WHERE shard = 0 AND epoch = \(epoch)
            """,
        ])
    }

    /// Unfinished jobs by id, a page at a time. Those beyond the horizon are left to the promoter.
    public func live(after id: JobID, limit: Int = 10_000) async throws -> (last: JobID?, jobs: [LiveJob]) {
        let rows = try await postgres.query(
            """
            SELECT id, tenant_id, flow, priority, enqueued_at, run_at, CASE WHEN state = 'running' THEN claim_token END AS token
            FROM job_live WHERE id > \(id.rawValue) ORDER BY id LIMIT \(Int64(limit))
            """)
        let jobs = try rows.map { LiveJob(waiting: try WaitingJob($0), token: try $0.get("token")) }
        let edge = Date().addingTimeInterval(horizon)
        return (jobs.last?.waiting.id, jobs.filter { $0.token != nil || $0.waiting.runAt <= edge })
    }
}
