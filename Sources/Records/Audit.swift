import Foundation
import PostgresClient
import Tenancy

extension Statement {
    /// One line in the log of what people changed. For transactions of `kiteline_engine`.
    static func audit(
        _ tenant: TenantID?, by actor: String, _ action: String, _ subject: String, before: JSONBytes? = nil, after: JSONBytes? = nil,
        reason: String? = nil
    ) -> Statement {
        """
        INSERT INTO audit_log (tenant_id, actor, action, subject, before, after, reason)
        VALUES (\(tenant?.rawValue), \(actor), \(action), \(subject), \(before), \(after), \(reason))
        """
    }
}

extension PostgresTransaction {
    /// Writes down what became of something that is told again and again; what changed nothing is not written.
    func audit(_ tenant: TenantID, by actor: String, _ action: String, _ subject: String, from before: JSONBytes?, to after: JSONBytes)
        throws
    {
        guard before?.bytes != after.bytes else { return }
        _ = try query(.audit(tenant, by: actor, action, subject, before: before, after: after))
    }
}

extension Records {
    /// Writes down that somebody tried what their key does not allow.
    public func noteRefusal(of actor: String, tenant: TenantID?, _ attempted: String, needed: Role) async throws {
        _ = try await engine.query(.audit(tenant, by: actor, "refused", attempted, after: .encoding(["needed": needed.rawValue])))
    }
}
