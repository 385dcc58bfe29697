import SalesModel

extension RuleDifference {
    func changed(_ place: RulePlace, _ old: RuleNode, _ new: RuleNode) -> RuleChange {
        let (before, after) = (value(old, place), value(new, place))
        return change(place) { language, name in "\(name)\(language == .chinese ? "：" : ": ")\(before[language]) → \(after[language])" }
    }

    func added(_ place: RulePlace, _ new: RuleNode) -> RuleChange {
        let value = value(new, place)
        return change(place) { $0 == .chinese ? "新增\($1)：\(value[$0])" : "\($1) added: \(value[$0])" }
    }

    func removed(_ place: RulePlace, _ old: RuleNode) -> RuleChange {
        let value = value(old, place)
        return change(place) { $0 == .chinese ? "删除\($1)（原为：\(value[$0])）" : "\($1) removed (was: \(value[$0]))" }
    }

    func reordered(_ place: RulePlace, _ old: [String], _ new: [String]) -> RuleChange {
        let (before, after) = (old.joined(separator: ", "), new.joined(separator: ", "))
        return change(place) { $0 == .chinese ? "\($1)顺序：\(before) → \(after)" : "\($1), their order: \(before) → \(after)" }
    }

    private func change(_ place: RulePlace, _ words: (Language, String) -> String) -> RuleChange {
        let name = name(place)
        return RuleChange(place.path, Label(words(.english, name.english), words(.chinese, name.chinese)))
    }

    // MARK: Places

    /// `rule “fair”, way of choosing`; 规则“fair”，选择方式
    private func name(_ place: RulePlace) -> Label {
        var parts: [Label] = []
        var steps = place.steps[...]
        while let step = steps.popFirst() {
            guard case .key(let key) = step else { continue }
            let label = RuleWords.key(key)
            switch steps.first {
            case .item(let name, let index)?:
                steps = steps.dropFirst()
                let shown = name ?? "\(index + 1)"
                parts.append(Label("\(label.english) “\(shown)”", "\(label.chinese)“\(shown)”"))
            case .key(let inner)? where RuleWords.bands.contains(key):
                steps = steps.dropFirst()
                parts.append(RuleWords.band(inner, of: key))
                // The limits say by their words which end they are.
                if key == "bands" { steps = steps.dropFirst() }
            case .key(let inner)? where RuleWords.named.contains(key):
                steps = steps.dropFirst()
                let known = RuleWords.field(inner)
                parts.append(Label("\(label.english) “\(known.english)”", "\(label.chinese)“\(known.chinese)”"))
            // Within a rule it is “chosen by turns”; alone it needs a noun.
            default: parts.append(key == "by" ? Label("way of choosing", label.chinese) : label)
            }
        }
        guard !parts.isEmpty else { return Label("the rule set", "规则集") }
        return Label(parts.map(\.english).joined(separator: ", "), parts.map(\.chinese).joined(separator: "，"))
    }

    // MARK: Values

    private func value(_ node: RuleNode, _ place: RulePlace) -> Label {
        if node.isCondition { return RuleWords.condition(node) }
        let isBand = place.steps.count >= 2 && place.path.hasPrefix("bands.")
        switch (place.lastKey, node.content) {
        case ("from", .scalar(let text, _)) where isBand: return Label("at least \(text)", "不低于 \(text)")
        case ("to", .scalar(let text, _)) where isBand: return Label("at most \(text)", "不高于 \(text)")
        default: return RuleWords.value(node, depth: 0)
        }
    }
}

/// Keys, comparisons and values in words.
enum RuleWords {
    static let bands: Set<String> = ["bands", "strategy", "intent"]
    static let named: Set<String> = ["fields", "dimensions", "classes", "values", "aliases"]

    static func band(_ name: String, of key: String) -> Label {
        let grade: [String: Label] = [
            "high": Label("high", "高"), "mid": Label("mid", "中"), "low": Label("low", "低"), "per": Label("chosen", "选择"),
        ]
        let label = grade[name] ?? Label(name, name)
        return switch key {
        case "bands": Label("\(label.english) band", "\(label.chinese)分段")
        case "intent": Label("\(label.english) intent", "\(label.chinese)意向")
        default: Label("strategy, \(label.english)", "策略，\(label.chinese)档")
        }
    }

    /// A field by its label.
    static func field(_ name: String) -> Label {
        for subject in SubjectType.allCases {
            if let field = FieldCatalogue.of(subject, lead: .standard)[name] { return field.label }
        }
        return Label(name, name)
    }

    static func value(_ node: RuleNode, depth: Int) -> Label {
        switch node.content {
        case .scalar(let text, _): return words[text].map { Label($0.english, $0.chinese) } ?? Label(text, text)
        case .list(let items):
            guard depth < 3, items.count <= 12 else { return Label("\(items.count) entries", "\(items.count) 项") }
            guard !items.isEmpty else { return Label("none", "无") }
            let parts = items.map { value($0, depth: depth + 1) }
            return Label(parts.map(\.english).joined(separator: ", "), parts.map(\.chinese).joined(separator: "、"))
        case .object(let members):
            if node.isCondition { return condition(node) }
            guard depth < 3 else { return Label("…", "…") }
            let parts = members.filter { !$0.value.isNull && $0.key != "id" && $0.key != "label" }.map { member in
                (key(member.key), value(member.value, depth: depth + 1))
            }
            return Label(
                parts.map { "\($0.0.english) \($0.1.english)" }.joined(separator: "; "),
                parts.map { "\($0.0.chinese)：\($0.1.chinese)" }.joined(separator: "；"))
        }
    }

    // MARK: Conditions

    static func condition(_ node: RuleNode, depth: Int = 0) -> Label {
        guard case .object(let members) = node.content, depth < 8 else { return Label("…", "…") }
        func member(_ key: String) -> RuleNode? { members.first { $0.key == key }?.value }
        for (key, english, chinese) in [("all", " and ", " 且 "), ("any", " or ", " 或 ")] {
            guard case .list(let items)? = member(key)?.content else { continue }
            let parts = items.map { item -> Label in
                let part = condition(item, depth: depth + 1)
                return item.isCompound ? Label("(\(part.english))", "（\(part.chinese)）") : part
            }
            return Label(parts.map(\.english).joined(separator: english), parts.map(\.chinese).joined(separator: chinese))
        }
        if let part = member("not") {
            let inner = condition(part, depth: depth + 1)
            return Label("not (\(inner.english))", "非（\(inner.chinese)）")
        }
        var subject = Label("", "")
        if case .scalar(let name, _)? = member("field")?.content { subject = field(name) }
        if let count = member("count") { subject = self.count(count, depth) }
        let tests = members.compactMap { key, value in comparison(key, value) }
        return Label(
            "\(subject.english) \(tests.map(\.english).joined(separator: " and "))",
            "\(subject.chinese)\(tests.map(\.chinese).joined(separator: "且"))")
    }

    private static func count(_ node: RuleNode, _ depth: Int) -> Label {
        guard case .object(let members) = node.content else { return Label("count", "次数") }
        var label = Label("count", "次数")
        if case .scalar(let name, _)? = members.first(where: { $0.key == "type" })?.value.content {
            let event = EventCatalogue.standard[name]?.label ?? Label(name, name)
            label = Label("number of \(event.english)", "\(event.chinese)次数")
        }
        if case .scalar(let time, _)? = members.first(where: { $0.key == "within" })?.value.content {
            label = Label("\(label.english) within \(time)", "\(time) 内\(label.chinese)")
        }
        if let filter = members.first(where: { $0.key == "where" })?.value {
            let inner = condition(filter, depth: depth + 1)
            label = Label("\(label.english) (\(inner.english))", "\(label.chinese)（\(inner.chinese)）")
        }
        return label
    }

    private static func comparison(_ key: String, _ node: RuleNode) -> Label? {
        let operand = value(node, depth: 0)
        let isTrue: Bool = if case .scalar("true", _) = node.content { true } else { false }
        return switch key {
        case "equals": Label("is \(operand.english)", "为 \(operand.chinese)")
        case "in": Label("is one of \(operand.english)", "属于 \(operand.chinese)")
        case "contains": Label("contains \(operand.english)", "包含 \(operand.chinese)")
        case "gt": Label("more than \(operand.english)", "大于 \(operand.chinese)")
        case "gte": Label("at least \(operand.english)", "不低于 \(operand.chinese)")
        case "lt": Label("less than \(operand.english)", "小于 \(operand.chinese)")
        case "lte": Label("at most \(operand.english)", "不高于 \(operand.chinese)")
        case "empty": isTrue ? Label("is empty", "为空") : Label("is given", "已填写")
        case "present": isTrue ? Label("is given", "已填写") : Label("is empty", "为空")
        case "filled": Label("is filled in", "已有效填写")
        default: nil
        }
    }
}

extension RuleNode {
    fileprivate var isCompound: Bool {
        guard case .object(let members) = content else { return false }
        return members.contains { $0.key == "all" || $0.key == "any" }
    }
}
