import PostgresClient
import Tenancy

extension Statement {
    /// One line in the log of what people, and the service by itself, changed. For transactions of `kiteline_engine`; the log is chained by the
    /// database.
    public static func audit(
        _ tenant: TenantID?, by actor: String, _ action: String, _ subject: String, before: JSONBytes? = nil, after: JSONBytes? = nil,
        reason: String? = nil
    ) -> Statement {
        """
        INSERT INTO audit_log (tenant_id, actor, action, subject, before, after, reason)
        VALUES (\(tenant?.rawValue), \(actor), \(action), \(subject), \(before), \(after), \(reason))
        """
    }
}
