import API
import Console
import Hummingbird
import JSONEnvelope

extension ConsoleSite {
    static let overduePages = [
        Page(.get, "overdue") { try await showOverdue($0) },
        Page(.post, "escalations/{id}/reason") { visit in
            let body = JSONWriter.object { $0.member("reason", visit.form["reason"]) }
            let reply = await visit.act(.post, "/v1/escalations/\(visit.id)/reason", body)
            return try await visit.finish(reply, form: "reason-\(visit.parameters[0])", done: "explained", to: Layout.path("overdue")) {
                try await showOverdue(visit, refusal: $0)
            }
        },
    ]
}

extension JSONNode {
    /// Of which clocks escalations are.
    fileprivate var clocks: Set<String> { Set((self["items"]?.elements ?? []).compactMap { $0["clock"]?.string }) }
}

private func showOverdue(_ visit: Visit, refusal: Refusal? = nil) async throws -> Response {
    let guest = visit.guest
    let clock = guest.parameter("clock") ?? OverdueView.firstTouch
    let month = guest.parameter("month") ?? String(visit.clerk.day(visit.now).prefix(7))
    let cursor = guest.parameter("cursor")
    async let board = visit.readCount("/v1/sla/first-touch?clock=\(encoded(clock))")
    async let map = visit.readCount("/v1/sla/heat-map?clock=\(encoded(clock))&month=\(encoded(month))")
    let team = guest.parameter("team") ?? ""
    async let any = visit.read("/v1/escalations?limit=100")
    let withHistory = guest.parameter("history") == "true"
    async let escalations = visit.read(
        "/v1/escalations"
            + query([
                ("limit", "25"), ("clock", clock), ("team", team), ("history", withHistory ? nil : "false"), ("cursor", cursor),
            ]))
    async let sellers = visit.firstSellers()
    let told = try await escalations
    let missed = Set(
        (told["items"]?.elements ?? []).filter { $0["subject_type"]?.string == "lead" }.compactMap { $0["subject_id"]?.string })
    let leads = try await visit.leads(missed.sorted())
    let late = try await board
    let facts = OverdueView.Facts(
        board: late, map: try await map, escalations: told, leads: leads, clocks: try await any.clocks,
        sellers: try await visit.names(try await sellers, in: late, told), clock: clock,
        month: month, team: team, withHistory: withHistory, cursor: cursor)
    return try await visit.page("overdue", area: "overdue", refusal: refusal) {
        OverdueView.page($0, $1, facts, once: visit.fresh(), refusal: refusal)
    }
}
