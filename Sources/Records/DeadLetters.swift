import Foundation
import Jobs
import Ledger
import PostgresClient
import Tenancy

/// A job that failed for good and waits for a person.
public struct DeadLetter: Sendable, Hashable {
    public let id: JobID
    public let kind: String
    public let errorClass: String
    public let error: String
    public let attempts: Int
    public let lost: Int
    public let firstAt: Date
    public let lastAt: Date
}

/// Dead letters on their way to another run.
public struct Redrive: Sendable, Hashable {
    public let id: Int64
    public let total: Int
    /// Given another run so far.
    public let done: Int
    public let perSecond: Int
    public let createdAt: Date
    /// Nil while it is under way.
    public let finishedAt: Date?
}

/// What a redrive would do, or has begun to do.
public struct RedrivePlan: Sendable {
    public let count: Int
    /// The first few it means.
    public let first: [DeadLetter]
    /// Nil of a dry run.
    public let id: Int64?
}

extension Records {
    /// Dead letters that nobody has redriven, the newest job first.
    public func deadLetters(_ filter: DeadLetterFilter, of tenant: TenantID, before cursor: Int64 = .max, limit: Int) async throws -> Page<
        DeadLetter
    > {
        let rows = try await read(tenant, .deadLetters(filter, of: tenant, before: cursor, limit: limit + 1))
        let items = try rows.prefix(limit).map(DeadLetter.init)
        return Page(items: items, next: rows.count > limit ? items.last?.id.rawValue : nil)
    }

    /// Counts the dead letters that are meant, and unless it is a dry run has them run again at this rate.
    public func redrive(
        _ filter: DeadLetterFilter, of tenant: TenantID, perSecond: Int, isDryRun: Bool, by actor: String, reason: String?,
        key: IdempotencyKey?, answer: @Sendable @escaping (RedrivePlan) -> StoredAnswer
    ) async throws -> Once {
        try await write(tenant, on: engine) { transaction in
            try transaction.once(key) {
                let count = try transaction.count(filter, of: tenant)
                let first = try transaction.query(.deadLetters(filter, of: tenant, before: .max, limit: 5)).map(DeadLetter.init)
                guard !isDryRun else { return answer(RedrivePlan(count: count, first: first, id: nil)) }
                let id = try transaction.redrive(filter, of: tenant, count: count, perSecond: perSecond)
                _ = try transaction.query(
                    .audit(
                        tenant, by: actor, "dlq.redrive", String(id),
                        after: .encoding(RedriveNote(filter, count: count, perSecond: perSecond)), reason: reason))
                return answer(RedrivePlan(count: count, first: first, id: id))
            }
        }
    }

    /// How far a redrive is; nil when there is no such of this tenant.
    public func redrive(_ id: Int64, of tenant: TenantID) async throws -> Redrive? {
        try await read(
            tenant,
            """
            SELECT id, total, done, per_second, created_at, finished_at FROM redrive
            WHERE tenant_id = \(tenant.rawValue) AND id = \(id)
            """
        ).first.map(Redrive.init)
    }
}

/// A redrive as the audit log keeps it.
private struct RedriveNote: Encodable {
    let kind: String?
    let errorClass: String?
    let since: Date?
    let ids: Int?
    let count: Int
    let perSecond: Int

    init(_ filter: DeadLetterFilter, count: Int, perSecond: Int) {
        kind = filter.kind
        errorClass = filter.errorClass?.rawValue
        since = filter.since
        ids = filter.ids?.count
        self.count = count
        self.perSecond = perSecond
    }
}

extension Statement {
    fileprivate static func deadLetters(_ filter: DeadLetterFilter, of tenant: TenantID, before cursor: Int64, limit: Int) -> Statement {
        """
        SELECT id, kind, error_class, error, attempts, lost, first_at, last_at FROM dlq
        WHERE tenant_id = \(tenant.rawValue) AND id < \(cursor) AND redriven_at IS NULL AND (\(filter.kind)::text IS NULL OR kind = \(filter.kind))
            AND (\(filter.errorClass?.rawValue)::text IS NULL OR error_class = \(filter.errorClass?.rawValue))
            AND (\(filter.since)::timestamptz IS NULL OR last_at >= \(filter.since))
            AND (\(filter.ids == nil) OR id = ANY(\(filter.ids?.map(\.rawValue) ?? [])))
        ORDER BY id DESC LIMIT \(limit)
        """
    }
}

extension DeadLetter {
    fileprivate init(_ row: Row) throws {
        id = JobID(try row.get("id"))
        kind = try row.get("kind")
        errorClass = try row.get("error_class")
        error = try row.get("error")
        attempts = Int(try row.get("attempts", as: Int32.self))
        lost = Int(try row.get("lost", as: Int32.self))
        firstAt = try row.get("first_at")
        lastAt = try row.get("last_at")
    }
}

extension Redrive {
    init(_ row: Row) throws {
        id = try row.get("id")
        total = try row.get("total")
        done = try row.get("done")
        perSecond = Int(try row.get("per_second", as: Int32.self))
        createdAt = try row.get("created_at")
        finishedAt = try row.get("finished_at")
    }
}
