import Foundation
import Identity
import PostgresClient
import Tenancy

/// A tenant's customers inside one transaction that holds the routing version: nobody else makes or changes customers meanwhile, and
/// whoever decided on how they were has to decide again (CID-10).
struct CustomerBook {
    let tenant: TenantID
    /// By which customers are recognised.
    let rules: MatchRules
    /// And found: those first, then such as are tried.
    private let finding: [MatchRules]
    private let transaction: PostgresTransaction
    private let population: Int

    /// - Parameters:
    ///   - rules: the live ones first, then those that are tried.
    ///   - reading: nothing will be changed, so nobody has to wait or to decide again.
    init(of tenant: TenantID, rules: [MatchRules], reading: Bool = false, in transaction: PostgresTransaction) throws {
        self.tenant = tenant
        self.rules = rules[0]
        finding = rules
        self.transaction = transaction
        if reading {
            let rows = try transaction.query("SELECT customers FROM routing_state WHERE tenant_id = \(tenant.rawValue)")
            population = Int(try rows.first?.get("customers", as: Int64.self) ?? 0)
            return
        }
        let rows = try transaction.pipeline([
            "INSERT INTO routing_state (tenant_id) VALUES (\(tenant.rawValue)) ON CONFLICT DO NOTHING",
            "UPDATE routing_state SET version = version + 1 WHERE tenant_id = \(tenant.rawValue) RETURNING customers",
        ])
        population = Int(try rows[1].first?.get("customers", as: Int64.self) ?? 0)
    }

    /// A customer as it stands.
    struct Entry {
        let id: CustomerID
        let owner: Int64?
        let mergedInto: CustomerID?
        let said: SaidValues
    }

    func entry(_ id: CustomerID) throws -> Entry? {
        try transaction.query(
            """
            SELECT id, owner_id, merged_into, said FROM customer WHERE tenant_id = \(tenant.rawValue) AND id = \(id.rawValue) FOR UPDATE
            """
        ).first.map { row in
            Entry(
                id: id, owner: try row.get("owner_id"), mergedInto: try row.get("merged_into", as: Int64?.self).map(CustomerID.init),
                said: try SaidValues(row.get("said")))
        }
    }

    /// The customer of that name, and whoever it went into.
    func survivor(_ name: CustomerName) throws -> Entry? {
        let rows = try transaction.query(
            """
            SELECT id FROM customer
            WHERE tenant_id = \(tenant.rawValue) AND (external_id = \(name.text) OR id = \(name.number))
            ORDER BY external_id = \(name.text) DESC NULLS LAST
            LIMIT 1
            """)
        var entry = try rows.first.flatMap { try self.entry(CustomerID(try $0.get("id", as: Int64.self))) }
        while let next = entry?.mergedInto { entry = try self.entry(next) }
        return entry
    }

    /// Whom something said may be about, the most likely first.
    func decision(on said: [String: [String]]) throws -> MatchDecision {
        let record = MatchRecord(said, rules: rules)
        var index = CustomerIndex(rules: rules, population: population)
        for row in try transaction.query(.customers(rules.keys(of: record).map(\.text), known: [], of: tenant)) {
            index.hold(
                MatchRecord(try SaidValues(row.get("said")).byField, rules: rules), as: CustomerID(try row.get("id", as: Int64.self)))
        }
        return index.decision(on: record)
    }

    // MARK: Changing

    func make(_ said: SaidValues, externalID: String? = nil, owner: Int64?) throws -> CustomerID {
        let id = CustomerID(try transaction.query("SELECT nextval('lead_id_seq') AS id").first!.get("id", as: Int64.self))
        _ = try transaction.pipeline([
            """
            INSERT INTO customer (tenant_id, id, external_id, said, owner_id)
            VALUES (\(tenant.rawValue), \(id.rawValue), \(externalID), \(said.json), \(owner))
            """,
            "UPDATE routing_state SET customers = customers + 1 WHERE tenant_id = \(tenant.rawValue)",
        ])
        try giveKeys(of: said, to: id)
        return id
    }

    /// What is known of a customer from now on; it is found by that and by nothing else.
    func write(_ said: SaidValues, of entry: Entry, owner: Int64?) throws {
        _ = try transaction.query(
            """
            UPDATE customer SET said = \(said.json), owner_id = \(owner), updated_at = now()
            WHERE tenant_id = \(tenant.rawValue) AND id = \(entry.id.rawValue)
            """)
        try takeKeys(of: entry.said, from: entry.id)
        try giveKeys(of: said, to: entry.id)
    }

    func giveKeys(of said: SaidValues, to id: CustomerID) throws {
        let keys = keys(of: said)
        _ = try transaction.query(.customerKeys(keys.map { _ in tenant.rawValue }, keys, keys.map { _ in id.rawValue }))
    }

    func takeKeys(of said: SaidValues, from id: CustomerID) throws {
        _ = try transaction.query(
            """
            DELETE FROM customer_key WHERE tenant_id = \(tenant.rawValue) AND customer_id = \(id.rawValue) AND key = ANY(\(keys(of: said)))
            """)
    }

    private func keys(of said: SaidValues) -> [String] {
        Set(finding.flatMap { rules in rules.keys(of: MatchRecord(said.byField, rules: rules)).map(\.text) }).sorted()
    }
}
