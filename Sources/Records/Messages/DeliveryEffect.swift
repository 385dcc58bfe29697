import Foundation
import Jobs
import Ledger
import Messages
import PostgresClient
import Tenancy

/// What came of one try of a delivery: what its messages become, and the connector.
public struct DeliveryEffect: WrittenEffect {
    public let delivery: Int64
    public let number: Int
    /// Nil: nobody was asked, since nobody waited for it any more.
    public let result: DeliveryResult?
    public let endedAt: Date
    /// When a failed try is followed by another; nil: never by this connector.
    public let again: Date?

    public init(delivery: Int64, number: Int, result: DeliveryResult?, endedAt: Date, again: Date? = nil) {
        self.delivery = delivery
        self.number = number
        self.result = result
        self.endedAt = endedAt
        self.again = again
    }

    static func statements(for effects: [SettledEffect]) -> [Statement] {
        // In the order of their numbers, so that two settles cannot deadlock.
        effects.compactMap { settled in (settled.effect as? DeliveryEffect).map { (settled.tenant, $0) } }
            .sorted { ($0.1.delivery, $0.1.number) < ($1.1.delivery, $1.1.number) }.flatMap { $0.1.statements(of: $0.0) }
    }

    private func statements(of tenant: TenantID) -> [Statement] {
        switch result {
        case nil: [ended(tenant, nil)]
        case .delivered(let reference, let dropped):
            [ended(tenant, nil), sent(reference)] + reached(tenant, but: dropped) + setAside(tenant, dropped, "left_out")
        case .failed(let failure):
            [ended(tenant, failure)] + (again.map { [waits(until: $0)] } ?? goesOn(tenant, failure)) + closes(tenant, failure)
                + (failure.failureClass == .target ? setAside(tenant, nil, failure.code) : [])
        }
    }

    private func ended(_ tenant: TenantID, _ failure: DeliveryFailure?) -> Statement {
        """
        UPDATE delivery_try SET ended_at = \(endedAt), failure_class = \(failure?.failureClass.rawValue), code = \(failure?.code), error = \(failure?.message)
        WHERE delivery_id = \(delivery) AND number = \(Int32(number)) AND tenant_id = \(tenant.rawValue)
        """
    }

    /// Taken is taken, also when it was given up meanwhile: what waits for another connector no longer does.
    private func sent(_ reference: String?) -> Statement {
        """
        WITH d AS (
            UPDATE delivery SET state = 'sent', reference = \(reference), ended_at = \(endedAt)
            WHERE id = \(delivery) AND state <> 'sent' RETURNING connector, messages)
        UPDATE message m SET state = 'sent', connector = d.connector, ended_at = \(endedAt), reason = NULL FROM d
        WHERE m.id = ANY(d.messages) AND m.state IN ('waiting', 'sending')
        """
    }

    private func waits(until: Date) -> Statement {
        "UPDATE delivery SET state = 'waiting', not_before = \(until) WHERE id = \(delivery) AND state = 'sending' AND tries = \(Int32(number))"
    }

    /// By this connector never: messages go on to their next, an event for a webhook is given up.
    private func goesOn(_ tenant: TenantID, _ failure: DeliveryFailure) -> [Statement] {
        [
            """
            WITH d AS (
                UPDATE delivery SET state = CASE WHEN event IS NULL THEN 'abandoned' ELSE 'failed' END, ended_at = \(endedAt)
                WHERE id = \(delivery) AND state = 'sending' AND tries = \(Int32(number)) RETURNING id, connector, messages)
            UPDATE message m SET state = 'waiting', tried = array_append(m.tried, d.connector), reason = \(failure.code) FROM d
            WHERE m.id = ANY(d.messages) AND m.delivery_id = d.id AND m.state = 'sending'
            """
        ]
    }

    /// A connector that must not be asked for a while, or until somebody changes its settings; the latter is an alarm.
    private func closes(_ tenant: TenantID, _ failure: DeliveryFailure) -> [Statement] {
        let until: Date
        switch failure.failureClass {
        case .throttled, .quota: until = failure.until ?? endedAt.addingTimeInterval(60)
        case .config, .auth: until = ConnectorRecord.forGood
        // A person who is gone is set aside, and everybody else is told by it as before; a group or an address that is gone is the whole of it.
        case .target: until = ConnectorRecord.forGood
        case .transient, .content: return []
        }
        let spared = failure.failureClass == .target ? Self.personal : []
        let close: Statement = """
            UPDATE connector c SET closed_until = \(until), closed_class = \(failure.failureClass.rawValue), closed_reason = \(failure.message)
            FROM delivery d
            WHERE d.id = \(delivery) AND c.tenant_id = d.tenant_id AND c.name = d.connector
                AND c.kind <> ALL(\(spared))
                AND (c.closed_until IS NULL OR c.closed_until < \(until))
            """
        guard until == ConnectorRecord.forGood || failure.failureClass == .quota else { return [close] }
        let detail = JSONBytes.encoding(["class": failure.failureClass.rawValue, "code": failure.code, "message": failure.message])
        return [
            close,
            """
            INSERT INTO alert AS a (tenant_id, code, subject, detail, first_at, last_at)
            SELECT c.tenant_id, 'connector_closed', c.name, \(detail), \(endedAt), \(endedAt)
            FROM delivery d JOIN connector c ON c.tenant_id = d.tenant_id AND c.name = d.connector
            WHERE d.id = \(delivery) AND c.tenant_id = \(tenant.rawValue)
                AND c.kind <> ALL(\(spared))
            ON CONFLICT (tenant_id, code, subject) WHERE resolved_at IS NULL
                DO UPDATE SET count = a.count + 1, last_at = excluded.last_at, detail = excluded.detail
            """,
        ]
    }

    // MARK: People who are not there any more

    /// Connectors that speak to one person each.
    private static let personal = ConnectorKind.allCases.filter(\.isPersonal).map(\.rawValue)
    /// How long one who is not there is not tried by that connector: a colleague who came back is found within a day.
    private static let asideFor: TimeInterval = 86_400
    static let goneCode = "recipient_gone"

    /// Puts aside the way to people whom their vendor does not know: their messages go by the next connector from now on, and somebody hears
    /// of it, once for each of them.
    ///
    /// - Parameter addresses: nil: all it was for.
    private func setAside(_ tenant: TenantID, _ addresses: [String]?, _ code: String) -> [Statement] {
        guard addresses?.isEmpty != true else { return [] }
        let until = endedAt.addingTimeInterval(Self.asideFor)
        let detail = JSONBytes.encoding(["class": FailureClass.target.rawValue, "code": code])
        return [
            """
            WITH left_out AS (
                SELECT d.tenant_id, d.connector, n.address, d.messages
                FROM delivery d JOIN connector c ON c.tenant_id = d.tenant_id AND c.name = d.connector AND c.kind = ANY(\(Self.personal))
                    CROSS JOIN LATERAL unnest(COALESCE(\(addresses)::text[], ARRAY[d.address])) AS n(address)
                WHERE d.id = \(delivery) AND d.tenant_id = \(tenant.rawValue) AND n.address IS NOT NULL),
            aside AS (
                INSERT INTO recipient_gone (tenant_id, connector, address, code, at, until)
                SELECT DISTINCT tenant_id, connector, address, \(code), \(endedAt)::timestamptz, \(until)::timestamptz FROM left_out
                ON CONFLICT (tenant_id, connector, address) DO UPDATE SET code = excluded.code, at = excluded.at, until = excluded.until)
            INSERT INTO alert AS a (tenant_id, code, subject, detail, first_at, last_at)
            SELECT DISTINCT l.tenant_id, \(Self.goneCode), l.connector || '/' || m.recipient, \(detail)::jsonb, \(endedAt)::timestamptz,
                \(endedAt)::timestamptz
            FROM left_out l JOIN message m ON m.id = ANY(l.messages)
            ON CONFLICT (tenant_id, code, subject) WHERE resolved_at IS NULL
                DO UPDATE SET count = a.count + 1, last_at = excluded.last_at, detail = excluded.detail
            """
        ]
    }

    /// Who was told is there again.
    private func reached(_ tenant: TenantID, but dropped: [String]) -> [Statement] {
        guard dropped.isEmpty else { return [] }
        return [
            """
            WITH back AS (
                DELETE FROM recipient_gone g USING delivery d
                WHERE d.id = \(delivery) AND d.tenant_id = \(tenant.rawValue) AND g.tenant_id = d.tenant_id AND g.connector = d.connector
                    AND g.address = d.address
                RETURNING d.connector, d.messages)
            UPDATE alert a SET resolved_at = \(endedAt) FROM back b JOIN message m ON m.id = ANY(b.messages)
            WHERE a.tenant_id = \(tenant.rawValue) AND a.code = \(Self.goneCode) AND a.subject = b.connector || '/' || m.recipient
                AND a.resolved_at IS NULL
            """
        ]
    }

    /// A try whose job was set aside or cancelled: what it said is refused, whoever says it.
    ///
    /// An event for a webhook is tried again where the job took its workers with it (`Webhook.pause(afterPoison:)`).
    static func statements(for discarded: [DiscardedJob]) -> [Statement] {
        discarded.filter { $0.kind == "send_notification" }.sorted { $0.id < $1.id }.flatMap { job -> [Statement] in
            guard let place = try? JSONDecoder().decode(Place.self, from: Data(job.arguments)), let id = Int64(place.delivery) else {
                return []
            }
            let pause = job.failure.errorClass == .poison ? Webhook.pause(afterPoison: place.try) : nil
            let isAgain = pause != nil
            return [
                """
                UPDATE delivery_try SET ended_at = clock_timestamp(), failure_class = 'content', error = \(String(job.failure.message.prefix(300)))
                WHERE delivery_id = \(id) AND number = \(Int32(place.try)) AND tenant_id = \(job.tenant.rawValue)
                """,
                """
                WITH d AS (
                    UPDATE delivery SET state = CASE WHEN event IS NOT NULL AND \(isAgain) THEN 'waiting' ELSE 'failed' END,
                        not_before = CASE WHEN event IS NOT NULL AND \(isAgain) THEN clock_timestamp() + make_interval(secs => \(pause ?? 0)) END,
                        ended_at = CASE WHEN event IS NOT NULL AND \(isAgain) THEN NULL ELSE clock_timestamp() END
                    WHERE id = \(id) AND tenant_id = \(job.tenant.rawValue) AND state = 'sending' RETURNING id, messages, state)
                UPDATE message m SET state = 'failed', reason = \(job.failure.errorClass.rawValue), ended_at = clock_timestamp() FROM d
                WHERE d.state = 'failed' AND m.id = ANY(d.messages) AND m.delivery_id = d.id AND m.state = 'sending'
                """,
                .tellUndelivered([], ofDelivery: id, of: job.tenant),
            ]
        }
    }

    private struct Place: Decodable {
        let delivery: String
        let `try`: Int
    }
}
