/// One step of a decision's explanation: what happened, and the values it happened with.
///
/// The text people read is made from these values only (LEAD-ROUTE-15), so what was not recorded is not claimed.
public struct Reason: Sendable, Hashable {
    public enum Code: String, Sendable, Hashable, CaseIterable {
        case fieldUnmapped = "field_unmapped"
        case typeMismatch = "type_mismatch"
        case fieldMissing = "field_missing"
        case notComparable = "not_comparable"
        case fieldDefaulted = "field_defaulted"
        case scoreBand = "score_band"
        case intentGrade = "intent_grade"
        case ruleMatched = "rule_matched"
        case condition
        case noRouteRules = "no_route_rules"
        case noScoreRules = "no_score_rules"
        case rulesUnreadable = "rules_unreadable"
        case regionMatched = "region_matched"
        case regionUnknown = "region_unknown"
        case industryMatched = "industry_matched"
        case industryUnknown = "industry_unknown"
        case closeRate = "close_rate"
        case dealsWon = "deals_won"
        case fewestPending = "fewest_pending"
        case roundRobin = "round_robin"
        case dedicated
        case teamFirst = "team_first"
        case teamExhausted = "team_exhausted"
        case targetExhausted = "target_exhausted"
        case alternate
        case pooled
        case toMarketing = "to_marketing"
        case fallbackPool = "fallback_pool"
        case manualQueue = "manual_queue"
        case assignmentFailed = "assignment_failed"
        case fuseOpen = "fuse_open"
        case assignedByHand = "assigned_by_hand"
        case transferredOverdue = "transferred_overdue"
        case existingOwner = "existing_owner"
        case suspectedOwner = "suspected_owner"
        case ownerUnavailable = "owner_unavailable"
    }

    public enum Parameter: Sendable, Hashable {
        case text(String)
        case integer(Int)
        case number(Double)
    }

    public let code: Code
    public let parameters: [String: Parameter]

    public init(_ code: Code, _ parameters: [String: Parameter] = [:]) {
        self.code = code
        self.parameters = parameters
    }
}

extension Reason.Parameter: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral {
    public init(stringLiteral value: String) { self = .text(value) }
    public init(integerLiteral value: Int) { self = .integer(value) }
}

extension Reason: Codable {
    private enum CodingKeys: String, CodingKey {
        case code
        case parameters = "params"
    }
}

extension Reason.Code: Codable {}

extension Reason.Parameter: Codable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let text = try? container.decode(String.self) {
            self = .text(text)
        } else if let integer = try? container.decode(Int.self) {
            self = .integer(integer)
        } else {
            self = .number(try container.decode(Double.self))
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .text(let text): try container.encode(text)
        case .integer(let integer): try container.encode(integer)
        case .number(let number): try container.encode(number)
        }
    }
}
