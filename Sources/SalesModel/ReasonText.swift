/// A language reasons are written in.
public enum Language: String, Sendable, CaseIterable {
    case english = "en"
    case chinese = "zh"
}

extension Reason {
    /// The reason in words, made from its recorded parameters only; a part whose value was not recorded is left out.
    public func text(in language: Language) -> String {
        let words = Wording(parameters: parameters, language: language)
        return switch language {
        case .english: english(words)
        case .chinese: chinese(words)
        }
    }

    private func english(_ the: Wording) -> String {
        switch code {
        case .fieldUnmapped:
            "The rules read “\(the["field"])”, but no map says what it is for leads from “\(the["source"])”."
        case .typeMismatch:
            "The outside field “\(the["outside"])” holds " + the.optional("“", "value", "”, which", else: "a value that")
                + " is not \(the.expected), as “\(the["field"])” needs\(the.sign)."
        case .fieldMissing:
            "“\(the["field"])” is required and the lead does not have it."
        case .notComparable:
            "“\(the["field"])”" + the.optional(" (", "value", ")") + " could not be compared with what the rules ask"
                + the.optional(": it is in ", "currency") + the.optional(", and they compare with amounts in ", "asked") + "."
        case .fieldDefaulted:
            "“\(the["field"])” was not given; its default “\(the["value"])” was taken."
        case .scoreBand:
            "Lead score \(the["score"]), \(the.band)."
        case .intentGrade:
            "Intent grade: \(the.grade)."
        case .ruleMatched:
            "Rule “\(the["rule"])” applies."
        case .condition:
            "\(the["field"]) \(the.comparison)" + (the.saysValue ? "" : the.optional(" (it is “", "value", "”)")) + "."
        case .noRouteRules:
            "No route rules are live for this tenant."
        case .noScoreRules:
            "No score rules are live, so there is no score to route by."
        case .rulesUnreadable:
            "The live rules \(the["rule_set"]) cannot be read (\(the["message"])): nobody is assigned until they or the map are mended."
        case .regionMatched:
            "Serves the lead's region \(the["region"])."
        case .regionUnknown:
            "The lead's region is not known, so region did not count."
        case .industryMatched:
            "Serves the lead's industry \(the["industry"])."
        case .industryUnknown:
            "The lead's industry is not known, so industry did not count."
        case .closeRate:
            "Close rate" + the.optional(" in ", "industry") + " over the last \(the["months"]) months: \(the.percent("rate"))"
                + " (\(the["won"]) of \(the["closed"]) deals)" + the.optionalPercent(", team mean ", "mean")
                + "; among the best \(the["n"])."
        case .dealsWon:
            "Deals won" + the.optional(" in ", "industry") + " over the last \(the["months"]) months: \(the["won"])"
                + the.optionalDecimal(", team mean ", "mean") + "; among the best \(the["n"])."
        case .fewestPending:
            "Fewest leads waiting for a first touch: \(the["pending"])"
                + the.optional("; of ", "alike", " alike first who is longest without a new one, then by id") + "."
        case .roundRobin:
            the["members"] == "1" ? "Nobody else came into question." : "Next in turn among \(the["members"]) sellers."
        case .dedicated:
            "Dedicated to this lead."
        case .teamFirst:
            "Team \(the["team"]) comes first."
        case .teamExhausted:
            "Nobody in team \(the["team"]) could take it, so others were asked."
        case .targetExhausted:
            "Nobody\(the.among) could be ranked this way; the next way was tried."
        case .alternate:
            "Passed on to the alternate: \(the["target"])."
        case .pooled:
            "Placed in the pool \(the["pool"])."
        case .toMarketing:
            "Handed to marketing to be completed."
        case .fallbackPool:
            "No seller could take it, so it went to the fallback pool \(the["pool"])."
        case .manualQueue:
            "No seller could take it and there is no pool to fall back on: a person has to assign it."
        case .assignmentFailed:
            "Its assignment failed for good (\(the["class"])): \(the["message"])."
        case .fuseOpen:
            "Automatic assignment is stopped for this tenant: a person has to assign it."
        case .assignedByHand:
            "Assigned by hand: \(the["reason"])."
        case .transferredOverdue:
            "Nobody touched it in time (\(the["clock"]), \(the.lateness)): it goes to the manager."
        case .existingOwner:
            "Customer \(the["customer"]) already belongs to \(the["seller"])."
        case .suspectedOwner:
            "It is probably customer \(the["customer"]) of \(the["seller"]) (\(the["percent"]) %): it goes to the same seller, and a person is asked."
        case .ownerUnavailable:
            "Customer \(the["customer"]) belonged to \(the["seller"]), who is \(the.absence), so the rules decided."
        }
    }

    private func chinese(_ the: Wording) -> String {
        switch code {
        case .fieldUnmapped:
            "规则用到字段“\(the["field"])”，但来源“\(the["source"])”没有它的映射。"
        case .typeMismatch:
            "外部字段“\(the["outside"])”的值" + the.optional("“", "value", "”") + "不是“\(the["field"])”所需的\(the.expected)\(the.sign)。"
        case .fieldMissing:
            "必填字段“\(the["field"])”缺失。"
        case .notComparable:
            "“\(the["field"])”" + the.optional("（", "value", "）") + "无法与规则要求的值比较"
                + the.optional("：其币种为 ", "currency") + the.optional("，规则按 ", "asked", " 比较") + "。"
        case .fieldDefaulted:
            "“\(the["field"])”未提供，采用默认值“\(the["value"])”。"
        case .scoreBand:
            "线索质量分 \(the["score"])，\(the.band)。"
        case .intentGrade:
            "意向等级：\(the.grade)。"
        case .ruleMatched:
            "命中规则“\(the["rule"])”。"
        case .condition:
            "\(the["field"]) \(the.comparison)" + (the.saysValue ? "" : the.optional("（实际为“", "value", "”）")) + "。"
        case .noRouteRules:
            "该租户没有生效的分配规则。"
        case .noScoreRules:
            "没有生效的评分规则，无法按分数分配。"
        case .rulesUnreadable:
            "生效规则 \(the["rule_set"]) 无法读取（\(the["message"])）：修正规则或映射之前暂停分配。"
        case .regionMatched:
            "负责该线索所在区域 \(the["region"])。"
        case .regionUnknown:
            "线索区域未知，未按区域筛选。"
        case .industryMatched:
            "负责该线索所属行业 \(the["industry"])。"
        case .industryUnknown:
            "线索行业未知，未按行业筛选。"
        case .closeRate:
            "近 \(the["months"]) 个月" + the.optional("“", "industry", "”")
                + "成交率 \(the.percent("rate"))（\(the["closed"]) 单成交 \(the["won"]) 单）" + the.optionalPercent("，团队均值 ", "mean")
                + "，位列前 \(the["n"])。"
        case .dealsWon:
            "近 \(the["months"]) 个月" + the.optional("“", "industry", "”") + "成交 \(the["won"]) 单" + the.optionalDecimal("，团队均值 ", "mean")
                + "，位列前 \(the["n"])。"
        case .fewestPending:
            "待跟进线索最少：\(the["pending"]) 条" + the.optional("；", "alike", " 人并列，先取最久未分到新线索者，再按编号") + "。"
        case .roundRobin:
            the["members"] == "1" ? "没有其他可选的销售。" : "在 \(the["members"]) 名销售中轮询到。"
        case .dedicated:
            "该线索的专属客户经理。"
        case .teamFirst:
            "优先分配至“\(the["team"])”。"
        case .teamExhausted:
            "“\(the["team"])”无人可接，转由其他销售承接。"
        case .targetExhausted:
            "\(the.among)中没有可按该方式排名的销售，已改用后面的方式。"
        case .alternate:
            "转给备选：\(the.target)。"
        case .pooled:
            "进入线索池“\(the["pool"])”。"
        case .toMarketing:
            "转市场部补充信息。"
        case .fallbackPool:
            "无销售可接，进入兜底池“\(the["pool"])”。"
        case .manualQueue:
            "无销售可接且无兜底池，转人工派发。"
        case .assignmentFailed:
            "分配失败且不再重试（\(the["class"])）：\(the["message"])。"
        case .fuseOpen:
            "该租户的自动分配已熔断，转人工派发。"
        case .assignedByHand:
            "人工派发：\(the["reason"])。"
        case .transferredOverdue:
            "超时未首触（\(the["clock"])，\(the.lateness)），转交主管。"
        case .existingOwner:
            "客户 \(the["customer"]) 已归属 \(the["seller"])。"
        case .suspectedOwner:
            "很可能是 \(the["seller"]) 的客户 \(the["customer"])（\(the["percent"])%）：先分配给该销售，并提交人工确认。"
        case .ownerUnavailable:
            "客户 \(the["customer"]) 原属 \(the["seller"])，该销售\(the.absence)，按规则重新分配。"
        }
    }
}

/// The recorded values of one reason, as words of one language.
private struct Wording {
    let parameters: [String: Reason.Parameter]
    let language: Language

    subscript(name: String) -> String {
        switch parameters[name] {
        case .text(let text): text
        case .integer(let integer): String(integer)
        case .number(let number): decimal(number)
        case nil: "?"
        }
    }

    func optional(_ before: String, _ name: String, _ after: String = "", else other: String = "") -> String {
        parameters[name] == nil ? other : before + self[name] + after
    }

    /// Whom a rule names; everybody has no name of theirs.
    var target: String { isForEveryone ? "全体销售" : self["target"] }

    /// The same as those among whom somebody is looked for.
    var among: String {
        switch language {
        case .english: isForEveryone ? "" : " among “\(self["target"])”"
        case .chinese: isForEveryone ? target : "“\(target)”"
        }
    }

    private var isForEveryone: Bool { self["target"] == "everyone" }

    /// 0.3816 → `38.2 %`
    func percent(_ name: String) -> String {
        guard let number = number(name) else { return "?" }
        return decimal(number * 100) + " %"
    }

    func optionalPercent(_ before: String, _ name: String) -> String { number(name) == nil ? "" : before + percent(name) }
    func optionalDecimal(_ before: String, _ name: String) -> String { number(name) == nil ? "" : before + self[name] }

    var band: String {
        switch (parameters["band"], language) {
        case (.text("high"), .english): "high band"
        case (.text("mid"), .english): "middle band"
        case (.text("low"), .english): "low band"
        case (.text("high"), .chinese): "高分段"
        case (.text("mid"), .chinese): "中分段"
        case (.text("low"), .chinese): "低分段"
        default: self["band"]
        }
    }

    /// What a value should have been.
    var expected: String {
        let isChinese = language == .chinese
        return switch self["expected"] {
        case "money": isChinese ? "金额（如 480000、1,200.50、48万）" : "an amount, such as 480000, 1,200.50 or 48万"
        case "money_from_zero": isChinese ? "不为负的金额" : "an amount of zero or more"
        case "money_in": isChinese ? " \(self["asked"]) 金额" : "an amount in \(self["asked"])"
        case "number": isChinese ? "数字" : "a number"
        case "date": isChinese ? "日期（如 2026-01-31）" : "a date, such as 2026-01-31"
        case "day_of_calendar": isChinese ? "日期，日历上没有这一天" : "a day of the calendar"
        case "boolean": isChinese ? "是或否" : "yes or no"
        case "list": isChinese ? "列表" : "a list"
        case "text": isChinese ? "文本" : "a text"
        case "one of its value table": isChinese ? "取值（应为对照表中的值）" : "one of its value table"
        case let other: isChinese ? "类型 \(other)" : "of the type \(other)"
        }
    }

    /// What the sign at an amount in another currency stands for, and how it can be written; empty: it has none. Named by its code the
    /// amount is read, and yet held where rules compare it with amounts in the currency asked for.
    var sign: String {
        let currencies = self["currencies"].split(separator: ", ").map(String.init)
        guard parameters["sign"] != nil, let first = currencies.first, let last = currencies.last else { return "" }
        let (others, isSure) = (currencies.dropLast(), currencies.count == 1)
        // Dollars and pesos there are more of than anybody lists.
        let isOpen = self["sign"] == "$"
        switch language {
        case .english:
            let all =
                isSure
                ? first : isOpen ? "\(currencies.joined(separator: ", ")) or another" : "\(others.joined(separator: ", ")) or \(last)"
            return
                ": “\(self["sign"])” \(isSure ? "is" : "may be") \(all). With its code before it, such as \(first) 500, an amount says which; "
                + "rules that compare it with amounts in \(self["asked"]) need it in \(self["asked"])"
        case .chinese:
            let all = isSure ? first : isOpen ? "\(currencies.joined(separator: "、")) 等" : "\(others.joined(separator: "、")) 或 \(last)"
            return "：“\(self["sign"])”\(isSure ? "表示" : "可能表示") \(all)；在金额前写明币种代码（如 \(first) 500）即可区分，"
                + "但规则按 \(self["asked"]) 比较时，须换算成 \(self["asked"]) 填写"
        }
    }

    var grade: String {
        switch (parameters["grade"], language) {
        case (.text("high"), .english): "high"
        case (.text("mid"), .english): "middle"
        case (.text("low"), .english): "low"
        case (.text("high"), .chinese): "高意向"
        case (.text("mid"), .chinese): "中意向"
        case (.text("low"), .chinese): "低意向"
        default: self["grade"]
        }
    }

    /// Why somebody cannot have what would be theirs.
    var absence: String {
        switch (parameters["why"], language) {
        case (.text("frozen"), .english): "frozen"
        case (.text("frozen"), .chinese): "已冻结"
        case (_, .english): "not active"
        case (_, .chinese): "不在岗"
        }
    }

    /// By how much it was late. What is read days later cannot say that it was so just now.
    var lateness: String {
        switch (parameters["late"], language) {
        case (.integer(0), .english): "late by less than a minute"
        case (.integer(0), .chinese): "超时不足 1 分钟"
        case (_, .english): "late by \(self["late"]) min"
        case (_, .chinese): "超时 \(self["late"]) 分钟"
        }
    }

    /// Whether what a condition asked is what it found.
    var saysValue: Bool { self["operator"] == "equals" && self["operand"] == self["value"] }

    /// `is one of a, b` for what a condition asked.
    var comparison: String {
        let operand = self["operand"]
        return switch (self["operator"], language) {
        case ("equals", .english): "is “\(operand)”"
        case ("in", .english): "is one of \(operand)"
        case ("contains", .english): "contains \(operand)"
        case ("gt", .english): "is more than \(operand)"
        case ("gte", .english): "is \(operand) or more"
        case ("lt", .english): "is less than \(operand)"
        case ("lte", .english): "is \(operand) or less"
        case ("empty", .english): "is empty"
        case ("present", .english): "is given"
        case ("filled", .english): "is filled in"
        case ("not_filled", .english): "is filled with a placeholder only"
        case ("not_equals", .english): "is not “\(operand)”"
        case ("not_in", .english): "is none of \(operand)"
        case ("not_contains", .english): "does not contain \(operand)"
        case ("equals", .chinese): "为“\(operand)”"
        case ("in", .chinese): "属于 \(operand)"
        case ("contains", .chinese): "包含 \(operand)"
        case ("gt", .chinese): "大于 \(operand)"
        case ("gte", .chinese): "不小于 \(operand)"
        case ("lt", .chinese): "小于 \(operand)"
        case ("lte", .chinese): "不大于 \(operand)"
        case ("empty", .chinese): "为空"
        case ("present", .chinese): "已填写"
        case ("filled", .chinese): "已有效填写"
        case ("not_filled", .chinese): "仅填了占位内容"
        case ("not_equals", .chinese): "不为“\(operand)”"
        case ("not_in", .chinese): "不属于 \(operand)"
        case ("not_contains", .chinese): "不包含 \(operand)"
        default: "\(self["operator"]) \(operand)"
        }
    }

    private func number(_ name: String) -> Double? {
        switch parameters[name] {
        case .number(let number): number
        case .integer(let integer): Double(integer)
        case .text, nil: nil
        }
    }

    /// One decimal digit, none when it is a whole number.
    private func decimal(_ number: Double) -> String {
        guard abs(number) < 1e15 else { return String(number) }
        let tenths = (number * 10).rounded()
        let whole = Int(tenths / 10)
        let digit = Int(abs(tenths).truncatingRemainder(dividingBy: 10))
        return digit == 0 ? String(whole) : "\(number < 0 && whole == 0 ? "-" : "")\(whole).\(digit)"
    }
}
