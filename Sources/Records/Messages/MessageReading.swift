import Foundation
import Jobs
import PostgresClient
import SalesModel
import Tenancy

/// How far a message to the outside is.
public enum MessageState: String, Sendable, Hashable, CaseIterable {
    /// For a line, or its allowance.
    case waiting
    case sending
    /// Taken by the other side.
    case sent
    /// Given up; its notification can still be read inside Kiteline.
    case failed
}

/// What somebody was to be told on a channel, and what came of it.
public struct MessageRecord: Sendable, Hashable {
    /// One request it was part of.
    public struct Try: Sendable, Hashable {
        public let delivery: Int64
        public let connector: String
        public let job: JobID
        public let at: Date
        public let endedAt: Date?
        /// Nil: it was taken, or has no answer yet.
        public let failureClass: String?
        public let code: String?
        public let error: String?
    }

    public let id: Int64
    public let notification: Int64
    public let recipient: String
    public let channel: String
    public let urgency: Urgency
    public let state: MessageState
    /// By which it was taken.
    public let connector: String?
    public let reason: String?
    public let at: Date
    public let endedAt: Date?
    /// The last ten, the newest first.
    public let tries: [Try]
}

extension Records {
    /// Messages to the outside, the newest first.
    public func messages(
        of tenant: TenantID, state: MessageState? = nil, notification: Int64? = nil, before cursor: Int64 = .max, limit: Int = 100
    ) async throws -> Page<MessageRecord> {
        let rows = try await read(
            tenant,
            """
            SELECT m.*, t.tries FROM (
                    SELECT id, notification_id, recipient, channel, urgency, state, connector, reason, at, ended_at FROM message
                    WHERE tenant_id = \(tenant.rawValue) AND id < \(cursor) AND (\(state?.rawValue)::text IS NULL OR state = \(state?.rawValue)::text)
                        AND (\(notification)::bigint IS NULL OR notification_id = \(notification)::bigint)
                    ORDER BY id DESC LIMIT \(limit + 1)) m
                CROSS JOIN LATERAL (SELECT jsonb_agg(x) AS tries FROM (
                    SELECT t.delivery_id AS delivery, t.connector, t.job_id AS job, extract(epoch FROM t.planned_at)::float8 AS at,
                        extract(epoch FROM t.ended_at)::float8 AS "end", t.failure_class AS failure, t.code, t.error
                    FROM delivery d JOIN delivery_try t ON t.delivery_id = d.id
                    WHERE d.tenant_id = \(tenant.rawValue) AND d.messages @> ARRAY[m.id]
                    ORDER BY t.planned_at DESC, t.delivery_id DESC, t.number DESC LIMIT 10) x) t
            ORDER BY m.id DESC
            """)
        let items = try rows.prefix(limit).map(MessageRecord.init)
        return Page(items: items, next: rows.count > limit ? items.last?.id : nil)
    }
}

extension Records {
    /// Removes what ended long ago, some thousands at a time.
    public func sweepMessages(olderThan age: TimeInterval = 30 * 86_400, now: Date) async throws {
        let before = now.addingTimeInterval(-age)
        for table in ["message", "delivery"] {
            _ = try await engine.query(
                """
                DELETE FROM \(unescaped: table) WHERE id IN (SELECT id FROM \(unescaped: table) WHERE ended_at < \(before) ORDER BY ended_at LIMIT 5000)
                """)
        }
    }
}

extension MessageRecord {
    fileprivate init(_ row: Row) throws {
        id = try row.get("id")
        notification = try row.get("notification_id")
        recipient = try row.get("recipient")
        channel = try row.get("channel")
        urgency = Urgency(rawValue: try row.get("urgency")) ?? .normal
        state = MessageState(rawValue: try row.get("state")) ?? .failed
        connector = try row.get("connector")
        reason = try row.get("reason")
        at = try row.get("at")
        endedAt = try row.get("ended_at")
        let kept = try row.get("tries", as: JSONBytes?.self)
        tries = try kept.map { try JSONDecoder().decode([Kept].self, from: Data($0.bytes)).map(\.try) } ?? []
    }

    private struct Kept: Decodable {
        let delivery: Int64
        let connector: String
        let job: Int64
        let at: Double
        let end: Double?
        let failure: String?
        let code: String?
        let error: String?

        var `try`: Try {
            Try(
                delivery: delivery, connector: connector, job: JobID(job), at: Date(timeIntervalSince1970: at),
                endedAt: end.map(Date.init(timeIntervalSince1970:)), failureClass: failure, code: code, error: error)
        }
    }
}
