import Console
import Hummingbird

extension ConsoleSite {
    static let auditPages = [Page(.get, "audit", answer: showAudit)]
}

@Sendable private func showAudit(_ visit: Visit) async throws -> Response {
    var query = AuditView.Query()
    query.action = visit.guest.parameter("action") ?? ""
    query.subject = visit.guest.parameter("subject") ?? ""
    query.actor = visit.guest.parameter("actor") ?? ""
    query.since = visit.guest.parameter("since") ?? ""
    query.until = visit.guest.parameter("until") ?? ""
    query.cursor = visit.guest.parameter("cursor")
    let parameters = query.parameters(visit.instant)
    let entries = try await visit.read("/v1/audit\(parameters)\(parameters.isEmpty ? "?" : "&")limit=50")
    return try await visit.page("audit", area: "audit") { [query] in AuditView.page($0, $1, page: entries, query: query) }
}
