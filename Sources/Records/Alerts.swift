import Foundation
import Ledger
import PostgresClient
import Tenancy

/// Something wrong that somebody should hear of.
public struct Alert: Sendable, Hashable {
    public let id: Int64
    public let code: String
    public let subject: String
    /// A JSON object.
    public let detail: JSONBytes
    /// How often it was raised while it lasted.
    public let count: Int
    public let firstAt: Date
    public let lastAt: Date
    public let resolvedAt: Date?
}

extension Statement {
    /// Opens an alert, or counts up the open one of that code and subject. The tenant must be set.
    public static func raise(_ code: String, _ subject: String, detail: JSONBytes, of tenant: TenantID, at now: Date) -> Statement {
        """
        INSERT INTO alert AS a (tenant_id, code, subject, detail, first_at, last_at)
        VALUES (\(tenant.rawValue), \(code), \(subject), \(detail), \(now), \(now))
        ON CONFLICT (tenant_id, code, subject) WHERE resolved_at IS NULL
            DO UPDATE SET count = a.count + 1, last_at = excluded.last_at, detail = excluded.detail
        """
    }

    /// Closes all open alerts of that code. The tenant must be set.
    static func resolveAll(_ code: String, of tenant: TenantID, at now: Date) -> Statement {
        "UPDATE alert SET resolved_at = \(now) WHERE tenant_id = \(tenant.rawValue) AND code = \(code) AND resolved_at IS NULL"
    }

    /// Closes the open alert of that code and subject, if there is one. The tenant must be set.
    public static func resolve(_ code: String, _ subject: String, of tenant: TenantID, at now: Date) -> Statement {
        """
        UPDATE alert SET resolved_at = \(now)
        WHERE tenant_id = \(tenant.rawValue) AND code = \(code) AND subject = \(subject) AND resolved_at IS NULL
        """
    }
}

extension Records {
    /// Ends an alert by hand, once per idempotency key; one that is over stays as it is. Nil: there is none of that id.
    ///
    /// What it was about is not touched: when that happens again, another alert begins.
    public func resolve(
        alert id: Int64, of tenant: TenantID, by actor: String, reason: String, key: IdempotencyKey?, now: Date = Date(),
        answer: @Sendable @escaping (Alert) -> StoredAnswer
    ) async throws -> Once? {
        do {
            return try await write(tenant, on: engine) { transaction in
                try transaction.once(key) {
                    let found = try transaction.query(
                        "SELECT \(unescaped: Alert.columns) FROM alert WHERE tenant_id = \(tenant.rawValue) AND id = \(id) FOR UPDATE"
                    ).first.map(Alert.init)
                    guard let alert = found else { throw NoSuchAlert() }
                    guard alert.resolvedAt == nil else { return answer(alert) }
                    let rows = try transaction.pipeline([
                        """
                        UPDATE alert SET resolved_at = \(now) WHERE tenant_id = \(tenant.rawValue) AND id = \(id)
                        RETURNING \(unescaped: Alert.columns)
                        """,
                        .audit(
                            tenant, by: actor, "alert.resolve", "\(alert.code)/\(alert.subject)",
                            before: .encoding(["alert_id": "\(id)", "state": "open"]), after: .encoding(["state": "resolved"]),
                            reason: reason),
                    ])[0]
                    return answer(try Alert(rows.first!))
                }
            }
        } catch is NoSuchAlert {
            return nil
        }
    }

    /// Ends all alerts of a code by hand, once per idempotency key.
    ///
    /// - Parameter last: only those that began no later than this one, so that none ends that whoever asks has not heard of.
    /// - Parameter answer: is told how many.
    public func resolve(
        alertsOf code: String, upTo last: Int64?, of tenant: TenantID, by actor: String, reason: String, key: IdempotencyKey?,
        now: Date = Date(), answer: @Sendable @escaping (Int) -> StoredAnswer
    ) async throws -> Once {
        try await write(tenant, on: engine) { transaction in
            try transaction.once(key) {
                let count = try transaction.query(
                    """
                    UPDATE alert SET resolved_at = \(now)
                    WHERE tenant_id = \(tenant.rawValue) AND code = \(code) AND resolved_at IS NULL AND id <= \(last ?? .max)
                    RETURNING id
                    """
                ).count
                if count > 0 {
                    _ = try transaction.query(
                        .audit(
                            tenant, by: actor, "alert.resolve", code, before: .encoding(["open": count]),
                            after: .encoding(["state": "resolved"]), reason: reason))
                }
                return answer(count)
            }
        }
    }

    /// Alerts, the newest first.
    ///
    /// - Parameter open: only those that still last.
    public func alerts(of tenant: TenantID, open: Bool? = nil, before cursor: Int64 = .max, limit: Int = 100) async throws -> Page<Alert> {
        let rows = try await read(
            tenant,
            """
            SELECT \(unescaped: Alert.columns)
            FROM alert
            WHERE tenant_id = \(tenant.rawValue) AND id < \(cursor) AND (\(open)::boolean IS NULL OR \(open)::boolean = (resolved_at IS NULL))
            ORDER BY id DESC
            LIMIT \(limit + 1)
            """)
        let items = try rows.prefix(limit).map(Alert.init)
        return Page(items: items, next: rows.count > limit ? items.last?.id : nil)
    }
}

/// Alerts of one code that last.
public struct OpenAlerts: Sendable, Hashable {
    public let tenant: TenantID
    public let code: String
    public let count: Int
    /// The one that began last.
    public let newest: Int64
    /// When it began.
    public let newestAt: Date
}

extension Records {
    /// Alerts of a tenant that last, by code: that of the newest first.
    public func openAlerts(of tenant: TenantID) async throws -> [OpenAlerts] {
        try await read(tenant, .openAlerts(of: [tenant])).map(OpenAlerts.init)
    }

    /// Alerts that last of the tenants whose newest is the newest, by code, and how many tenants have any.
    ///
    /// Row security looks for each row's tenant among those that are set, one after another: with ten thousand of them set, 120,000 alerts took
    /// three seconds; asked of some hundreds at a time, a third of one.
    ///
    /// - Parameter limit: of so many tenants.
    public func newestAlerts(ofTenants limit: Int) async throws -> (alerts: [OpenAlerts], tenants: Int) {
        let everybody = try await engine.query("SELECT id FROM tenant ORDER BY id").map { TenantID(try $0.get("id")) }
        var newest: [(tenant: TenantID, alert: Int64)] = []
        var tenants = 0
        for start in stride(from: 0, to: everybody.count, by: 500) {
            let some = Array(everybody[start..<min(start + 500, everybody.count)])
            let rows = try await engine.pipeline([.tenants(some), .newestAlerts(of: some, limit: limit)])[1]
            newest += try rows.map { (TenantID(try $0.get("tenant_id")), try $0.get("newest")) }
            tenants += try rows.first?.get("tenants") ?? 0
        }
        let named = newest.sorted { $0.alert > $1.alert }.prefix(limit).map(\.tenant)
        let alerts = try await engine.pipeline([.tenants(named), .openAlerts(of: named)])[1]
        return (try alerts.map(OpenAlerts.init), tenants)
    }
}

extension Statement {
    /// The tenants must be set.
    fileprivate static func newestAlerts(of tenants: [TenantID], limit: Int) -> Statement {
        """
        SELECT tenant_id, max(id) AS newest, count(*) OVER () AS tenants FROM alert
        WHERE tenant_id = ANY (\(tenants.map(\.rawValue))) AND resolved_at IS NULL
        GROUP BY tenant_id ORDER BY max(id) DESC LIMIT \(limit)
        """
    }

    /// The tenants must be set.
    fileprivate static func openAlerts(of tenants: [TenantID]) -> Statement {
        """
        SELECT tenant_id, code, count(*) AS alerts, max(id) AS newest, max(first_at) AS newest_at FROM alert
        WHERE tenant_id = ANY (\(tenants.map(\.rawValue))) AND resolved_at IS NULL
        GROUP BY tenant_id, code ORDER BY max(id) DESC
        """
    }
}

extension OpenAlerts {
    fileprivate init(_ row: Row) throws {
        self.init(
            tenant: TenantID(try row.get("tenant_id")), code: try row.get("code"), count: try row.get("alerts"),
            newest: try row.get("newest"), newestAt: try row.get("newest_at"))
    }
}

private struct NoSuchAlert: Error {}

extension Alert {
    static let columns = "id, code, subject, detail, count, first_at, last_at, resolved_at"

    init(_ row: Row) throws {
        id = try row.get("id")
        code = try row.get("code")
        subject = try row.get("subject")
        detail = try row.get("detail")
        count = try row.get("count")
        firstAt = try row.get("first_at")
        lastAt = try row.get("last_at")
        resolvedAt = try row.get("resolved_at")
    }
}
