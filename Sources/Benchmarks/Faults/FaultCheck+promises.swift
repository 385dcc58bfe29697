import Foundation
import PostgresClient

extension FaultCheck {
    /// A request that came to whoever takes webhooks.
    public struct Received: Sendable {
        public let id: String
        public let body: String

        public init(id: String, body: String) {
            self.id = id
            self.body = body
        }
    }

    /// What is told outside: at least once, with an id that stays, and never of what did not happen.
    func laws(of received: [Received]) -> [Law] {
        let (ids, bodies) = (received.map(\.id), received.map(\.body))
        return [
            (
                "webhooks carry an id that the ledger does not know",
                "SELECT count(*) FROM unnest(\(ids)) r(id) WHERE NOT EXISTS (SELECT FROM delivery d WHERE d.event_id = r.id)"
            ),
            (
                "webhooks tell of an end that did not happen",
                """
                SELECT count(*) FROM (SELECT body::jsonb AS body FROM unnest(\(bodies)) r(body)) r
                WHERE NOT EXISTS (
                    SELECT FROM job_history h
                    WHERE h.id = (r.body->'data'->>'job_id')::bigint AND h.run = (r.body->'data'->>'run')::int
                        AND h.attempt = (r.body->'data'->>'attempt')::int AND strpos(r.body->>'type', h.state::text) > 0)
                """
            ),
            ("deliveries are not sent", "SELECT count(*) FROM delivery WHERE state <> 'sent'"),
            (
                "deliveries are called sent and did not arrive",
                "SELECT count(*) FROM delivery WHERE state = 'sent' AND event_id NOT IN (SELECT unnest(\(ids)))"
            ),
            (
                "ends were kept from a webhook",
                """
                SELECT count(*) FROM job_history h JOIN connector c ON c.tenant_id = h.tenant_id AND c.kind = 'webhook'
                WHERE h.kind = 'probe' AND NOT EXISTS (
                    SELECT FROM delivery d
                    WHERE d.tenant_id = h.tenant_id AND d.connector = c.name AND ((d.event->>'body')::jsonb)->>'job_id' = h.id::text)
                """
            ),
        ]
    }

    /// One id that came with several texts.
    func contradictions(_ received: [Received]) -> [String] {
        let count = Dictionary(grouping: received, by: \.id).values.count { Set($0.map(\.body)).count > 1 }
        return count > 0 ? ["\(count) webhooks came again with another text"] : []
    }

    /// What one tenant may take from the others: its cap, its rate, and nothing while it is paused.
    ///
    /// From the ledger's grant to its note of the end a job has its place in the index, and longer; of jobs that lost their worker the last run
    /// counts.
    func limits(stall: Double) -> [Law] {
        [
            (
                "tenants ran more at once than their cap",
                """
                WITH edge AS (
                    SELECT tenant_id, started_at AS at, 1 AS step FROM job_history
                    UNION ALL SELECT tenant_id, finished_at, -1 FROM job_history),
                    running AS (SELECT tenant_id, sum(step) OVER (PARTITION BY tenant_id ORDER BY at, step ROWS UNBOUNDED PRECEDING) AS jobs FROM edge)
                SELECT count(DISTINCT t.id) FROM running r JOIN tenant t ON t.id = r.tenant_id WHERE r.jobs > t.cap
                """
            ),
            (
                "tenants began more in a second than their rate and burst",
                """
                SELECT count(DISTINCT tenant_id) FROM (
                    SELECT t.id AS tenant_id, t.rate, t.burst,
                        count(*) OVER (PARTITION BY t.id ORDER BY h.started_at RANGE BETWEEN interval '1 s' PRECEDING AND CURRENT ROW) AS jobs
                    FROM job_history h JOIN tenant t ON t.id = h.tenant_id
                    WHERE t.rate IS NOT NULL AND t.burst IS NOT NULL) x
                WHERE jobs > burst + rate * (1 + \(stall))
                """
            ),
            (
                "jobs began while their tenant was paused",
                """
                SELECT count(*) FROM job_history h JOIN audit_log p ON p.tenant_id = h.tenant_id AND p.action = 'tenant.pause'
                WHERE p.at < h.enqueued_at AND NOT EXISTS (
                    SELECT FROM audit_log r
                    WHERE r.tenant_id = h.tenant_id AND r.action = 'tenant.resume' AND r.at > p.at AND r.at <= h.started_at)
                """
            ),
        ]
    }
}
