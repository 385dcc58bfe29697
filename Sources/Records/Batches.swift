import Foundation
import Jobs
import Ledger
import PostgresClient
import Tenancy

/// How far a batch is.
public struct BatchView: Sendable, Hashable {
    /// Also the id its completion job has, once there is one.
    public let id: JobID
    public let total: Int
    public let completed: Int
    public let discarded: Int
    public let cancelled: Int
    public let createdAt: Date
    /// When its last member ended and the completion job was enqueued.
    public let finishedAt: Date?
}

extension Records {
    /// Enqueues jobs, all or none, and a job that follows when the last of them has ended, however it ended.
    public func enqueue(
        _ jobs: [NewJob], completion: NewJob, of tenant: TenantID, key: IdempotencyKey?, now: Date,
        answer: @Sendable @escaping (_ batch: JobID, _ members: [JobID]) -> StoredAnswer
    ) async throws -> Once {
        let ids = try await ledger.reserve(jobs.count + 1)
        let (batch, members) = (ids[0], Array(ids.dropFirst()))
        var (statements, enqueued) = ledger.statements(enqueueing: jobs, as: members, at: now)
        // The outbox row's statement stays the last.
        statements.insert(contentsOf: ledger.statements(batch: batch, of: members, completion: completion), at: statements.count - 1)
        let (once, outbox) = try await write(tenant, on: engine) { [statements] transaction in
            var outbox: Int64?
            let once = try transaction.once(key) {
                outbox = try transaction.pipeline(statements).last!.first!.get("id")
                return answer(batch, members)
            }
            return (once, outbox)
        }
        if let outbox { ledger.announce(enqueued(outbox)) }
        return once
    }

    public func batch(_ id: JobID, of tenant: TenantID) async throws -> BatchView? {
        try await read(
            tenant,
            """
            SELECT id, total, completed, discarded, cancelled, created_at, finished_at FROM batch
            WHERE tenant_id = \(tenant.rawValue) AND id = \(id.rawValue)
            """
        ).first.map { row in
            func count(_ name: String) throws -> Int { Int(try row.get(name, as: Int32.self)) }
            return BatchView(
                id: JobID(try row.get("id")), total: try count("total"), completed: try count("completed"),
                discarded: try count("discarded"),
                cancelled: try count("cancelled"), createdAt: try row.get("created_at"), finishedAt: try row.get("finished_at"))
        }
    }
}
