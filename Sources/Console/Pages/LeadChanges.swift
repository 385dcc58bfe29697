import JSONEnvelope

/// What would have made a decision another, as far as what was recorded tells it: what its reasons hang on, who was next, and what lifts
/// what kept others out. Nothing is decided anew, and what was not recorded is not guessed.
struct LeadChanges {
    /// As it was recorded.
    let decision: JSONNode
    let sellers: SellerNames
    let clerk: Clerk

    private var words: Words { clerk.words }

    /// Sentences, the nearest first.
    var sentences: [String] { next + reasons + grade + lifted }

    /// Where the strategy goes by the intent grade, another of it; by the score it goes where the rule bears its band.
    private var grade: [String] {
        guard let grade = decision["intent_grade"]?.string, isByStrategy(of: grade), !isByStrategy(of: decision["band"]?.string) else {
            return []
        }
        return [words["lead_change_grade", ["grade": words.known("grade", grade)]]]
    }

    private func isByStrategy(of name: String?) -> Bool { name.map { decision["matched_rule"]?.string == "strategy.\($0)" } ?? false }

    /// Each reason's own sentence, once; reasons on which nothing hangs have none.
    private var reasons: [String] {
        var told: Set<String> = []
        return (decision["reasons"]?.elements ?? []).compactMap { reason in
            guard let name = reason["code"]?.string.map({ "change_\($0)" }), let text = words.all[name] else { return nil }
            // The score says where a lead goes only where its band is what the strategy goes by.
            if name == "change_score_band", !isByStrategy(of: decision["band"]?.string) { return nil }
            // A turn of one does not move on.
            if name == "change_round_robin", reason["params"]?["members"]?.integer == 1 { return nil }
            let recorded = (reason["params"]?.members ?? []).map { name, value -> (String, String) in
                let said = value.string ?? clerk.number(value) ?? ""
                switch name {
                case "expected": return (name, words.known("field_type", said))
                case "field": return (name, LeadWords.field(said, words))
                default: return (name, said)
                }
            }
            let values = Dictionary(recorded, uniquingKeysWith: { $1 })
            // One that names what was not recorded says nothing.
            guard text.matches(of: /\{([a-z_]+)\}/).allSatisfy({ values[String($0.1)] != nil }) else { return nil }
            let sentence = words[name, values]
            return told.insert(sentence).inserted ? sentence : nil
        }
    }

    /// Where the one with the fewest leads waiting is taken: how many more would have left it to whom.
    private var next: [String] {
        let codes = (decision["reasons"]?.elements ?? []).compactMap { $0["code"]?.string }
        guard codes.contains(where: ["fewest_pending", "close_rate", "deals_won"].contains) else { return [] }
        let compared = (decision["candidates"]?.elements ?? []).compactMap { candidate in
            candidate["pending"]?.integer.map { (seller: candidate["seller_id"]?.string, pending: $0) }
        }
        // The first is who was chosen.
        guard let chosen = compared.first, let other = compared.dropFirst().min(by: { $0.pending < $1.pending }),
            let owner = sellers.name(chosen.seller), let name = sellers.name(other.seller)
        else { return [] }
        let more = Int(max(0, other.pending - chosen.pending)) + 1
        return [words["lead_change_next", ["n": clerk.number(more), "owner": owner, "name": name]]]
    }

    private var lifted: [String] {
        let groups = Dictionary(grouping: decision["excluded"]?.elements ?? []) { $0["code"]?.string ?? "" }
        return groups.sorted { ($1.value.count, $0.key) < ($0.value.count, $1.key) }.compactMap { code, left in
            let known = left.prefix(Self.named).compactMap { sellers.name($0["seller_id"]?.string) }
            guard words.all["exclusion_\(code)_lifted"] != nil, !known.isEmpty else { return nil }
            let count = max(left.count, Int(decision["excluded_counts"]?[code]?.integer ?? 0))
            var names = known.joined(separator: words["list_separator"])
            if count > known.count { names = words["lead_change_more", ["names": names, "n": clerk.number(count - known.count)]] }
            return words["exclusion_\(code)_lifted", ["names": names]]
        }
    }

    /// How many sellers of one exclusion are named; the others are counted.
    private static let named = 3
}
