import Foundation
import Rules
import SalesModel

@testable import Replay
@testable import Routing

let start = Date(timeIntervalSince1970: 1_760_000_000)

func at(_ seconds: Double) -> Date { start.addingTimeInterval(seconds) }

func rules(_ route: String, version: Int = 1) throws -> TenantRules {
    let map = "{ sources: [\"*\"], fields: { region: { from: region, optional: true }, industry: { from: industry, optional: true } } }"
    return TenantRules([
        LiveRuleSet(try RuleSet.parse(kind: .map, name: "main", source: map).get(), version: 1),
        LiveRuleSet(try RuleSet.parse(kind: .route, name: "main", source: route).get(), version: version),
    ])
}

func seller(_ id: Int64, status: EmploymentStatus = .active, capacity: Int = 8, pending: Int = 0) -> Seller {
    Seller(id: SellerID(id), externalID: "s\(id)", status: status, capacity: capacity, pending: pending)
}

func lead(_ id: Int64, region: String? = nil) -> Lead {
    Lead(id: LeadID(id), source: "website", receivedAt: start, fields: region.map { ["region": .text($0)] } ?? [:])
}

/// A decision of a group of its own, one version after another.
func past(
    _ id: Int64, _ rules: TenantRules, version: Int64, moved: Bool = true, at seconds: Double, loadSeq: Int64 = 0,
    touchedAfter: Double? = nil,
    region: String? = nil
) -> PastDecision {
    PastDecision(
        lead: lead(id, region: region), version: version, moved: moved, loadSeq: loadSeq, decidedAt: at(seconds), outcome: "assigned",
        rules: rules.references, touchedAt: touchedAfter.map { at(seconds + $0) })
}
