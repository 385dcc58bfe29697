import Foundation
import Rules
import SalesModel

@testable import Replay
@testable import Routing

/// A generator that gives the same numbers for the same seed (SplitMix64), so that a failure can be run again.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

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
