import Console
import Foundation
import Hummingbird
import JSONEnvelope
import ProcessHealth

extension ConsoleSite {
    static let processHealthPages = [Page(.get, "process-health", answer: showProcessHealth)]
}

/// How many weeks stand side by side.
private let shownWeeks = 8

@Sendable private func showProcessHealth(_ visit: Visit) async throws -> Response {
    let team = visit.guest.parameter("team") ?? ""
    let cursor = visit.guest.parameter("cursor")
    let zone = visit.tenant.flatMap { TimeZone(identifier: $0.settings.timeZone) } ?? .gmt
    let wanted = visit.guest.parameter("week")
    // Without a week, the last one that is over; what is no week is for the API to refuse.
    let last = wanted.flatMap { Week($0) } ?? Week(containing: visit.now, in: zone) - 1
    let list: [(String, String?)] = [
        ("week", wanted ?? "\(last)"), ("weeks", String(shownWeeks)), ("order", "worst"), ("limit", "50"), ("team", team),
        ("cursor", cursor),
    ]
    async let summary = visit.search("/v1/spi/summary" + query([("week", "\(last)"), ("team", team)]))
    async let diagnoses = visit.read("/v1/spi/diagnoses?limit=30")
    async let predictions = visit.read("/v1/predictions?warned=true&limit=100")
    async let quality = visit.read("/v1/predictions/quality")
    async let sellers = visit.firstSellers()
    let (weeks, refused) = try await visit.search("/v1/spi" + query(list))
    let (diagnosed, predicted, totals) = (try await diagnoses, try await predictions, try await summary.list)
    let names = try await visit.names(try await sellers, in: weeks, diagnosed, predicted, totals)
    // Of a team that is no more there may be weeks.
    let isEmpty = refused == nil && weeks["items"]?.elements.isEmpty != false
    let unknown = isEmpty ? try await visit.fault(ofTeam: team, among: names) : nil
    let refusal = refused ?? unknown
    var facts = ProcessHealthView.Facts(
        weeks: (0..<shownWeeks).reversed().map { "\(last - $0)" }, page: weeks, summary: totals, diagnoses: diagnosed,
        predictions: predicted, quality: try await quality,
        sellers: names, team: unknown == nil ? team : "", cursor: cursor)
    facts.wanted = wanted
    return try await visit.page("process-health", area: "process-health", refusal: refusal) { [facts] in
        ProcessHealthView.page($0, $1, facts, refusal: refusal)
    }
}
