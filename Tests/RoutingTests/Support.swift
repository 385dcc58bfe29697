import Foundation
import Rules
import SalesModel

@testable import Routing

let now = Date(timeIntervalSince1970: 1_760_000_000)

/// Maps every field the tests use by its own name, all optional.
let openMap = """
    sources: ["*"]
    fields:
      region: { from: region, optional: true }
      industry: { from: industry, optional: true }
      source_channel: { from: source_channel, optional: true }
      budget: { from: budget, currency: CNY, optional: true }
      interactions: { from: interactions, optional: true }
      account_manager: { from: account_manager, optional: true }
    """

/// Points from `points`, all in one sum: `points` 0–100 is the score.
let pointsCard = """
    dimensions:
      industry_match: { cases: [{ when: { field: interactions, gte: 20 }, points: 20 }] }
      budget_clarity: { cases: [{ when: { field: interactions, gte: 40 }, points: 20 }] }
      decision_chain: { cases: [{ when: { field: interactions, gte: 60 }, points: 20 }] }
      urgency: { cases: [{ when: { field: interactions, gte: 80 }, points: 20 }] }
      interaction: { cases: [{ when: { field: interactions, gte: 100 }, points: 20 }] }
    """

func rules(route: String, score: String? = pointsCard, map: String = openMap) throws -> TenantRules {
    let sources: [(RuleKind, String?)] = [(.map, map), (.score, score), (.route, route)]
    return TenantRules(
        try sources.compactMap { kind, source in
            try source.map { LiveRuleSet(try RuleSet.parse(kind: kind, name: "test", source: $0).get(), version: 1) }
        })
}

func lead(
    _ id: Int64 = 1, source: String = "website", region: String? = nil, industry: String? = nil, interactions: Int? = nil,
    manager: String? = nil
)
    -> Lead
{
    var fields: [String: OutsideValue] = [:]
    if let region { fields["region"] = .text(region) }
    if let industry { fields["industry"] = .text(industry) }
    if let interactions { fields["interactions"] = .number(Double(interactions)) }
    if let manager { fields["account_manager"] = .text(manager) }
    return Lead(id: LeadID(id), source: source, receivedAt: now, fields: fields)
}

func seller(
    _ id: Int64, team: String? = nil, status: EmploymentStatus = .active, regions: [String] = [], industries: [String] = [],
    capacity: Int = 8,
    weight: Int = 1, newcomer: Bool = false, pending: Int = 0, last: Date? = nil
) -> Seller {
    Seller(
        id: SellerID(id), externalID: "s\(id)", team: team, status: status, regions: regions, industries: industries, capacity: capacity,
        weight: weight,
        isNewcomer: newcomer, pending: pending, lastAssignedAt: last)
}

extension LeadDecision {
    /// Who was left out for what, as `over_load: s1 s2`.
    var leftOut: [String] { exclusions.map { "\($0.code.rawValue): \($0.sellers.joined(separator: " "))" } }

    func words(_ language: Language = .english) -> [String] { reasons.map { $0.text(in: language) } }
}
