import Foundation
import PostgresClient
import Tenancy

/// Somebody signed in to the console.
public struct ConsoleSession: Sendable, Hashable {
    public let id: Int64
    /// As they would be with the key they signed in with.
    public let bearer: Principal
    /// Whom a platform key acts for; nil: it has not chosen, or needs not choose.
    public let actingFor: Tenant?
    public let expiresAt: Date

    /// Whose data the pages show; nil: nobody's in particular.
    public var tenant: Tenant? { bearer.tenant ?? actingFor }
}

extension Records {
    /// The most of what has expired that one sign-in sweeps away.
    private static let sweep = 1_000

    /// Signs the bearer of a key in. What has expired is swept away with it.
    public func openSession(_ token: SessionToken, for bearer: Principal, until end: Date, now: Date) async throws {
        let sweep = Self.sweep
        try await engine.transaction { transaction in
            for table in ["console_session", "console_link"] {
                _ = try transaction.query(
                    """
                    DELETE FROM \(unescaped: table)
                    WHERE hash IN (SELECT hash FROM \(unescaped: table) WHERE expires_at <= \(now) LIMIT \(sweep) FOR UPDATE SKIP LOCKED)
                    """)
            }
            _ = try transaction.query(
                """
                INSERT INTO console_session (tenant_id, key_id, hash, expires_at)
                VALUES (\(bearer.tenant?.id.rawValue), \(bearer.key), \(token.hash.bytes), \(end))
                """)
            _ = try transaction.query(.audit(bearer.tenant?.id, by: bearer.actor, "console.sign_in", String(bearer.key)))
        }
    }

    /// Who is signed in with this token; nil when nobody is, or not any more, or their key was revoked.
    public func session(_ token: SessionToken, now: Date) async throws -> ConsoleSession? {
        let rows = try await engine.query(
            """
            SELECT s.id AS session_id, s.key_id, s.acting_for, s.expires_at, k.role, k.person, t.*
            FROM console_session s
            JOIN api_key k ON k.id = s.key_id AND k.revoked_at IS NULL
            LEFT JOIN tenant t ON t.id = COALESCE(s.tenant_id, s.acting_for)
            WHERE s.hash = \(token.hash.bytes) AND s.expires_at > \(now)
            """)
        guard let row = rows.first, let role = Role(rawValue: try row.get("role")) else { return nil }
        let isActing = try row.get("acting_for", as: Int64?.self) != nil
        let tenant = role == .platform && !isActing ? nil : try Tenant(row)
        return ConsoleSession(
            id: try row.get("session_id"),
            bearer: Principal(
                key: try row.get("key_id"), role: role, tenant: role == .platform ? nil : tenant, user: try row.get("person")),
            actingFor: role == .platform ? tenant : nil, expiresAt: try row.get("expires_at"))
    }

    /// Has a platform key's session act for a tenant, or with nil for none; false when there is none of that name.
    public func act(_ session: ConsoleSession, for slug: Slug?) async throws -> Bool {
        guard session.bearer.role == .platform else { return false }
        let rows = try await engine.query(
            """
            UPDATE console_session
            SET acting_for = (SELECT id FROM tenant WHERE slug = \(slug?.description))
            WHERE id = \(session.id) AND (\(slug?.description)::text IS NULL OR EXISTS (SELECT FROM tenant WHERE slug = \(slug?.description)))
            RETURNING id
            """)
        return !rows.isEmpty
    }

    /// Signs out.
    public func closeSession(_ session: ConsoleSession) async throws {
        _ = try await engine.pipeline([
            "DELETE FROM console_session WHERE id = \(session.id)",
            .audit(session.bearer.tenant?.id, by: session.bearer.actor, "console.sign_out", String(session.bearer.key)),
        ])
    }

    /// Lets whoever brings this token sign in once, as the bearer of a key.
    public func makeSignInLink(_ token: SessionToken, for bearer: Principal, until end: Date) async throws {
        _ = try await engine.query(
            """
            INSERT INTO console_link (tenant_id, key_id, hash, expires_at)
            VALUES (\(bearer.tenant?.id.rawValue), \(bearer.key), \(token.hash.bytes), \(end))
            """)
    }

    /// Whom a link signs in. It is used up by this; nil: it was before, it has expired, or its key was revoked.
    public func redeemSignInLink(_ token: SessionToken, now: Date) async throws -> Principal? {
        let rows = try await engine.query(
            """
            WITH used AS (DELETE FROM console_link WHERE hash = \(token.hash.bytes) RETURNING key_id, expires_at)
            SELECT k.id AS key_id, k.role, k.person, t.*
            FROM used
            JOIN api_key k ON k.id = used.key_id AND k.revoked_at IS NULL
            LEFT JOIN tenant t ON t.id = k.tenant_id
            WHERE used.expires_at > \(now)
            """)
        guard let row = rows.first, let role = Role(rawValue: try row.get("role")) else { return nil }
        return Principal(
            key: try row.get("key_id"), role: role, tenant: role == .platform ? nil : try Tenant(row), user: try row.get("person"))
    }
}
