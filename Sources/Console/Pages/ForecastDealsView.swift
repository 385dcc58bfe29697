import Foundation
import JSONEnvelope

/// The deals behind a forecast's figures.
public enum ForecastDealsView {
    /// As the API answers them.
    public struct Facts: Sendable {
        /// `GET /v1/forecasts/{id}`
        public var forecast: JSONNode
        /// `GET /v1/forecasts/{id}/opportunities`
        public var page: JSONNode
        public var sellers: SellerNames
        /// A class, or why a deal is in none; empty: all.
        public var standing: String
        /// `told` or `largest`
        public var order: String
        /// Where the page begins; nil: with the first.
        public var cursor: String?

        public init(forecast: JSONNode, page: JSONNode, sellers: SellerNames, standing: String, order: String = "", cursor: String?) {
            self.forecast = forecast
            self.page = page
            self.sellers = sellers
            self.standing = standing
            self.order = Self.orders.contains(order) ? order : "told"
            self.cursor = cursor
        }

        fileprivate static let orders = ["told", "largest"]
    }

    /// What the form calls what the API is asked for.
    private static let labels = ["class": "forecast_class", "order": "deals_order"]

    /// - Parameter refusal: why nothing was looked for.
    public static func page(_ layout: Layout, _ clerk: Clerk, _ facts: Facts, refusal: Refusal? = nil) -> View {
        let words = layout.words
        let deals = facts.page["items"]?.elements ?? []
        let period = ForecastView.period(facts.forecast)
        return layout.page(
            words["deals_title"],
            [
                "asOf": clerk.when(clerk.now), "problem": refusal.map { $0.view(on: layout, ofSearch: labels) } ?? .nothing,
                "forecastHref": .text(href(facts.forecast)), "periodName": .text(period),
                "summary": .text(
                    words["deals_summary", ["period": period, "at": facts.forecast["as_of"]?.date.map { clerk.full($0) } ?? "–"]]),
                "searchAction": .text(href(facts.forecast) + "/deals"),
                "classOptions": .list(
                    Option.list(
                        ForecastFigures.everyStanding.map { ($0, words["forecast_class_\($0)"]) }, chosen: facts.standing,
                        all: words["deals_all"])),
                "orderOptions": .list(Option.list(Facts.orders.map { ($0, words["deals_order_\($0)"]) }, chosen: facts.order)),
                "hasDeals": .flag(!deals.isEmpty), "deals": .list(deals.map { deal($0, facts.sellers, clerk) }),
                "dealsNoneWhy": .text(words["deals_none_why"]),
                "pager": Pager.view(
                    words, shown: deals.count,
                    first: facts.cursor.map { _ in href(facts.forecast, of: facts.standing, order: facts.order) },
                    next: facts.page["next_cursor"]?.string.map { href(facts.forecast, of: facts.standing, order: facts.order, after: $0) }),
            ])
    }

    static func href(_ forecast: JSONNode) -> String { Layout.path("forecast/\(forecast["id"]?.string ?? "")") }

    /// - Parameter standing: only of this class, or left out for this reason.
    static func href(_ forecast: JSONNode, of standing: String, order: String? = nil, after cursor: String? = nil) -> String {
        href(forecast) + "/deals" + query([("class", standing), ("order", order == "told" ? nil : order), ("cursor", cursor)])
    }

    private static func deal(_ deal: JSONNode, _ sellers: SellerNames, _ clerk: Clerk) -> View {
        let words = clerk.words
        let standing = deal["class"]?.string ?? ""
        let currency = deal["currency"]?.string
        let hasAmount = standing != "amount_missing"
        return [
            "dealName": .text(deal["external_id"]?.string),
            "dealOpened": .text(deal["opened_at"]?.date.map { words["deals_opened", ["at": clerk.day($0)]] }),
            "sellerName": .text(sellers.name(deal["seller"]?.string) ?? words["overdue_nobody"]),
            "stageName": .text(deal["stage"]?.string.map { words.known("stage", $0) } ?? "–"),
            "className": .text(words.known("forecast_class", standing)), "classTone": .text(ForecastFigures.tone(of: standing)),
            "amount": .text(hasAmount ? deal["amount_minor"]?.integer.map { clerk.money($0, currency) } ?? "–" : "–"),
            "odds": .text(
                standing == "committed" ? words["deals_in_full"] : deal["odds"]?.double.map { clerk.percent($0, decimals: 0) } ?? "–"),
            "countsFor": .text(deal["forecast_minor"]?.integer.map { clerk.money($0, currency) } ?? "–"),
            "stalled": .text(deal["stalled_days"]?.integer.map { words["deals_stalled", ["n": clerk.number(Int($0))]] }),
        ]
    }
}
