import Foundation
import Ledger
import PostgresClient
import Tenancy

/// A place in a tenant's events: after everything up to this transaction and number.
public struct EventCursor: Sendable, Hashable, Comparable, CustomStringConvertible {
    public let transaction: Int64
    public let number: Int64

    public init(transaction: Int64, number: Int64) {
        self.transaction = transaction
        self.number = number
    }

    /// As it stands in an event's id: `734-12`.
    public init?(_ text: String) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2, let transaction = Int64(parts[0]), let number = Int64(parts[1]), transaction >= 0, number >= 0,
            text == "\(transaction)-\(number)"
        else { return nil }
        self.init(transaction: transaction, number: number)
    }

    public var description: String { "\(transaction)-\(number)" }

    public static func < (a: EventCursor, b: EventCursor) -> Bool { (a.transaction, a.number) < (b.transaction, b.number) }
}

/// What kinds of events there are.
public enum EventType: String, Sendable, CaseIterable {
    case jobCompleted = "job.completed"
    case jobHeld = "job.held"
    case jobDiscarded = "job.discarded"
    case jobCancelled = "job.cancelled"
    case jobProgress = "job.progress"
    case leadAssigned = "lead.assigned"
    case leadPooled = "lead.pooled"
    case leadWithMarketing = "lead.with_marketing"
    case leadManualQueue = "lead.manual_queue"
    case leadHeld = "lead.held"
    case alertRaised = "alert.raised"
    case alertResolved = "alert.resolved"
    case controlChanged = "control.changed"
    case breakerChanged = "breaker.changed"

    /// What it is about: the word before the dot.
    public var area: Substring { rawValue.prefix { $0 != "." } }
}

/// Something that happened to a tenant.
public struct Event: Sendable {
    public let cursor: EventCursor
    public let type: String
    public let at: Date
    /// A JSON object.
    public let body: JSONBytes
}

/// Where a tenant's events can be read.
public struct EventBounds: Sendable {
    /// Everything after this is kept.
    public let first: EventCursor
    /// What happens from now on comes after this.
    public let now: EventCursor
}

extension Records {
    /// Has a tenant's events written from now on, and tells where they can be read.
    public func listen(to tenant: TenantID) async throws -> EventBounds {
        try await ledger.listen(to: [tenant])
        let row = try await read(
            tenant,
            """
            SELECT since_tx::text::bigint AS tx, since_id AS id, pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS now
            FROM event_listener WHERE tenant_id = \(tenant.rawValue)
            """
        ).first
        guard let row else { throw LedgerError.unavailable }
        return EventBounds(
            first: EventCursor(transaction: try row.get("tx"), number: try row.get("id")),
            now: EventCursor(transaction: try row.get("now"), number: 0))
    }

    /// A tenant's events after a place, in the order of their ids. Those of transactions that ended while an older one is still open
    /// come once that has ended too, so that none ever appears behind the last one read.
    public func events(of tenant: TenantID, after cursor: EventCursor, limit: Int) async throws -> [Event] {
        try await read(
            tenant,
            """
            SELECT tx::text::bigint AS tx, id, type, at, body FROM event
            WHERE tenant_id = \(tenant.rawValue) AND (tx, id) > (\(String(cursor.transaction))::text::xid8, \(cursor.number))
                AND tx < pg_snapshot_xmin(pg_current_snapshot())
            ORDER BY tx, id LIMIT \(limit)
            """
        ).map { row in
            Event(
                cursor: EventCursor(transaction: try row.get("tx"), number: try row.get("id")), type: try row.get("type"),
                at: try row.get("at"), body: try row.get("body"))
        }
    }

    /// The last event of each of these tenants that can be read.
    public func lastEvents(of tenants: [TenantID]) async throws -> [TenantID: EventCursor] {
        let rows = try await app.pipeline([
            .tenants(tenants),
            """
            SELECT t.id AS tenant, e.tx::text::bigint AS tx, e.id
            FROM unnest(\(tenants.map(\.rawValue))) AS t(id), LATERAL (
                SELECT tx, id FROM event e WHERE e.tenant_id = t.id AND e.tx < pg_snapshot_xmin(pg_current_snapshot())
                ORDER BY tx DESC, id DESC LIMIT 1) e
            """,
        ])[1]
        return try rows.reduce(into: [:]) {
            $0[TenantID(try $1.get("tenant"))] = EventCursor(transaction: try $1.get("tx"), number: try $1.get("id"))
        }
    }

    /// Keeps these tenants' events being written.
    public func keepListening(to tenants: [TenantID]) async throws { try await ledger.listen(to: tenants) }
}
