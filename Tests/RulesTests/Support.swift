import Foundation
import SalesModel
import Testing

@testable import Rules

func parse(_ kind: RuleKind, _ source: String, catalogue: FieldCatalogue = .standard) throws -> RuleSet {
    try RuleSet.parse(kind: kind, name: "test", source: source, catalogue: catalogue).get()
}

/// The faults of a rule set, as `path: code`.
func faults(_ kind: RuleKind, _ source: String, catalogue: FieldCatalogue = .standard) -> [String] {
    switch RuleSet.parse(kind: kind, name: "test", source: source, catalogue: catalogue) {
    case .success: []
    case .failure(let faults): faults.faults.map { "\($0.path): \($0.code.rawValue)" }
    }
}

func rules(map: String? = nil, score: String? = nil, route: String? = nil) throws -> TenantRules {
    let sources = [(RuleKind.map, map), (.score, score), (.route, route)]
    var live: [LiveRuleSet] = []
    for (kind, source) in sources {
        guard let source else { continue }
        live.append(LiveRuleSet(try parse(kind, source, catalogue: .of(live.map(\.ruleSet))), version: 1))
    }
    return TenantRules(live)
}

func lead(_ fields: [String: OutsideValue] = [:], source: String = "website") -> Lead {
    Lead(id: LeadID(1), source: source, receivedAt: Date(timeIntervalSince1970: 1_760_000_000), fields: fields)
}

extension OutsideValue: ExpressibleByStringLiteral, ExpressibleByFloatLiteral, ExpressibleByIntegerLiteral, ExpressibleByArrayLiteral {
    public init(stringLiteral value: String) { self = .text(value) }
    public init(floatLiteral value: Double) { self = .number(value) }
    public init(integerLiteral value: Int) { self = .number(Double(value)) }
    public init(arrayLiteral elements: OutsideValue...) { self = .list(elements) }
}
