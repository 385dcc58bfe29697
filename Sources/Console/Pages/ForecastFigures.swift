import Foundation
import JSONEnvelope
import SalesModel

/// A forecast's figures in one currency: the one that is asked for, else that of most of its deals.
struct ForecastFigures {
    private static let standings = ["committed", "weighted", "at_risk", "self_entered_expected"]
    private static let tones = ["committed": "one", "weighted": "three", "at_risk": "two", "self_entered_expected": "idle"]
    private static let exclusions = ["amount_missing", "unknown_stage"]
    /// Classes, and why a deal is in none.
    static let everyStanding = standings + exclusions

    private let forecast: JSONNode
    private let body: JSONNode
    private let totals: JSONNode
    private let currency: String
    private let names: SellerNames
    private let clerk: Clerk
    /// To choose from; empty where there is one. Deals without an amount, and those that have ended, make none.
    let currencies: [View]

    /// Nil where there is no figure in any currency.
    init?(_ forecast: JSONNode, in currency: String?, _ names: SellerNames, _ clerk: Clerk) {
        guard let body = forecast["forecast"], let totals = Self.totals(of: forecast, in: currency) else { return nil }
        self.forecast = forecast
        self.body = body
        self.totals = totals
        let currency = totals["currency"]?.string ?? ""
        self.currency = currency
        self.names = names
        self.clerk = clerk
        let all = (body["totals"]?.elements ?? []).sorted { Self.weight($0) > Self.weight($1) }
            .filter { Self.weight($0) > 1 || $0["currency"]?.string == currency }.compactMap { $0["currency"]?.string }
        currencies = all.count < 2 ? [] : Option.list(all.map { ($0, $0.isEmpty ? "–" : $0) }, chosen: currency)
    }

    /// The totals in this currency, or where it has none in that of most deals; nil: there are none.
    static func totals(of forecast: JSONNode, in currency: String?) -> JSONNode? {
        let all = forecast["forecast"]?["totals"]?.elements ?? []
        return all.first { $0["currency"]?.string == currency } ?? all.max { weight($0) < weight($1) }
    }

    /// How many deals a currency's totals count; one that has no name comes after those that have.
    private static func weight(_ totals: JSONNode) -> Int64 {
        standings.reduce(0) { $0 + 2 * (totals[$1]?["count"]?.integer ?? 0) } + (totals["currency"]?.string ?? "" == "" ? 0 : 1)
    }

    /// A class's colour.
    static func tone(of standing: String) -> String { tones[standing] ?? "idle" }

    private var words: Words { clerk.words }
    private var total: Int64 { totals["forecast_total_minor"]?.integer ?? 0 }
    private var title: String { currency.isEmpty ? words["forecast_title"] : words["forecast_tile", ["currency": currency]] }
    private func money(_ minor: Int64?) -> String { minor.map { clerk.amount($0, in: currency) } ?? "–" }
    private func amount(_ standing: String, _ name: String) -> Int64 { totals[standing]?[name]?.integer ?? 0 }
    /// Of a list, what is in this currency.
    private func own(_ list: JSONNode?) -> [JSONNode] { (list?.elements ?? []).filter { $0["currency"]?.string == currency } }

    var summary: String {
        let asOf = forecast["as_of"]?.date.map { clerk.full($0) } ?? "–"
        return words[
            "forecast_summary",
            [
                "total": clerk.money(total, currency), "at": asOf,
                "n": clerk.number(Self.standings.reduce(0) { $0 + Int(amount($1, "count")) }),
                "open": clerk.money(Self.standings.reduce(0) { $0.adding(amount($1, "amount_minor")) }, currency),
            ]]
    }

    var tiles: [View] {
        func deals(_ standing: String) -> String { words["forecast_deals", ["n": clerk.number(Int(amount(standing, "count")))]] }
        let tiles: [View?] = [
            .tile(title, money(total), words["forecast_tile_note"]), won,
            .tile(words["forecast_committed"], money(amount("committed", "forecast_minor")), deals("committed")),
            .tile(words["forecast_weighted"], money(amount("weighted", "forecast_minor")), deals("weighted")),
            .tile(words["forecast_at_risk"], money(amount("at_risk", "amount_minor")), deals("at_risk")), wins,
        ]
        return tiles.compactMap(\.self)
    }

    /// What has been won in the period already; nil: a forecast of before that was told.
    private var won: View? {
        body["won"].map { won in
            let told = own(won["amounts"]).first
            let (all, counted) = (Int(won["count"]?.integer ?? 0), Int(told?["count"]?.integer ?? 0))
            return .tile(
                words["forecast_won"], money(told?["amount_minor"]?.integer ?? 0),
                words[
                    all == counted ? "forecast_won_note" : "forecast_won_part",
                    ["n": clerk.number(all), "counted": clerk.number(counted), "currency": currency]])
        }
    }

    /// How many more are expected to be.
    private var wins: View? {
        body["outlook"]?["wins"].map { wins in
            let expected = (wins["expected_open"]?.double ?? 0) + (wins["expected_new"]?.double ?? 0)
            return .tile(
                words["forecast_wins"], clerk.number(expected, decimals: 1),
                words[
                    currencies.isEmpty ? "forecast_wins_note" : "forecast_wins_note_all", ["to": forecast["period"]?["to"]?.string ?? "–"]])
        }
    }

    // MARK: How sure it is

    var ranges: [View] {
        var ranges: [View] = []
        if let spread = own(body["outlook"]?["amounts"]).first, let low = spread["p10_minor"]?.double,
            let high = spread["p90_minor"]?.double,
            let middle = spread["p50_minor"]?.double
        {
            let said = words[
                low == high ? "forecast_range_same" : "forecast_range_amount",
                ["low": money(Int64(nearest: low)), "middle": money(Int64(nearest: middle)), "high": money(Int64(nearest: high))]]
            // Two figures that people take for one are told apart where they differ most.
            let isApart = Double(total) < low || Double(total) > high
            let apart = isApart ? [words["forecast_range_apart", ["total": money(total)]]] : []
            ranges.append(
                range(
                    title, low, middle, high, mark: Double(total), words.passage([said] + apart),
                    label: { clerk.number($0 / Double(Money.minorUnits(of: currency)), decimals: 0) }))
        }
        if let wins = body["outlook"]?["wins"], let low = wins["interval_low"]?.double, let high = wins["interval_high"]?.double {
            let (open, new) = (wins["expected_open"]?.double ?? 0, wins["expected_new"]?.double ?? 0)
            let said = words[
                "forecast_range_wins",
                [
                    "n": clerk.number(open + new, decimals: 1), "open": clerk.number(open, decimals: 1),
                    "new": clerk.number(new, decimals: 1),
                    "low": clerk.number(low, decimals: 1), "high": clerk.number(high, decimals: 1),
                ]]
            ranges.append(
                range(words["forecast_wins"], low, open + new, high, mark: nil, said, label: { clerk.number($0, decimals: 1) }))
        }
        return ranges
    }

    private func range(
        _ name: String, _ low: Double, _ middle: Double, _ high: Double, mark: Double?, _ said: String, label: (Double) -> String
    ) -> View {
        let values = [low, middle, high] + (mark.map { [$0] } ?? [])
        let (least, most) = (values.min() ?? 0, values.max() ?? 1)
        let margin = max((most - least) * 0.15, most == least ? max(1, abs(most) * 0.1) : 0)
        let (from, to) = Picture.scale(from: max(0, least - margin), to: most + margin)
        func x(_ value: Double) -> Double { to > from ? (value - from) / (to - from) : 0 }
        return [
            "rangeName": .text(name), "rangeWords": .text(said), "gridX": ["25", "50", "75"],
            "xLabels": .list((0...4).map { .text(label(from + (to - from) * Double($0) / 4)) }), "lowX": .text(Picture.length(x(low))),
            "bandWidth": .text(Picture.length(x(high) - x(low))), "middleX": .text(Picture.length(x(middle))),
            "forecastX": mark.map { .text(Picture.length(x($0))) } ?? .nothing,
        ]
    }

    var rangeNote: String? {
        guard let errors = body["outlook"]?["errors_learnt"]?.integer else { return nil }
        if body["outlook"]?["wins"]?["interval_basis"]?.string == "believed" { return words["forecast_believed"] }
        return words["forecast_errors", ["n": clerk.number(Int(errors))]]
    }

    // MARK: What it is made of

    private var whole: Double { Self.standings.reduce(0) { $0 + Double(amount($1, "amount_minor")) } }

    var classesWords: String {
        Self.standings.map { "\(words["forecast_class_\($0)"]) \(money(amount($0, "amount_minor")))" }.joined(
            separator: words["list_separator"])
    }

    var classParts: [View] {
        var x = 0.0
        return Self.standings.map { standing in
            let part = whole > 0 ? Double(amount(standing, "amount_minor")) / whole : 0
            defer { x += part }
            return [
                "partTone": .text(Self.tones[standing]), "x": .text(Picture.length(x)), "width": .text(Picture.length(part)),
                "partWords": .text("\(words["forecast_class_\(standing)"]) \(money(amount(standing, "amount_minor")))"),
            ]
        }
    }

    var classes: [View] {
        Self.standings.map { standing in
            [
                "classTone": .text(Self.tones[standing]), "classHref": .text(ForecastDealsView.href(forecast, of: standing)),
                "className": .text(words["forecast_class_\(standing)"]),
                "classMeaning": .text(words["forecast_class_\(standing)_meaning"]),
                "classCount": .text(clerk.number(Int(amount(standing, "count")))),
                "classAmount": .text(money(amount(standing, "amount_minor"))),
                "classForecast": .text(money(amount(standing, "forecast_minor"))),
            ]
        }
    }

    /// Why some open deals are in no class, and how many.
    var leftOut: [View] {
        Self.exclusions.compactMap { reason in
            guard let count = body["excluded"]?[reason]?.integer, count > 0 else { return nil }
            return [
                "leftHref": .text(ForecastDealsView.href(forecast, of: reason)),
                "leftWords": .text(words["forecast_left_\(reason)", ["n": clerk.number(Int(count))]]),
            ]
        }
    }

    /// From the forecast before to this one, step by step.
    var moved: [View] {
        guard let change = own(body["moved"]?["changes"]).first, body["moved"]?["since"]?.string != nil else { return [] }
        let kinds = ["new", "committed", "recovered", "amount", "rescored", "won", "lost", "stalled", "slipped"]
        let others = change.members.map(\.key).filter { !kinds.contains($0) && !["currency", "sum_minor"].contains($0) }
        let steps = (kinds + others).compactMap { kind in
            change[kind].map { (kind, $0["count"]?.integer ?? 0, $0["amount_minor"]?.integer ?? 0) }
        }
        let before = total.adding(0 - (change["sum_minor"]?.integer ?? 0))
        var (at, reached) = (before, [before, total])
        for step in steps {
            at = at.adding(step.2)
            reached.append(at)
        }
        let top = Double(max(1, reached.max() ?? 1))
        func x(_ value: Int64) -> Double { Double(max(0, value)) / top }
        func sum(_ name: String, _ value: Int64) -> View {
            [
                "moveName": .text(words[name]), "moveMeaning": .nothing, "moveCount": .nothing, "moveAmount": .text(money(value)),
                "moveTone": "one",
                "x": "0", "width": .text(Picture.length(x(value))), "edgeX": .text(Picture.length(x(value))), "isSum": true,
            ]
        }
        at = before
        let rows = steps.map { kind, count, amount -> View in
            let (low, high) = (min(at, at.adding(amount)), max(at, at.adding(amount)))
            at = at.adding(amount)
            return [
                "moveName": .text(words.known("forecast_move", kind)), "moveMeaning": .text(words.all["forecast_move_\(kind)_meaning"]),
                "moveCount": .text(clerk.number(Int(count))), "moveAmount": .text((amount > 0 ? "+" : "") + money(amount)),
                "moveTone": .text(amount < 0 ? "bad" : "good"), "x": .text(Picture.length(x(low))),
                "width": .text(Picture.length(x(high) - x(low))), "edgeX": .text(Picture.length(x(at))), "isSum": false,
            ]
        }
        return [sum("forecast_before", before)] + rows + [sum("forecast_after", total)]
    }

    // MARK: By stage and seller, and what is stalled

    var stages: [View] {
        // Of a stage nobody stands in and nobody has been through there is nothing to say.
        let all = (body["by_stage"]?.elements ?? []).filter { $0["count"]?.integer ?? 0 > 0 || $0["conversion"]?.double != nil }
        func amount(_ stage: JSONNode) -> Int64 { own(stage["amounts"]).first?["amount_minor"]?.integer ?? 0 }
        let most = Double(all.map(amount).max() ?? 0)
        // Forecasts made before counted deals of every currency together.
        let isOne = currencies.isEmpty
        let isCounted = isOne || all.contains { ($0["amounts"]?.elements ?? []).contains { $0["count"] != nil } }
        return all.map { stage in
            let counted = isOne ? stage : own(stage["amounts"]).first
            let (count, stalled) = (Int(counted?["count"]?.integer ?? 0), Int(counted?["stalled_count"]?.integer ?? 0))
            return [
                "stageName": .text(stage["stage"]?.string.map { words.known("stage", $0) }),
                "stageX": .text(Picture.length(most > 0 ? Double(amount(stage)) / most : 0)),
                "stageCount": .text(isCounted ? clerk.number(count) : "–"),
                "stageAmount": .text(money(amount(stage))),
                "stageStalled": .text(isCounted ? clerk.number(stalled) : "–"),
                "conversion": .text(stage["conversion"]?.double.map { clerk.percent($0, decimals: 0) } ?? "–"),
                "dwell": .text(
                    stage["dwell_p50_days"]?.double.map { words["forecast_days_n", ["n": clerk.number($0, decimals: 1)]] } ?? "–"),
            ]
        }
    }

    var sellers: [View] {
        own(body["by_seller"]).prefix(50).map { seller in
            [
                "sellerName": .text(names.name(seller["seller"]?.string) ?? words["overdue_nobody"]),
                "committed": .text(money(seller["committed"]?["forecast_minor"]?.integer ?? 0)),
                "weighted": .text(money(seller["weighted"]?["forecast_minor"]?.integer ?? 0)),
                "atRisk": .text(money(seller["at_risk"]?["amount_minor"]?.integer ?? 0)),
            ]
        }
    }

    var stalled: [View] {
        own(body["stalled"]).prefix(50).map { deal in
            [
                "opportunityName": .text((deal["external_id"] ?? deal["opportunity_id"])?.string),
                "stageName": .text(deal["stage"]?.string.map { words.known("stage", $0) }),
                "sellerName": .text(names.name(deal["seller"]?.string) ?? "–"), "stalledDays": .text(clerk.number(deal["days"]) ?? "–"),
                "stalledAmount": .text(deal["amount_minor"]?.integer.map { clerk.money($0, deal["currency"]?.string) } ?? "–"),
                "stalledWhy": .text(deal["reason"]?.string.map { words.known("stall", $0) }),
            ]
        }
    }
}
