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
    // Without a week, the last one that is over.
    let wanted = visit.guest.parameter("week")
    let named = wanted.flatMap { Week($0) }
    if wanted != nil, named == nil { throw ConsoleFault.badQuery }
    let last = named ?? Week(containing: visit.now, in: zone) - 1
    let ofTeam = team.isEmpty ? "" : "&team=\(encoded(team))"
    let page = cursor.map { "&cursor=\(encoded($0))" } ?? ""
    async let summary = visit.read("/v1/spi/summary?week=\(last)\(ofTeam)")
    async let diagnoses = visit.read("/v1/spi/diagnoses?limit=30")
    async let predictions = visit.read("/v1/predictions?warned=true&limit=100")
    async let quality = visit.read("/v1/predictions/quality")
    async let sellers = visit.firstSellers()
    let weeks = try await visit.read("/v1/spi?week=\(last)&weeks=\(shownWeeks)&order=worst&limit=50\(ofTeam)\(page)")
    let (diagnosed, predicted) = (try await diagnoses, try await predictions)
    let names = try await visit.names(try await sellers, in: weeks, diagnosed, predicted, try await summary)
    let facts = ProcessHealthView.Facts(
        weeks: (0..<shownWeeks).reversed().map { "\(last - $0)" }, page: weeks, summary: try await summary, diagnoses: diagnosed,
        predictions: predicted, quality: try await quality,
        sellers: names, team: team, cursor: cursor)
    return try await visit.page("process-health", area: "process-health") { ProcessHealthView.page($0, $1, facts) }
}
