import Foundation
import Identity
import JSONEnvelope
import PostgresClient
import Routing
import Rules
import SalesModel
import Tenancy

/// Who the leads of a batch may be: a working copy, so that a lead sees the customer that one before it made.
///
/// While another version of the rules that say so is tried, leads are also recognised by that one; who they become is one and the same.
public struct CustomerFacts: Sendable {
    /// A lead as one version sees it.
    struct Reading: Sendable {
        let record: MatchRecord
        let said: [String: [String]]
    }

    struct Subject: Sendable {
        /// By the places of the versions.
        let readings: [Reading]
        /// Of an earlier decision.
        let customer: CustomerID?
        /// Its customer's, should it be a new one: the lead's own number, so that a lead that is decided twice, and held in between, is
        /// the same customer to a rollout each time.
        let spare: CustomerID
    }

    /// One version's view: the live one's first, then of each that is tried.
    struct Version: Sendable {
        var index: CustomerIndex
        /// The rule set; nil: the standard rules.
        let reference: RuleSetReference?
    }

    private var versions: [Version]
    /// Which version each variant of the rules recognises by.
    private let places: [Int]
    /// What is known of customers whom one of several versions may not have found; empty where there is one.
    private let known: [CustomerID: [String: [String]]]
    private var owners: [CustomerID: SellerID]
    /// Customers whose owner has them only through leads that are now decided once more: that is no claim.
    private var reopened: Set<CustomerID>
    private let subjects: [LeadID: Subject]

    init(
        versions: [Version], places: [Int], known: [CustomerID: [String: [String]]], owners: [CustomerID: SellerID],
        reopened: Set<CustomerID>, subjects: [LeadID: Subject]
    ) {
        self.versions = versions
        self.places = places
        self.known = known
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
    /// By which it was recognised; nil: the standard rules, or an earlier decision.
    let ruleSet: RuleSetReference?
    /// What the lead says of who it is, by any version.
    let readings: [CustomerFacts.Reading]

    /// The same values however many versions read them.
    var said: [String: [String]] { readings.reduce(into: [:]) { $0.merge($1.said) { first, _ in first } } }

    /// Whom a person is asked about: whom it may be, and whom it shows to be the same as its customer.
    var questions: [(suspect: CustomerID, evidence: MatchEvidence)] { match?.asked ?? [] }

    /// What the arms of rollouts go by.
    fileprivate var identity: Identity {
        guard isNew else { return Identity(customer.name, .joined, claim: claim) }
        guard case .suspected(let suspect)? = match?.verdict else { return Identity(customer.name, .own, claim: claim) }
        return Identity(customer.name, .asked, suspect: suspect.name, claim: claim)
    }
}

extension MatchDecision {
    /// Pairs a person is asked about: whom the record may be, and whom it shows to be the same as its customer.
    var asked: [(suspect: CustomerID, evidence: MatchEvidence)] {
        let asked: [CustomerID] =
            switch verdict {
            case .suspected(let suspect): [suspect]
            case .known: joins + questions
            case .new: []
            }
        return asked.compactMap { suspect in likely.first { $0.customer == suspect }.map { (suspect, $0.evidence) } }
    }
}

/// Who a lead is by each version of the rules that say so.
public struct Resolutions: Sendable {
    /// The live version's first.
    let all: [Resolution]
    /// What the arms of rollouts go by.
    public let identities: Identities

    subscript(place: Int) -> Resolution { all[place] }

    /// Whether two of the answers come to the same customer and the same questions.
    func isSame(_ a: Int, _ b: Int) -> Bool {
        a == b || all[a].customer == all[b].customer && all[a].questions.map(\.suspect) == all[b].questions.map(\.suspect)
    }
}

extension CustomerFacts {
    /// Who a lead is, as of the decisions made so far. Changes nothing yet.
    public func resolutions(of lead: LeadID) -> Resolutions {
        guard let subject = subjects[lead] else { preconditionFailure("lead \(lead) was not read with its batch") }
        if let customer = subject.customer {
            let owner = reopened.contains(customer) ? nil : owners[customer]
            let settled = Resolution(
                customer: customer, isNew: false, match: nil, claim: owner.map { claim($0, customer) }, ruleSet: nil,
                readings: subject.readings)
            return Resolutions(
                all: [settled], identities: Identities([settled.identity], own: subject.spare.name, places: []))
        }
        let all = versions.indices.map { resolution(of: subject, by: $0) }
        return Resolutions(all: all, identities: Identities(all.map(\.identity), own: subject.spare.name, places: places))
    }

    private func resolution(of subject: Subject, by version: Int) -> Resolution {
        let match = versions[version].index.decision(on: subject.readings[version].record)
        var (customer, isNew, owner): (CustomerID, Bool, OwnerClaim?) = (subject.spare, true, nil)
        switch match.verdict {
        case .known(let known):
            (customer, isNew) = (known, false)
            owner = owners[known].map { claim($0, known) }
        case .suspected(let suspect): owner = owners[suspect].map { claim($0, suspect, match.likely.first?.evidence.percent ?? 0) }
        case .new: break
        }
        return Resolution(
            customer: customer, isNew: isNew, match: match, claim: owner, ruleSet: versions[version].reference,
            readings: subject.readings)
    }

    private func claim(_ owner: SellerID, _ customer: CustomerID, _ suspicion: Double? = nil) -> OwnerClaim {
        OwnerClaim(seller: owner, customer: customer.name, suspicion: suspicion)
    }

    /// The lead becomes part of its customer, whom the next leads find by every version, with the owner it now has.
    ///
    /// - Returns: the keys it brought to the customer.
    mutating func accept(_ resolution: Resolution, owner: SellerID?) -> [BlockingKey] {
        let customer = resolution.customer
        if let owner {
            owners[customer] = owner
            reopened.remove(customer)
        }
        var keys: [BlockingKey] = []
        for place in versions.indices {
            // One that another version found is held as a whole before something is added to it.
            if versions[place].index[customer] == nil, let said = known[customer] {
                versions[place].index.hold(MatchRecord(said, rules: versions[place].index.rules), as: customer)
            }
            let brought = versions[place].index.add(resolution.readings[place].record, to: customer)
            keys += place == 0 ? brought : brought.filter { !keys.contains($0) }
        }
        return keys
    }

    /// Everybody whom a lead of the batch may turn out to be.
    public var everyone: Set<CustomerID> {
        versions.reduce(into: Set(subjects.values.map(\.spare))) { $0.formUnion($1.index.ids) }
    }
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
    /// - Parameters:
    ///   - known: customers of earlier decisions.
    ///   - variants: the live rules first; those that say otherwise who a lead is, each recognises by itself.
    func customers(
        of leads: [Lead], known: [LeadID: CustomerID], population: Int, _ variants: [TenantRules], of tenant: TenantID
    ) async throws -> CustomerFacts {
        let (rules, places) = recognising(variants)
        var subjects: [LeadID: CustomerFacts.Subject] = [:]
        var keys = rules.map { _ in [BlockingKey: Int]() }
        for lead in leads {
            let readings = rules.map { rules in
                let said = rules.said(by: lead)
                return CustomerFacts.Reading(record: MatchRecord(said, rules: rules.match), said: said)
            }
            subjects[lead.id] = CustomerFacts.Subject(
                readings: readings, customer: known[lead.id], spare: CustomerID(lead.id.rawValue))
            guard known[lead.id] == nil else { continue }
            for (place, reading) in readings.enumerated() {
                for key in rules[place].match.keys(of: reading.record) where keys[place][key] == nil {
                    keys[place][key] = keys[place].count
                }
            }
        }
        var indexes = rules.map { CustomerIndex(rules: $0.match, population: population) }
        var (owners, reopened, said): ([CustomerID: SellerID], Set<CustomerID>, [CustomerID: [String: [String]]]) = ([:], [], [:])
        if keys.contains(where: { !$0.isEmpty }) || !known.isEmpty {
            let statements = keys.map { keys in
                Statement.customers(
                    keys.sorted { $0.value < $1.value }.map(\.key.text), known: known.values.map(\.rawValue), of: tenant)
            }
            for (place, rows) in try await postgres.pipeline([.tenants([tenant])] + statements).dropFirst().enumerated() {
                for row in rows {
                    let id = CustomerID(try row.get("id", as: Int64.self))
                    if try row.get("is_reopened") { reopened.insert(id) }
                    if let owner = try row.get("owner_id", as: Int64?.self) { owners[id] = SellerID(owner) }
                    let values = try SaidValues(row.get("said")).byField
                    indexes[place].hold(MatchRecord(values, rules: rules[place].match), as: id)
                    if rules.count > 1 { said[id] = values }
                }
            }
        }
        let versions = zip(rules, indexes).map { rules, index in
            CustomerFacts.Version(index: index, reference: rules.references.first { $0.kind == RuleKind.match.rawValue })
        }
        return CustomerFacts(
            versions: versions, places: places, known: said, owners: owners, reopened: reopened, subjects: subjects)
    }

    /// Of each way to recognise the first variant that has it, whose other rules are therefore the live ones; and which each variant has.
    private func recognising(_ variants: [TenantRules]) -> (rules: [TenantRules], places: [Int]) {
        var rules = [variants[0]]
        let places = variants.map { variant in
            if let place = rules.firstIndex(where: { $0.match == variant.match }) { return place }
            rules.append(variant)
            return rules.count - 1
        }
        return (rules, places)
    }
}

extension Statement {
    /// The customers that have one of some keys, or are named. Of a key that very many have only the eldest: they tell enough of how
    /// little it says.
    static func customers(_ keys: [String], known: [Int64], of tenant: TenantID) -> Statement {
        """
        SELECT c.id, c.owner_id, c.said, c.updated_at,
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
