import SalesModel

extension Verdict {
    /// Why, in a sentence or two, from what it was decided by.
    public func text(in language: Language) -> String {
        switch (refusal, language) {
        case (.permission?, .english): "\(action.rawValue) is denied by \(origin(decidedBy, .english)).\(tie(.english))"
        case (.permission?, .chinese): "\(action.rawValue) 被\(origin(decidedBy, .chinese))禁止。\(tie(.chinese))"
        case (.dataDomain?, .english): "\(outside(.english)): \(list(.english))."
        case (.dataDomain?, .chinese): "\(outside(.chinese))：\(list(.chinese))。"
        case (nil, .english): allowed(.english) + (domains.isEmpty ? "" : " Only within its data domains: \(list(.english)).")
        case (nil, .chinese): allowed(.chinese) + (domains.isEmpty ? "" : "仅限以下数据域的城市：\(list(.chinese))。")
        }
    }

    /// What becomes of somebody who was held to no city before: what they may still do is no reason why they may do less.
    func narrowing(in language: Language) -> String {
        switch language {
        case .english: "From now on \(action.rawValue) is refused outside of its data domains: \(list(.english))."
        case .chinese: "今后在以下数据域的城市之外，\(action.rawValue) 会被拒绝：\(list(.chinese))。"
        }
    }

    private func allowed(_ language: Language) -> String {
        switch (decidedBy, language) {
        case (nil, .english): "\(action.rawValue) is allowed: no policy denies it."
        case (nil, .chinese): "\(action.rawValue) 允许：没有策略禁止。"
        case (let applied, .english): "\(action.rawValue) is allowed by \(origin(applied, .english))."
        case (let applied, .chinese): "\(action.rawValue) 由\(origin(applied, .chinese))允许。"
        }
    }

    /// The policy and where it comes from.
    private func origin(_ applied: AppliedPolicy?, _ language: Language) -> String {
        guard let applied else { return "" }
        let origin = applied.origin(in: language)
        return language == .english ? "the policy “\(applied.policy.id)” (\(origin))" : "策略“\(applied.policy.id)”（\(origin)）"
    }

    private func tie(_ language: Language) -> String {
        guard let other = overruled.first?.policy.id else { return "" }
        return language == .english
            ? " “\(other)” is as close and allows it; of equally close ones the denial counts." : "“\(other)”同样具体且允许；同样具体时以禁止为准。"
    }

    private func outside(_ language: Language) -> String {
        switch (place, language) {
        case (.city(let city), .english): "The city \(city) is in none of the data domains for \(action.rawValue)"
        case (.city(let city), .chinese): "城市“\(city)”不在 \(action.rawValue) 的任何数据域内"
        case (_, .english): "It names no city, and so is in none of the data domains for \(action.rawValue)"
        case (_, .chinese): "未写明城市，因此不在 \(action.rawValue) 的任何数据域内"
        }
    }

    private func list(_ language: Language) -> String {
        domains.map { domain in
            let cities = (domain.policy.cities ?? []).prefix(20).map(\.name)
            let more = (domain.policy.cities ?? []).count > 20 ? "…" : ""
            return language == .english
                ? "\(origin(domain, .english)) has \(cities.joined(separator: ", "))\(more)"
                : "\(origin(domain, .chinese))包含 \(cities.joined(separator: "、"))\(more)"
        }.joined(separator: language == .english ? "; " : "；")
    }
}

extension AppliedPolicy {
    /// Whom it is given to, and how it came from there.
    public func origin(in language: Language) -> String {
        var parts: [String] = []
        let subject = policy.subject
        switch language {
        case .english:
            if let user = subject.user { parts.append("given to \(user)") }
            if let team = subject.team {
                let levels = closeness.levels ?? 0
                parts.append(levels == 0 ? "of the team \(team)" : "inherited from the team \(team), \(levels) above")
            }
            if let role = subject.role { parts.append("for the role \(role)") }
            return parts.isEmpty ? "for everyone" : parts.joined(separator: ", ")
        case .chinese:
            if let user = subject.user { parts.append("授予 \(user)") }
            if let team = subject.team {
                let levels = closeness.levels ?? 0
                parts.append(levels == 0 ? "属于团队 \(team)" : "继承自上 \(levels) 级团队 \(team)")
            }
            if let role = subject.role { parts.append("角色 \(role)") }
            return parts.isEmpty ? "适用于所有人" : parts.joined(separator: "，")
        }
    }
}
