import Foundation
import Jobs
import PostgresClient
import Tenancy

/// What the ledger knows of a claim whose process is gone.
public enum Rescue: Sendable, Equatable {
    /// Waits (again): to be pushed.
    case waiting(priority: Int, runAt: Date)
    /// Ended: to be dropped.
    case gone
    /// Killed its worker too often: ended as poison, to be dropped.
    case poison
    /// Runs under another claim.
    case elsewhere
}

extension Ledger {
    /// Losses after which a job is set aside as poison.
    public static let lossLimit = 3

    /// Notes that granted jobs wait for their turn to run alone: until `noteRunning`, the death of their process is not their fault.
    public func noteWaiting(_ attempts: [Attempt]) async throws {
        _ = try await postgres.query(
            """
            WITH c AS (SELECT * FROM unnest(\(attempts.map(\.id.rawValue)), \(attempts.map(\.fence))) AS c(id, fence)),
                x AS (SELECT l.id FROM job_live l JOIN c ON l.id = c.id WHERE l.fence = c.fence AND l.state = 'running' ORDER BY l.id FOR UPDATE OF l)
            UPDATE job_live l SET started_at = NULL FROM x WHERE l.id = x.id
            """)
    }

    /// Notes that a job that waited begins to run.
    /// - Returns: false when it is no longer ours.
    public func noteRunning(_ attempt: Attempt) async throws -> Bool {
        let rows = try await postgres.query(
            """
            UPDATE job_live SET started_at = clock_timestamp()
            WHERE id = \(attempt.id.rawValue) AND fence = \(attempt.fence) AND state = 'running' RETURNING id
            """)
        return !rows.isEmpty
    }

    /// Takes jobs back from claims whose process is gone: the fence grows, so a late writer is refused; the attempt is not charged.
    /// One that was granted but known to wait has lost nothing.
    ///
    /// - Parameter claims: with the token they were claimed under; a row that has moved on is left alone.
    public func rescue(_ claims: [ClaimedJob]) async throws -> [JobID: Rescue] {
        let ids = claims.map(\.id.rawValue)
        let tokens = claims.map(\.token)
        return try await postgres.transaction { [self] transaction in
            let rescued = try transaction.query(
                """
                WITH c AS (SELECT * FROM unnest(\(ids), \(tokens)) AS c(id, token)),
                    x AS (SELECT l.id FROM job_live l JOIN c ON l.id = c.id WHERE l.state = 'running' AND l.claim_token = c.token ORDER BY l.id FOR UPDATE OF l)
                UPDATE job_live l SET state = 'available', fence = fence + 1, lost = lost + CASE WHEN started_at IS NULL AND lost >= \(Int32(Ledger.lossLimit - 1)) THEN 0 ELSE 1 END, attempt = attempt - 1, worker_id = NULL, run_at = LEAST(run_at, clock_timestamp()),
                    attempts = CASE WHEN started_at IS NULL THEN attempts ELSE note_attempt(attempts, attempt, 'lost', started_at, NULL, NULL, worker_id, NULL) END
                FROM x WHERE l.id = x.id
                RETURNING l.id, l.lost
                """)
            let poison = try rescued.filter { try $0.get("lost", as: Int32.self) >= Ledger.lossLimit }.map {
                try $0.get("id", as: Int64.self)
            }
            if !poison.isEmpty {
                try discard(poison, Failure(.poison, "its worker died \(Ledger.lossLimit) times while running it"), in: transaction)
            }
            let rows = try transaction.query("SELECT id, state::text, priority, run_at, claim_token FROM job_live WHERE id = ANY(\(ids))")
            var found: [JobID: Rescue] = Dictionary(uniqueKeysWithValues: claims.map { ($0.id, .gone) })
            for id in poison { found[JobID(id)] = .poison }
            for row in rows {
                let waits = try row.get("state", as: String.self) != "running"
                found[JobID(try row.get("id"))] =
                    waits ? .waiting(priority: Int(try row.get("priority", as: Int16.self)), runAt: try row.get("run_at")) : .elsewhere
            }
            return found
        }
    }

    /// Ends locked jobs as dead letters, and tells those concerned.
    func discard(_ ids: [Int64], _ failure: Failure, in transaction: PostgresTransaction) throws {
        let errorClass = failure.errorClass.rawValue
        _ = try transaction.pipeline([
            """
            WITH d AS (DELETE FROM job_live WHERE id = ANY(\(ids)) RETURNING *),
                e AS (INSERT INTO event (tenant_id, type, body)
                    SELECT tenant_id, 'job.discarded',
                        jsonb_build_object('job_id', id::text, 'kind', kind, 'outcome', NULL, 'error_class', \(errorClass)::text, 'attempt', attempt, 'run', run)
                    FROM d WHERE \(unescaped: isListenedTo) ORDER BY id),
                h AS (INSERT INTO job_history (id, run, tenant_id, kind, state, error_class, error, attempt, lost, fence, enqueued_at, started_at, finished_at,
                        flow, priority, max_attempts, unique_key, batch_id, attempts)
                    SELECT id, run, tenant_id, kind, 'discarded', \(errorClass), \(failure.message), attempt, lost, fence, enqueued_at, started_at, clock_timestamp(),
                        flow, priority, max_attempts, unique_key, batch_id, attempts FROM d)
            INSERT INTO dlq (id, tenant_id, kind, error_class, error, attempts, lost, first_at, last_at)
            SELECT id, tenant_id, kind, \(errorClass), \(failure.message), attempt, lost, COALESCE(started_at, enqueued_at), clock_timestamp() FROM d
            ON CONFLICT (id) DO UPDATE SET error_class = excluded.error_class, error = excluded.error, attempts = excluded.attempts, lost = excluded.lost, last_at = excluded.last_at,
                redriven_at = NULL, redrive_id = NULL
            """,
            .releaseUniqueKeys(of: ids),
        ])
        try tellDiscarded(ids, failure, in: transaction)
    }

    /// Tells those concerned, and their batches, that jobs will not be done.
    func tellDiscarded(_ ids: [Int64], _ failure: Failure, in transaction: PostgresTransaction) throws {
        let rows = try transaction.query(
            """
            SELECT id, tenant_id, kind, args, (SELECT batch_id FROM job_history h WHERE h.id = job.id ORDER BY run DESC LIMIT 1) AS batch_id
            FROM job WHERE id = ANY(\(ids)) ORDER BY id
            """)
        let batches = try rows.compactMap { try $0.get("batch_id", as: Int64?.self) }
        if !batches.isEmpty {
            let end: JobEnd = failure.errorClass == .cancelled ? .cancelled : .discarded
            _ = try transaction.query(.count(batches.map { ($0, end) }))
        }
        let discarded = try rows.map { row in
            DiscardedJob(
                id: JobID(try row.get("id")), tenant: TenantID(try row.get("tenant_id")), kind: try row.get("kind"),
                arguments: try row.get("args", as: JSONBytes.self).bytes, failure: failure)
        }
        let consequences = try effects.statements(for: discarded)
        guard !consequences.isEmpty else { return }
        _ = try transaction.pipeline([.tenants(Set(discarded.map(\.tenant)))] + consequences)
    }

    /// Gives unfinished jobs back as if they had not begun: the attempt is not counted, nobody is blamed.
    /// - Returns: those that were still ours, and when they could first run: their place in line.
    public func giveBack(_ attempts: [Attempt]) async throws -> [JobID: Date] {
        let rows = try await postgres.query(
            """
            WITH c AS (SELECT * FROM unnest(\(attempts.map(\.id.rawValue)), \(attempts.map(\.fence))) AS c(id, fence)),
                x AS (SELECT l.id FROM job_live l JOIN c ON l.id = c.id WHERE l.fence = c.fence AND l.state = 'running' ORDER BY l.id FOR UPDATE OF l)
            UPDATE job_live l SET state = 'available', fence = fence + 1, attempt = attempt - 1, worker_id = NULL,
                attempts = CASE WHEN started_at IS NULL THEN attempts ELSE note_attempt(attempts, attempt, 'put_back', started_at, NULL, NULL, worker_id, NULL) END
            FROM x WHERE l.id = x.id
            RETURNING l.id, l.run_at
            """)
        return try rows.reduce(into: [:]) { $0[JobID(try $1.get("id"))] = try $1.get("run_at") }
    }
}

// MARK: Workers

/// A worker process as the ledger sees it.
public struct WorkerBeat: Sendable, Hashable {
    public let worker: Int64
    public let beat: Int64
}

extension Ledger {
    /// Signs a worker process in.
    public func register(host: String, pid: Int32) async throws -> Int64 {
        try await postgres.query("INSERT INTO worker (host, pid) VALUES (\(host), \(pid)) RETURNING id").first!.get("id")
    }

    /// - Parameter counts: what the process has done since it started.
    /// - Returns: whether somebody has asked it to drain.
    @discardableResult
    public func beat(_ worker: Int64, counts: [String: Double] = [:]) async throws -> Bool {
        let rows = try await postgres.query(
            """
            UPDATE worker SET beat = beat + 1, beat_at = clock_timestamp(), counts = jsonb_object(\(Array(counts.keys)), \(counts.values.map { "\($0)" }))
            WHERE id = \(worker)
            RETURNING drain_asked_at IS NOT NULL AS is_asked
            """)
        return try rows.first?.get("is_asked") ?? false
    }

    /// What each living worker process has told of itself, 1,000 at most.
    public func workerCounts() async throws -> [Int64: [String: Double]] {
        let rows = try await postgres.query(
            """
            SELECT w.id, c.key, c.value::float8 AS value
            FROM (
                SELECT id, counts FROM worker WHERE stopped_at IS NULL AND beat_at > clock_timestamp() - interval '1 minute' ORDER BY id LIMIT 1000
            ) w, jsonb_each_text(w.counts) c
            """)
        return try rows.reduce(into: [:]) { $0[try $1.get("id"), default: [:]][try $1.get("key")] = try $1.get("value", as: Double.self) }
    }

    public func signOff(_ worker: Int64) async throws {
        _ = try await postgres.query("UPDATE worker SET stopped_at = clock_timestamp() WHERE id = \(worker)")
    }

    /// The beats of workers that have neither signed off nor beaten for `silence`.
    public func silentWorkers(for silence: Duration) async throws -> [WorkerBeat] {
        let rows = try await postgres.query(
            "SELECT id, beat FROM worker WHERE stopped_at IS NULL AND beat_at < clock_timestamp() - make_interval(secs => \(silence.seconds))"
        )
        return try rows.map { WorkerBeat(worker: try $0.get("id"), beat: try $0.get("beat")) }
    }

    /// Running jobs of workers that have not beaten since, a thousand at most.
    public func orphans(of silent: [WorkerBeat]) async throws -> [OrphanedJob] {
        let rows = try await postgres.query(
            """
            SELECT l.id, l.tenant_id, l.flow, l.claim_token
            FROM job_live l JOIN worker w ON w.id = l.worker_id JOIN unnest(\(silent.map(\.worker)), \(silent.map(\.beat))) AS s(worker, beat) ON s.worker = w.id AND s.beat = w.beat
            WHERE l.state = 'running'
            LIMIT 1000
            """)
        return try rows.map {
            OrphanedJob(
                id: JobID(try $0.get("id")), tenant: TenantID(try $0.get("tenant_id")), flow: try $0.get("flow"),
                token: try $0.get("claim_token"))
        }
    }

    /// Workers whose running jobs were all taken back need not be looked at again.
    public func bury(_ silent: [WorkerBeat]) async throws {
        _ = try await postgres.query(
            """
            UPDATE worker w SET stopped_at = clock_timestamp() FROM unnest(\(silent.map(\.worker)), \(silent.map(\.beat))) AS s(worker, beat)
            WHERE s.worker = w.id AND s.beat = w.beat
            """)
    }
}

/// A running job whose worker is silent.
public struct OrphanedJob: Sendable, Hashable {
    public let id: JobID
    public let tenant: TenantID
    public let flow: String
    public let token: Int64
}

extension Duration {
    var seconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}
