import Foundation
import PostgresClient
import ProcessHealth
import Tenancy

/// Reads what process health rests on, for the jobs that work it out.
public struct HealthReader: Sendable {
    let postgres: PostgresPool

    /// - Parameter postgres: a pool under the role `kiteline_app`.
    public init(postgres: PostgresPool) { self.postgres = postgres }

    func read(_ tenant: TenantID, _ statements: [Statement]) async throws -> [Rows] {
        Array(try await postgres.pipeline([.tenants([tenant])] + statements).dropFirst())
    }
}

/// A seller whose process health is worked out.
public struct HealthSeller: Sendable, Hashable {
    public let id: Int64
    public let externalID: String
    public let name: String
    public let team: String?
    /// Who hears of it: the team's manager, or `role:operator` where nobody is named.
    public let manager: String
    public let isActive: Bool
}

extension HealthReader {
    /// Where the tenant's weeks begin.
    public func zone(of tenant: TenantID) async throws -> TimeZone {
        let rows = try await read(tenant, ["SELECT time_zone FROM tenant WHERE id = \(tenant.rawValue)"])[0]
        return try rows.first.flatMap { TimeZone(identifier: try $0.get("time_zone")) } ?? TimeZone(identifier: "Asia/Shanghai")!
    }

    /// Sellers in the order they were told of, whatever their status: what they did is judged all the same.
    ///
    /// - Parameter names: only these, by their external ids; nil: all.
    public func sellers(of tenant: TenantID, named names: [String]? = nil, after: Int64 = 0, limit: Int) async throws -> [HealthSeller] {
        try await read(
            tenant,
            [
                """
                SELECT s.id, s.external_id, s.name, s.team, s.status IS NOT DISTINCT FROM 'active' AS is_active,
                    COALESCE((SELECT t.manager FROM team t WHERE t.tenant_id = s.tenant_id AND t.external_id = s.team), 'role:operator') AS manager
                FROM seller s
                WHERE s.tenant_id = \(tenant.rawValue) AND s.id > \(after) AND (\(names)::text[] IS NULL OR s.external_id = ANY(\(names)::text[]))
                ORDER BY s.id LIMIT \(limit)
                """
            ])[0].map(HealthSeller.init)
    }
}

extension HealthSeller {
    init(_ row: Row) throws {
        id = try row.get("id")
        externalID = try row.get("external_id")
        name = try row.get("name")
        team = try row.get("team")
        manager = try row.get("manager")
        isActive = try row.get("is_active")
    }
}
