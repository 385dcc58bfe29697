import Foundation
import Ledger
import PostgresClient
import Tenancy

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

    /// Writes down that somebody tried what is not for them as the person they are.
    public func noteRefusal(of actor: String, tenant: TenantID?, _ attempted: String, code: String, policy: String? = nil) async throws {
        let note = ["code": code, "policy": policy].compactMapValues { $0 }
        _ = try await engine.query(.audit(tenant, by: actor, "refused", attempted, after: .encoding(note)))
    }
}
