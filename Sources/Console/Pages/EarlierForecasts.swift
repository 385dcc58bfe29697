import Foundation
import JSONEnvelope
import SalesModel

/// The forecasts before, of the same period and scope, as a list and a line, in the currency the shown one speaks in.
struct EarlierForecasts {
    private let all: [JSONNode]
    private let shown: JSONNode?
    private let currency: String?
    private let clerk: Clerk

    init(_ list: JSONNode, than shown: JSONNode?, in wanted: String?, _ clerk: Clerk) {
        self.shown = shown
        currency = shown.flatMap { ForecastFigures.totals(of: $0, in: wanted) }?["currency"]?.string
        self.clerk = clerk
        all = (list["items"]?.elements ?? []).filter { other in
            guard let shown else { return true }
            return other["scope"]?.bytes == shown["scope"]?.bytes && ForecastView.period(other) == ForecastView.period(shown)
        }
    }

    private func minor(of forecast: JSONNode) -> Int64? {
        forecast["forecast"]?["totals"]?.elements.first { $0["currency"]?.string == currency }?["forecast_total_minor"]?.integer
    }

    private func money(_ forecast: JSONNode?) -> String? { forecast.flatMap(minor).map { clerk.money($0, currency) } }
    private var others: [JSONNode] { all.filter { $0["id"]?.string != shown?["id"]?.string } }

    /// What the shown one comes to, and what the one before it did.
    var total: String? { money(shown) }
    var totalBefore: String? { money(others.first) }
    /// When the shown one was made.
    var madeAt: Date? { shown?["as_of"]?.date }

    var items: [View] {
        others.prefix(10).map { forecast in
            let at = forecast["as_of"]?.date.map { clerk.full($0) } ?? "–"
            return [
                "earlierHref": .text(Layout.path("forecast/\(forecast["id"]?.string ?? "")")),
                "earlierName": .text(
                    clerk.words[
                        "forecast_earlier_item",
                        ["at": at, "reason": clerk.words.known("forecast_reason", forecast["reason"]?.string ?? "")]]),
                "earlierTotal": .text(money(forecast) ?? "–"),
            ]
        }
    }

    /// Of two at least.
    var chart: View {
        let dated = all.compactMap { forecast in
            minor(of: forecast).flatMap { minor in forecast["as_of"]?.date.map { (at: $0, minor: minor) } }
        }.sorted { $0.at < $1.at }.suffix(30)
        guard dated.count > 1, dated.contains(where: { $0.minor > 0 }), let first = dated.first, let last = dated.last else {
            return .nothing
        }
        let values = dated.map { Double($0.minor) }
        let unit = Double(Money.minorUnits(of: currency ?? ""))
        let top = Picture.roundTop((values.max() ?? 0) / unit) * unit
        let points = values.enumerated().map { (x: Double($0) / Double(values.count - 1) * 100, y: Picture.height($1, of: top)) }
        let words = clerk.words
        return [
            "chartWords": .text(
                words[
                    "forecast_earlier_words",
                    [
                        "n": "\(dated.count)", "from": clerk.amount(first.minor, in: currency ?? ""),
                        "to": clerk.amount(last.minor, in: currency ?? ""),
                    ]]),
            "yLabels": .list([top, top / 2, 0].map { .text(clerk.number($0 / unit, decimals: 0)) }), "gridLines": ["0", "50"],
            "xLabels": .list([first.at, last.at].map { .text(clerk.day($0)) }),
            "linePoints": .text(points.map { "\(Picture.coordinate($0.x)),\(Picture.coordinate($0.y))" }.joined(separator: " ")),
            "lastX": .text(Picture.coordinate(points.last?.x ?? 0)), "lastY": .text(Picture.coordinate(points.last?.y ?? 0)),
        ]
    }
}
