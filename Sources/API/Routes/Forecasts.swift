import Foundation
import JSONEnvelope
import Records
import Tenancy

extension API {
    static let forecastEndpoints = [
        Endpoint(.get, "/v1/forecasts", module: .opportunities, takesQuery: true, answer: listForecasts),
        Endpoint(.get, "/v1/forecasts/latest", module: .opportunities, takesQuery: true, answer: readLatestForecast),
        Endpoint(.get, "/v1/forecasts/{id}", module: .opportunities, answer: readForecast),
        Endpoint(.get, "/v1/forecasts/{id}/opportunities", module: .opportunities, takesQuery: true, answer: listForecastEntries),
    ]
}

/// `GET /v1/forecasts/latest?from=&to=&teams=&sellers=`
@Sendable private func readLatestForecast(_ call: Call) async throws -> Answer {
    let (from, to, teams, sellers) = try call.query { ($0.string("from"), $0.string("to"), $0.string("teams"), $0.string("sellers")) }
    guard (from == nil) == (to == nil) else {
        throw Problem.invalid([FieldError(from == nil ? "from" : "to", .missing, "from and to come together")])
    }
    let days = try [("from", from), ("to", to)].map { name, text in try text.map { try day($0, name) } }
    // Days as they are written come in the order of time.
    if let from, let to, to < from { throw Problem.invalid([FieldError("to", .outOfRange, "is before from")]) }
    let scope = ForecastScope(teams: names(teams), sellers: names(sellers))
    let period = days[0].flatMap { from in days[1].map { (from: from, to: $0) } }
    guard let forecast = try await call.records.latestForecast(of: call.tenant.id, scope: scope, period: period) else {
        throw Problem(
            404, "no_forecast", "There is no forecast of that yet",
            detail: "Enqueue a job of the kind rebuild_forecast, or let a schedule do it each day.")
    }
    return Answer(200, forecast.json)
}

/// `GET /v1/forecasts/{id}`
@Sendable private func readForecast(_ call: Call) async throws -> Answer {
    guard let forecast = try await call.records.forecast(try call.id(), of: call.tenant.id) else { throw Problem.notFound }
    return Answer(200, forecast.json)
}

/// `GET /v1/forecasts`
@Sendable private func listForecasts(_ call: Call) async throws -> Answer {
    let (cursor, limit) = try call.query { ($0.cursor(), $0.limit()) }
    return .page(try await call.records.forecasts(of: call.tenant.id, before: cursor ?? .max, limit: limit), \.json)
}

/// `GET /v1/forecasts/{id}/opportunities?class=&order=`
@Sendable private func listForecastEntries(_ call: Call) async throws -> Answer {
    let (standing, order, cursor, limit) = try call.query { query in
        let standing = query.choice("class", of: ForecastEntry.standings)
        let order = query.choice("order", of: ForecastOrder.self) ?? .told
        return (standing, order, query.cursor(in: order.rawValue), query.limit())
    }
    guard
        let page = try await call.records.entries(
            of: try call.id(), standing: standing, order: order, of: call.tenant.id, after: cursor ?? 0, limit: limit)
    else { throw Problem.notFound }
    return .page(page, in: order.rawValue, \.json)
}

private func day(_ text: String, _ name: String) throws -> String {
    let isDay = text.wholeMatch(of: /\d{4}-\d{2}-\d{2}/) != nil && RFC3339.date("\(text)T00:00:00Z") != nil
    guard isDay else { throw Problem.invalid([FieldError(name, .badFormat, "must be a day, such as 2026-01-01")]) }
    return text
}

private func names(_ list: String?) -> [String] { list?.split(separator: ",").map(String.init) ?? [] }

extension PublishedForecast {
    fileprivate var json: [UInt8] {
        JSONWriter.object(capacity: 16_384) { object in
            object.member("id", "\(id)")
            object.object("period") {
                $0.member("from", from)
                $0.member("to", to)
            }
            object.member("scope", scope.split(separator: "\n").map(String.init))
            object.member("as_of", asOf)
            object.member("watermark", watermark)
            object.member("model_version", modelVersion)
            object.member("reason", reason)
            object.member("current", isCurrent)
            object.member("previous", previous.map(String.init))
            object.member("created_at", createdAt)
            object.member("forecast", json: body.bytes)
        }
    }
}

extension ForecastEntry {
    fileprivate var json: [UInt8] {
        JSONWriter.object(capacity: 256) { object in
            object.member("external_id", opportunity)
            object.member("seller", seller)
            object.member("stage", stage)
            object.member("class", standing)
            object.member("amount_minor", amountMinor)
            object.member("currency", currency)
            object.member("odds", odds)
            object.member("forecast_minor", contribution)
            object.member("stalled_days", stalledDays)
            object.member("opened_at", openedAt)
        }
    }
}
