import Foundation
import JSONEnvelope

/// What is likely to be won in a period, how sure that is, what it is made of and what moved.
public enum ForecastView {
    /// As the API answers them.
    public struct Facts: Sendable {
        /// `GET /v1/forecasts/latest` or one by its number; nil: there is none.
        public var forecast: JSONNode?
        /// `GET /v1/forecasts`
        public var earlier: JSONNode
        public var sellers: SellerNames
        /// Nil: that of most deals.
        public var currency: String?
        /// `GET /v1/jobs/{id}` of a rebuild that was asked for here; nil: none was.
        public var rebuild: JSONNode?

        public init(forecast: JSONNode?, earlier: JSONNode, sellers: SellerNames, currency: String? = nil) {
            self.currency = currency
            self.forecast = forecast
            self.earlier = earlier
            self.sellers = sellers
        }

        /// Why the figures are in another currency than was asked for; nil: they are not, or there are none.
        public var fault: Refusal? {
            guard let currency, let totals = forecast.flatMap({ ForecastFigures.totals(of: $0, in: currency) }),
                totals["currency"]?.string != currency
            else { return nil }
            return .search("currency", "is none the forecast has deals in")
        }
    }

    /// What the form calls what is asked for.
    private static let labels = ["currency": "forecast_currency"]

    public static func page(_ layout: Layout, _ clerk: Clerk, _ facts: Facts, once: String, refusal: Refusal? = nil) -> View {
        let words = layout.words
        let forecast = facts.forecast
        let figures = forecast.flatMap { ForecastFigures($0, in: facts.currency, facts.sellers, clerk) }
        let stages = figures?.stages ?? []
        let currencies = figures?.currencies ?? []
        let earlier = EarlierForecasts(facts.earlier, than: forecast, in: facts.currency, clerk)
        let rebuilt = ForecastRebuild(facts.rebuild, earlier, clerk)
        return layout.page(
            words["forecast_title"],
            [
                "rebuilt": rebuilt?.view ?? .nothing, "liveOn": .text(rebuilt?.isUnderWay == true ? "job" : nil),
                "asOf": clerk.when(clerk.now),
                "problem": refusal.map { $0.view(words) }
                    ?? facts.fault.map { $0.view(words, ofSearch: labels, instead: "advice_currency") } ?? .nothing,
                "periodName": .text(forecast.map(period)), "summary": .text(figures?.summary ?? words["forecast_what"]),
                "hasCurrencies": .flag(!currencies.isEmpty), "currencyOptions": .list(currencies),
                "searchAction": .text(
                    forecast.map { $0["current"]?.bool == false ? ForecastDealsView.href($0) : Layout.path("forecast") }),
                "isOld": .flag(forecast?["current"]?.bool == false), "oldWords": .text(words["forecast_not_current"]),
                "hasForecast": .flag(figures != nil), "tiles": .list(figures?.tiles ?? []), "ranges": .list(figures?.ranges ?? []),
                "rangeNote": .text(figures?.rangeNote), "classesWords": .text(figures?.classesWords),
                "classParts": .list(figures?.classParts ?? []), "classes": .list(figures?.classes ?? []),
                "leftOut": .list(figures?.leftOut ?? []), "dealsHref": .text(forecast.map { ForecastDealsView.href($0) + "/deals" }),
                "movedLead": .text(figures.map { _ in words["forecast_moved_lead"] }), "hasMoved": .flag(!(figures?.moved ?? []).isEmpty),
                "moved": .list(figures?.moved ?? []), "movedNoneWhy": .text(words["forecast_moved_none_why"]),
                "hasStages": .flag(!stages.isEmpty), "stages": .list(stages), "hasSellers": .flag(!(figures?.sellers ?? []).isEmpty),
                "sellers": .list(figures?.sellers ?? []),
                "hasStalled": .flag(!(figures?.stalled ?? []).isEmpty), "stalled": .list(figures?.stalled ?? []),
                "rebuild": Control("rebuild", action: Layout.path("forecast/rebuild"), once: once, refusal: refusal).view(),
                "hasEarlier": .flag(!earlier.items.isEmpty), "earlierChart": earlier.chart, "earlier": .list(earlier.items),
            ])
    }

    static func period(_ forecast: JSONNode) -> String {
        "\(forecast["period"]?["from"]?.string ?? "") – \(forecast["period"]?["to"]?.string ?? "")"
    }
}
