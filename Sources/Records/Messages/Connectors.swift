import Foundation
import Ledger
import Messages
import PostgresClient
import Tenancy

/// A connector as it is kept: everything but its secrets.
public struct ConnectorRecord: Sendable, Hashable {
    public let name: String
    public let kind: ConnectorKind
    public let place: Int
    public let isEnabled: Bool
    public let settings: ConnectorSettings
    /// Which secrets it has.
    public let secretNames: [String]
    /// Whose breaker it passes.
    public let dependency: String
    /// Until when nothing is sent by it, why, and in words.
    public let closedUntil: Date?
    public let closedClass: String?
    public let closedReason: String?
    public let updatedAt: Date

    /// In place of a time for what stays closed until its settings change.
    public static let forGood = Date(timeIntervalSince1970: 253_370_764_800)

    /// Whether nothing more is expected of it until somebody changes it.
    public var isBroken: Bool { closedUntil == Self.forGood }
}

/// What is kept of a connector beside what anybody may read.
public struct KeptSecrets: Sendable {
    /// One try of a message.
    public struct Last: Sendable {
        public let at: Date
        /// Nil: it was taken.
        public let code: String?
        public let error: String?
    }

    /// Sealed.
    public let secrets: [UInt8]
    public let last: Last?
}

/// What an operator says of a connector.
public struct ConnectorWish: Sendable {
    public var kind: ConnectorKind
    public var place: Int
    public var isEnabled: Bool
    public var settings: ConnectorSettings
    /// Sealed; nil: those it has stay.
    public var secrets: [UInt8]?
    public var secretNames: [String]
    /// Why it is wanted.
    public var reason: String

    public init(
        kind: ConnectorKind, place: Int, isEnabled: Bool, settings: ConnectorSettings, secrets: [UInt8]?, secretNames: [String],
        reason: String
    ) {
        self.reason = reason
        self.kind = kind
        self.place = place
        self.isEnabled = isEnabled
        self.settings = settings
        self.secrets = secrets
        self.secretNames = secretNames
    }
}

extension Records {
    /// Connectors a tenant may have.
    public static let connectorsOfOne = 50

    /// Creates or replaces a connector; what it was closed for is forgotten. Nil: it has no secrets to keep, or the tenant has too many.
    ///
    /// - Parameter wish: what is wanted where there is this one; asked while nobody else can change the tenant's connectors.
    public func put(
        connector name: String, of tenant: TenantID, by actor: String,
        _ wish: @Sendable @escaping (_ before: ConnectorRecord?) throws -> ConnectorWish
    ) async throws -> (isNew: Bool, record: ConnectorRecord)? {
        try await write(tenant, on: engine) { transaction in
            // Rows that are not there yet cannot be locked, and two at once must not both make one.
            let rows = try transaction.pipeline([
                "SELECT FROM tenant WHERE id = \(tenant.rawValue) FOR NO KEY UPDATE",
                "SELECT \(unescaped: ConnectorRecord.columns) FROM connector WHERE tenant_id = \(tenant.rawValue) ORDER BY name FOR UPDATE",
            ])[1]
            let records = try rows.map(ConnectorRecord.init)
            let before = records.first { $0.name == name }
            let wish = try wish(before)
            guard before != nil || wish.secrets != nil && records.count < Self.connectorsOfOne else { return nil }
            let settings = try JSONBytes(Array(JSONEncoder().encode(wish.settings)))
            let row = try transaction.query(
                """
                INSERT INTO connector AS c (tenant_id, name, kind, place, enabled, settings, secrets, secret_names, dependency)
                VALUES (\(tenant.rawValue), \(name), \(wish.kind.rawValue), \(Int32(wish.place)), \(wish.isEnabled), \(settings),
                    \(wish.secrets ?? []), \(wish.secretNames), \(wish.kind.dependency(wish.settings)))
                ON CONFLICT (tenant_id, name) DO UPDATE SET kind = excluded.kind, place = excluded.place, enabled = excluded.enabled,
                    settings = excluded.settings, dependency = excluded.dependency, version = c.version + 1, updated_at = now(),
                    secrets = CASE WHEN \(wish.secrets == nil) THEN c.secrets ELSE excluded.secrets END,
                    secret_names = CASE WHEN \(wish.secrets == nil) THEN c.secret_names ELSE excluded.secret_names END,
                    closed_until = NULL, closed_class = NULL, closed_reason = NULL
                RETURNING \(unescaped: ConnectorRecord.columns)
                """
            ).first!
            let record = try ConnectorRecord(row)
            _ = try transaction.pipeline(
                Statement.noteWebhooks(of: tenant) + [
                    .resolve("connector_closed", name, of: tenant, at: Date()),
                    // Who is not there is asked for again.
                    "DELETE FROM recipient_gone WHERE tenant_id = \(tenant.rawValue) AND connector = \(name)",
                    .audit(
                        tenant, by: actor, "connector.put", name, before: before.map { .encoding($0.note) }, after: .encoding(record.note),
                        reason: wish.reason),
                ])
            return (before == nil, record)
        }
    }

    /// Removes a connector; messages that wait for it go on to the next, events are given up. False when there is none of that name.
    public func delete(connector name: String, of tenant: TenantID, by actor: String, reason: String) async throws -> Bool {
        try await write(tenant, on: engine) { transaction in
            let gone = try transaction.query(
                "DELETE FROM connector WHERE tenant_id = \(tenant.rawValue) AND name = \(name) RETURNING \(unescaped: ConnectorRecord.columns)"
            )
            guard let row = gone.first else { return false }
            _ = try transaction.pipeline(
                Statement.noteWebhooks(of: tenant) + [
                    // Messages are planned anew; events were for this one alone.
                    """
                    UPDATE delivery SET state = 'abandoned', ended_at = clock_timestamp()
                    WHERE tenant_id = \(tenant.rawValue) AND connector = \(name) AND event IS NOT NULL AND state IN ('waiting', 'sending')
                    """,
                    .resolve("connector_closed", name, of: tenant, at: Date()),
                    .audit(
                        tenant, by: actor, "connector.delete", name, before: .encoding(try ConnectorRecord(row).note), reason: reason),
                ])
            return true
        }
    }

    /// A tenant's connectors in the order of fail-over.
    public func connectors(of tenant: TenantID) async throws -> [ConnectorRecord] {
        try await read(tenant, .connectors(of: tenant)).map(ConnectorRecord.init)
    }

    /// A connector's secrets as they are kept, and what came of its last try; nil: there is none of that name.
    public func keptSecrets(of name: String, _ tenant: TenantID) async throws -> KeptSecrets? {
        let rows = try await app.pipeline([
            .tenants([tenant]), "SELECT secrets FROM connector WHERE tenant_id = \(tenant.rawValue) AND name = \(name)",
            """
            SELECT t.ended_at, t.code, t.failure_class, t.error FROM delivery_try t JOIN delivery d ON d.id = t.delivery_id
            WHERE t.tenant_id = \(tenant.rawValue) AND t.connector = \(name) AND t.ended_at IS NOT NULL
                -- One that ended with neither was never made: nobody waited for it any more.
                AND (t.failure_class IS NOT NULL OR d.state = 'sent')
            ORDER BY t.planned_at DESC LIMIT 1
            """,
        ])
        guard let row = rows[1].first else { return nil }
        let last = try rows[2].first.map { row in
            let failure: String? = try row.get("failure_class")
            return KeptSecrets.Last(
                at: try row.get("ended_at"), code: try row.get("code", as: String?.self) ?? failure, error: try row.get("error"))
        }
        return KeptSecrets(secrets: try row.get("secrets"), last: last)
    }

    public func connector(_ name: String, of tenant: TenantID) async throws -> ConnectorRecord? {
        try await connectors(of: tenant).first { $0.name == name }
    }
}

extension Statement {
    static func connectors(of tenant: TenantID) -> Statement {
        "SELECT \(unescaped: ConnectorRecord.columns) FROM connector WHERE tenant_id = \(tenant.rawValue) ORDER BY place, name"
    }
}

extension Statement {
    /// Has the tenant stand among those with webhooks exactly when it has one.
    fileprivate static func noteWebhooks(of tenant: TenantID) -> [Statement] {
        let has: Statement = "SELECT FROM connector WHERE tenant_id = \(tenant.rawValue) AND kind = 'webhook' AND enabled"
        let condition = has.sql
        return [
            Statement(
                "INSERT INTO webhook_tenant (tenant_id) SELECT $1 WHERE EXISTS (\(condition)) ON CONFLICT DO NOTHING", has.parameters),
            Statement("DELETE FROM webhook_tenant WHERE tenant_id = $1 AND NOT EXISTS (\(condition))", has.parameters),
        ]
    }
}

extension ConnectorRecord {
    static let columns =
        "name, kind, place, enabled, settings, secret_names, dependency, closed_until, closed_class, closed_reason, updated_at"

    init(_ row: Row) throws {
        name = try row.get("name")
        // A kind this version does not know is one that takes nothing.
        kind = ConnectorKind(rawValue: try row.get("kind")) ?? .webhook
        place = Int(try row.get("place", as: Int32.self))
        isEnabled = try row.get("enabled")
        settings = try JSONDecoder().decode(ConnectorSettings.self, from: Data(row.get("settings", as: JSONBytes.self).bytes))
        secretNames = try row.get("secret_names")
        dependency = try row.get("dependency")
        closedUntil = try row.get("closed_until")
        closedClass = try row.get("closed_class")
        closedReason = try row.get("closed_reason")
        updatedAt = try row.get("updated_at")
    }

    /// As the audit log keeps it.
    fileprivate struct Note: Encodable {
        let kind: String
        let place: Int
        let enabled: Bool
        let settings: ConnectorSettings
        let secrets: [String]
    }

    fileprivate var note: Note {
        Note(kind: kind.rawValue, place: place, enabled: isEnabled, settings: settings, secrets: secretNames)
    }
}

/// How a connector's secrets are sealed: a JSON object, for one connector of one tenant.
public enum ConnectorSecrets {
    /// What they are sealed for; elsewhere they do not open.
    public static func place(_ connector: String, of tenant: TenantID) -> String { "\(tenant.rawValue)/\(connector)" }
}
