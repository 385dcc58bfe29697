import Foundation
import Identity
import PostgresClient
import Rules
import SalesModel
import Tenancy

/// A customer as a tenant tells of it.
public struct CustomerFactsTold: Sendable, Hashable {
    /// Of standard fields by name.
    public var said: [String: [String]]
    /// The seller's external id; nil leaves the owner as it is.
    public var owner: String?
    /// The known customer that is meant.
    public var linkTo: CustomerName?
    /// Why it is another customer although one like it is known.
    public var newReason: String?

    public init(said: [String: [String]], owner: String? = nil, linkTo: CustomerName? = nil, newReason: String? = nil) {
        self.said = said
        self.owner = owner
        self.linkTo = linkTo
        self.newReason = newReason
    }
}

/// What came of telling of a customer.
public enum CustomerPut: Sendable, Hashable {
    case made(CustomerID)
    case changed(CustomerID)
    /// One like it is known: link to it, or say why this is another (CID-02).
    case alike([MatchDecision.Likely])
    case unknownSeller
    /// The customer to link to is not known, or has another id of the tenant's already.
    case cannotLink
}

extension Records {
    /// By which the tenant's customers are recognised: the live rules of the kind `match`, or the standard ones.
    public func matchRules(of tenant: TenantID) async throws -> MatchRules {
        try await liveRuleSets(of: tenant).lazy.compactMap(\.ruleSet.match).first ?? .standard
    }

    /// By which a tenant's customers are found: the live rules first, then those of a version that is being rolled out.
    func findingRules(of tenant: TenantID) async throws -> [MatchRules] {
        let live = try await liveRuleSets(of: tenant).map(\.ruleSet)
        let tried = try await read(
            tenant,
            """
            \(unescaped: RuleSetVersion.select) v WHERE tenant_id = \(tenant.rawValue) AND kind = 'match' AND EXISTS (
                SELECT FROM rollout r
                WHERE r.tenant_id = v.tenant_id AND r.kind = v.kind AND r.name = v.name AND r.version = v.version AND r.state IN ('shadow', 'canary'))
            """
        ).map(RuleSetVersion.init)
        let catalogue = FieldCatalogue.of(live)
        return [live.lazy.compactMap(\.match).first ?? .standard] + tried.compactMap { $0.parsed(catalogue)?.match }
    }

    /// Whom a record may be, the most likely first.
    public func likelyCustomers(_ said: [String: [String]], of tenant: TenantID) async throws -> [MatchDecision.Likely] {
        let rules = try await [matchRules(of: tenant)]
        return try await write(tenant) { transaction in
            try CustomerBook(of: tenant, rules: rules, reading: true, in: transaction).decision(on: said).likely
        }
    }

    /// Stores a customer under the tenant's own id. What was told before stays; what is new counts from now on.
    public func putCustomer(
        _ externalID: String, _ told: CustomerFactsTold, of tenant: TenantID, by actor: String, at now: Date = Date()
    ) async throws -> CustomerPut {
        let rules = try await findingRules(of: tenant)
        return try await write(tenant, on: engine) { transaction in
            let book = try CustomerBook(of: tenant, rules: rules, in: transaction)
            var owner: Int64?
            if let seller = told.owner {
                let rows = try transaction.query("SELECT id FROM seller WHERE tenant_id = \(tenant.rawValue) AND external_id = \(seller)")
                guard let row = rows.first else { return .unknownSeller }
                owner = try row.get("id")
            }
            let said = SaidValues(told.said, source: "api", at: now, lead: nil)
            let hasID = try transaction.query(
                "SELECT id FROM customer WHERE tenant_id = \(tenant.rawValue) AND external_id = \(externalID)")
            if !hasID.isEmpty, let known = try book.survivor(CustomerName(externalID)) {
                try book.add(said, to: known, owner: owner)
                return .changed(known.id)
            }
            if let link = told.linkTo {
                guard let known = try book.survivor(link), try transaction.name(known.id, externalID, of: tenant) else {
                    return .cannotLink
                }
                try book.add(said, to: known, owner: owner)
                _ = try transaction.query(
                    .audit(
                        tenant, by: actor, "customer.link", known.id.name, after: .encoding(["external_id": externalID]),
                        reason: "told by the API"))
                return .changed(known.id)
            }
            let alike = try book.decision(on: told.said).likely.filter {
                $0.evidence.standing > .different || $0.evidence.isHighlighted(by: book.rules)
            }
            guard alike.isEmpty || told.newReason != nil else { return .alike(alike) }
            let made = try book.make(said, externalID: externalID, owner: owner)
            if let reason = told.newReason {
                _ = try transaction.query(
                    .audit(
                        tenant, by: actor, "customer.new", made.name, after: .encoding(["alike": alike.map(\.customer.name)]),
                        reason: reason))
            }
            return .made(made)
        }
    }
}

extension CustomerBook {
    /// What was told before and has not changed is not told again.
    fileprivate func add(_ said: SaidValues, to entry: Entry, owner: Int64?) throws {
        var all = entry.said
        for value in said.values where all.values.last(where: { $0.field == value.field && $0.lead == nil })?.value != value.value {
            all.values.append(value)
        }
        try write(all, of: entry, owner: owner ?? entry.owner)
    }
}

extension PostgresTransaction {
    /// Gives a customer the tenant's id; false when it has one.
    fileprivate func name(_ customer: CustomerID, _ externalID: String, of tenant: TenantID) throws -> Bool {
        try !query(
            """
            UPDATE customer SET external_id = \(externalID)
            WHERE tenant_id = \(tenant.rawValue) AND id = \(customer.rawValue) AND external_id IS NULL
            RETURNING id
            """
        ).isEmpty
    }
}
