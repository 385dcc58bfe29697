import Foundation
import Jobs
import PostgresClient
import Tenancy

/// What a tenant is entitled to, as the ledger has it.
public struct TenantLimits: Sendable, Hashable {
    public let tenant: TenantID
    public let weight: Int
    /// 0 while it is paused.
    public let cap: Int
    public let rate: Double?
    public let burst: Int?
    /// Most ready jobs of one flow in the index.
    public let capacity: Int
}

extension Ledger {
    /// Every tenant's weight, cap and rate.
    public func tenantLimits() async throws -> [TenantLimits] {
        try await postgres.query("\(unescaped: TenantLimits.select)").map(TenantLimits.init)
    }

    /// One tenant's weight, cap and rate.
    public func limits(of tenant: TenantID) async throws -> TenantLimits? {
        try await postgres.query("\(unescaped: TenantLimits.select) WHERE id = \(tenant.rawValue)").first.map(TenantLimits.init)
    }

    /// The limit of a gate; nil: it has none.
    public func limit(of gate: String) async throws -> Int? {
        try [String: Int?](limits: try await postgres.query(.limits(of: [gate])))[gate] ?? nil
    }

    /// The limits of all gates that have one: the smallest of what people and breakers ask for.
    public func gateLimits() async throws -> [String: Int] {
        let rows = try await postgres.query(
            """
            SELECT gate, min("limit") AS least
            FROM (SELECT gate, "limit" FROM gate_limit UNION ALL SELECT gate, "limit" FROM breaker WHERE "limit" IS NOT NULL) g
            GROUP BY gate
            """)
        return try rows.reduce(into: [:]) { $0[try $1.get("gate")] = Int(try $1.get("least", as: Int32.self)) }
    }
}

extension PostgresTransaction {
    /// The limits of gates: of each the smallest of what people and its breaker ask for; nil: nobody asks for any.
    func limits(of gates: [String]) throws -> [String: Int?] {
        gates.isEmpty ? [:] : try [String: Int?](limits: query(.limits(of: gates)))
    }
}

extension Statement {
    fileprivate static func limits(of gates: [String]) -> Statement {
        """
        SELECT n.gate, (SELECT min("limit") FROM (
            SELECT "limit" FROM gate_limit WHERE gate = n.gate UNION ALL SELECT "limit" FROM breaker WHERE gate = n.gate) g) AS least
        FROM unnest(\(gates)) AS n(gate)
        """
    }
}

extension [String: Int?] {
    fileprivate init(limits rows: Rows) throws {
        self = try rows.reduce(into: [:]) { $0[try $1.get("gate")] = .some(try $1.get("least", as: Int32?.self).map(Int.init)) }
    }
}

extension TenantLimits {
    fileprivate static let select = "SELECT id, weight, cap, rate, burst, ready_capacity, paused_at IS NOT NULL AS paused FROM tenant"

    fileprivate init(_ row: Row) throws {
        tenant = TenantID(try row.get("id"))
        weight = Int(try row.get("weight", as: Int32.self))
        cap = try row.get("paused", as: Bool.self) ? 0 : Int(try row.get("cap", as: Int32.self))
        rate = try row.get("rate")
        burst = try row.get("burst", as: Int32?.self).map(Int.init)
        capacity = Int(try row.get("ready_capacity", as: Int32.self))
    }
}
