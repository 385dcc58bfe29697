import Foundation
import PostgresClient
import Tenancy

/// A range of job ids that is stored, and dropped, together.
public struct JobPartition: Sendable, Hashable {
    public let lower: Int64
    public let upper: Int64
}

extension Ledger {
    /// Ids in one partition.
    public static let partitionSize: Int64 = 50_000_000

    /// Makes the partitions that coming ids will need; again, where it lost a deadlock to whoever reads at that moment.
    /// - Returns: how many were made.
    @discardableResult
    public func makePartitions(of size: Int64 = partitionSize) async throws -> Int {
        let patient = BoundedPool(postgres, patience: .seconds(30))
        let results = try await patient.pipeline([.shortLocks, "SELECT make_job_partitions(\(size)) AS made"])
        return Int(try results[1].first!.get("made", as: Int32.self))
    }

    /// Drops partitions that nothing needs: every id in them was given out, every job in them ended longer ago than the longest
    /// retention of any tenant, and none is live or a dead letter.
    public func dropPartitions(now: Date) async throws -> [JobPartition] {
        var dropped: [JobPartition] = []
        for partition in try await fullPartitions() where try await isOver(partition, now: now) {
            if try await drop(partition) { dropped.append(partition) }
        }
        return dropped
    }

    private func fullPartitions() async throws -> [JobPartition] {
        try await postgres.query(
            """
            SELECT lower, upper FROM job_partition
            WHERE dropped_at IS NULL AND upper <= (SELECT last_value FROM job_id) ORDER BY lower LIMIT 10
            """
        ).map { JobPartition(lower: try $0.get("lower"), upper: try $0.get("upper")) }
    }

    /// Looked into without holding anybody up: a job whose history is old comes back to life only by becoming live, which is looked
    /// for again under the lock.
    private func isOver(_ partition: JobPartition, now: Date) async throws -> Bool {
        try await postgres.query(
            """
            SELECT NOT EXISTS (
                SELECT FROM job_history WHERE id >= \(partition.lower) AND id < \(partition.upper)
                    AND finished_at > \(now)::timestamptz - make_interval(days => (SELECT max(retention_days) FROM tenant))) AS is_over
            """, deadline: .seconds(300)
        ).first!.get("is_over")
    }

    private func drop(_ partition: JobPartition) async throws -> Bool {
        try await postgres.transaction { transaction in
            let needed = try transaction.pipeline([
                .shortLocks, "SELECT lock_job_partitions()",
                """
                SELECT EXISTS (SELECT FROM job_live WHERE id >= \(partition.lower) AND id < \(partition.upper))
                    OR EXISTS (SELECT FROM dlq WHERE id >= \(partition.lower) AND id < \(partition.upper) AND redriven_at IS NULL)
                    OR NOT EXISTS (SELECT FROM job_partition WHERE lower = \(partition.lower) AND dropped_at IS NULL) AS needed
                """,
            ])[2].first!.get("needed", as: Bool.self)
            if !needed { _ = try transaction.query("SELECT drop_job_partition(\(partition.lower))") }
            return !needed
        }
    }
}

extension Statement {
    /// Rather than make everybody queue behind us, we come back later.
    fileprivate static let shortLocks: Statement = "SELECT set_config('lock_timeout', '2s', true)"
}

// MARK: A tenant's own retention

extension Ledger {
    /// Blanks arguments, results, errors and attempts of jobs that ended longer ago than their tenant keeps them, and removes such dead
    /// letters. A whole hour of a tenant's past at a time; a tenant far behind is caught up with over several calls.
    /// - Returns: whether there is more to do at once.
    public func blankExpired(now: Date) async throws -> Bool {
        let due = try await postgres.query(
            """
            SELECT t.id, COALESCE(r.blanked_until, t.created_at) AS since
            FROM tenant t LEFT JOIN tenant_retention r ON r.tenant_id = t.id
            WHERE COALESCE(r.blanked_until, t.created_at) <= \(now)::timestamptz - make_interval(days => t.retention_days, hours => 1) LIMIT 200
            """)
        for row in due {
            let since: Date = try row.get("since")
            _ = try await postgres.pipeline(.blanking(TenantID(try row.get("id")), from: since, to: since.addingTimeInterval(3_600)))
        }
        return !due.isEmpty
    }
}

extension [Statement] {
    /// A job that ran again later, or is to, is left for the end of that run. Null for arguments says that they are gone.
    fileprivate static func blanking(_ tenant: TenantID, from start: Date, to end: Date) -> [Statement] {
        [
            "DELETE FROM dlq WHERE tenant_id = \(tenant.rawValue) AND last_at <= \(end)",
            "DELETE FROM batch WHERE tenant_id = \(tenant.rawValue) AND finished_at <= \(end)",
            "DELETE FROM schedule_fire WHERE tenant_id = \(tenant.rawValue) AND fire_at <= \(end)",
            """
            WITH e AS (UPDATE job_history SET error = NULL, result = NULL, attempts = NULL WHERE tenant_id = \(tenant.rawValue) AND finished_at > \(start) AND finished_at <= \(end)
                RETURNING id)
            UPDATE job j SET args = 'null' FROM (SELECT DISTINCT id FROM e) e
            WHERE j.id = e.id AND NOT EXISTS (SELECT FROM job_live l WHERE l.id = j.id)
                AND NOT EXISTS (SELECT FROM job_history h WHERE h.id = j.id AND h.finished_at > \(end))
            """,
            """
            INSERT INTO tenant_retention VALUES (\(tenant.rawValue), \(end))
            ON CONFLICT (tenant_id) DO UPDATE SET blanked_until = GREATEST(tenant_retention.blanked_until, excluded.blanked_until)
            """,
        ]
    }
}
