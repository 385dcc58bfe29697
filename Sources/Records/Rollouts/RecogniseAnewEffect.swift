import Foundation
import Identity
import Jobs
import Ledger
import PostgresClient
import SalesModel
import Tenancy

/// Takes back whom a canary's leads were taken for: each leaves the customer it was put to, goes where the live version puts it, and what the
/// canary asked a person about is asked no more. Written to the log of customers, so a person can take it back in turn.
public struct RecogniseAnewEffect: JudgedEffect {
    /// One lead that is another customer's, or its own again.
    struct Move: Sendable, Hashable {
        let lead: Int64
        let from: CustomerID
        let to: CustomerID
        /// What it says of who it is.
        let said: SaidValues

        /// The lead's number as a customer.
        var own: CustomerID { CustomerID(lead) }
        var leaves: Bool { from != own }
        var goesOn: Bool { to != own }
    }

    struct Question: Sendable, Hashable {
        let lead: Int64
        let customer: CustomerID
        let suspect: CustomerID
        let percent: Double
        let evidence: JSONBytes
    }

    struct Key: Sendable, Hashable {
        let customer: CustomerID
        let text: String
    }

    struct Holder: Sendable, Hashable {
        let customer: CustomerID
        let seller: SellerID
    }

    let rollout: Int64
    /// All that were looked at again, moved or not.
    let leads: [Int64]
    let moves: [Move]
    let questions: [Question]
    /// By which customers are found no more, and by which they are from now on.
    let (lost, gained): ([Key], [Key])
    /// Of customers that leads are taken from: sellers who may have them by that lead only.
    let holders: [Holder]
    /// The customers this rests on, and when they had changed last.
    let seen: [CustomerID: Date]
    /// The keys the leads are found by, and how many customers had them.
    let (keys, carriers): ([String], Int64)
}

// MARK: - Whether it still holds

extension RecogniseAnewEffect {
    /// Those some of whose customers changed meanwhile, or change in the same transaction: they look again. Comes after `TakeBackEffect`, which
    /// always goes with it, has locked the routing version, under which customers are changed.
    static func stale(among settlements: [Settlement], in transaction: PostgresTransaction) throws -> Set<JobID> {
        var changing: [TenantID: (customers: Set<CustomerID>, keys: Set<String>)] = [:]
        for settlement in settlements {
            for change in settlement.outcome.effects.compactMap({ ($0 as? LeadDecisionEffect)?.customer }) {
                changing[settlement.attempt.tenant, default: ([], [])].customers.insert(change.customer)
                changing[settlement.attempt.tenant, default: ([], [])].keys.formUnion(change.keys.map(\.text))
            }
        }
        var stale: Set<JobID> = []
        for settlement in settlements {
            let (tenant, job) = (settlement.attempt.tenant, settlement.attempt.id)
            for effect in settlement.outcome.effects.compactMap({ $0 as? RecogniseAnewEffect }) {
                let others = changing[tenant, default: ([], [])]
                guard others.customers.isDisjoint(with: effect.seen.keys), others.keys.isDisjoint(with: effect.keys),
                    try effect.holds(of: tenant, in: transaction)
                else {
                    stale.insert(job)
                    continue
                }
                changing[tenant, default: ([], [])].customers.formUnion(effect.seen.keys)
                changing[tenant, default: ([], [])].keys.formUnion(effect.keys)
            }
        }
        return stale
    }

    private func holds(of tenant: TenantID, in transaction: PostgresTransaction) throws -> Bool {
        let rows = try transaction.pipeline([
            "SELECT version FROM routing_state WHERE tenant_id = \(tenant.rawValue) FOR UPDATE",
            """
            SELECT id, updated_at FROM customer
            WHERE tenant_id = \(tenant.rawValue) AND id = ANY(\(seen.keys.map(\.rawValue).sorted())) AND merged_into IS NULL
            ORDER BY id FOR UPDATE
            """,
            "SELECT count(*) AS n FROM customer_key WHERE tenant_id = \(tenant.rawValue) AND key = ANY(\(keys))",
        ])
        let now = try rows[1].reduce(into: [CustomerID: Date]()) {
            $0[CustomerID(try $1.get("id", as: Int64.self))] = try $1.get("updated_at")
        }
        return try now == seen && rows[2].first?.get("n", as: Int64.self) == carriers
    }
}

// MARK: - Writing it

extension RecogniseAnewEffect {
    static func statements(for effects: [SettledEffect]) -> [Statement] {
        effects.flatMap { settled in (settled.effect as? RecogniseAnewEffect)?.statements(of: settled.tenant.rawValue) ?? [] }
    }

    private var reason: String { "rollout \(rollout) was taken back" }

    private func statements(of tenant: Int64) -> [Statement] {
        [.bumpRouting(TenantID(tenant)), withdrawing(of: tenant)] + (moves.isEmpty ? [] : parting(of: tenant) + joining(of: tenant))
            + (questions.isEmpty ? [] : [asking(of: tenant)])
    }

    private func withdrawing(of tenant: Int64) -> Statement {
        """
        UPDATE customer_review SET state = 'withdrawn', decided_by = \(RolloutActor.undoing), reason = \(reason), decided_at = now()
        WHERE tenant_id = \(tenant) AND lead_id = ANY(\(leads)) AND state = 'open'
        """
    }

    /// Leads leave their customers for ones of their own, with what they said.
    private func parting(of tenant: Int64) -> [Statement] {
        let leaving = moves.filter(\.leaves)
        let (leads, from) = (leaving.map(\.lead), leaving.map(\.from.rawValue))
        return [
            "INSERT INTO customer (tenant_id, id, said) SELECT \(tenant), * FROM unnest(\(leads), \(leaving.map(\.said.json)))",
            """
            UPDATE customer c SET updated_at = now(), said = COALESCE((
                SELECT jsonb_agg(e.value ORDER BY e.place) FROM jsonb_array_elements(c.said) WITH ORDINALITY AS e(value, place)
                WHERE NOT EXISTS (
                    SELECT FROM unnest(\(from), \(leads)) AS n(customer, lead)
                    WHERE n.customer = c.id AND n.lead = (e.value->>'l')::bigint)), '[]')
            WHERE c.tenant_id = \(tenant) AND c.id = ANY(\(from))
            """,
            """
            INSERT INTO customer_log (tenant_id, operation, customer_id, other_id, leads, actor, reason)
            SELECT \(tenant), 'separate', n.customer, n.lead, ARRAY[n.lead], \(RolloutActor.undoing), \(reason)
            FROM unnest(\(from), \(leads)) WITH ORDINALITY AS n(customer, lead, place) ORDER BY n.place
            """,
            """
            UPDATE lead l SET customer_id = n.customer
            FROM unnest(\(moves.map(\.lead)), \(moves.map(\.to.rawValue))) AS n(lead, customer)
            WHERE l.tenant_id = \(tenant) AND l.id = n.lead
            """,
            """
            DELETE FROM customer_key k USING unnest(\(lost.map(\.customer.rawValue)), \(lost.map(\.text))) AS n(customer, key)
            WHERE k.tenant_id = \(tenant) AND k.customer_id = n.customer AND k.key = n.key
            """,
            // A customer that has nobody's lead any more by which its seller came to it is nobody's.
            """
            UPDATE customer c SET owner_id = NULL
            FROM unnest(\(holders.map(\.customer.rawValue)), \(holders.map(\.seller.rawValue))) AS n(customer, seller)
            WHERE c.tenant_id = \(tenant) AND c.id = n.customer AND c.owner_id = n.seller AND c.external_id IS NULL AND NOT EXISTS (
                SELECT FROM lead o JOIN assignment a ON a.tenant_id = o.tenant_id AND a.lead_id = o.id AND a.seller_id = n.seller
                WHERE o.tenant_id = c.tenant_id AND o.customer_id = c.id)
            """,
        ]
    }

    /// Their own customers go into whom the live version takes them for.
    private func joining(of tenant: Int64) -> [Statement] {
        let joining = moves.filter(\.goesOn)
        var said: [CustomerID: SaidValues] = [:]
        for move in joining { said[move.to, default: SaidValues([])].values += move.said.values }
        let sums = said.sorted { $0.key < $1.key }
        let made = moves.count { $0.leaves && !$0.goesOn } - moves.count { !$0.leaves && $0.goesOn }
        let (own, to) = (joining.map(\.lead), joining.map(\.to.rawValue))
        return [
            """
            INSERT INTO customer_log (tenant_id, operation, customer_id, other_id, owner_before, leads, actor, reason)
            SELECT \(tenant), 'merge', n.own, n.customer, c.owner_id, ARRAY[n.own], \(RolloutActor.undoing), \(reason)
            FROM unnest(\(own), \(to)) WITH ORDINALITY AS n(own, customer, place) JOIN customer c ON c.tenant_id = \(tenant) AND c.id = n.customer
            ORDER BY n.place
            """,
            """
            UPDATE customer c SET merged_into = n.customer, updated_at = now() FROM unnest(\(own), \(to)) AS n(own, customer)
            WHERE c.tenant_id = \(tenant) AND c.id = n.own
            """,
            "DELETE FROM customer_key WHERE tenant_id = \(tenant) AND customer_id = ANY(\(own))",
            """
            UPDATE customer c SET said = c.said || n.said, updated_at = now()
            FROM unnest(\(sums.map(\.key.rawValue)), \(sums.map(\.value.json))) AS n(id, said)
            WHERE c.tenant_id = \(tenant) AND c.id = n.id
            """,
            .customerKeys(gained.map { _ in tenant }, gained.map(\.text), gained.map(\.customer.rawValue)),
            "UPDATE routing_state SET customers = customers + \(Int64(made)) WHERE tenant_id = \(tenant)",
        ]
    }

    /// What the live version asks.
    private func asking(of tenant: Int64) -> Statement {
        // The pair is named the same way round whoever raises the question.
        let pairs = questions.map { [$0.customer.rawValue, $0.suspect.rawValue].sorted() }
        return """
            INSERT INTO customer_review (tenant_id, customer_id, suspect_id, lead_id, percent, evidence)
            SELECT \(tenant), * FROM unnest(\(pairs.map { $0[1] }), \(pairs.map { $0[0] }), \(questions.map(\.lead)), \(questions.map(\.percent)),
                \(questions.map(\.evidence)))
            ON CONFLICT (tenant_id, customer_id, suspect_id) \(unescaped: CustomerChange.askingAgain)
            """
    }
}
