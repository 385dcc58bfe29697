import Foundation
import Jobs
import PostgresClient
import Tenancy

/// Whether the tenant of a row `d` has its events written. Nearly always nobody has: then a statement that asks this looks into an
/// empty table once, and at none of its rows.
public let isListenedTo = "EXISTS (SELECT FROM event_listener) AND d.tenant_id IN (SELECT tenant_id FROM event_listener)"

/// How long and how many events are kept.
public struct EventRetention: Sendable {
    /// Events are written, and kept, for this long after the last listener left.
    public var age = Duration.seconds(3_600)
    /// Of one tenant.
    public var count: Int64 = 100_000

    public init() {}
}

extension Ledger {
    /// Has these tenants' events written from now on. To be repeated while somebody listens.
    public func listen(to tenants: some Collection<TenantID>, _ retention: EventRetention = EventRetention()) async throws {
        let sorted = tenants.map(\.rawValue).sorted()
        _ = try await postgres.query(
            """
            INSERT INTO event_listener (tenant_id, until)
            SELECT t, clock_timestamp() + make_interval(secs => \(retention.age.seconds)) FROM unnest(\(sorted)) AS t ORDER BY t
            ON CONFLICT (tenant_id) DO UPDATE SET until = GREATEST(event_listener.until, excluded.until)
            """)
    }

    /// Ends the writing of events nobody came back for, and removes those that are older or more than are kept.
    public func sweepEvents(_ retention: EventRetention = EventRetention()) async throws {
        _ = try await postgres.query("DELETE FROM event_listener WHERE until < clock_timestamp()")
        for row in try await postgres.query("SELECT tenant_id FROM event_listener ORDER BY tenant_id") {
            let tenant: Int64 = try row.get("tenant_id")
            // Said first, then done: a reader that finds its place gone finds that said.
            _ = try await postgres.pipeline([
                """
                WITH last AS (
                    SELECT tx, id FROM event WHERE tenant_id = \(tenant) ORDER BY tx DESC, id DESC OFFSET \(retention.count) LIMIT 1)
                UPDATE event_listener l SET since_tx = last.tx, since_id = last.id FROM last
                WHERE l.tenant_id = \(tenant) AND (last.tx, last.id) > (l.since_tx, l.since_id)
                """,
                """
                WITH last AS (
                    SELECT tx, id FROM event
                    WHERE tenant_id = \(tenant) AND at < clock_timestamp() - make_interval(secs => \(retention.age.seconds))
                    ORDER BY tx DESC, id DESC LIMIT 1)
                UPDATE event_listener l SET since_tx = last.tx, since_id = last.id FROM last
                WHERE l.tenant_id = \(tenant) AND (last.tx, last.id) > (l.since_tx, l.since_id)
                """,
                """
                DELETE FROM event e USING event_listener l
                WHERE e.tenant_id = \(tenant) AND l.tenant_id = \(tenant) AND (e.tx, e.id) <= (l.since_tx, l.since_id)
                """,
            ])
        }
        _ = try await postgres.query(
            "DELETE FROM event e WHERE NOT EXISTS (SELECT FROM event_listener l WHERE l.tenant_id = e.tenant_id)")
    }
}
