import Foundation
import PostgresClient
import Tenancy

/// An opportunity as it is known now, with the stages it went through.
public struct Opportunity: Sendable {
    public let externalID: String
    public let facts: OpportunityFacts
    /// In the order of their time, whenever we heard of them.
    public let transitions: [Transition]

    public struct Transition: Sendable, Hashable {
        public let id: Int64
        public let from: String?
        public let to: String
        public let asked: String
        public let at: Date
        public let recordedAt: Date
        public let actor: String
        public let ruleVersion: String?
        public let evidence: [String]
        public let lacking: [String]
    }
}

extension Records {
    /// Nil when there is none. Of a very long history the last 500 moves.
    public func opportunity(_ externalID: String, of tenant: TenantID) async throws -> Opportunity? {
        try Opportunity(externalID, try await app.pipeline([.tenants([tenant])] + Opportunity.statements(externalID, tenant)).dropFirst())
    }
}

extension Opportunity {
    /// What it is made of.
    static func statements(_ externalID: String, _ tenant: TenantID) -> [Statement] {
        [
            """
            SELECT owner, industry, stage, won, amount_minor, currency, closed_at, opened_at, self_entered, fields
            FROM opportunity WHERE tenant_id = \(tenant.rawValue) AND external_id = \(externalID)
            """,
            """
            SELECT * FROM (
                SELECT t.id, t.from_stage, t.to_stage, t.asked, t.at, t.recorded_at, t.actor, t.rule_version, t.evidence, t.lacking
                FROM opportunity o JOIN stage_transition t ON t.tenant_id = o.tenant_id AND t.opportunity_id = o.id
                WHERE o.tenant_id = \(tenant.rawValue) AND o.external_id = \(externalID)
                ORDER BY t.at DESC, t.id DESC LIMIT 500) last
            ORDER BY at, id
            """,
        ]
    }

    /// Nil: there is none.
    init?(_ externalID: String, _ rows: some Collection<Rows>) throws {
        let rows = Array(rows)
        guard let row = rows[0].first else { return nil }
        let fields = try row.get("fields", as: JSONBytes.self).bytes
        self.init(
            externalID: externalID,
            facts: OpportunityFacts(
                owner: try row.get("owner"), industry: try row.get("industry"), stage: try row.get("stage"), won: try row.get("won"),
                amountMinor: try row.get("amount_minor"), currency: try row.get("currency"), closedAt: try row.get("closed_at"),
                openedAt: try row.get("opened_at"), isSelfEntered: try row.get("self_entered"), fields: fields),
            transitions: try rows[1].map { row in
                Opportunity.Transition(
                    id: try row.get("id"), from: try row.get("from_stage"), to: try row.get("to_stage"), asked: try row.get("asked"),
                    at: try row.get("at"), recordedAt: try row.get("recorded_at"), actor: try row.get("actor"),
                    ruleVersion: try row.get("rule_version"), evidence: try row.get("evidence"), lacking: try row.get("lacking"))
            })
    }
}
