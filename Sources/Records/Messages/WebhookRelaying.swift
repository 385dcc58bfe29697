import Foundation
import Jobs
import Ledger
import Messages
import PostgresClient
import Tenancy

extension Records {
    /// Events turned into deliveries for one webhook in a round, and requests under way to one at once.
    private static let eventsARound = 100
    private static let underWayToOne = 10

    /// Makes a delivery of each event a webhook asked for, and a job of each delivery that is due. An event is passed on once: the place up
    /// to which events were read moves in the transaction that makes their deliveries.
    ///
    /// - Returns: whether there may be more at once.
    @discardableResult
    public func relayWebhooks(now: Date) async throws -> Bool {
        let tenants = try await engine.query("SELECT tenant_id FROM webhook_tenant ORDER BY tenant_id").map {
            TenantID(try $0.get("tenant_id"))
        }
        guard !tenants.isEmpty else { return false }
        // Repeated, so that events go on being written.
        try await ledger.listen(to: tenants)
        var isMore = false
        for tenant in tenants { isMore = try await relayWebhooks(of: tenant, now: now) || isMore }
        return isMore
    }

    private func relayWebhooks(of tenant: TenantID, now: Date) async throws -> Bool {
        let ids = try await ledger.reserve(Self.underWayToOne * 4)
        let ledger = ledger
        let (isMore, enqueued, used) = try await engine.transaction { transaction in
            guard
                try transaction.query("SELECT pg_try_advisory_xact_lock(7158, hashint8(\(tenant.rawValue))) AS mine").first!.get(
                    "mine", as: Bool.self)
            else { return (false, Enqueued?.none, 0) }
            let rows = try transaction.pipeline([
                .tenants([tenant]),
                """
                SELECT \(unescaped: ConnectorRecord.columns), seen_tx, seen_id FROM connector
                WHERE tenant_id = \(tenant.rawValue) AND enabled AND kind = 'webhook' ORDER BY name
                """,
            ])[1]
            var (isMore, jobs) = (false, [NewJob]())
            for row in rows {
                let hook = try ConnectorRecord(row)
                let seen: (Int64, Int64)? = try row.get("seen_tx", as: Int64?.self).map { ($0, try row.get("seen_id")) }
                isMore = try transaction.pass(on: hook, after: seen, of: tenant, limit: Self.eventsARound, now: now) || isMore
                guard (hook.closedUntil ?? now) <= now else { continue }
                jobs += try transaction.due(
                    for: hook, of: tenant, as: Array(ids.dropFirst(jobs.count).prefix(Self.underWayToOne)), atMost: Self.underWayToOne,
                    now: now)
            }
            guard !jobs.isEmpty else { return (isMore, Enqueued?.none, 0) }
            let (statements, enqueued) = ledger.statements(enqueueing: jobs, as: Array(ids.prefix(jobs.count)), at: now)
            return (isMore, enqueued(try transaction.pipeline(statements).last!.first!.get("id")), jobs.count)
        }
        ledger.giveBack(ids.dropFirst(used))
        if let enqueued { ledger.announce(enqueued) }
        return isMore
    }
}

extension PostgresTransaction {
    /// Makes deliveries of what happened since; those that were written down before it was set up are not passed on.
    fileprivate func pass(
        on hook: ConnectorRecord, after seen: (Int64, Int64)?, of tenant: TenantID, limit: Int, now: Date
    ) throws -> Bool {
        let id = tenant.rawValue
        guard let seen else {
            _ = try query(
                """
                UPDATE connector SET seen_tx = pg_snapshot_xmin(pg_current_snapshot())::text::bigint, seen_id = 0
                WHERE tenant_id = \(id) AND name = \(hook.name)
                """)
            return false
        }
        let rows = try query(
            """
            SELECT tx::text::bigint AS tx, id, type, at, body::text AS body,
                -- That it cannot be reached is not told to itself, nor any webhook that one was told: each try would make another.
                type = 'breaker.changed' AND body->>'dependency' IS NOT DISTINCT FROM \(hook.dependency)
                    OR type LIKE 'job.%' AND body->>'kind' IS NOT DISTINCT FROM 'send_notification' AS is_own
            FROM event
            WHERE tenant_id = \(id) AND (tx, id) > (\(String(seen.0))::text::xid8, \(seen.1))
                AND tx < pg_snapshot_xmin(pg_current_snapshot())
            ORDER BY tx, id LIMIT \(limit)
            """)
        guard let last = rows.last else { return false }
        var (events, keys) = ([JSONBytes](), [String]())
        for row in rows {
            guard try !row.get("is_own", as: Bool.self) else { continue }
            let type: String = try row.get("type")
            guard hook.settings.events?.contains(where: { $0 == type || type.hasPrefix($0 + ".") }) ?? !type.hasPrefix("job.") else {
                continue
            }
            let event = KeptEvent(type: type, at: try row.get("at", as: Date.self).timeIntervalSince1970, body: try row.get("body"))
            events.append(.encoding(event))
            keys.append("evt_\(id)_\(try row.get("tx", as: Int64.self))_\(try row.get("id", as: Int64.self))")
        }
        _ = try pipeline([
            """
            INSERT INTO delivery (tenant_id, connector, event, event_id, state, urgent, first_planned_at)
            SELECT \(id), \(hook.name), e.event, e.key, 'waiting', false, \(now) FROM unnest(\(events), \(keys)) AS e(event, key)
            ON CONFLICT (tenant_id, connector, event_id) WHERE event_id IS NOT NULL DO NOTHING
            """,
            """
            UPDATE connector SET seen_tx = \(try last.get("tx", as: Int64.self)), seen_id = \(try last.get("id", as: Int64.self))
            WHERE tenant_id = \(id) AND name = \(hook.name)
            """,
        ])
        return rows.count == limit
    }

    /// Jobs for what is due, as many as may be under way.
    fileprivate func due(
        for hook: ConnectorRecord, of tenant: TenantID, as ids: [JobID], atMost most: Int, now: Date
    ) throws -> [NewJob] {
        let id = tenant.rawValue
        let rows = try query(
            """
            WITH n AS (SELECT count(*) AS under_way FROM delivery WHERE tenant_id = \(id) AND connector = \(hook.name) AND state = 'sending'),
                x AS (SELECT d.id FROM delivery d
                    WHERE d.tenant_id = \(id) AND d.connector = \(hook.name) AND d.state = 'waiting' AND d.event IS NOT NULL
                        AND (d.not_before IS NULL OR d.not_before <= \(now))
                    ORDER BY d.id LIMIT (SELECT greatest(0, LEAST(\(Int64(most)), \(Int64(ids.count))) - under_way) FROM n)),
                d AS (UPDATE delivery SET state = 'sending', tries = tries + 1, not_before = NULL FROM x WHERE delivery.id = x.id
                    RETURNING delivery.id, delivery.tries),
                j AS (SELECT d.id, d.tries, row_number() OVER (ORDER BY d.id) AS place FROM d),
                t AS (INSERT INTO delivery_try (delivery_id, number, tenant_id, connector, reserved, job_id, planned_at)
                    SELECT j.id, j.tries, \(id), \(hook.name), false, k.job, \(now)
                    FROM j JOIN unnest(\(ids.map(\.rawValue))) WITH ORDINALITY AS k(job, place) ON k.place = j.place)
            SELECT id, tries FROM j ORDER BY place
            """)
        return try rows.map {
            .sendNotification(
                delivery: try $0.get("id"), try: Int(try $0.get("tries", as: Int32.self)), of: tenant, isUrgent: false,
                dependency: hook.dependency)
        }
    }
}
