import Messages
import PostgresClient
import Tenancy

extension PostgresPool {
    /// Tries a key on the secrets of connectors, the thousand put last: whose it does not open, as `acme/robot`, and of how many it does.
    ///
    /// - Precondition: a pool under the role `kiteline_engine`.
    public func tryingSealedSecrets(_ box: SecretBox) async throws -> (closed: [String], opened: Int) {
        let rows = try await pipeline([
            .everyTenant,
            """
            SELECT c.tenant_id, t.slug, c.name, c.secrets FROM connector c JOIN tenant t ON t.id = c.tenant_id
            WHERE octet_length(c.secrets) > 0 ORDER BY c.updated_at DESC, c.tenant_id, c.name LIMIT 1000
            """,
        ])[1]
        var (closed, opened): ([String], Int) = ([], 0)
        for row in rows {
            let (tenant, name) = (TenantID(try row.get("tenant_id")), try row.get("name", as: String.self))
            let sealed: [UInt8] = try row.get("secrets")
            if box.open(sealed, place: ConnectorSecrets.place(name, of: tenant)) != nil {
                opened += 1
            } else {
                closed.append(try row.get("slug", as: String.self) + "/" + name)
            }
        }
        return (closed, opened)
    }
}
