import Foundation
import Messages
import PostgresClient
import Tenancy

/// A tenant's quiet hours, and who set them.
public struct QuietHoursRecord: Sendable, Hashable {
    public let hours: QuietHours
    /// IANA; the tenant's.
    public let timeZone: String
    public let setBy: String
    public let reason: String
    public let updatedAt: Date

    init?(_ row: Row) throws {
        guard
            let hours = QuietHours(
                from: Int(try row.get("from_minute", as: Int32.self)), to: Int(try row.get("to_minute", as: Int32.self)))
        else { return nil }
        self.hours = hours
        timeZone = try row.get("time_zone")
        setBy = try row.get("set_by")
        reason = try row.get("reason")
        updatedAt = try row.get("updated_at")
    }

    /// As the audit log keeps it.
    fileprivate var note: [String: String] { ["from": QuietHours.text(hours.from), "to": QuietHours.text(hours.to)] }
}

extension Statement {
    static func quietHours(of tenant: TenantID) -> Statement {
        """
        SELECT q.from_minute, q.to_minute, q.set_by, q.reason, q.updated_at, t.time_zone
        FROM quiet_hours q JOIN tenant t ON t.id = q.tenant_id WHERE q.tenant_id = \(tenant.rawValue)
        """
    }
}

extension Records {
    /// Nil: messages go at all hours.
    public func quietHours(of tenant: TenantID) async throws -> QuietHoursRecord? {
        try await read(tenant, .quietHours(of: tenant)).first.flatMap(QuietHoursRecord.init)
    }

    /// Sets a tenant's quiet hours, or takes them away (nil). False: there was nothing to take away.
    public func setQuietHours(_ hours: QuietHours?, of tenant: TenantID, by actor: String, reason: String) async throws -> Bool {
        try await write(tenant, on: engine) { transaction in
            let before = try transaction.query(.quietHours(of: tenant)).first.flatMap(QuietHoursRecord.init)
            guard hours != nil || before != nil else { return false }
            let change: Statement =
                if let hours {
                    """
                    INSERT INTO quiet_hours (tenant_id, from_minute, to_minute, set_by, reason)
                    VALUES (\(tenant.rawValue), \(Int32(hours.from)), \(Int32(hours.to)), \(actor), \(reason))
                    ON CONFLICT (tenant_id) DO UPDATE SET from_minute = excluded.from_minute, to_minute = excluded.to_minute,
                        set_by = excluded.set_by, reason = excluded.reason, updated_at = now()
                    """
                } else { "DELETE FROM quiet_hours WHERE tenant_id = \(tenant.rawValue)" }
            let after = hours.map { ["from": QuietHours.text($0.from), "to": QuietHours.text($0.to)] }
            _ = try transaction.pipeline([
                change,
                .audit(
                    tenant, by: actor, hours == nil ? "quiet_hours.delete" : "quiet_hours.put", "messages",
                    before: before.map { .encoding($0.note) }, after: after.map { .encoding($0) }, reason: reason),
            ])
            return true
        }
    }
}
