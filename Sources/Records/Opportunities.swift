import Foundation
import PostgresClient
import Tenancy

/// An opportunity as the tenant tells of it; what ranking by deals won needs.
public struct OpportunityFacts: Sendable, Hashable {
    /// The seller's external id, whether or not we know the seller.
    public var owner: String?
    public var industry: String?
    public var stage: String
    /// Nil while it is open.
    public var won: Bool?
    public var amountMinor: Int64?
    /// ISO 4217.
    public var currency: String?
    public var closedAt: Date?

    public init(
        owner: String? = nil, industry: String? = nil, stage: String, won: Bool? = nil, amountMinor: Int64? = nil, currency: String? = nil,
        closedAt: Date? = nil
    ) {
        self.owner = owner
        self.industry = industry
        self.stage = stage
        self.won = won
        self.amountMinor = amountMinor
        self.currency = currency
        self.closedAt = closedAt
    }
}

extension Records {
    /// Stores an opportunity as told; true when it is new.
    public func putOpportunity(_ externalID: String, _ facts: OpportunityFacts, of tenant: TenantID) async throws -> Bool {
        try await write(tenant) { transaction in
            // The counter first: whoever counts deals while this is not committed counts without it, and sees the counter without it.
            let begun = try transaction.pipeline([
                .moveDeals(of: tenant),
                """
                INSERT INTO opportunity_past (tenant_id, id, seq, until_seq, owner, industry, won, closed_at)
                SELECT tenant_id, id, seq, (SELECT deal_seq FROM routing_clock WHERE tenant_id = \(tenant.rawValue)), owner, industry, won, closed_at
                FROM opportunity
                WHERE tenant_id = \(tenant.rawValue) AND external_id = \(externalID)
                """,
            ])
            let seq: Int64 = try begun[0].first!.get("deal_seq")
            return try transaction.query(
                """
                INSERT INTO opportunity (tenant_id, external_id, owner, industry, stage, won, amount_minor, currency, closed_at, seq)
                VALUES (\(tenant.rawValue), \(externalID), \(facts.owner), \(facts.industry), \(facts.stage), \(facts.won), \(facts.amountMinor),
                    \(facts.currency), \(facts.closedAt), \(seq))
                ON CONFLICT (tenant_id, external_id) DO UPDATE
                    SET owner = excluded.owner, industry = excluded.industry, stage = excluded.stage, won = excluded.won,
                        amount_minor = excluded.amount_minor, currency = excluded.currency, closed_at = excluded.closed_at, seq = excluded.seq,
                        updated_at = now()
                RETURNING xmax = 0 AS is_new
                """
            ).first!.get("is_new")
        }
    }
}
