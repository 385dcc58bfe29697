import Foundation
import PostgresClient
import Rules
import SalesModel
import Tenancy

/// What somebody was told inside Kiteline.
public struct NotificationRecord: Sendable, Hashable {
    public let id: Int64
    /// A seller's external id, or `role:operator`, `role:seller`.
    public let recipient: String
    public let code: String
    public let subject: String
    public let english: String
    public let chinese: String
    public let urgency: Urgency
    public let at: Date
}

extension Statement {
    /// Tells somebody. The tenant must be set.
    ///
    /// - Parameters:
    ///   - channels: Where to besides inside Kiteline.
    ///   - key: Nothing is told to the same recipient under the same key a second time. 1 to 200 characters.
    package static func notify(
        _ recipient: String, _ code: String, _ subject: String, of tenant: TenantID, english: String, chinese: String,
        urgency: Urgency = .normal, channels: [Channel] = [], key: String? = nil
    ) -> Statement {
        """
        INSERT INTO notification (tenant_id, recipient, code, subject, text_en, text_zh, urgency, channels, key)
        VALUES (\(tenant.rawValue), \(recipient), \(code), \(subject), \(english), \(chinese), \(urgency.rawValue),
            \(channels.filter { $0 != .inApp }.map(\.rawValue)), \(key))
        ON CONFLICT (tenant_id, recipient, key) WHERE key IS NOT NULL DO NOTHING
        """
    }
}

extension Records {
    /// What people were told, the newest first.
    /// - Parameter recipient: only what this one was told.
    public func notifications(
        of tenant: TenantID, to recipient: String? = nil, before cursor: Int64 = .max, limit: Int = 100
    ) async throws -> Page<NotificationRecord> {
        let rows = try await read(
            tenant,
            """
            SELECT id, recipient, code, subject, text_en, text_zh, urgency, at FROM notification
            WHERE tenant_id = \(tenant.rawValue) AND id < \(cursor) AND (\(recipient)::text IS NULL OR recipient = \(recipient)::text)
            ORDER BY id DESC LIMIT \(limit + 1)
            """)
        let items = try rows.prefix(limit).map { row in
            NotificationRecord(
                id: try row.get("id"), recipient: try row.get("recipient"), code: try row.get("code"), subject: try row.get("subject"),
                english: try row.get("text_en"), chinese: try row.get("text_zh"),
                urgency: Urgency(rawValue: try row.get("urgency")) ?? .normal, at: try row.get("at"))
        }
        return Page(items: items, next: rows.count > limit ? items.last?.id : nil)
    }
}
