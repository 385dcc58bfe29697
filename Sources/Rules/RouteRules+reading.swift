import SalesModel

extension RouteRules {
    static func read(_ reader: RuleReader, catalogue: FieldCatalogue) -> RouteRules? {
        guard let object = reader.object(keys: ["rules", "filters", "strategy", "fallback"]) else { return nil }
        let scope = ConditionScope(catalogue: catalogue, isScored: true)
        let items = object["rules"]?.items(limit: 200) ?? []
        let rules = items.map { RouteRule.read($0, scope) }
        let filters = object["filters"].map(Placement.filters) ?? []
        let strategy = object["strategy"].flatMap { GradedStrategy.read($0, filters: filters, catalogue: catalogue) }
        let fallback = object["fallback"].map { Fallback.read($0, catalogue: catalogue) } ?? Fallback(alternates: [], pool: nil)

        checkNames(rules, items)
        checkReach(rules, items, object)
        let known = rules.compactMap { $0 }
        return RouteRules(rules: known, strategy: strategy, fallback: fallback)
    }

    private static func checkNames(_ rules: [RouteRule?], _ items: [RuleReader]) {
        var first: [String: Int] = [:]
        for (index, rule) in rules.enumerated() {
            guard let rule else { continue }
            if let earlier = first[rule.id] {
                items[index].fault(.duplicate, "rules[\(earlier)] is called “\(rule.id)” too; receipts could not tell them apart.")
            } else {
                first[rule.id] = index
            }
        }
    }

    /// Every rule can be reached, and every lead reaches something.
    private static func checkReach(_ rules: [RouteRule?], _ items: [RuleReader], _ object: RuleObject) {
        var catchAll: Int?
        var seen: [Condition: Int] = [:]
        for (index, rule) in rules.enumerated() {
            if let catchAll {
                items[index].fault(
                    .unreachable, "rules[\(catchAll)] always applies, so this one is never asked; move it above, or remove it.")
                continue
            }
            guard let rule else { continue }
            guard let when = rule.when else {
                catchAll = index
                continue
            }
            if let earlier = seen[when] {
                items[index].fault(.unreachable, "rules[\(earlier)] has the same condition, so this one is never asked.")
            }
            seen[when] = seen[when] ?? index
        }
        if let catchAll, let strategy = object["strategy"] {
            strategy.fault(.unreachable, "rules[\(catchAll)] always applies, so the strategy is never asked; remove one of them.")
        }
        // A rule that could not be read may be the one that always applies.
        if catchAll == nil, object["strategy"] == nil, !rules.contains(where: { $0 == nil }) {
            object.reader.fault(.missing, "“strategy” is missing: without it, a lead to which no rule applies would go nowhere.")
        }
    }
}

extension RouteRule {
    fileprivate static func read(_ reader: RuleReader, _ scope: ConditionScope) -> RouteRule? {
        guard let object = reader.object(keys: ["id", "when", "filters"] + Placement.keys) else { return nil }
        let id = object.required("id", "a short name; receipts show it.")?.identifier()
        let filters = object["filters"].map(Placement.filters) ?? []
        let placement = Placement.read(object, filters: filters, catalogue: scope.catalogue, defaultTarget: nil)
        var when: Condition?
        if let reader = object["when"] {
            guard let condition = Condition.read(reader, in: scope) else { return nil }
            when = condition
        }
        guard let id, let placement else { return nil }
        return RouteRule(id: id, when: when, placement: placement)
    }
}

extension GradedStrategy {
    fileprivate static func read(_ reader: RuleReader, filters: Set<SellerFilter>, catalogue: FieldCatalogue) -> GradedStrategy? {
        guard let object = reader.object(keys: ["per", "high", "mid", "low"]) else { return nil }
        let grading = object["per"].map { $0.choice(Grading.self) } ?? .band
        let placements = ["high", "mid", "low"].map { name in
            object.required(name, "where leads of this grade go.").flatMap { member in
                member.object(keys: Placement.keys).flatMap {
                    Placement.read($0, filters: filters, catalogue: catalogue, defaultTarget: .everyone)
                }
            }
        }
        guard let grading, let high = placements[0], let mid = placements[1], let low = placements[2] else { return nil }
        return GradedStrategy(grading: grading, high: high, mid: mid, low: low)
    }
}

extension Fallback {
    fileprivate static func read(_ reader: RuleReader, catalogue: FieldCatalogue) -> Fallback {
        let object = reader.object(keys: ["alternates", "pool"])
        return Fallback(
            alternates: object?["alternates"].map { Target.alternates($0, of: nil, catalogue: catalogue) } ?? [],
            pool: object?["pool"]?.text(limit: 64))
    }
}

// MARK: - Placements

extension Placement {
    fileprivate static let keys = ["to", "by", "then", "alternates"] + rankingKeys
    private static let rankingKeys = ["metric", "n", "window_months", "active_only", "min_closed"]

    private enum Choice: String, CaseIterable {
        case ranked = "top_n_by_close_rate"
        case fewestPending = "fewest_pending"
        case roundRobin = "round_robin"
        case dedicated
        case groupFirst = "group_first"
    }

    fileprivate static func filters(_ reader: RuleReader) -> Set<SellerFilter> {
        guard let items = reader.items() else { return [] }
        return Set(items.compactMap { $0.choice(SellerFilter.self) })
    }

    fileprivate static func read(
        _ object: RuleObject, filters: Set<SellerFilter>, catalogue: FieldCatalogue, defaultTarget: Target?
    ) -> Placement? {
        let target: Target?
        if let defaultTarget, object["to"] == nil {
            target = defaultTarget
        } else {
            target = object.required("to", "everyone, newcomers, marketing, or { team: …}, { seller: … }, { pool: … }.").flatMap {
                Target.read($0, catalogue: catalogue)
            }
        }
        guard let target else {
            _ = strategy(object, for: .everyone)
            return nil
        }
        let alternates = object["alternates"].map { Target.alternates($0, of: target, catalogue: catalogue) } ?? []
        guard target.hasSellers else {
            for key in keys where key != "to" {
                object[key]?.fault(.conflict, "A pool and marketing take every lead, so “\(key)” has no meaning here.")
            }
            return Placement(target: target, strategy: .dedicated, filters: [], alternates: [])
        }
        guard let strategy = strategy(object, for: target) else { return nil }
        return Placement(target: target, strategy: strategy, filters: filters, alternates: alternates)
    }

    private static func strategy(_ object: RuleObject, for target: Target) -> Strategy? {
        let choice: Choice?
        if let reader = object["by"] {
            choice = reader.choice(Choice.self)
        } else {
            choice = target.namesOneSeller ? .dedicated : .fewestPending
        }
        guard let choice else { return nil }
        if choice != .ranked {
            for key in rankingKeys { object[key]?.fault(.conflict, "“\(key)” belongs to by: top_n_by_close_rate.") }
        }
        if choice != .groupFirst { object["then"]?.fault(.conflict, "“then” belongs to by: group_first.") }
        switch choice {
        case .ranked: return Ranking.read(object).map(Strategy.ranked)
        case .fewestPending: return .fewestPending
        case .roundRobin: return .roundRobin
        case .dedicated:
            guard target.namesOneSeller else {
                object["by"]?.fault(.conflict, "“dedicated” needs one seller: to: { seller: … } or { seller_in_field: … }.")
                return nil
            }
            return .dedicated
        case .groupFirst:
            guard case .teams = target else {
                object["by"]?.fault(.conflict, "“group_first” needs a team: to: { team: … }.")
                return nil
            }
            let turn = object["then"].map { $0.choice(Strategy.Turn.self) } ?? .fewestPending
            return turn.map { .groupFirst(then: $0) }
        }
    }
}

extension Ranking {
    /// Both the window and the active filter must be written, so that whoever reads the rule sees them (FC-02).
    fileprivate static func read(_ object: RuleObject) -> Ranking? {
        let metric = object["metric"].map { $0.choice(Metric.self) } ?? .closeRate
        let best = object["n"].map { $0.integer(in: 1...50) } ?? 3
        let leastClosed = object["min_closed"].map { $0.integer(in: 1...1000) } ?? (metric == .dealsWon ? 1 : 5)
        var window: Int?
        if let reader = object["window_months"] {
            window = reader.integer(in: 1...longestWindowMonths)
        } else {
            object.reader.fault(
                .rankingWindow, "A ranking needs “window_months” (1–\(longestWindowMonths)): old deals must not rank people for ever.")
        }
        if object["active_only"]?.boolean() != true {
            object.reader.fault(.rankingActiveOnly, "A ranking needs “active_only: true”: people who left must not be ranked.")
        }
        guard let metric, let best, let leastClosed, let window else { return nil }
        return Ranking(metric: metric, best: best, windowMonths: window, leastClosed: leastClosed)
    }
}

// MARK: - Targets

extension Target {
    private static let objectKeys = ["seller", "sellers", "team", "teams", "seller_in_field", "pool"]

    fileprivate var namesOneSeller: Bool {
        switch self {
        case .sellers(let sellers): sellers.count == 1
        case .sellerInField: true
        default: false
        }
    }

    fileprivate static func read(_ reader: RuleReader, catalogue: FieldCatalogue) -> Target? {
        guard reader.isObject else { return readWord(reader) }
        guard let object = reader.object(keys: objectKeys) else { return nil }
        let given = objectKeys.filter { object[$0] != nil }
        guard given.count == 1, let key = given.first, let member = object[key] else {
            let code: RuleFault.Code = given.isEmpty ? .missing : .conflict
            reader.fault(code, "Name exactly one of: \(objectKeys.joined(separator: ", ")).")
            return nil
        }
        switch key {
        case "seller": return member.text().map { .sellers([$0]) }
        case "sellers": return member.texts().map(Target.sellers)
        case "team": return member.text().map { .teams([$0]) }
        case "teams": return member.texts().map(Target.teams)
        case "pool": return member.text(limit: 64).map(Target.pool)
        default:
            guard let name = member.text(limit: 64) else { return nil }
            guard catalogue[name]?.type == .text else {
                member.fault(
                    .unknownField, "“\(name)” is no text field; name the one that holds the seller's external id, such as account_manager.")
                return nil
            }
            return .sellerInField(name)
        }
    }

    private static func readWord(_ reader: RuleReader) -> Target? {
        guard let word = reader.text(limit: 64) else { return nil }
        switch word {
        case "everyone": return .everyone
        case "newcomers": return .newcomers
        case "marketing": return .marketing
        default:
            reader.fault(
                .unknownValue, "“\(word)” is no target; write everyone, newcomers, marketing, { team: … }, { seller: … } or { pool: … }.")
            return nil
        }
    }

    fileprivate static func alternates(_ reader: RuleReader, of first: Target?, catalogue: FieldCatalogue) -> [Target] {
        guard let items = reader.items(limit: 20) else { return [] }
        var named: [Target] = first.map { [$0] } ?? []
        var alternates: [Target] = []
        for item in items {
            guard let target = read(item, catalogue: catalogue) else { continue }
            if !target.hasSellers {
                item.fault(.conflict, "An alternate is a seller, sellers or a team; a pool stands under fallback.")
            } else if named.contains(target) {
                item.fault(.duplicate, "This target is named twice; the second time it would be as full as the first.")
            } else {
                named.append(target)
                alternates.append(target)
            }
        }
        return alternates
    }
}
