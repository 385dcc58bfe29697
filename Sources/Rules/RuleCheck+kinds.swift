import SalesModel

// MARK: - Scores and routes

extension RuleCheck {
    static func score(_ rules: ScoreRules) -> [RuleFinding] {
        ScoreDimension.allCases.flatMap { dimension -> [RuleFinding] in
            guard let part = rules.dimensions[dimension] else { return [] }
            let path = "dimensions.\(dimension.rawValue).cases"
            // In a sum every true case counts, whatever stands before it.
            return reach(part.cases.map(\.when), path, isFirstOnly: part.mode == .first) { "\(path)[\($0)]" }
        }
    }

    static func route(_ rules: RouteRules, _ facts: RuleCheckFacts) -> [RuleFinding] {
        var findings = reach(rules.rules.map { $0.when ?? .all([]) }, "rules", isFirstOnly: true) {
            "rules[\($0)] (“\(rules.rules[$0].id)”)"
        }
        let names = ["high", "mid", "low"].map { "strategy.\($0)" }
        let paths = rules.rules.indices.map { "rules[\($0)]" } + names
        for (path, placement) in zip(paths, rules.placements) {
            findings += target(placement.target, "\(path).to", facts)
            for (place, alternate) in placement.alternates.enumerated() {
                findings += target(alternate, "\(path).alternates[\(place)]", facts)
            }
        }
        for (place, alternate) in rules.fallback.alternates.enumerated() {
            findings += target(alternate, "fallback.alternates[\(place)]", facts)
        }
        let hasSellers = rules.placements.contains { $0.target.hasSellers }
        if rules.fallback == Fallback(alternates: [], pool: nil), hasSellers {
            findings.append(
                .warning(
                    "fallback", .noFallback,
                    "There is no fallback: leads nobody can take go to the manual queue, with an alarm. Name a pool under fallback: { pool: … }."
                ))
        }
        if hasSellers, let peak = facts.pendingPeak, let sellers = facts.sellers {
            let capacity = sellers.filter(\.isActive).reduce(0) { $0 + max(0, $1.capacity) + 1 }
            if capacity < peak {
                findings.append(
                    .warning(
                        "rules", .capacityBelowPeak,
                        "The active sellers can have \(capacity) leads pending together, and \(peak) waited at once at the busiest moment of the last 90 days. The rest would fall back; raise capacities, or name a pool."
                    ))
            }
        }
        return findings
    }

    /// Conditions of which the first true one decides: what stands behind one that is at least as wide is never asked.
    private static func reach(_ conditions: [Condition], _ path: String, isFirstOnly: Bool, name: (Int) -> String) -> [RuleFinding] {
        conditions.indices.compactMap { place in
            let condition = conditions[place]
            if condition.isImpossible {
                return .warning(
                    "\(path)[\(place)].when", .impossible, "Nothing can fulfil this condition: two of its parts exclude each other.")
            }
            guard isFirstOnly, let earlier = conditions[..<place].firstIndex(where: { condition.implies($0) }) else { return nil }
            return .warning(
                "\(path)[\(place)]", .unreachable,
                "Whatever fits here fits \(name(earlier)) before it, so this is never asked; move it above, or remove it.")
        }
    }

    private static let elsewhere = "leads would go to the alternates, or else to the fallback."

    private static func target(_ target: Target, _ path: String, _ facts: RuleCheckFacts) -> [RuleFinding] {
        guard let sellers = facts.sellers else { return [] }
        let active = sellers.filter(\.isActive)
        switch target {
        case .everyone:
            return active.isEmpty ? [.warning(path, .emptyTarget, "There is no active seller: everything would fall back.")] : []
        case .newcomers:
            return active.contains(where: \.isNewcomer) ? [] : [.warning(path, .emptyTarget, "No active seller is marked as a newcomer.")]
        case .sellers(let names):
            return names.flatMap { name -> [RuleFinding] in
                guard let seller = sellers.first(where: { $0.externalID == name }) else {
                    return [.warning(path, .unknownTarget, "There is no seller “\(name)”; \(Self.elsewhere)")]
                }
                return seller.isActive
                    ? [] : [.warning(path, .inactiveTarget, "The seller “\(name)” is not active; \(Self.elsewhere)")]
            }
        case .teams(let names):
            return names.flatMap { name -> [RuleFinding] in
                if let teams = facts.teams, !teams.contains(name) {
                    return [.warning(path, .unknownTarget, "There is no team “\(name)”; \(Self.elsewhere)")]
                }
                return active.contains { $0.team == name }
                    ? [] : [.warning(path, .emptyTarget, "Nobody in the team “\(name)” is active; \(Self.elsewhere)")]
            }
        case .sellerInField, .pool, .marketing: return []
        }
    }
}

// MARK: - Clocks, gates, measures and messages

extension RuleCheck {
    /// A ladder's messages are there, speak of the same subject, and have a text for each of its channels.
    static func clocks(_ rules: ClockRules, _ others: [RuleSet]) -> [RuleFinding] {
        let messages = others.compactMap(\.messages).flatMap(\.messages)
        var findings: [RuleFinding] = []
        for (place, clock) in rules.clocks.enumerated() {
            if clock.when?.isImpossible == true {
                findings.append(
                    .warning("clocks[\(place)].when", .impossible, "Nothing can fulfil this condition, so the clock never runs."))
            }
            for (step, level) in clock.levels.enumerated() {
                guard let name = level.message else { continue }
                let path = "clocks[\(place)].levels[\(step)].message"
                guard let message = messages.first(where: { $0.id == name }) else {
                    findings.append(
                        .warning(path, .unknownMessage, "No live message set has “\(name)”: nothing could be said. Save the message first.")
                    )
                    continue
                }
                if message.subject != clock.subject {
                    findings.append(
                        .error(
                            path, .unknownMessage,
                            "“\(name)” speaks of a \(message.subject.label.english), the clock of a \(clock.subject.label.english)."))
                }
                for channel in level.channels {
                    for language in Language.allCases where message.text(on: channel, in: language) == nil {
                        findings.append(
                            .error(path, .missingText, "“\(name)” has no text for \(channel.rawValue) in \(language.rawValue)."))
                    }
                }
            }
        }
        return findings
    }

    static func gates(_ rules: GateRules) -> [RuleFinding] {
        var findings: [RuleFinding] = []
        for (place, gate) in rules.gates.enumerated() {
            for (step, requirement) in gate.requirements.enumerated() where requirement.when.isImpossible {
                findings.append(
                    .error(
                        "gates[\(place)].requires[\(step)].when", .impossible,
                        "Nothing can fulfil this requirement: the gate would stay shut for ever."))
            }
        }
        for (place, gate) in rules.gates.enumerated() where gate.isActionList {
            let count = gate.requirements.filter { $0.otherwise != .warn }.count
            guard !(3...5).contains(count) else { continue }
            findings.append(
                .warning(
                    "gates[\(place)].requires", .actionCount,
                    "A stage's list has 3 to 5 mandatory actions; this one has \(count). Fewer say little, more are not done."))
        }
        return findings
    }

    static func measures(_ rules: MeasureRules, _ others: [RuleSet]) -> [RuleFinding] {
        let stages = others.compactMap(\.gates).filter { $0.subject == .opportunity }.flatMap { $0.stages.map(\.id) }
        return rules.measures.enumerated().flatMap { place, measure -> [RuleFinding] in
            var conditions: [(String, Condition)] = measure.among.map { [("among", $0)] } ?? []
            if case .ratio(let condition) = measure.formula { conditions.append(("ratio", condition)) }
            return conditions.flatMap { name, condition -> [RuleFinding] in
                let path = "measures[\(place)].\(name)"
                if condition.isImpossible {
                    return [.warning(path, .impossible, "Nothing can fulfil this condition, so the figure says nothing.")]
                }
                guard measure.subject == .opportunity, !stages.isEmpty else { return [] }
                return condition.stages.subtracting(stages).sorted().map {
                    .warning(path, .unknownStage, "The live gates know no stage “\($0)”; the figure would never count it.")
                }
            }
        }
    }

    /// A message that a live clock sends may not go.
    static func messages(_ rules: MessageRules, _ others: [RuleSet]) -> [RuleFinding] {
        let all = rules.messages.map(\.id) + others.compactMap(\.messages).flatMap { $0.messages.map(\.id) }
        return others.flatMap { other -> [RuleFinding] in
            guard let clocks = other.clocks else { return [] }
            return clocks.messages.subtracting(all).sorted().map {
                .warning("messages", .unknownMessage, "The clocks “\(other.name)” send “\($0)”, which would be there no more.")
            }
        }
    }
}

extension Condition {
    /// The stages it compares with.
    fileprivate var stages: Set<String> {
        switch self {
        case .all(let parts), .any(let parts): return parts.reduce(into: []) { $0.formUnion($1.stages) }
        case .not(let part): return part.stages
        case .count: return []
        case .test(let test):
            guard test.field == "stage" else { return [] }
            switch test.comparison {
            case .equals(.text(let stage)): return [stage]
            case .isIn(let values): return Set(values.map(\.description))
            default: return []
            }
        }
    }
}
