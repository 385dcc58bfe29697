import Permissions
import PostgresClient
import Tenancy

// What a person asks for is judged in the transaction that does it: by the permissions that count then, on the record as it is then.

extension PostgresTransaction {
    /// Whether this person may tell of this lead: of one that is known both where it was and where it goes to count.
    func admit(_ lead: NewLead, by user: String, of tenant: TenantID) throws {
        let judge = try accessJudge(of: user, of: tenant)
        let known = try query(
            """
            SELECT fields FROM lead
            WHERE tenant_id = \(tenant.rawValue) AND source = \(lead.source) AND external_id = \(lead.externalID) FOR UPDATE
            """
        ).first?.get("fields", as: JSONBytes.self)
        guard let known else { return try judge.require(.createLead, ofLead: lead.fields.bytes) }
        try judge.require(.editLead, ofLead: known.bytes)
        try judge.require(.editLead, ofLead: lead.fields.bytes)
    }

    /// Whether this person may give this lead to a seller; one that is not there is for others to refuse.
    func admitGiving(_ lead: Int64, by user: String, of tenant: TenantID) throws {
        let judge = try accessJudge(of: user, of: tenant)
        for fields in try leadFields([lead], of: tenant) { try judge.require(.editLead, ofLead: fields.bytes) }
    }

    /// Whether this person may tell of this opportunity: as with leads.
    func admit(_ facts: OpportunityFacts, over known: OpportunityTelling.Known?, by user: String, of tenant: TenantID) throws {
        let judge = try accessJudge(of: user, of: tenant)
        guard let known else { return try judge.require(.createOpportunity, ofOpportunity: facts.fields) }
        try judge.require(.editOpportunity, ofOpportunity: known.fields.bytes)
        try judge.require(.editOpportunity, ofOpportunity: facts.fields)
    }

    /// Whether this person may tell what happened to these. A customer is of no city, and so within no data domain; a seller is no
    /// record of a city at all.
    func admitActivities(
        ofLeads leads: [Int64], opportunities: [Int64], customers: Bool, by user: String, of tenant: TenantID
    ) throws {
        let judge = try accessJudge(of: user, of: tenant)
        try judge.require(.createActivity)
        if customers { try judge.require(.createActivity, in: .unnamed) }
        for fields in try leadFields(leads, of: tenant) { try judge.require(.createActivity, ofLead: fields.bytes) }
        let rows = try query(
            "SELECT fields FROM opportunity WHERE tenant_id = \(tenant.rawValue) AND id = ANY(\(opportunities)) ORDER BY id")
        for row in rows { try judge.require(.createActivity, ofOpportunity: try row.get("fields", as: JSONBytes.self).bytes) }
    }

    private func leadFields(_ leads: [Int64], of tenant: TenantID) throws -> [JSONBytes] {
        try query("SELECT fields FROM lead WHERE tenant_id = \(tenant.rawValue) AND id = ANY(\(leads)) ORDER BY id").map {
            try $0.get("fields")
        }
    }
}

/// Cities leads are asked for in, and the fields that may name a lead's.
public struct LeadCities: Sendable, Hashable {
    let keys: [String]
    let fields: [String]

    /// - Parameter fields: nil: the usual ones.
    public init(_ cities: [City], named fields: [String]?) {
        keys = cities.map(\.key)
        self.fields = fields ?? PolicyBook.usualCityFields
    }
}
