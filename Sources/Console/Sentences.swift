/// What the service says in English, in the visitor's language: why something was refused, what guards found, why a model is silent.
///
/// Each sentence has words of its own, with places for its values. The English ones tell a sentence and its values apart, so that what was
/// stored long ago is said as well. What none of them is stands as it came.
public enum Sentences {
    /// Parts are divided by `; `; before them may stand a guard's name, which has words in English, too.
    public static func said(_ text: String, _ words: Words) -> String {
        let isEnglish = words.language == .english
        // What a person did before the evidence was there has both in one: why, and how far the evidence was.
        if let (reason, rest) = text.cut(at: " (before the evidence: "), rest.hasSuffix(")") {
            return words["rollout_before_evidence", ["reason": reason, "words": said(String(rest.dropLast()), words)]]
        }
        if let (name, rest) = text.cut(at: ": "), let guardName = words.all["guard_\(name)"] {
            return guardName + (isEnglish ? ": " : "：") + said(rest, words)
        }
        if isEnglish { return text }
        if let whole = one(text, words) { return whole }
        let parts = text.split(separator: "; ", omittingEmptySubsequences: true).map(String.init)
        // A text none of whose parts is a sentence of ours keeps its own punctuation.
        guard parts.count > 1, parts.contains(where: { one($0, words) != nil }) else { return text }
        return parts.map { one($0, words) ?? $0 }.joined(separator: "；")
    }

    /// What may as well be somebody else's words, such as an error: in English it stands as it came.
    static func relayed(_ text: String, _ words: Words) -> String { words.language == .english ? text : said(text, words) }

    /// The same; nil where there are no words for it.
    static func known(_ text: String, _ words: Words) -> String? {
        let said = said(text, words)
        return words.language == .english || said != text ? said : nil
    }

    /// The name of the words of a sentence of ours; nil: it is none.
    static func name(of text: String) -> String? { shapes.first { $0.values(in: text) != nil }?.name }

    /// What stands in a place of a sentence of ours; nil: it is none, or has no such place.
    static func value(_ place: String, in text: String) -> String? {
        shapes.lazy.compactMap { $0.values(in: text) }.first?[place]
    }

    private static func one(_ text: String, _ words: Words) -> String? {
        for shape in shapes {
            guard let values = shape.values(in: text) else { continue }
            return words[shape.name, Dictionary(uniqueKeysWithValues: values.map { ($0.key, named($0.key, $0.value, words)) })]
        }
        return nil
    }

    /// A code in a sentence has words, too; a reason may be a sentence of ours.
    private static func named(_ place: String, _ value: String, _ words: Words) -> String {
        if place == "reason" || place == "hint" { return said(value, words) }
        if place == "type" { return words.all["json_\(value.replacing(" ", with: "_"))"] ?? value }
        let families =
            [
                "state": ["state", "rollout_state", "rule_state"], "role": ["role"], "kind": ["kind"], "rules": ["rule_kind"],
                "subject": ["subject"], "watched": ["subject"], "cause": ["class", "outcome"],
            ][place] ?? []
        return families.lazy.compactMap { words.all["\($0)_\(value)"] }.first ?? value.replacing(" %", with: "%")
    }

    /// Those that say most by themselves come first: others might take them for their own.
    private static let shapes: [Shape] = Words.of(.english).all.filter { $0.key.hasPrefix("says_") }.map { Shape(name: $0.key, $0.value) }
        .sorted { ($1.length, $0.name) < ($0.length, $1.name) }
}

/// An English sentence with places: `{n} of {most} leads`.
private struct Shape: Sendable {
    let name: String
    private let start: String
    /// Each with the text that follows it.
    private let places: [(name: String, end: String)]

    init(name: String, _ text: String) {
        self.name = name
        let parts = text.split(separator: "{", omittingEmptySubsequences: false)
        start = String(parts[0])
        places = parts.dropFirst().map { part in
            let pair = part.split(separator: "}", maxSplits: 1, omittingEmptySubsequences: false)
            return (String(pair[0]), pair.count == 2 ? String(pair[1]) : "")
        }
    }

    /// How much of it stands fast.
    var length: Int { start.count + places.reduce(0) { $0 + $1.end.count } }

    /// What stands in the places; nil when it is another sentence.
    func values(in text: String) -> [String: String]? {
        guard text.hasPrefix(start) else { return nil }
        var rest = text.dropFirst(start.count)
        var values: [String: String] = [:]
        for (position, place) in places.enumerated() {
            let isLast = position == places.count - 1
            let end =
                isLast
                ? (rest.hasSuffix(place.end) ? rest.index(rest.endIndex, offsetBy: -place.end.count) : nil)
                : rest.firstRange(of: place.end)?.lowerBound
            guard let end, end > rest.startIndex else { return nil }
            let value = String(rest[..<end])
            // What stands behind it is another sentence.
            guard !value.contains("; ") else { return nil }
            // `{n}` is a number: what a person wrote before one is no part of it.
            if place.name == "n", let first = value.first, !"+-−0123456789".contains(first) { return nil }
            values[place.name] = value
            rest = rest[rest.index(end, offsetBy: place.end.count)...]
        }
        return rest.isEmpty ? values : nil
    }
}

extension String {
    /// What stands before and after the first of a text.
    fileprivate func cut(at separator: String) -> (String, String)? {
        firstRange(of: separator).map { (String(self[..<$0.lowerBound]), String(self[$0.upperBound...])) }
    }
}
