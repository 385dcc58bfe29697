import Foundation
import Identity
import JSONEnvelope
import PostgresClient
import Routing
import Rules
import SalesModel
import Tenancy

/// Who the leads of a batch may be: a working copy, so that a lead sees the customer that one before it made.
public struct CustomerFacts: Sendable {
    /// A lead as the rules of matching see it.
    struct Subject: Sendable {
        let record: MatchRecord
        let said: [String: [String]]
        /// Of an earlier decision.
        let customer: CustomerID?
        /// Its customer's, should it be a new one: the lead's own number, so that a lead that is decided twice, and held in between, is
        /// the same customer to a rollout each time.
        let spare: CustomerID
    }

    private var index: CustomerIndex
    private var owners: [CustomerID: SellerID]
    /// Customers whose owner has them only through leads that are now decided once more: that is no claim.
    private var reopened: Set<CustomerID>
    private let subjects: [LeadID: Subject]

    init(index: CustomerIndex, owners: [CustomerID: SellerID], reopened: Set<CustomerID>, subjects: [LeadID: Subject]) {
        self.index = index
        self.owners = owners
        self.reopened = reopened
        self.subjects = subjects
    }
}

/// Which customer a lead is of.
public struct Resolution: Sendable {
    public let customer: CustomerID
    public let isNew: Bool
    /// The matching; nil where an earlier decision had settled it.
    public let match: MatchDecision?
    /// Who has the customer, or the one it is suspected to be.
    public let claim: OwnerClaim?
    let record: MatchRecord
    let said: [String: [String]]
}

extension CustomerFacts {
    /// Who a lead is, as of the decisions made so far. Changes nothing yet.
    public func resolution(of lead: LeadID) -> Resolution {
        guard let subject = subjects[lead] else { preconditionFailure("lead \(lead) was not read with its batch") }
        if let customer = subject.customer {
            let owner = reopened.contains(customer) ? nil : owners[customer]
            return resolution(subject, customer, isNew: false, nil, claim: owner.map { claim($0, customer) })
        }
        let match = index.decision(on: subject.record)
        switch match.verdict {
        case .known(let customer):
            return resolution(subject, customer, isNew: false, match, claim: owners[customer].map { claim($0, customer) })
        case .suspected(let customer):
            let percent = match.likely.first?.evidence.percent ?? 0
            return resolution(subject, subject.spare, isNew: true, match, claim: owners[customer].map { claim($0, customer, percent) })
        case .new: return resolution(subject, subject.spare, isNew: true, match, claim: nil)
        }
    }

    private func resolution(
        _ subject: Subject, _ customer: CustomerID, isNew: Bool, _ match: MatchDecision?, claim: OwnerClaim?
    ) -> Resolution {
        Resolution(customer: customer, isNew: isNew, match: match, claim: claim, record: subject.record, said: subject.said)
    }

    private func claim(_ owner: SellerID, _ customer: CustomerID, _ suspicion: Double? = nil) -> OwnerClaim {
        OwnerClaim(seller: owner, customer: customer.name, suspicion: suspicion)
    }

    /// The lead becomes part of its customer, whom the next leads find, with the owner it now has.
    ///
    /// - Returns: the keys it brought to the customer.
    mutating func accept(_ resolution: Resolution, owner: SellerID?) -> [BlockingKey] {
        if let owner {
            owners[resolution.customer] = owner
            reopened.remove(resolution.customer)
        }
        return index.add(resolution.record, to: resolution.customer)
    }

    /// Everybody whom a lead of the batch may turn out to be.
    public var everyone: [CustomerID] { index.ids + subjects.values.map(\.spare) }
}

extension CustomerID {
    /// As others are told of it: `c12`.
    public var name: String { "c\(rawValue)" }

    /// Reads `c12`.
    public init?(name: String) {
        guard name.hasPrefix("c") else { return nil }
        self.init(String(name.dropFirst()))
    }
}

// MARK: - Reading

extension RoutingReader {
    /// Reads whom a batch's leads may be, in one trip: of each key the eldest customers who have it.
    ///
    /// - Parameter known: customers of earlier decisions.
    func customers(
        of leads: [Lead], known: [LeadID: CustomerID], population: Int, _ rules: TenantRules, of tenant: TenantID
    ) async throws -> CustomerFacts {
        var subjects: [LeadID: CustomerFacts.Subject] = [:]
        var keys: [BlockingKey: Int] = [:]
        for lead in leads {
            let said = rules.said(by: lead)
            let record = MatchRecord(said, rules: rules.match)
            subjects[lead.id] = CustomerFacts.Subject(
                record: record, said: said, customer: known[lead.id], spare: CustomerID(lead.id.rawValue))
            guard known[lead.id] == nil else { continue }
            for key in rules.match.keys(of: record) where keys[key] == nil { keys[key] = keys.count }
        }
        var index = CustomerIndex(rules: rules.match, population: population)
        var (owners, reopened): ([CustomerID: SellerID], Set<CustomerID>) = ([:], [])
        if !keys.isEmpty || !known.isEmpty {
            let ordered = keys.sorted { $0.value < $1.value }.map(\.key.text)
            for row in try await postgres.pipeline([
                .tenants([tenant]), .customers(ordered, known: known.values.map(\.rawValue), of: tenant),
            ])[1] {
                let id = CustomerID(try row.get("id", as: Int64.self))
                if try row.get("is_reopened") { reopened.insert(id) }
                if let owner = try row.get("owner_id", as: Int64?.self) { owners[id] = SellerID(owner) }
                index.hold(MatchRecord(try SaidValues(row.get("said")).byField, rules: rules.match), as: id)
            }
        }
        return CustomerFacts(index: index, owners: owners, reopened: reopened, subjects: subjects)
    }
}

extension Statement {
    /// The customers that have one of some keys, or are named. Of a key that very many have only the eldest: they tell enough of how
    /// little it says.
    static func customers(_ keys: [String], known: [Int64], of tenant: TenantID) -> Statement {
        """
        SELECT c.id, c.owner_id, c.said,
            c.id = ANY(\(known)) AND c.external_id IS NULL AND NOT EXISTS (
                SELECT FROM lead o
                WHERE o.tenant_id = c.tenant_id AND o.customer_id = c.id AND o.owner_id = c.owner_id AND o.state = 'assigned') AS is_reopened
        FROM customer c
        WHERE c.tenant_id = \(tenant.rawValue) AND c.id = ANY(ARRAY(
            SELECT f.customer_id
            FROM unnest(\(keys)) AS n(key) CROSS JOIN LATERAL (
                SELECT k.customer_id FROM customer_key k
                WHERE k.tenant_id = \(tenant.rawValue) AND k.key = n.key
                ORDER BY k.customer_id
                LIMIT \(Int64(BlockingKey.carrierLimit))) f
            UNION SELECT unnest(\(known)))) AND c.merged_into IS NULL
        ORDER BY c.id
        """
    }
}
