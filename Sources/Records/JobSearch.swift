import Foundation
import Jobs
import PostgresClient
import SalesModel
import Tenancy

/// What jobs are looked for by; what is nil doesn't matter.
public struct JobSearch: Sendable, Hashable {
    public var state: JobState?
    public var kind: String?
    /// Held by a job that has not ended, or carried by one that failed or was cancelled; of what completed it is not kept.
    public var uniqueKey: String?
    /// The lead a job decided, or is to decide.
    public var lead: LeadID?
    /// How its last attempt failed.
    public var errorClass: ErrorClass?
    /// Enqueued at this time or later, and before that.
    public var since: Date?
    public var until: Date?

    public init() {}
}

extension Records {
    /// Those among which a search's jobs are, where an index names them; nil: any may be, so the last are looked through.
    ///
    /// - Parameter most: the newest so many below the cursor.
    func ids(namedBy search: JobSearch, of tenant: TenantID, before cursor: Int64, most: Int64) async throws -> [Int64]? {
        var lists: [Statement] = []
        if let key = search.uniqueKey { lists.append(.jobs(withKey: key, tenant, before: cursor, most: most)) }
        if let lead = search.lead { lists.append(.jobs(of: lead, tenant, before: cursor, most: most)) }
        // A job that waits for its next attempt has a class too, and is in no index.
        if let errorClass = search.errorClass, search.state?.isTerminal == true {
            lists.append(.jobs(failedAs: errorClass, tenant, before: cursor, most: most))
        }
        guard !lists.isEmpty else { return nil }
        let found = try await app.pipeline([.tenants([tenant])] + lists).dropFirst().map { rows in
            Set(try rows.map { try $0.get("id", as: Int64.self) })
        }
        return found.dropFirst().reduce(found.first ?? []) { $0.intersection($1) }.sorted(by: >)
    }
}

extension Statement {
    /// The kinds that hold keys are found one after the other in the index, so no kind has to be named.
    fileprivate static func jobs(withKey key: String, _ tenant: TenantID, before cursor: Int64, most: Int64) -> Statement {
        """
        WITH RECURSIVE k AS (
            (SELECT kind FROM job_unique WHERE tenant_id = \(tenant.rawValue) ORDER BY kind LIMIT 1)
            UNION ALL
            SELECT (SELECT u.kind FROM job_unique u WHERE u.tenant_id = \(tenant.rawValue) AND u.kind > k.kind ORDER BY u.kind LIMIT 1)
            FROM k WHERE k.kind IS NOT NULL)
        SELECT u.job_id AS id FROM k JOIN job_unique u ON u.tenant_id = \(tenant.rawValue) AND u.kind = k.kind AND u.key = \(key)
        WHERE u.job_id < \(cursor)
        UNION
        SELECT id FROM job_history WHERE tenant_id = \(tenant.rawValue) AND unique_key = \(key) AND id < \(cursor)
        ORDER BY id DESC LIMIT \(most)
        """
    }

    fileprivate static func jobs(of lead: LeadID, _ tenant: TenantID, before cursor: Int64, most: Int64) -> Statement {
        """
        SELECT job_id AS id FROM decision_log WHERE tenant_id = \(tenant.rawValue) AND lead_id = \(lead.rawValue) AND job_id < \(cursor)
        UNION
        SELECT job_id FROM lead WHERE tenant_id = \(tenant.rawValue) AND id = \(lead.rawValue) AND job_id < \(cursor)
        ORDER BY id DESC LIMIT \(most)
        """
    }

    fileprivate static func jobs(failedAs errorClass: ErrorClass, _ tenant: TenantID, before cursor: Int64, most: Int64) -> Statement {
        """
        SELECT DISTINCT id FROM job_history
        WHERE tenant_id = \(tenant.rawValue) AND error_class = \(errorClass.rawValue) AND id < \(cursor)
        ORDER BY id DESC LIMIT \(most)
        """
    }
}
