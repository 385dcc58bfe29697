import Breakers
import Foundation
import PostgresClient
import Tenancy

/// Something that holds jobs back: a pause, a limit or a breaker, as people should be told of it.
public struct Hold: Sendable, Hashable {
    public enum Cause: Sendable, Hashable {
        /// The whole tenant is paused.
        case tenantPause
        case pause
        /// Most at once.
        case limit
        case breaker(Breaker.State, isForced: Bool, until: Date?)
    }

    /// As the index spells it; empty where the whole tenant is held.
    public let gate: String
    public let cause: Cause
    /// How many may run at once; 0: none.
    public let limit: Int
    public let reason: String
    /// Whose hand it was; nil: nobody's, or the whole tenant is paused, of which the audit log knows.
    public let setBy: String?
    public let since: Date

    /// Whether nothing goes through.
    public var isClosed: Bool { limit == 0 }
}

extension Records {
    /// Everything that holds back a tenant's jobs, or everybody's: what concerns most first.
    /// - Parameter gates: only these, and the tenant's own pause; nil: all.
    public func holds(on gates: [String]? = nil, of tenant: TenantID) async throws -> [Hold] {
        try await read(
            tenant,
            """
            SELECT 1 AS place, '' AS gate, 'tenant' AS cause, 0 AS "limit", COALESCE(paused_reason, '') AS reason, NULL AS set_by, paused_at AS since,
                NULL AS state, false AS forced, NULL::timestamptz AS until
            FROM tenant WHERE id = \(tenant.rawValue) AND paused_at IS NOT NULL
            UNION ALL
            SELECT 2, gate, source, "limit", reason, set_by, since, NULL, false, NULL FROM gate_limit
            WHERE (tenant_id IS NULL OR tenant_id = \(tenant.rawValue)) AND (\(gates == nil) OR gate = ANY(\(gates ?? [])))
            UNION ALL
            SELECT 3, gate, 'breaker', "limit", reason, set_by, changed_at, state, forced, until FROM breaker
            WHERE "limit" IS NOT NULL AND (tenant_id IS NULL OR tenant_id = \(tenant.rawValue)) AND (\(gates == nil) OR gate = ANY(\(gates ?? [])))
            ORDER BY place, "limit", gate
            LIMIT 5000
            """
        ).map(Hold.init)
    }
}

/// A kind or a dependency somebody has paused.
public struct PausedGate: Sendable, Hashable {
    /// As the index spells it.
    public let gate: String
    /// Whose it is; nil: everybody's.
    public let tenant: TenantID?
    public let reason: String
    public let setBy: String
    public let since: Date
}

extension Records {
    /// What people have paused, the latest first: one tenant's (and everybody's), or all.
    public func pausedGates(of tenant: TenantID?) async throws -> [PausedGate] {
        try await engine.query(
            """
            SELECT gate, tenant_id, reason, set_by, since FROM gate_limit
            WHERE source = 'pause' AND (\(tenant?.rawValue)::bigint IS NULL OR tenant_id IS NULL OR tenant_id = \(tenant?.rawValue))
            ORDER BY since DESC, gate LIMIT 1000
            """
        ).map { row in
            PausedGate(
                gate: try row.get("gate"), tenant: try row.get("tenant_id", as: Int64?.self).map(TenantID.init),
                reason: try row.get("reason"),
                setBy: try row.get("set_by"), since: try row.get("since"))
        }
    }
}

extension Hold {
    fileprivate init(_ row: Row) throws {
        gate = try row.get("gate")
        limit = Int(try row.get("limit", as: Int32.self))
        reason = try row.get("reason")
        setBy = try row.get("set_by")
        since = try row.get("since")
        cause =
            switch try row.get("cause", as: String.self) {
            case "tenant": .tenantPause
            case "pause": .pause
            case "limit": .limit
            default:
                .breaker(
                    Breaker.State(rawValue: try row.get("state"))!,  // the column's check holds no other
                    isForced: try row.get("forced"), until: try row.get("until"))
            }
    }
}
