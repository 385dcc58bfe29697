import Foundation
import Identity
import JSONEnvelope
import PostgresClient
import SalesModel
import Tenancy

/// What a decided lead does to its customer: makes it or adds to it, gives it an owner, and asks about whom else it may be.
struct CustomerChange: Sendable {
    let customer: CustomerID
    let isNew: Bool
    let owner: SellerID?
    let said: SaidValues
    let keys: [BlockingKey]
    let match: MatchDecision?
    /// By which it was recognised.
    let ruleSet: RuleSetReference?
    let lead: LeadID

    init(_ resolution: Resolution, of lead: Lead, owner: SellerID?, in customers: inout CustomerFacts) {
        customer = resolution.customer
        isNew = resolution.isNew
        self.owner = owner
        // Who was settled by an earlier decision has told what it says.
        said =
            resolution.match == nil ? SaidValues([]) : SaidValues(resolution.said, source: lead.source, at: lead.receivedAt, lead: lead.id)
        ruleSet = resolution.ruleSet
        keys = customers.accept(resolution, owner: owner)
        match = resolution.match
        self.lead = lead.id
    }

    /// Pairs a person is asked about: whom it may be, and whom it shows to be the same as its customer.
    var questions: [(suspect: CustomerID, evidence: MatchEvidence)] { match?.asked ?? [] }
}

// MARK: - As JSON

extension CustomerChange {
    /// As it stands in the decision log.
    var json: [UInt8] {
        JSONWriter.object(capacity: 256) { object in
            object.member("id", customer.name)
            object.member("is_new", isNew)
            if let ruleSet { object.member("rule_set", ruleSet.description) }
            if let best = match?.likely.first {
                object.member("likely", best.customer.name)
                object.member("match", json: best.evidence.json)
            }
        }
    }
}

extension MatchEvidence {
    /// As it is shown and kept.
    public var json: [UInt8] {
        JSONWriter.object(capacity: 256) { object in
            object.member("percent", (percent * 10).rounded() / 10)
            object.member("bits", bits.map { ($0 * 10).rounded() / 10 })
            object.member("conflict", conflict?.rawValue)
            object.array("fields") { list in
                for field in fields {
                    list.object { item in
                        item.member("field", field.field)
                        item.member("likeness", (field.likeness * 1_000).rounded() / 1_000)
                        item.member("weight", (field.weight * 10).rounded() / 10)
                        item.member("carriers", field.carriers)
                    }
                }
            }
        }
    }
}

// MARK: - Writing it

extension CustomerChange {
    struct Settled: Sendable {
        let tenant: TenantID
        let place: Int
        let change: CustomerChange
    }

    private struct Key: Hashable, Comparable {
        let tenant: Int64
        let customer: Int64

        static func < (a: Key, b: Key) -> Bool { (a.tenant, a.customer) < (b.tenant, b.customer) }
    }

    /// Of several leads of one customer the later ones add to what the first made.
    private struct Sum {
        var isNew = false
        var owner: Int64?
        var said = SaidValues([])
    }

    /// For a transaction that holds the tenants' routing versions: nobody else makes or changes customers meanwhile.
    static func statements(for changes: [Settled]) -> [Statement] {
        guard !changes.isEmpty else { return [] }
        var sums: [Key: Sum] = [:]
        var keys: [(tenant: Int64, key: String, customer: Int64)] = []
        var questions: [(tenant: Int64, customer: Int64, suspect: Int64, lead: Int64, evidence: MatchEvidence)] = []
        for settled in changes.sorted(by: { $0.place < $1.place }) {
            let (tenant, change) = (settled.tenant.rawValue, settled.change)
            var sum = sums[Key(tenant: tenant, customer: change.customer.rawValue)] ?? Sum()
            sum.isNew = sum.isNew || change.isNew
            sum.owner = change.owner?.rawValue ?? sum.owner
            sum.said.values += change.said.values
            sums[Key(tenant: tenant, customer: change.customer.rawValue)] = sum
            keys += change.keys.map { (tenant, $0.text, change.customer.rawValue) }
            for (suspect, evidence) in change.questions {
                // The pair is named the same way round whoever raises the question.
                let pair = [suspect.rawValue, change.customer.rawValue].sorted()
                questions.append((tenant, pair[1], pair[0], change.lead.rawValue, evidence))
            }
        }
        let made = sums.filter(\.value.isNew).sorted { $0.key < $1.key }
        let known = sums.filter { !$0.value.isNew && (!$0.value.said.values.isEmpty || $0.value.owner != nil) }.sorted { $0.key < $1.key }
        var statements: [Statement] = []
        if !made.isEmpty {
            statements.append(
                """
                INSERT INTO customer (tenant_id, id, said, owner_id)
                SELECT * FROM unnest(\(made.map(\.key.tenant)), \(made.map(\.key.customer)), \(made.map(\.value.said.json)), \(made.map(\.value.owner)))
                """)
        }
        if !known.isEmpty {
            statements.append(
                """
                UPDATE customer c SET said = c.said || n.said, owner_id = COALESCE(n.owner, c.owner_id), updated_at = now()
                FROM unnest(\(known.map(\.key.tenant)), \(known.map(\.key.customer)), \(known.map(\.value.said.json)), \(known.map(\.value.owner)))
                    AS n(tenant, id, said, owner)
                WHERE c.tenant_id = n.tenant AND c.id = n.id
                """)
        }
        if !keys.isEmpty { statements.append(.customerKeys(keys.map(\.tenant), keys.map(\.key), keys.map(\.customer))) }
        if !questions.isEmpty {
            statements.append(
                """
                INSERT INTO customer_review (tenant_id, customer_id, suspect_id, lead_id, percent, evidence)
                SELECT * FROM unnest(\(questions.map(\.tenant)), \(questions.map(\.customer)), \(questions.map(\.suspect)), \(questions.map(\.lead)),
                    \(questions.map(\.evidence.percent)), \(questions.map { JSONBytes($0.evidence.json) }))
                ON CONFLICT (tenant_id, customer_id, suspect_id) \(unescaped: askingAgain)
                """)
        }
        return statements
    }
}

extension CustomerChange {
    /// A pair is asked about once, unless the question was withdrawn with the version that had asked it.
    static let askingAgain = """
        DO UPDATE SET state = 'open', lead_id = excluded.lead_id, percent = excluded.percent, evidence = excluded.evidence, decided_by = NULL,
            reason = NULL, decided_at = NULL
        WHERE customer_review.state = 'withdrawn'
        """
}

extension Statement {
    static func customerKeys(_ tenants: [Int64], _ keys: [String], _ customers: [Int64]) -> Statement {
        """
        INSERT INTO customer_key (tenant_id, key, customer_id)
        SELECT * FROM unnest(\(tenants), \(keys), \(customers))
        ON CONFLICT DO NOTHING
        """
    }
}
