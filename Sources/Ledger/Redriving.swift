import Foundation
import Jobs
import PostgresClient
import Tenancy

/// Which dead letters are meant; what is nil doesn't matter.
public struct DeadLetterFilter: Sendable, Hashable {
    public var kind: String?
    public var errorClass: ErrorClass?
    /// Set aside at this time or later.
    public var since: Date?
    public var ids: [JobID]?

    public init(kind: String? = nil, errorClass: ErrorClass? = nil, since: Date? = nil, ids: [JobID]? = nil) {
        self.kind = kind
        self.errorClass = errorClass
        self.since = since
        self.ids = ids
    }
}

extension PostgresTransaction {
    /// How many dead letters of a tenant are meant and not yet redriven.
    public func count(_ filter: DeadLetterFilter, of tenant: TenantID) throws -> Int {
        let rows = try query(
            """
            SELECT count(*) AS n FROM dlq d
            WHERE tenant_id = \(tenant.rawValue) AND redriven_at IS NULL AND (\(filter.kind)::text IS NULL OR kind = \(filter.kind))
                AND (\(filter.errorClass?.rawValue)::text IS NULL OR error_class = \(filter.errorClass?.rawValue))
                AND (\(filter.since)::timestamptz IS NULL OR last_at >= \(filter.since))
                AND (\(filter.ids == nil) OR id = ANY(\(filter.ids?.map(\.rawValue) ?? [])))
            """)
        return try rows.first!.get("n")
    }

    /// Writes the wish down to run these dead letters again; `feedRedrives` carries it out.
    public func redrive(_ filter: DeadLetterFilter, of tenant: TenantID, count: Int, perSecond: Int) throws -> Int64 {
        try query(
            """
            INSERT INTO redrive (tenant_id, kind, error_class, since, ids, per_second, total, finished_at)
            VALUES (\(tenant.rawValue), \(filter.kind), \(filter.errorClass?.rawValue), \(filter.since), \(filter.ids?.map(\.rawValue)),
                \(Int32(perSecond)), \(count), \(count == 0 ? Date() : nil))
            RETURNING id
            """
        ).first!.get("id")
    }
}

extension Ledger {
    /// Feeds every open redrive as much as its rate allows since it was fed last.
    ///
    /// Safe to repeat and to race: a redrive is fed by one process at a time, and what it feeds is marked in the same transaction.
    public func feedRedrives() async throws {
        let open = try await postgres.query("SELECT id FROM redrive WHERE finished_at IS NULL ORDER BY id LIMIT 100")
        for row in open {
            let id: Int64 = try row.get("id")
            try await postgres.transaction { try $0.feed(redrive: id) }
        }
    }
}

extension PostgresTransaction {
    /// At most this much at once, so that a pause of all processes isn't made up for in one burst.
    private static let longestPause = 5.0

    fileprivate func feed(redrive id: Int64) throws {
        let rows = try query(
            """
            SELECT kind, error_class, since, ids, last_id, created_at,
                LEAST(per_second * LEAST(extract(epoch FROM clock_timestamp() - fed_at), \(Self.longestPause)), 1000)::bigint AS due
            FROM redrive WHERE id = \(id) AND finished_at IS NULL FOR UPDATE SKIP LOCKED
            """)
        guard let row = rows.first, case let due:Int64 = try row.get("due"), due > 0 else { return }
        let (kind, errorClass, since): (String?, String?, Date?) = (try row.get("kind"), try row.get("error_class"), try row.get("since"))
        let ids: [Int64]? = try row.get("ids")
        let dead = try query(
            """
            SELECT id FROM dlq
            WHERE tenant_id = (SELECT tenant_id FROM redrive WHERE id = \(id)) AND id > \(try row.get("last_id", as: Int64.self)) AND redriven_at IS NULL
                AND last_at <= \(try row.get("created_at", as: Date.self))
                AND (\(kind)::text IS NULL OR kind = \(kind)) AND (\(errorClass)::text IS NULL OR error_class = \(errorClass))
                AND (\(since)::timestamptz IS NULL OR last_at >= \(since)) AND (\(ids == nil) OR id = ANY(\(ids ?? [])))
            ORDER BY id LIMIT \(due) FOR UPDATE
            """
        ).map { try $0.get("id", as: Int64.self) }
        let fed = dead.isEmpty ? 0 : try query(.runAgain(dead, redrive: id)).count
        _ = try query(
            """
            UPDATE redrive SET done = done + \(fed), last_id = \(dead.last ?? 0), fed_at = clock_timestamp(),
                finished_at = CASE WHEN \(dead.count) < \(due) THEN clock_timestamp() END
            WHERE id = \(id)
            """)
    }
}
