import Foundation
import JSONEnvelope
import ProcessHealth

/// Whether sellers keep to the process, week by week; who fell behind and where, and who may.
public enum ProcessHealthView {
    /// As the API answers them.
    public struct Facts: Sendable {
        /// The shown week and those before, the oldest first.
        public var weeks: [String]
        /// `GET /v1/spi` of these weeks, the worst first.
        public var page: JSONNode
        /// `GET /v1/spi/summary`
        public var summary: JSONNode
        /// `GET /v1/spi/diagnoses`
        public var diagnoses: JSONNode
        /// `GET /v1/predictions?warned=true`
        public var predictions: JSONNode
        /// `GET /v1/predictions/quality`
        public var quality: JSONNode
        public var sellers: SellerNames
        /// Empty: every team.
        public var team: String
        /// Where the page of sellers begins; nil: with the first.
        public var cursor: String?
        /// The week that was asked for, as it was typed; nil: none was.
        public var wanted: String?

        public init(
            weeks: [String], page: JSONNode, summary: JSONNode, diagnoses: JSONNode, predictions: JSONNode, quality: JSONNode,
            sellers: SellerNames, team: String, cursor: String? = nil
        ) {
            self.weeks = weeks
            self.page = page
            self.summary = summary
            self.diagnoses = diagnoses
            self.predictions = predictions
            self.quality = quality
            self.sellers = sellers
            self.team = team
            self.cursor = cursor
        }
    }

    /// What the form calls what the API is asked for.
    private static let labels = ["week": "health_week", "team": "health_team"]

    /// - Parameter refusal: why no sellers were looked for.
    public static func page(_ layout: Layout, _ clerk: Clerk, _ facts: Facts, refusal: Refusal? = nil) -> View {
        let words = layout.words
        let shown = facts.weeks.last ?? ""
        let asked = facts.wanted ?? shown
        let rows = facts.page["items"]?.elements ?? []
        let board = HealthBoard(facts, clerk)
        func href(_ cursor: String?) -> String {
            Layout.path("process-health") + Console.query([("week", shown), ("team", facts.team), ("cursor", cursor)])
        }
        let below = rows.filter { $0["status"]?.string == "ok" && isBelow($0) }
        let indexed = rows.filter { $0["status"]?.string == "ok" }
        let diagnoses = facts.diagnoses["items"]?.elements ?? []
        let (marked, unmarked) = (diagnoses.filter { hasNodes($0) }, diagnoses.filter { !hasNodes($0) })
        let warnings = facts.predictions["items"]?.elements ?? []
        let (judged, holding) = (warnings.filter { hasEnded($0) }, warnings.filter { !hasEnded($0) })
        let status = facts.quality["status"]?.string
        let noneHolds = !judged.isEmpty ? "warnings_none_now" : status == "ok" ? "warnings_none_why" : "warnings_silent_why"
        let reasons = facts.quality["reasons"]?.elements.compactMap(\.string) ?? []
        return layout.page(
            words["health_title"],
            [
                "asOf": clerk.when(clerk.now), "problem": refusal.map { $0.view(on: layout, ofSearch: labels) } ?? .nothing,
                "searchAction": .text(Layout.path("process-health")),
                "weekOptions": .list(Option.list(weeks(facts, and: asked).map { ($0, $0) }, chosen: asked)),
                "teamOptions": .list(
                    Option.list(
                        facts.sellers.teamChoices(and: facts.team.isEmpty ? [] : [facts.team]), chosen: facts.team,
                        all: words["health_all_teams"])),
                "tiles": .list(tiles(facts.summary, clerk)), "hasSellers": .flag(!rows.isEmpty), "weeks": .list(board.weeks),
                "sellers": .list(rows.map { board.row($0) }), "healthNoneWhy": .text(words["health_none_why"]),
                "pager": Pager.view(
                    words, shown: rows.count, first: facts.cursor.map { _ in href(nil) },
                    next: facts.page["next_cursor"]?.string.map { href($0) }),
                "hasDimensions": .flag(!indexed.isEmpty),
                "dimensionsTitle": .text(words["health_dimensions", ["week": shown]]),
                "dimensionsLead": .text(words["health_dimensions_lead"]), "dimensions": .list(below.map { board.dimensions($0) }),
                "hasBelow": .flag(!below.isEmpty), "hasOthers": .flag(below.count < indexed.count),
                "othersTitle": .text(words["health_others", ["n": clerk.number(indexed.count - below.count)]]),
                "others": .list(indexed.filter { !isBelow($0) }.map { board.dimensions($0) }),
                "hasDiagnoses": .flag(!marked.isEmpty), "diagnoses": .list(marked.map { diagnosis($0, facts.sellers, clerk) }),
                "hasUnmarked": .flag(!unmarked.isEmpty), "hasNoDiagnoses": .flag(diagnoses.isEmpty),
                "unmarkedTitle": .text(words["diagnoses_unmarked", ["n": clerk.number(unmarked.count)]]),
                "unmarked": .list(unmarked.map { diagnosis($0, facts.sellers, clerk) }),
                "warningsState": status == "ok" ? .chip(.good, words["warnings_on"]) : .chip(.idle, words["warnings_off"]),
                "hasSilence": .flag(status != "ok" && !reasons.isEmpty),
                "silenceReasons": .list(reasons.map { .text(sentence($0, words)) }),
                "hasWarnings": .flag(!holding.isEmpty), "warnings": .list(holding.map { warning($0, facts.sellers, clerk) }),
                "hasJudged": .flag(!judged.isEmpty),
                "judgedTitle": .text(words["warnings_judged", ["n": clerk.number(judged.count)]]),
                "judged": .list(judged.map { warning($0, facts.sellers, clerk) }),
                "warningsNoneWhy": .text(words[noneHolds]),
                "quality": WarningQuality(facts.quality, clerk).view,
            ])
    }

    /// The weeks to choose from, the newest first; what was typed in an address and is none stands before them, as it was typed.
    private static func weeks(_ facts: Facts, and asked: String) -> [String] {
        (facts.weeks.contains(asked) ? [] : [asked]) + facts.weeks.reversed()
    }

    private static func isBelow(_ row: JSONNode) -> Bool { row["below_baseline"]?.bool == true }

    private static func tiles(_ summary: JSONNode, _ clerk: Clerk) -> [View] {
        let words = clerk.words
        let (with, at) = (Int(summary["with_index"]?.integer ?? 0), Int(summary["at_base_line"]?.integer ?? 0))
        return [
            .tile(
                words["health_tile_at"], with == 0 ? "–" : clerk.percent(Double(at) / Double(with), decimals: 0),
                words["health_tile_at_note", ["n": clerk.number(at), "of": clerk.number(with)]]),
            .tile(
                words["health_tile_below"], clerk.number(with - at),
                words["health_tile_below_note", ["n": clerk.number(summary["below_two_weeks"]) ?? "0"]], with > at ? .bad : .plain),
        ]
    }

    /// Whether it found places that stand out.
    private static func hasNodes(_ diagnosis: JSONNode) -> Bool { diagnosis["report"]?["abnormal_nodes"]?.elements.isEmpty == false }

    private static func diagnosis(_ diagnosis: JSONNode, _ sellers: SellerNames, _ clerk: Clerk) -> View {
        let words = clerk.words
        let nodes = diagnosis["report"]?["abnormal_nodes"]?.elements ?? []
        let asOf = diagnosis["as_of"]?.date
        let ways = CustomerWays(diagnosis["report"] ?? diagnosis, clerk)
        return [
            "diagnosisSeller": .text(sellers.name(diagnosis["seller_id"]?.string)),
            "diagnosisHref": .text(diagnosis["seller_id"]?.string.map(SellerView.href)),
            "diagnosisSince": .text(
                words["diagnosis_since", ["since": diagnosis["since"]?.string ?? "", "week": diagnosis["iso_week"]?.string ?? ""]]),
            "diagnosisWhen": .text(asOf.map { clerk.day($0) }),
            "nodes": .list(
                nodes.enumerated().map { place, node in
                    [
                        "nodeMark": .text(String(place + 1)), "nodeName": .text(words.known("node", node["kind"]?.string ?? "")),
                        "nodeCustomer": .text(node["customer"]?.string.map { CustomerWays.name($0, words) }),
                        "nodeWords": .text(nodeWords(node, clerk)),
                    ]
                }), "timelines": .list(ways.views), "hasTimelines": .flag(!ways.views.isEmpty), "wayFrom": .text(ways.from),
            "wayTo": .text(ways.to),
        ]
    }

    /// What stands alone begins with a capital.
    private static func sentence(_ text: String, _ words: Words) -> String {
        let said = Sentences.said(text, words)
        return said.prefix(1).uppercased() + said.dropFirst()
    }

    private static func nodeWords(_ node: JSONNode, _ clerk: Clerk) -> String {
        let stage = node["stage"]?.string.map { clerk.words.known("stage", $0) }
        // What is missing took no time, and has no limit.
        guard let hours = node["hours"]?.double, let limit = node["limit_hours"]?.double, limit > 0 else { return stage ?? "" }
        let words = clerk.words["node_words", ["span": clerk.span(hours * 3_600), "limit": clerk.span(limit * 3_600)]]
        return (stage.map { $0 + (clerk.words.language == .chinese ? "，" : ", ") } ?? "") + words
    }

    /// Whether its fortnight is over.
    private static func hasEnded(_ warning: JSONNode) -> Bool { warning["outcome"]?.string ?? "pending" != "pending" }

    private static func warning(_ warning: JSONNode, _ sellers: SellerNames, _ clerk: Clerk) -> View {
        let words = clerk.words
        let odds = warning["probability"]?.double
        let detail = warning["detail"]
        let weights = detail?["contributions"]?.elements ?? []
        let why = weights.prefix(3).compactMap { one in
            one["feature"]?.string.map { "\(name(of: $0, words)) \(one["weight"]?.double.map { clerk.signed($0) } ?? "")" }
        }
        let peer = detail?["suggestion"]?["with_seller_id"]?.string
        let outcome = warning["outcome"]?.string ?? "pending"
        return [
            "warnedSeller": .text(sellers.name(warning["seller_id"]?.string)),
            "warnedHref": .text(warning["seller_id"]?.string.map(SellerView.href)),
            "warnedWeek": .text(words["warning_week", ["week": warning["iso_week"]?.string ?? ""]]),
            "odds": .text(odds.map { clerk.percent($0, decimals: 0) } ?? "–"), "oddsX": .text(Picture.length(odds ?? 0)),
            "warningWhy": .text(why.joined(separator: words.language == .chinese ? "；" : "; ")),
            "warningDo": .text(sellers.name(peer).map { words["warning_ride", ["name": $0]] } ?? "–"),
            "peerHref": .text(peer.map(SellerView.href)),
            "outcome": .chip(outcome == "fell" ? .bad : outcome == "stayed" ? .good : .idle, words.known("outcome", outcome)),
        ]
    }

    private static func name(of feature: String, _ words: Words) -> String {
        guard let known = Feature(rawValue: feature)?.words else { return feature }
        return words.language == .chinese ? known.chinese : known.english
    }
}
