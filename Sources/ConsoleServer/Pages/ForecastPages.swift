import Console
import Hummingbird
import JSONEnvelope

extension ConsoleSite {
    static let forecastPages = [
        Page(.get, "forecast") { try await showForecast($0) },
        Page(.get, "forecast/{id}") { try await showForecast($0) },
        Page(.get, "forecast/{id}/deals", answer: listDeals),
        Page(.post, "forecast/rebuild") { visit in
            let body = JSONWriter.object { object in
                object.member("kind", "rebuild_forecast")
                object.object("args") { arguments in
                    arguments.member("rolling", "current_quarter")
                    arguments.member("reason", "manual")
                }
            }
            let reply = await visit.act(.post, "/v1/jobs", body)
            if let problem = reply.problem {
                return try await showForecast(visit, refusal: Refusal(problem, form: "rebuild", draft: visit.form))
            }
            let job = (try? JSONEnvelope(reply.body, levels: 1).root)?["id"]?.string
            // The page itself says what comes of it.
            return .seeOther(Layout.path("forecast") + query([("rebuild", job)]))
        },
    ]
}

private func showForecast(_ visit: Visit, refusal: Refusal? = nil) async throws -> Response {
    let target = visit.parameters.isEmpty || visit.guest.request.method == .post ? "/v1/forecasts/latest" : "/v1/forecasts/\(visit.id)"
    let isLatest = target.hasSuffix("latest")
    async let forecast = isLatest ? visit.readIfAny(target) : visit.read(target)
    async let earlier = visit.read("/v1/forecasts?limit=50")
    async let sellers = visit.firstSellers()
    let shown = try await forecast
    let names = try await visit.names(try await sellers, in: shown)
    var facts = ForecastView.Facts(forecast: shown, earlier: try await earlier, sellers: names, currency: visit.guest.parameter("currency"))
    if let job = visit.guest.parameter("rebuild"), Int64(job) != nil {
        facts.rebuild = try await visit.readIfAny("/v1/jobs/\(encoded(job))")
    }
    return try await visit.page("forecast", area: "forecast", refusal: refusal ?? facts.fault) { [facts] in
        ForecastView.page($0, $1, facts, once: visit.fresh(), refusal: refusal)
    }
}

@Sendable private func listDeals(_ visit: Visit) async throws -> Response {
    let (standing, cursor) = (visit.guest.parameter("class") ?? "", visit.guest.parameter("cursor"))
    let order = visit.guest.parameter("order") ?? ""
    async let forecast = visit.read("/v1/forecasts/\(visit.id)")
    async let deals = visit.search(
        "/v1/forecasts/\(visit.id)/opportunities" + query([("limit", "50"), ("class", standing), ("order", order), ("cursor", cursor)]))
    async let sellers = visit.firstSellers()
    let (page, refusal) = try await deals
    let facts = ForecastDealsView.Facts(
        forecast: try await forecast, page: page, sellers: try await visit.names(try await sellers, in: page), standing: standing,
        order: order, cursor: cursor)
    return try await visit.page("forecast-deals", area: "forecast", refusal: refusal) {
        ForecastDealsView.page($0, $1, facts, refusal: refusal)
    }
}
