import Foundation
import Messages
import PostgresClient
import Tenancy

/// A request to the outside, with all that is needed to send it.
public struct OutgoingDelivery: Sendable {
    /// What is said.
    public enum Content: Sendable {
        case notice(Notice)
        case event(CloudEvent)
    }

    public let id: Int64
    public let content: Content
    public let connector: String
    public let kind: ConnectorKind
    public let settings: ConnectorSettings
    /// As they are kept: sealed.
    public let secrets: [UInt8]
}

/// What the job that sends asks of tenant data.
public struct DeliveryReader: Sendable {
    private let postgres: PostgresPool

    /// - Parameter postgres: a pool under the role `kiteline_app`.
    public init(postgres: PostgresPool) { self.postgres = postgres }

    /// What is to be sent; nil when nobody waits for this try any more: it was abandoned, or its connector is gone.
    public func delivery(_ id: Int64, try number: Int, of tenant: TenantID) async throws -> OutgoingDelivery? {
        let results = try await postgres.pipeline([
            .tenants([tenant]),
            """
            SELECT d.id, d.connector, d.address, d.event, d.event_id, d.urgent, c.kind, c.settings, c.secrets, t.slug
            FROM delivery d JOIN connector c ON c.tenant_id = d.tenant_id AND c.name = d.connector AND c.enabled
                JOIN tenant t ON t.id = d.tenant_id
            WHERE d.tenant_id = \(tenant.rawValue) AND d.id = \(id) AND d.tries = \(Int32(number)) AND d.state = 'sending'
            """,
            """
            SELECT n.text_en, n.text_zh, s.channels FROM delivery d CROSS JOIN LATERAL unnest(d.messages) WITH ORDINALITY AS x(id, place)
                JOIN message m ON m.id = x.id JOIN notification n ON n.tenant_id = m.tenant_id AND n.id = m.notification_id
                LEFT JOIN seller s ON s.tenant_id = m.tenant_id AND s.external_id = m.recipient
            WHERE d.tenant_id = \(tenant.rawValue) AND d.id = \(id) ORDER BY x.place
            """,
        ])
        guard let row = results[1].first, let kind = ConnectorKind(rawValue: try row.get("kind")) else { return nil }
        let settings = try JSONDecoder().decode(ConnectorSettings.self, from: Data(row.get("settings", as: JSONBytes.self).bytes))
        let content: OutgoingDelivery.Content
        if let event = try row.get("event", as: JSONBytes?.self) {
            content = .event(try CloudEvent(event, id: try row.get("event_id"), slug: try row.get("slug")))
        } else {
            content = .notice(try Notice(row, results[2], kind, settings))
        }
        return OutgoingDelivery(
            id: id, content: content, connector: try row.get("connector"), kind: kind, settings: settings, secrets: try row.get("secrets"))
    }
}

extension Notice {
    /// - Parameter lines: the messages' texts and recipients, in their order.
    fileprivate init(_ row: Row, _ lines: Rows, _ kind: ConnectorKind, _ settings: ConnectorSettings) throws {
        let isEnglish = settings.language == "en"
        let texts: [String] = try lines.map { try $0.get(isEnglish ? "text_en" : "text_zh") }
        var called: [String] = []
        if let address = try row.get("address", as: String?.self) {
            called = address.split(separator: ",").map(String.init)
        } else {
            for line in lines {
                let channels = try SellerChannels(line.get("channels", as: JSONBytes?.self))
                for name in channels.called(by: kind) where !called.contains(name) { called.append(name) }
            }
        }
        self.init(
            id: "kiteline-\(try row.get("id", as: Int64.self))",
            title: texts.count == 1 ? "Kiteline" : isEnglish ? "Kiteline: \(texts.count) messages" : "Kiteline：\(texts.count) 条消息",
            lines: texts, recipients: called, isUrgent: try row.get("urgent"))
    }
}

extension CloudEvent {
    /// - Parameter kept: an event as its delivery keeps it.
    fileprivate init(_ kept: JSONBytes, id: String, slug: String) throws {
        let event = try JSONDecoder().decode(KeptEvent.self, from: Data(kept.bytes))
        self.init(
            id: id, source: "/tenants/\(slug)", type: "sales.\(event.type).v1", time: Date(timeIntervalSince1970: event.at),
            data: Array(event.body.utf8))
    }
}

/// An event as a delivery keeps it. The body stands as text, so that every try sends the same bytes.
struct KeptEvent: Codable {
    let type: String
    /// Seconds since 1970.
    let at: Double
    let body: String
}
