import Foundation
import Identity
import PostgresClient
import Tenancy

/// A customer with all that is known of it.
public struct CustomerRecord: Sendable, Hashable {
    public let id: CustomerID
    public let externalID: String?
    /// The owner's external id.
    public let owner: String?
    public let fields: [CustomerField]
    /// Fields whose value can't be one of its kind.
    public let unusable: [String]
    /// The newest first, at most `CustomerRecord.leadLimit`.
    public let leads: [Int64]
    /// Customers that went into this one: their numbers lead here.
    public let merged: [CustomerID]
    public let operations: [CustomerOperation]
    public let createdAt: Date
    public let updatedAt: Date

    public static let leadLimit = 100
}

/// What joined customers or parted them.
public struct CustomerOperation: Sendable, Hashable {
    public enum Kind: String, Sendable, Hashable { case merge, separate }

    public let id: Int64
    public let kind: Kind
    /// The one that went into another, or that a lead left.
    public let customer: CustomerID
    /// The survivor, or the lead's own.
    public let other: CustomerID
    public let leads: [Int64]
    public let actor: String
    public let reason: String
    public let at: Date
    public let undoneAt: Date?

    init(_ row: Row) throws {
        id = try row.get("id")
        kind = Kind(rawValue: try row.get("operation"))!  // a check in the table allows no other
        customer = CustomerID(try row.get("customer_id", as: Int64.self))
        other = CustomerID(try row.get("other_id", as: Int64.self))
        leads = try row.get("leads")
        actor = try row.get("actor")
        reason = try row.get("reason")
        at = try row.get("at")
        undoneAt = try row.get("undone_at")
    }
}

/// How a customer is called: by the tenant's own id, or by its number (`c12`).
public struct CustomerName: Sendable, Hashable {
    public let text: String

    public init(_ text: String) { self.text = text }

    /// -1, which nothing has, where it is no number.
    var number: Int64 { CustomerID(name: text)?.rawValue ?? -1 }
}

extension Records {
    /// The customer of that name; of one that went into another, the survivor (CID-03).
    public func customer(_ name: CustomerName, of tenant: TenantID) async throws -> CustomerRecord? {
        let found = try await read(
            tenant,
            """
            WITH RECURSIVE led AS (
                SELECT c.id, c.merged_into
                FROM customer c
                WHERE c.tenant_id = \(tenant.rawValue) AND c.id = COALESCE(
                    (SELECT e.id FROM customer e WHERE e.tenant_id = \(tenant.rawValue) AND e.external_id = \(name.text)), \(name.number))
                UNION ALL
                SELECT c.id, c.merged_into FROM led JOIN customer c ON c.tenant_id = \(tenant.rawValue) AND c.id = led.merged_into)
            SELECT id FROM led WHERE merged_into IS NULL
            """)
        guard let row = found.first else { return nil }
        let id: Int64 = try row.get("id")
        let rules = try await matchRules(of: tenant)
        let rows = try await app.pipeline([
            .tenants([tenant]),
            """
            SELECT c.id, c.external_id, c.said, c.created_at, c.updated_at, s.external_id AS owner,
                ARRAY(SELECT m.id FROM customer m WHERE m.tenant_id = c.tenant_id AND m.merged_into = c.id ORDER BY m.id) AS merged,
                ARRAY(SELECT l.id FROM lead l WHERE l.tenant_id = c.tenant_id AND l.customer_id = c.id ORDER BY l.id DESC
                    LIMIT \(Int64(CustomerRecord.leadLimit))) AS leads
            FROM customer c LEFT JOIN seller s ON s.tenant_id = c.tenant_id AND s.id = c.owner_id
            WHERE c.tenant_id = \(tenant.rawValue) AND c.id = \(id)
            """,
            """
            SELECT id, operation, customer_id, other_id, leads, actor, reason, at, undone_at
            FROM customer_log
            WHERE tenant_id = \(tenant.rawValue) AND (customer_id = \(id) OR other_id = \(id))
            ORDER BY id DESC
            LIMIT 100
            """,
        ])
        let operations = try rows[2].map(CustomerOperation.init)
        return try rows[1].first.map { try CustomerRecord($0, operations: operations, rules: rules) }
    }
}

extension CustomerRecord {
    fileprivate init(_ row: Row, operations: [CustomerOperation], rules: MatchRules) throws {
        id = CustomerID(try row.get("id", as: Int64.self))
        externalID = try row.get("external_id")
        owner = try row.get("owner")
        fields = CustomerField.all(of: try SaidValues(row.get("said")).values, rules: rules)
        unusable = rules.unusable(Dictionary(fields.map { ($0.name, [$0.value]) }, uniquingKeysWith: { $1 }))
        leads = try row.get("leads")
        merged = try row.get("merged", as: [Int64].self).map(CustomerID.init)
        self.operations = operations
        createdAt = try row.get("created_at")
        updatedAt = try row.get("updated_at")
    }
}
