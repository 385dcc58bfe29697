import Foundation
import PostgresClient
import Tenancy

/// A key as it is kept: everything but the secret.
public struct KeyRecord: Sendable, Hashable {
    public let id: Int64
    public let role: Role
    /// Nil: a platform key.
    public let tenant: TenantID?
    /// Whose it is, by the tenant's own name; nil: nobody's in particular.
    public let user: String?
    /// What people call it, such as what it is for.
    public let name: String?
    public let hint: String
    public let createdAt: Date
    public let revokedAt: Date?
}

/// What a key is called where it did something.
public enum KeyName: Sendable, Hashable {
    case named(String)
    /// The platform's; its name is not this reader's to know, or it has none.
    case ofPlatform
}

extension Records {
    /// Makes a key and keeps its hash. The secret is in the answer and nowhere else.
    ///
    /// - Parameters:
    ///   - tenant: whose; nil exactly for a platform key.
    ///   - user: a seller or a manager, of whom alone a tenant's key is from then on.
    ///   - name: what people will call it; the audit log says it beside the number.
    public func createKey(
        _ role: Role, for tenant: TenantID?, user: String? = nil, name: String? = nil, by actor: String, reason: String? = nil
    ) async throws -> (key: APIKey, id: Int64) {
        precondition((role == .platform) == (tenant == nil), "a platform key has no tenant, any other has one")
        precondition(user == nil || role == .tenant, "only a tenant's key is a person's")
        let key = APIKey(role: role, chance: (0..<32).map { _ in UInt8.random(in: .min ... .max) })
        let id = try await engine.transaction { transaction in
            let id: Int64 = try transaction.query(
                """
                INSERT INTO api_key (tenant_id, role, person, name, hash, hint)
                VALUES (\(tenant?.rawValue), \(role.rawValue), \(user), \(name), \(key.hash.bytes), \(key.hint))
                RETURNING id
                """
            ).first!.get("id")
            _ = try transaction.query(
                .audit(
                    tenant, by: actor, "key.create", String(id),
                    after: .encoding(Self.note(role: role, hint: key.hint, user: user, name: name, state: "good")), reason: reason))
            return id
        }
        return (key, id)
    }

    /// What the audit log tells of a key.
    private static func note(role: Role, hint: String, user: String?, name: String?, state: String) -> [String: String] {
        ["role": role.rawValue, "hint": hint, "user": user, "name": name, "state": state].compactMapValues { $0 }
    }

    /// The keys of a tenant (nil: the platform's), the newest first.
    public func keys(of tenant: TenantID?) async throws -> [KeyRecord] {
        try await engine.query(
            """
            SELECT id, role, tenant_id, person, name, hint, created_at, revoked_at
            FROM api_key
            WHERE tenant_id IS NOT DISTINCT FROM \(tenant?.rawValue)
            ORDER BY id DESC
            LIMIT 1000
            """
        ).map(KeyRecord.init)
    }

    /// What people call keys, by their numbers: the names of a tenant's own, or of everybody's. A key that has none is left out, unless it
    /// is the platform's, which is told of any.
    public func keyNames(_ ids: some Collection<Int64>, of tenant: TenantID?, all: Bool) async throws -> [Int64: KeyName] {
        guard !ids.isEmpty else { return [:] }
        return try await engine.query(
            """
            SELECT id, CASE WHEN \(all) OR tenant_id = \(tenant?.rawValue) THEN name END AS name, tenant_id IS NULL AS is_platforms
            FROM api_key WHERE id = ANY(\(Array(ids)))
            """
        ).reduce(into: [:]) { names, row in
            let (name, isPlatforms): (String?, Bool) = (try row.get("name"), try row.get("is_platforms"))
            names[try row.get("id")] = name.map(KeyName.named) ?? (isPlatforms ? .ofPlatform : nil)
        }
    }

    /// Ends a key; false when there is none of that id, of that tenant where one is named, or it was ended before. Processes that know it forget it within `KeyRing.lifetime`.
    public func revokeKey(_ id: Int64, of tenant: TenantID? = nil, by actor: String, reason: String? = nil) async throws -> Bool {
        try await engine.transaction { transaction in
            let rows = try transaction.query(
                """
                UPDATE api_key SET revoked_at = now()
                WHERE id = \(id) AND revoked_at IS NULL AND (\(tenant?.rawValue)::bigint IS NULL OR tenant_id = \(tenant?.rawValue))
                RETURNING id, role, tenant_id, person, name, hint, created_at, revoked_at
                """)
            guard let revoked = try rows.first.map(KeyRecord.init) else { return false }
            _ = try transaction.query(
                .audit(
                    revoked.tenant, by: actor, "key.revoke", String(id),
                    before: .encoding(
                        Self.note(role: revoked.role, hint: revoked.hint, user: revoked.user, name: revoked.name, state: "good")),
                    after: .encoding(["state": "revoked"]), reason: reason))
            return true
        }
    }

    /// Who bears the key of this hash; nil when nobody does, or not any more.
    func bearer(of hash: KeyHash) async throws -> Principal? {
        let rows = try await engine.query(
            """
            SELECT k.id AS key_id, k.role, k.person, t.*
            FROM api_key k LEFT JOIN tenant t ON t.id = k.tenant_id
            WHERE k.hash = \(hash.bytes) AND k.revoked_at IS NULL
            """)
        guard let row = rows.first, let role = Role(rawValue: try row.get("role")) else { return nil }
        return Principal(
            key: try row.get("key_id"), role: role, tenant: role == .platform ? nil : try Tenant(row), user: try row.get("person"))
    }
}

extension KeyRecord {
    init(_ row: Row) throws {
        id = try row.get("id")
        role = Role(rawValue: try row.get("role"))!  // a check in the table allows no other
        tenant = try row.get("tenant_id", as: Int64?.self).map(TenantID.init)
        user = try row.get("person")
        name = try row.get("name")
        hint = try row.get("hint")
        createdAt = try row.get("created_at")
        revokedAt = try row.get("revoked_at")
    }
}
