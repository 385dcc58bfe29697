import PostgresClient
import Tenancy

extension Records {
    /// Stores a team's name; true when the team is new.
    public func putTeam(_ externalID: String, name: String, of tenant: TenantID) async throws -> Bool {
        try await write(tenant) { transaction in
            // xmax is 0 exactly in a row this statement inserted.
            try transaction.query(
                """
                INSERT INTO team (tenant_id, external_id, name) VALUES (\(tenant.rawValue), \(externalID), \(name))
                ON CONFLICT (tenant_id, external_id) DO UPDATE SET name = excluded.name
                RETURNING xmax = 0 AS is_new
                """
            ).first!.get("is_new")
        }
    }
}
