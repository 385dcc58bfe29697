import Foundation
import PostgresClient
import Tenancy

/// Dead letters that failed alike.
public struct DeadLetterGroup: Sendable, Hashable {
    public let kind: String
    public let errorClass: String
    public let count: Int
    public let newestAt: Date
}

extension Records {
    /// Dead letters nobody has redriven, by kind and error class, the largest group first; 100 groups at most.
    public func deadLetterGroups(of tenant: TenantID) async throws -> [DeadLetterGroup] {
        try await read(
            tenant,
            """
            SELECT kind, error_class, count(*) AS letters, max(last_at) AS newest_at
            FROM dlq
            WHERE tenant_id = \(tenant.rawValue) AND redriven_at IS NULL
            GROUP BY 1, 2
            ORDER BY 3 DESC, 1, 2
            LIMIT 100
            """
        ).map { row in
            DeadLetterGroup(
                kind: try row.get("kind"), errorClass: try row.get("error_class"), count: try row.get("letters"),
                newestAt: try row.get("newest_at"))
        }
    }

    /// Redrives under way, the newest first; 20 at most.
    public func openRedrives(of tenant: TenantID) async throws -> [Redrive] {
        try await read(
            tenant,
            """
            SELECT id, total, done, per_second, created_at, finished_at FROM redrive
            WHERE tenant_id = \(tenant.rawValue) AND finished_at IS NULL
            ORDER BY id DESC LIMIT 20
            """
        ).map(Redrive.init)
    }
}
