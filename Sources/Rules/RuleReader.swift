import Foundation
import SalesModel

/// Reads one place of a rule set and knows where it is. What does not fit is added to the faults and answered with nil.
struct RuleReader {
    let node: RuleNode
    let path: String
    let faults: FaultList

    func fault(_ code: RuleFault.Code, _ message: String) {
        faults.add(RuleFault(path: path, code: code, message: message, line: node.line))
    }

    // MARK: Objects and lists

    /// The members of an object that may have the given keys and no others.
    func object(keys: [String]) -> RuleObject? {
        guard let members = members() else { return nil }
        for (key, reader) in members where !keys.contains(key) {
            let guess =
                Self.closest(to: key, among: keys).map { "did you mean “\($0)”?" } ?? "possible here: \(keys.joined(separator: ", "))."
            reader.fault(.unknownKey, "“\(key)” is not known here; \(guess)")
        }
        return RuleObject(reader: self, members: Dictionary(members, uniquingKeysWith: { first, _ in first }))
    }

    /// The members of an object whose keys are the tenant's own, in order.
    func members(limit: Int = 500) -> [(String, RuleReader)]? {
        guard case .object(let members) = node.content else {
            fault(.wrongType, "Here must be an object (key: value).")
            return nil
        }
        guard members.count <= limit else {
            fault(.tooLarge, "At most \(limit) entries are allowed here; there are \(members.count).")
            return nil
        }
        return members.map { ($0.key, RuleReader(node: $0.value, path: Self.path(path, $0.key), faults: faults)) }
    }

    /// The place these keys and numbers lead to, or the last there is on the way to it; its path is theirs all the same.
    func at(_ parts: [String]) -> RuleReader {
        parts.reduce(self) { place, part in
            let node =
                switch place.node.content {
                case .object(let members): members.first { $0.key == part }?.value
                case .list(let items): Int(part).flatMap { items.indices.contains($0) ? items[$0] : nil }
                case .scalar: nil as RuleNode?
                }
            let path = Int(part) == nil ? Self.path(place.path, part) : "\(place.path)[\(part)]"
            return RuleReader(node: node ?? place.node, path: path, faults: faults)
        }
    }

    func items(limit: Int = 500) -> [RuleReader]? {
        guard case .list(let items) = node.content else {
            fault(.wrongType, "Here must be a list.")
            return nil
        }
        guard items.count <= limit else {
            fault(.tooLarge, "At most \(limit) entries are allowed here; there are \(items.count).")
            return nil
        }
        return items.enumerated().map { RuleReader(node: $1, path: "\(path)[\($0)]", faults: faults) }
    }

    /// A list, or one value standing for a list of one.
    func itemsOrOne(limit: Int = 500) -> [RuleReader]? {
        if case .list = node.content { return items(limit: limit) }
        return [self]
    }

    var isObject: Bool { if case .object = node.content { true } else { false } }
    var isList: Bool { if case .list = node.content { true } else { false } }

    // MARK: Scalars

    /// In YAML whatever is written is a text; in JSON only what stands in quotes, or is asked for as it stands.
    func text(limit: Int = 200, takingLiterals: Bool = false) -> String? {
        guard case .scalar(let raw, let isQuoted) = node.content, !node.isNull else {
            fault(.wrongType, "Here must be a text.")
            return nil
        }
        guard isQuoted || takingLiterals || !node.isJSON else {
            fault(.wrongType, "Here must be a text, in quotes: \"\(raw.prefix(80))\".")
            return nil
        }
        let text = raw.trimmed()
        guard !text.isEmpty else {
            fault(.empty, "Here must be a text that is not empty.")
            return nil
        }
        guard text.count <= limit else {
            fault(.tooLarge, "A text here may have \(limit) characters; this one has \(text.count).")
            return nil
        }
        return text
    }

    func texts(limit: Int = 500) -> [String]? {
        guard let items = itemsOrOne(limit: limit) else { return nil }
        guard !items.isEmpty else {
            fault(.empty, "Name at least one.")
            return nil
        }
        let texts = items.map { $0.text() }
        var seen: Set<String> = []
        for (item, text) in zip(items, texts) {
            if let text, !seen.insert(text).inserted { item.fault(.duplicate, "“\(text)” is named twice; once is enough.") }
        }
        return texts.contains(nil) ? nil : texts.compactMap { $0 }
    }

    /// An identifier the tenant chooses: letters, digits, `_`, `-`, `.`; any script.
    func identifier() -> String? {
        guard let text = text(limit: 64) else { return nil }
        guard
            text.unicodeScalars.allSatisfy({
                $0.properties.isAlphabetic || $0.properties.numericType != nil || "_-.".unicodeScalars.contains($0)
            })
        else {
            fault(.outOfRange, "A name here has only letters, digits, “_”, “-” and “.”.")
            return nil
        }
        return text
    }

    func number() -> Double? {
        guard case .scalar(let raw, isQuoted: false) = node.content, let number = Double(raw), number.isFinite else {
            fault(.wrongType, "Here must be a number.")
            return nil
        }
        return number
    }

    func integer(in range: ClosedRange<Int>) -> Int? {
        guard case .scalar(let raw, isQuoted: false) = node.content, let number = Int(raw) else {
            fault(.wrongType, "Here must be a whole number from \(range.lowerBound) to \(range.upperBound).")
            return nil
        }
        guard range.contains(number) else {
            fault(.outOfRange, "\(number) is outside of \(range.lowerBound) to \(range.upperBound).")
            return nil
        }
        return number
    }

    /// A length of time in seconds: `90s`, `4m`, `48h`, `5d`, `2w`.
    func seconds(in range: ClosedRange<Int> = 1...366 * 86_400) -> Int? {
        guard case .scalar(let raw, _) = node.content, let seconds = TimeText.seconds(raw) else {
            fault(.wrongType, "Here must be a length of time, such as 90s, 4m, 48h, 5d or 2w.")
            return nil
        }
        guard range.contains(seconds) else {
            fault(
                .outOfRange, "\(raw) is outside of \(TimeText.text(range.lowerBound)) to \(TimeText.text(range.upperBound)).")
            return nil
        }
        return seconds
    }

    /// `{ en: …, zh: … }`, or one text for both.
    func label(limit: Int = 80) -> Label? {
        guard isObject else { return text(limit: limit).map { Label($0, $0) } }
        guard let object = object(keys: ["en", "zh"]) else { return nil }
        let english = object.required("en", "the name in English.")?.text(limit: limit)
        let chinese = object.required("zh", "the name in Chinese.")?.text(limit: limit)
        guard let english, let chinese else { return nil }
        return Label(english, chinese)
    }

    func boolean() -> Bool? {
        switch node.content {
        case .scalar("true", isQuoted: false): return true
        case .scalar("false", isQuoted: false): return false
        default:
            fault(.wrongType, "Here must be true or false.")
            return nil
        }
    }

    func choice<Choice: RawRepresentable & CaseIterable>(_ type: Choice.Type) -> Choice? where Choice.RawValue == String {
        guard let text = text() else { return nil }
        if let choice = Choice(rawValue: text) { return choice }
        let names = Choice.allCases.map(\.rawValue)
        let guess = Self.closest(to: text, among: names).map { "did you mean “\($0)”?" } ?? "possible: \(names.joined(separator: ", "))."
        fault(.unknownValue, "“\(text)” is not known here; \(guess)")
        return nil
    }

    // MARK: Paths and guesses

    /// `a.b`, or `a["b c"]` where the key is no plain word.
    static func path(_ parent: String, _ key: String) -> String {
        let isPlain = !key.isEmpty && key.allSatisfy { $0.isLetter || $0.isNumber || $0 == "_" || $0 == "-" }
        guard isPlain else { return "\(parent)[\"\(key.prefix(80))\"]" }
        return parent.isEmpty ? key : "\(parent).\(key)"
    }

    /// The name meant by a misspelt one: at most two letters away, and less than half of it.
    static func closest(to word: String, among names: [String]) -> String? {
        guard word.count <= 64 else { return nil }
        let ranked = names.map { ($0, distance(Array(word), Array($0))) }.sorted { $0.1 < $1.1 }
        guard let (name, distance) = ranked.first, distance <= 2, distance * 2 < max(word.count, 3) else { return nil }
        return name
    }

    private static func distance(_ a: [Character], _ b: [Character]) -> Int {
        var row = Array(0...b.count)
        for i in 0..<a.count {
            var diagonal = row[0]
            row[0] = i + 1
            for j in 0..<b.count {
                let replaced = diagonal + (a[i] == b[j] ? 0 : 1)
                diagonal = row[j + 1]
                row[j + 1] = min(replaced, row[j] + 1, diagonal + 1)
            }
        }
        return row[b.count]
    }
}

/// The known members of an object in a rule set.
struct RuleObject {
    let reader: RuleReader
    let members: [String: RuleReader]

    /// A member that may be left out (or null).
    subscript(key: String) -> RuleReader? {
        guard let member = members[key], !member.node.isNull else { return nil }
        return member
    }

    /// A member that must be there; `hint` says what to write.
    func required(_ key: String, _ hint: String) -> RuleReader? {
        if let member = self[key] { return member }
        reader.fault(.missing, "“\(key)” is missing: \(hint)")
        return nil
    }
}
