import Foundation
import Identity
import Ledger
import PostgresClient
import Tenancy

/// Two customers that may be one.
public struct CustomerReview: Sendable, Hashable {
    public enum State: String, Sendable, Hashable, CaseIterable {
        case open, linked, apart
        /// The version of the rules that asked was taken back.
        case withdrawn
    }

    public let id: Int64
    /// The younger.
    public let customer: CustomerID
    public let suspect: CustomerID
    /// That raised the question.
    public let lead: Int64?
    public let percent: Double
    /// JSON, as `MatchEvidence.json`.
    public let evidence: JSONBytes
    public let state: State
    public let decidedBy: String?
    public let reason: String?
    public let createdAt: Date
    public let decidedAt: Date?

    init(_ row: Row) throws {
        id = try row.get("id")
        customer = CustomerID(try row.get("customer_id", as: Int64.self))
        suspect = CustomerID(try row.get("suspect_id", as: Int64.self))
        lead = try row.get("lead_id")
        percent = try row.get("percent")
        evidence = try row.get("evidence")
        state = State(rawValue: try row.get("state"))!  // a check in the table allows no other
        decidedBy = try row.get("decided_by")
        reason = try row.get("reason")
        createdAt = try row.get("created_at")
        decidedAt = try row.get("decided_at")
    }
}

extension Records {
    /// Questions about customers, the newest first.
    public func customerReviews(
        of tenant: TenantID, state: CustomerReview.State, before cursor: Int64 = .max, limit: Int
    ) async throws -> Page<CustomerReview> {
        let rows = try await read(
            tenant,
            """
            SELECT id, customer_id, suspect_id, lead_id, percent, evidence, state, decided_by, reason, created_at, decided_at
            FROM customer_review
            WHERE tenant_id = \(tenant.rawValue) AND state = \(state.rawValue) AND id < \(cursor)
            ORDER BY id DESC
            LIMIT \(limit + 1)
            """)
        let items = try rows.prefix(limit).map(CustomerReview.init)
        return Page(items: items, next: rows.count > limit ? items.last?.id : nil)
    }

    /// A person's answer: they are one, or are kept apart.
    ///
    /// - Parameter answer: is given the customer that stays, and the merge's number, nil where nothing was joined.
    /// - Returns: nil when there is no such question.
    public func decide(
        _ review: Int64, asOne: Bool, of tenant: TenantID, by actor: String, reason: String, key: IdempotencyKey?,
        answer: @Sendable @escaping (CustomerID, Int64?) -> StoredAnswer
    ) async throws -> Once {
        let rules = try await findingRules(of: tenant)
        return try await write(tenant, on: engine) { transaction in
            try transaction.once(key) {
                let book = try CustomerBook(of: tenant, rules: rules, in: transaction)
                let rows = try transaction.query(
                    """
                    SELECT customer_id, suspect_id, state FROM customer_review WHERE tenant_id = \(tenant.rawValue) AND id = \(review) FOR UPDATE
                    """)
                guard let row = rows.first else { throw CustomerRefusal.unknown }
                guard try row.get("state", as: String.self) == CustomerReview.State.open.rawValue else {
                    throw CustomerRefusal.alreadyUndone
                }
                let (customer, suspect) = (
                    CustomerID(try row.get("customer_id", as: Int64.self)), CustomerID(try row.get("suspect_id", as: Int64.self))
                )
                var (survivor, operation): (CustomerID, Int64?) = (customer, nil)
                if asOne { (survivor, operation) = try book.merge(customer, suspect, by: actor, reason: reason, in: transaction) }
                _ = try transaction.pipeline([
                    """
                    UPDATE customer_review
                    SET state = \(asOne ? "linked" : "apart"), decided_by = \(actor), reason = \(reason), decided_at = now()
                    WHERE tenant_id = \(tenant.rawValue) AND id = \(review)
                    """,
                    .audit(
                        tenant, by: actor, asOne ? "customer_review.link" : "customer_review.apart", String(review),
                        before: .encoding(["state": CustomerReview.State.open.rawValue]),
                        after: .encoding(["customer": customer.name, "suspect": suspect.name]), reason: reason),
                ])
                return answer(survivor, operation)
            }
        }
    }
}
