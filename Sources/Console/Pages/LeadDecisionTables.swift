import JSONEnvelope
import SalesModel

/// Whom a decision compared, whom it left out, and from what parts a score is made.
struct LeadDecisionTables {
    /// As it was recorded; nil: nothing has been decided.
    let decision: JSONNode?
    let owner: String?
    let sellers: SellerNames
    let clerk: Clerk

    private var words: Words { clerk.words }
    /// Whether sellers were compared by a share, as the reason says it.
    private var isByCloseRate: Bool {
        (decision?["reasons"]?.elements ?? []).contains { $0["code"]?.string == "close_rate" && $0["params"]?["rate"]?.double != nil }
    }

    /// Nil: they were compared by what waits with them only.
    var metricName: String? {
        let isCompared = (decision?["candidates"]?.elements ?? []).contains { $0["metric"]?.double != nil }
        return isCompared ? words[isByCloseRate ? "lead_metric_rate" : "lead_metric"] : nil
    }

    var candidates: [View] {
        let found = decision?["candidates"]?.elements ?? []
        let best = found.compactMap { $0["metric"]?.double }.max() ?? 0
        let most = Double(found.compactMap { $0["pending"]?.integer }.max() ?? 0)
        let isShare = isByCloseRate
        return found.map { candidate in
            let id = candidate["seller_id"]?.string
            let metric = candidate["metric"]?.double
            let pending = Int(candidate["pending"]?.integer ?? 0)
            return [
                "sellerName": .text(sellers.name(id)), "sellerHref": .text(id.map(SellerView.href)),
                "isOwner": .flag(id != nil && id == owner),
                "metric": .text(metric.map { isShare ? clerk.percent($0) : clerk.number($0, decimals: 3) } ?? "–"),
                "metricX": metric == nil ? .nothing : .text(Picture.length(best > 0 ? (metric ?? 0) / best : 0)),
                "metricTone": .text(id == owner ? "one" : "idle"), "pending": .text(clerk.number(pending)),
                "pendingX": .text(Picture.length(most > 0 ? Double(pending) / most : 0)),
            ]
        }
    }

    var candidatesWords: String? {
        counted(decision?["candidate_count"]?.integer.map { Int($0) }, "lead_compared")
    }

    /// As the API's `left_out` tells of them: also who was left out in one way of choosing and compared in the next, for nothing else
    /// says why there was a next one.
    private var left: [JSONNode] { decision?["excluded"]?.elements ?? [] }

    /// By reason, the most frequent first.
    var excluded: [View] {
        let groups = Dictionary(grouping: left) { $0["code"]?.string ?? "" }
        return groups.sorted { ($1.value.count, $0.key) < ($0.value.count, $1.key) }.map { code, left in
            let names = left.prefix(20).compactMap { sellers.name($0["seller_id"]?.string) }.joined(separator: words["list_separator"])
            return [
                "exclusionName": .text(words.known("exclusion", code)), "exclusionWhy": .text(words.all["exclusion_\(code)_why"]),
                "exclusionSellers": .text(names), "exclusionCount": .text(clerk.number(left.count)),
            ]
        }
    }

    var excludedWords: String? {
        guard let count = decision?["excluded_count"]?.integer else { return nil }
        // One who was not ranked in one way and left out for another reason is one; where not all are listed, nobody can tell.
        let isWhole = left.count == Int(count)
        let people = isWhole ? Set(left.compactMap { $0["seller_id"]?.string }).count : Int(count)
        return counted(people, "lead_left_out")
    }

    /// Of nobody the table says so itself.
    private func counted(_ people: Int?, _ name: String) -> String? {
        people.flatMap { $0 == 0 ? nil : words[name, ["n": clerk.number($0)]] }
    }

    func score(of lead: JSONNode) -> View {
        guard let score = decision?["score"], score.type == .object else { return .nothing }
        let missing = Set(score["missing"]?.elements.compactMap(\.string) ?? [])
        return [
            "scoreTotal": .text(words["lead_score_total", ["n": score["total"]?.double.map { clerk.number($0, decimals: 1) } ?? "–"]]),
            "scoreOf": .text(words["lead_score_of", ["most": String(ScoreDimension.maximum)]]),
            "scoreWords": .text(decision?["band"]?.string.map { words.known("band", $0) }),
            "scoreParts": .list(
                ScoreDimension.allCases.map { dimension in
                    let points = score[dimension.rawValue]?.double ?? 0
                    return [
                        "partName": .text(words.known("score", dimension.rawValue)), "points": .text(clerk.number(points, decimals: 1)),
                        "pointsX": .text(Picture.length(points / Double(ScoreDimension.maximum))),
                        "partWhy": .text(missing.contains(dimension.rawValue) ? words["lead_score_missing"] : nil),
                    ]
                }),
        ]
    }
}
