import SalesModel

/// One thing that is not in a version as it was in another, in words (RULE-08).
public struct RuleChange: Sendable, Hashable {
    /// As in `RuleFault`.
    public let path: String
    private let words: Label

    init(_ path: String, _ words: Label) {
        self.path = path
        self.words = words
    }

    /// `high band: at least 75 → at least 80`
    public func text(in language: Language) -> String { words[language] }
}

extension RuleChange {
    /// The difference of two texts as they stand: what the tenant's fields were meanwhile does not matter.
    public static func between(_ kind: RuleKind, _ older: String, _ newer: String) -> Result<[RuleChange], RuleFault> {
        RuleNode.parse(older).flatMap { older in
            RuleNode.parse(newer).map { newer in
                var changes: [RuleChange] = []
                RuleDifference(kind: kind).compare(older, newer, RulePlace(), &changes)
                return changes
            }
        }
    }
}

extension Label {
    subscript(language: Language) -> String {
        switch language {
        case .english: english
        case .chinese: chinese
        }
    }
}

extension RuleSet {
    /// What this version says otherwise than an older one of the same kind, in the order of the text. Layout is no difference.
    public func difference(from older: RuleSet) -> [RuleChange] {
        guard hash != older.hash else { return [] }
        var changes: [RuleChange] = []
        RuleDifference(kind: kind).compare(older.root, root, RulePlace(), &changes)
        return changes
    }
}

/// Where in a rule set something stands: the keys and items on the way to it.
struct RulePlace {
    enum Step {
        case key(String)
        case item(name: String?, index: Int)
    }

    var steps: [Step] = []

    func then(_ step: Step) -> RulePlace { RulePlace(steps: steps + [step]) }

    var path: String {
        steps.reduce("") { path, step in
            switch step {
            case .key(let key): RuleReader.path(path, key)
            case .item(_, let index): "\(path)[\(index)]"
            }
        }
    }

    var lastKey: String? { steps.reversed().lazy.compactMap { if case .key(let key) = $0 { key } else { nil } }.first }
}

struct RuleDifference {
    let kind: RuleKind

    func compare(_ old: RuleNode, _ new: RuleNode, _ place: RulePlace, _ changes: inout [RuleChange]) {
        guard !old.says(new) else { return }
        // A condition is told as a whole; what changed within it would not be understood alone.
        let isCondition = place.lastKey.map { ["when", "where", "ratio", "among", "high", "mid"].contains($0) } ?? false
        if isCondition, old.isCondition || new.isCondition { return changes.append(changed(place, old, new)) }
        switch (old.content, new.content) {
        case (.object(let members), .object(let newMembers)):
            // Where the keys are the author's choice of one of several (to: { team: … }), the whole is the value.
            if place.lastKey == "to" || place.lastKey == "target" { return changes.append(changed(place, old, new)) }
            compare(members.filter { !$0.value.isNull }, newMembers.filter { !$0.value.isNull }, place, &changes)
        case (.list(let items), .list(let newItems)): compare(items, newItems, place, &changes)
        default: changes.append(changed(place, old, new))
        }
    }

    private func compare(
        _ old: [(key: String, value: RuleNode)], _ new: [(key: String, value: RuleNode)], _ place: RulePlace, _ changes: inout [RuleChange]
    ) {
        for (key, value) in new {
            let inner = place.then(.key(key))
            if let before = old.first(where: { $0.key == key })?.value {
                compare(before, value, inner, &changes)
            } else {
                changes.append(added(inner, value))
            }
        }
        for (key, value) in old where !new.contains(where: { $0.key == key }) { changes.append(removed(place.then(.key(key)), value)) }
    }

    private func compare(_ old: [RuleNode], _ new: [RuleNode], _ place: RulePlace, _ changes: inout [RuleChange]) {
        let isOfTexts = (old + new).allSatisfy { if case .scalar = $0.content { true } else { false } }
        guard !isOfTexts else { return changes.append(changed(place, RuleNode(old), RuleNode(new))) }
        let (oldNames, newNames) = (names(old), names(new))
        var common: [String] = []
        for (index, item) in new.enumerated() {
            let inner = place.then(.item(name: item.name, index: index))
            if let before = oldNames.firstIndex(of: newNames[index]) {
                common.append(newNames[index])
                compare(old[before], item, inner, &changes)
            } else {
                changes.append(added(inner, item))
            }
        }
        for (index, item) in old.enumerated() where !newNames.contains(oldNames[index]) {
            changes.append(removed(place.then(.item(name: item.name, index: index)), item))
        }
        let before = oldNames.filter(common.contains)
        // An order counts where the first that fits decides.
        if before != common, old.allSatisfy({ $0.name != nil }) {
            changes.append(reordered(place, before, common))
        }
    }

    /// What tells the items of a list apart: their own name, else their content where it stays the same, else their place.
    private func names(_ items: [RuleNode]) -> [String] {
        var seen: [String: Int] = [:]
        return items.enumerated().map { index, item in
            let name = item.name ?? "#\(index)"
            seen[name, default: 0] += 1
            return seen[name] == 1 ? name : "\(name)#\(seen[name]!)"
        }
    }
}

extension RuleNode {
    /// A list of nodes as one.
    fileprivate init(_ items: [RuleNode]) {
        self.init(content: .list(items), line: items.first?.line, isJSON: items.first?.isJSON ?? false)
    }

    /// Whether both say the same: layout and the order of keys do not count.
    func says(_ other: RuleNode) -> Bool { canonical == other.canonical }

    var isCondition: Bool {
        guard case .object(let members) = content else { return false }
        return members.contains { ["all", "any", "not", "field", "count"].contains($0.key) }
            && !members.contains { $0.key == "compare" || $0.key == "levels" }
    }

    /// By which an item is told from its neighbours.
    var name: String? {
        guard case .object(let members) = content else { return nil }
        func scalar(_ key: String) -> String? {
            guard case .scalar(let text, _)? = members.first(where: { $0.key == key })?.value.content else { return nil }
            return text
        }
        if let language = scalar("language") { return "\(scalar("channel") ?? "") \(language)".trimmingPrefix(" ").description }
        return scalar("id") ?? (isCondition ? nil : scalar("field")) ?? scalar("measure")
    }
}
