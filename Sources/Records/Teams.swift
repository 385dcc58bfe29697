import PostgresClient
import Rules
import Tenancy

/// A team as the tenant tells of it.
public struct TeamProfile: Sendable, Hashable {
    public var name: String
    /// Who leads it: a seller's external id, or another name that messages reach.
    public var manager: String?
    /// The external id of the team above.
    public var superior: String?

    public init(name: String, manager: String? = nil, superior: String? = nil) {
        self.name = name
        self.manager = manager
        self.superior = superior
    }
}

extension Records {
    /// What the audit log keeps of a team.
    private static let teamNote = "jsonb_build_object('name', name, 'manager', manager, 'superior', superior) AS note"

    /// Stores a team; true when the team is new. A change is in the audit log.
    public func putTeam(_ externalID: String, _ profile: TeamProfile, of tenant: TenantID, by actor: String) async throws -> Bool {
        try await write(tenant, on: engine) { transaction in
            let rows = try transaction.pipeline([
                """
                SELECT \(unescaped: Self.teamNote) FROM team WHERE tenant_id = \(tenant.rawValue) AND external_id = \(externalID) FOR UPDATE
                """,
                """
                INSERT INTO team (tenant_id, external_id, name, manager, superior)
                VALUES (\(tenant.rawValue), \(externalID), \(profile.name), \(profile.manager), \(profile.superior))
                ON CONFLICT (tenant_id, external_id) DO UPDATE
                    SET name = excluded.name, manager = excluded.manager, superior = excluded.superior
                RETURNING \(unescaped: Self.teamNote)
                """,
            ])
            let before = try rows[0].first?.get("note", as: JSONBytes.self)
            try transaction.audit(tenant, by: actor, "team.put", externalID, from: before, to: rows[1].first!.get("note"))
            return before == nil
        }
    }

    /// Who holds an office; no people: nobody does.
    public func putOffice(
        _ office: Recipient, people: [String], of tenant: TenantID, by actor: String, reason: String? = nil
    ) async throws {
        try await write(tenant, on: engine) { transaction in
            let found = try transaction.query(
                "SELECT people FROM office_holder WHERE tenant_id = \(tenant.rawValue) AND office = \(office.rawValue) FOR UPDATE")
            let before = try found.first?.get("people", as: [String].self) ?? []
            let change: Statement =
                people.isEmpty
                ? "DELETE FROM office_holder WHERE tenant_id = \(tenant.rawValue) AND office = \(office.rawValue)"
                : """
                INSERT INTO office_holder (tenant_id, office, people) VALUES (\(tenant.rawValue), \(office.rawValue), \(people))
                ON CONFLICT (tenant_id, office) DO UPDATE SET people = excluded.people
                """
            _ = try transaction.pipeline([
                change,
                .audit(
                    tenant, by: actor, "office.put", office.rawValue, before: .encoding(["people": before]),
                    after: .encoding(["people": people]), reason: reason),
            ])
        }
    }

    /// Who holds which office.
    public func offices(of tenant: TenantID) async throws -> [(office: Recipient, people: [String])] {
        try await read(tenant, "SELECT office, people FROM office_holder WHERE tenant_id = \(tenant.rawValue) ORDER BY office").compactMap {
            row in
            guard let office = Recipient(rawValue: try row.get("office")) else { return nil }
            return (office, try row.get("people"))
        }
    }
}
