import Foundation
import PostgresClient
import ProcessHealth
import Tenancy

/// Who the subjects of sellers' records are: leads, opportunities and records of one customer are one, by what is known of them today.
struct HealthCustomers {
    /// A relation that ended, as far as one of its subjects goes.
    struct End {
        let subject: String
        let at: Date
        let recordedAt: Date
        /// Whose it was from then on; nil: nobody's.
        let heir: String?
    }

    /// By subject; what belongs to no customer is one of its own.
    private let keys: [String: String]
    private let deals: [String: (opened: Date, closed: Date?)]
    /// By customer.
    private let ends: [String: [End]]

    func key(of subject: String) -> String { keys[subject] ?? subject }

    /// When a seller's relation to a customer ended: with what they had of it, and not while they have another deal of it; or when another
    /// seller's deal came of the lead, and they have none.
    ///
    /// - Parameter subjects: those of the customer on which the seller recorded anything.
    func ends(of customer: String, for seller: String, _ subjects: Set<String>) -> [(at: Date, recordedAt: Date)] {
        let own = subjects.filter { deals[$0] != nil }
        return (ends[customer] ?? []).filter { end in
            if let heir = end.heir { return heir != seller && own.isEmpty }
            return subjects.contains(end.subject)
                && !own.contains { $0 != end.subject && deals[$0]!.opened <= end.at && deals[$0]!.closed.map { $0 > end.at } ?? true }
        }.map { ($0.at, $0.recordedAt) }
    }
}

extension HealthReader {
    /// - Parameter subjects: with their types before them, such as `lead:w-1`.
    func customers(of subjects: Set<String>, at now: Date, of tenant: TenantID) async throws -> HealthCustomers {
        func named(_ type: String) -> [String] {
            subjects.filter { $0.hasPrefix(type + ":") }.map { String($0.dropFirst(type.count + 1)) }.sorted()
        }
        let (leads, deals, customers) = (named("lead"), named("opportunity"), named("customer"))
        let numbers = customers.map { CustomerName($0).number }
        let rows = try await read(
            tenant,
            [
                """
                SELECT DISTINCT ON (l.external_id) 'lead:' || l.external_id AS subject, 'customer:c' || l.customer_id AS customer
                FROM lead l WHERE l.tenant_id = \(tenant.rawValue) AND l.external_id = ANY(\(leads)) ORDER BY l.external_id, l.id
                """,
                """
                WITH RECURSIVE led AS (
                    SELECT n.name, c.id, c.merged_into
                    FROM unnest(\(customers), \(numbers)) AS n(name, number)
                        JOIN customer c ON c.tenant_id = \(tenant.rawValue) AND (c.external_id = n.name OR c.id = n.number)
                    UNION ALL
                    SELECT led.name, c.id, c.merged_into
                    FROM led JOIN customer c ON c.tenant_id = \(tenant.rawValue) AND c.id = led.merged_into)
                SELECT 'customer:' || name AS subject, 'customer:c' || id AS customer FROM led WHERE merged_into IS NULL
                """,
                """
                SELECT 'opportunity:' || o.external_id AS subject, COALESCE('customer:c' || l.customer_id, 'lead:' || o.lead) AS customer, o.opened_at, o.closed_at,
                    COALESCE((SELECT min(f.recorded_at) FROM opportunity_fact f
                        WHERE f.tenant_id = o.tenant_id AND f.opportunity_id = o.id AND f.won IS NOT NULL AND f.closed_at = o.closed_at),
                        o.closed_at) AS recorded_at
                FROM opportunity o LEFT JOIN LATERAL (
                    SELECT customer_id FROM lead WHERE tenant_id = o.tenant_id AND external_id = o.lead ORDER BY id LIMIT 1) l ON true
                WHERE o.tenant_id = \(tenant.rawValue) AND o.external_id = ANY(\(deals))
                """,
                """
                SELECT 'lead:' || subject AS subject, at, recorded_at FROM activity
                WHERE tenant_id = \(tenant.rawValue) AND subject_type = 'lead' AND subject = ANY(\(leads)) AND type = 'closed' AND at <= \(now)
                """,
                // Deals that came of these leads, whoever has them.
                """
                SELECT 'lead:' || o.lead AS subject, o.owner, o.opened_at AS at,
                    COALESCE((SELECT min(f.recorded_at) FROM opportunity_fact f
                        WHERE f.tenant_id = o.tenant_id AND f.opportunity_id = o.id AND f.fields->>'lead' = o.lead), o.opened_at) AS recorded_at
                FROM opportunity o
                WHERE o.tenant_id = \(tenant.rawValue) AND o.lead = ANY(\(leads)) AND o.opened_at <= \(now)
                """,
            ])
        return try HealthCustomers(rows)
    }
}

extension HealthCustomers {
    fileprivate init(_ rows: [Rows]) throws {
        var keys: [String: String] = [:]
        for row in rows[0...2].joined() {
            if let customer: String = try row.get("customer") { keys[try row.get("subject")] = customer }
        }
        var deals: [String: (opened: Date, closed: Date?)] = [:]
        var ends: [String: [End]] = [:]
        func end(_ subject: String, _ at: Date, _ recordedAt: Date, heir: String? = nil) {
            ends[keys[subject] ?? subject, default: []].append(End(subject: subject, at: at, recordedAt: recordedAt, heir: heir))
        }
        for row in rows[2] {
            let subject: String = try row.get("subject")
            let closed: Date? = try row.get("closed_at")
            deals[subject] = (try row.get("opened_at"), closed)
            if let closed { end(subject, closed, try row.get("recorded_at", as: Date?.self) ?? closed) }
        }
        for row in rows[3] { end(try row.get("subject"), try row.get("at"), try row.get("recorded_at")) }
        for row in rows[4] {
            end(try row.get("subject"), try row.get("at"), try row.get("recorded_at"), heir: try row.get("owner", as: String?.self) ?? "")
        }
        (self.keys, self.deals, self.ends) = (keys, deals, ends)
    }
}
