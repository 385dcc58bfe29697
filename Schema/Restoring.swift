import Foundation
import PostgresClient

/// What is to be done in the database around the copying back of a backup.
///
/// A restored ledger is an earlier moment of another life: numbers were given out since, claims were granted, calls were made. Nothing
/// of that life may be taken for this one's.
public struct Restoring: Sendable {
    private let pool: PostgresPool

    /// - Parameter pool: of the user who will own the schema; without a limit on statements.
    public init(_ pool: PostgresPool) { self.pool = pool }

    /// What the new life begins with.
    public struct Beginning: Sendable {
        public let epoch: Int64
        /// Jobs that ran at the backup's moment and wait again, their attempt not counted.
        public let takenBack: Int
        /// Jobs that had not ended.
        public let live: Int
    }

    /// Every number given out so far and the next one to be given out are this far apart.
    private static let gap: Int64 = 1_000_000
    /// Numbers of jobs are given out by the thousand, used or not: so many more for each second since the backup.
    private static let jobsASecond: Int64 = 2_000
    /// And no more than that, ten partitions: those of an old backup would be made by the hundred, for nothing.
    private static let mostJobs: Int64 = 500_000_000
    /// The index' epoch moves on by this and a little more, since claims carry it in 21 bits.
    private static let epochGap: Int64 = 1_000

    /// Throws when something is there already, somebody is connected, or row security would hide from us what we restored.
    public func check() async throws {
        let row = try await pool.query(
            """
            SELECT (SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S') AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema') AS tables,
                (SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'kiteline'
                    AND pid <> pg_backend_pid()) AS sessions,
                pg_encoding_to_char(encoding) AS encoding, current_user::text AS name,
                (SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user) AS sees_all
            FROM pg_database WHERE datname = current_database()
            """
        ).first!
        guard try row.get("sees_all", as: Bool.self) else { throw BackupError.cannotCount(user: try row.get("name")) }
        let (tables, sessions) = (try row.get("tables", as: Int64.self), try row.get("sessions", as: Int64.self))
        guard tables == 0 else { throw BackupError.notEmpty(tables: Int(tables)) }
        guard sessions == 0 else { throw BackupError.inUse(sessions: Int(sessions)) }
        let encoding: String = try row.get("encoding")
        guard encoding == "UTF8" else { throw BackupError.encoding(encoding) }
    }

    /// A backup holds one database; roles belong to the server. They are made as the first migration makes them; throws when the user may
    /// not take them on, as every process does that is started afterwards.
    public func makeRoles() async throws {
        try await pool.transaction { transaction in
            for role in ["kiteline_engine", "kiteline_app"] {
                try transaction.execute(
                    """
                    DO $$
                    BEGIN
                        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '\(role)') THEN
                            CREATE ROLE \(role) NOLOGIN NOSUPERUSER NOBYPASSRLS;
                        END IF;
                    EXCEPTION WHEN duplicate_object OR unique_violation THEN
                        NULL;
                    END
                    $$
                    """)
            }
        }
        let strange = try await pool.query(
            """
            SELECT rolname::text AS name, current_user::text AS us FROM pg_roles
            WHERE rolname IN ('kiteline_engine', 'kiteline_app') AND NOT \(unescaped: PostgresConfiguration.mayTakeOn)
            ORDER BY rolname
            """)
        guard strange.isEmpty else {
            throw BackupError.rolesNotGranted(
                try strange.map { try $0.get("name", as: String.self) }, user: try strange[0].get("us", as: String.self))
        }
    }

    /// What the tables hold now, for comparison; and the planner is told of it.
    public func rows() async throws -> [String: Int] {
        try await pool.transaction { transaction in
            try transaction.execute("ANALYZE")
            return try transaction.rowCounts()
        }
    }

    /// Places among events are numbers of transactions, and those are the server's: on another they mean nothing. What is kept becomes
    /// the oldest there is, and every webhook goes on where it stood, at worst with a few events a second time.
    private static let renumberingEvents: [Statement] = [
        "SELECT set_config('kiteline.tenants', (SELECT COALESCE(array_agg(id), '{}')::text FROM tenant), true)",
        """
        UPDATE connector c SET seen_tx = 1, seen_id = COALESCE(
            (SELECT min(e.id) - 1 FROM event e WHERE e.tenant_id = c.tenant_id AND (e.tx, e.id) > (c.seen_tx::text::xid8, c.seen_id)),
            (SELECT max(e.id) FROM event e WHERE e.tenant_id = c.tenant_id), 0)
        WHERE c.seen_tx IS NOT NULL
        """,
        "UPDATE event SET tx = '1'",
        """
        UPDATE event_listener l SET since_tx = '1',
            since_id = COALESCE((SELECT min(e.id) - 1 FROM event e WHERE e.tenant_id = l.tenant_id), 0)
        """,
    ]

    /// Who signed out after the backup stays out, and a link that was used then is of no use again.
    private static let signingOut: [Statement] = ["DELETE FROM console_session", "DELETE FROM console_link"]

    /// Parts the restored life from the one that went on after the backup: every sequence leaps, so that no number the outside may have
    /// seen means something else; every live job's fence leaps, so that nobody's outcome of that other life is taken; what ran waits
    /// again; and the index has an epoch that no index can have.
    ///
    /// - Parameters:
    ///   - epoch: the epoch of the index there is; 0: not known.
    ///   - takenAt: of when the backup is.
    ///   - chance: 0 to 999, so that two restores of one backup do not give the same epoch.
    ///   - note: what was restored, for the audit log.
    public func begin(beyond epoch: Int64, since takenAt: Date, chance: Int64, by actor: String, note: String) async throws -> Beginning {
        let jobs = min(Self.mostJobs, Int64(max(0, Date().timeIntervalSince(takenAt))) * Self.jobsASecond)
        return try await pool.transaction { transaction in
            _ = try transaction.query(
                """
                SELECT setval(format('%I.%I', schemaname, sequencename)::regclass, LEAST(COALESCE(last_value, start_value) + \(Self.gap)
                    + CASE sequencename WHEN 'job_id' THEN \(jobs) ELSE 0 END, max_value))
                FROM pg_sequences WHERE schemaname = 'public' AND sequencename <> 'dispatch_epoch'
                """)
            _ = try transaction.query(
                """
                SELECT setval('dispatch_epoch', GREATEST((SELECT last_value FROM dispatch_epoch), (SELECT epoch FROM shard_epoch WHERE shard = 0), \(epoch))
                    + \(Self.epochGap + chance))
                """)
            // Row security would hold an owner that is no superuser back; the engine's role sees the ledger.
            try transaction.execute("SET LOCAL ROLE kiteline_engine")
            let results = try transaction.pipeline(
                [
                    """
                    UPDATE shard_epoch SET epoch = nextval('dispatch_epoch'), redis_run_id = NULL, ready = false, changed_at = clock_timestamp()
                    WHERE shard = 0 RETURNING epoch
                    """,
                    """
                    WITH old AS (SELECT id, state = 'running' AS ran FROM job_live FOR UPDATE),
                        new AS (
                            UPDATE job_live l SET fence = fence + \(Self.gap), state = CASE WHEN ran THEN 'available' ELSE state END,
                                attempt = attempt - CASE WHEN ran THEN 1 ELSE 0 END, worker_id = CASE WHEN ran THEN NULL ELSE worker_id END
                            FROM old WHERE l.id = old.id RETURNING old.ran)
                    SELECT count(*) AS live, count(*) FILTER (WHERE ran) AS taken_back FROM new
                    """,
                    "UPDATE worker SET stopped_at = clock_timestamp() WHERE stopped_at IS NULL",
                    """
                    INSERT INTO audit_log (actor, action, subject, reason) VALUES (\(actor), 'database.restore', 'database', \(note))
                    """,
                ] + Self.renumberingEvents + Self.signingOut)
            let jobs = results[1].first!
            return Beginning(
                epoch: try results[0].first!.get("epoch"), takenBack: Int(try jobs.get("taken_back", as: Int64.self)),
                live: Int(try jobs.get("live", as: Int64.self)))
        }
    }
}
