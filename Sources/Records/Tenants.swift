import Foundation
import PostgresClient
import Tenancy

/// A tenant as the platform set it up.
public struct Tenant: Sendable, Hashable {
    public let id: TenantID
    public let slug: String
    public var settings: TenantSettings
    public let createdAt: Date
    /// Set while everything of it is held back.
    public let paused: Pause?

    public struct Pause: Sendable, Hashable {
        public let since: Date
        public let reason: String
    }
}

/// What the platform decides for a tenant.
public struct TenantSettings: Sendable, Hashable {
    /// Its share of worker time against the other tenants' weights.
    public var weight = 1
    /// Jobs that may run at once.
    public var cap = 1_000
    /// Jobs a second on the long run; nil: no limit.
    public var rate: Double?
    /// Jobs that may start at once above the rate.
    public var burst: Int?
    /// Ready jobs of one kind, deferred ones included; more are refused.
    public var quota = 5_000_000
    /// Ready jobs of one kind (and dependency) in the index; more are deferred.
    public var readyCapacity = 1_000
    public var retentionDays = 90
    /// Names of modules switched off.
    public var modulesOff: Set<String> = []
    public var timeZone = "Asia/Shanghai"
    /// How many rounds in the sandbox a version must pass before it may become live.
    public var sandboxRounds = 0

    public init() {}
}

/// Which tenants are asked for.
public struct TenantFilter: Sendable, Hashable {
    public let cursor: Int64
    public let limit: Int
    /// Only those whose slug begins so.
    public var prefix: String?
    /// Only the one of this slug.
    public var slug: String?

    /// - Parameter cursor: the id after which the list goes on.
    public init(after cursor: Int64 = 0, limit: Int = 100) {
        self.cursor = cursor
        self.limit = limit
    }
}

extension Records {
    /// Creates a tenant; nil when the slug is taken.
    public func createTenant(
        _ slug: Slug, _ settings: TenantSettings = TenantSettings(), by actor: String, reason: String? = nil
    ) async throws -> Tenant? {
        try await engine.transaction { transaction in
            let rows = try transaction.query(
                """
                INSERT INTO tenant (slug, weight, cap, rate, burst, quota, ready_capacity, retention_days, modules_off, time_zone, sandbox_rounds)
                VALUES (\(slug.description), \(Int32(settings.weight)), \(Int32(settings.cap)), \(settings.rate), \(settings.burst.map(Int32.init)),
                    \(settings.quota), \(Int32(settings.readyCapacity)), \(Int32(settings.retentionDays)), \(settings.modulesOff.sorted()), \(settings.timeZone),
                    \(Int32(settings.sandboxRounds)))
                ON CONFLICT (slug) DO NOTHING
                RETURNING \(unescaped: Tenant.columns)
                """)
            guard let tenant = try rows.first.map(Tenant.init) else { return nil }
            _ = try transaction.pipeline([
                .tenants([tenant.id]),
                "INSERT INTO routing_state (tenant_id) VALUES (\(tenant.id.rawValue))",
                .audit(tenant.id, by: actor, "tenant.create", tenant.slug, after: tenant.settings.json, reason: reason),
            ])
            return tenant
        }
    }

    /// Changes a tenant's settings; nil when there is no such tenant.
    public func updateTenant(
        _ slug: Slug, by actor: String, reason: String? = nil, _ change: @Sendable @escaping (inout TenantSettings) -> Void
    ) async throws -> Tenant? {
        try await engine.transaction { transaction in
            let rows = try transaction.query(
                "SELECT \(unescaped: Tenant.columns) FROM tenant WHERE slug = \(slug.description) FOR NO KEY UPDATE")
            guard var tenant = try rows.first.map(Tenant.init) else { return nil }
            let before = tenant.settings
            change(&tenant.settings)
            let settings = tenant.settings
            guard settings != before else { return tenant }
            _ = try transaction.pipeline([
                """
                UPDATE tenant
                SET weight = \(Int32(settings.weight)), cap = \(Int32(settings.cap)), rate = \(settings.rate), burst = \(settings.burst.map(Int32.init)),
                    quota = \(settings.quota), ready_capacity = \(Int32(settings.readyCapacity)), retention_days = \(Int32(settings.retentionDays)), modules_off = \(settings.modulesOff.sorted()),
                    time_zone = \(settings.timeZone), sandbox_rounds = \(Int32(settings.sandboxRounds))
                WHERE id = \(tenant.id.rawValue)
                """,
                .audit(tenant.id, by: actor, "tenant.update", tenant.slug, before: before.json, after: settings.json, reason: reason),
            ])
            if settings.timeZone != before.timeZone {
                // Shifts without a zone of their own follow the tenant's.
                _ = try transaction.query(.tenants([tenant.id]))
                _ = try transaction.query(.bumpRouting(tenant.id))
                try transaction.keepShifts(tenant.id)
            }
            return tenant
        }
    }

    public func tenant(_ slug: Slug) async throws -> Tenant? {
        try await engine.query("SELECT \(unescaped: Tenant.columns) FROM tenant WHERE slug = \(slug.description)").first.map(Tenant.init)
    }

    /// Tenants by id.
    public func tenants(_ filter: TenantFilter = TenantFilter()) async throws -> Page<Tenant> {
        let rows = try await engine.query(
            """
            SELECT \(unescaped: Tenant.columns) FROM tenant
            WHERE id > \(filter.cursor) AND (\(filter.prefix)::text IS NULL OR starts_with(slug, \(filter.prefix)))
                AND (\(filter.slug)::text IS NULL OR slug = \(filter.slug))
            ORDER BY id LIMIT \(filter.limit + 1)
            """)
        let items = try rows.prefix(filter.limit).map(Tenant.init)
        return Page(items: items, next: rows.count > filter.limit ? items.last?.id.rawValue : nil)
    }

    /// Those of these ids.
    public func tenants(of ids: [TenantID]) async throws -> [TenantID: Tenant] {
        try await engine.query("SELECT \(unescaped: Tenant.columns) FROM tenant WHERE id = ANY(\(ids.map(\.rawValue)))")
            .map(Tenant.init).reduce(into: [:]) { $0[$1.id] = $1 }
    }

    public func tenants(after cursor: Int64 = 0, limit: Int = 100) async throws -> Page<Tenant> {
        try await tenants(TenantFilter(after: cursor, limit: limit))
    }
}

extension Tenant {
    static let columns =
        "id, slug, weight, cap, rate, burst, quota, ready_capacity, retention_days, modules_off, time_zone, sandbox_rounds, created_at, paused_at, paused_reason"

    init(_ row: Row) throws {
        id = TenantID(try row.get("id"))
        slug = try row.get("slug")
        createdAt = try row.get("created_at")
        let reason = try row.get("paused_reason", as: String?.self) ?? ""
        paused = try row.get("paused_at", as: Date?.self).map { Pause(since: $0, reason: reason) }
        var settings = TenantSettings()
        settings.weight = Int(try row.get("weight", as: Int32.self))
        settings.cap = Int(try row.get("cap", as: Int32.self))
        settings.rate = try row.get("rate")
        settings.burst = try row.get("burst", as: Int32?.self).map(Int.init)
        settings.quota = try row.get("quota")
        settings.readyCapacity = Int(try row.get("ready_capacity", as: Int32.self))
        settings.retentionDays = Int(try row.get("retention_days", as: Int32.self))
        settings.modulesOff = Set(try row.get("modules_off", as: [String].self))
        settings.timeZone = try row.get("time_zone")
        settings.sandboxRounds = Int(try row.get("sandbox_rounds", as: Int32.self))
        self.settings = settings
    }
}

extension TenantSettings: Encodable {
    private enum CodingKeys: String, CodingKey {
        case weight, cap, rate, burst, quota
        case readyCapacity = "ready_capacity"
        case retentionDays = "retention_days"
        case modulesOff = "modules_off"
        case timeZone = "time_zone"
        case sandboxRounds = "sandbox_rounds"
    }

    var json: JSONBytes { .encoding(self) }
}

extension JSONBytes {
    /// What we encode is plain data, so it cannot fail.
    static func encoding(_ value: some Encodable) -> JSONBytes {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(value) else { preconditionFailure("\(type(of: value)) does not encode") }
        return JSONBytes(Array(data))
    }
}
