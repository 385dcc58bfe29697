import API
import Console
import Hummingbird
import JSONEnvelope

extension ConsoleSite {
    static let nowPages = [
        Page(.get, "now") { try await showNow($0) }, Page(.post, "alerts/{id}/resolve", answer: endAlert),
        Page(.post, "alert-codes/{code}/resolve", answer: endAlerts),
    ]
}

private func showNow(_ visit: Visit, refusal: Refusal? = nil) async throws -> Response {
    if visit.tenant == nil, visit.role == .platform, refusal == nil {
        let overview = try await visit.read("/v1/overview")
        return try await visit.page("overview", area: "now") { OverviewView.page($0, $1, overview) }
    }
    // What all of a tenant's work comes to is not for who is held to cities.
    guard try await visit.reach().includes("now") else { return .seeOther(Layout.path("leads")) }
    async let queues = visit.read("/v1/queues")
    async let flow = visit.read("/v1/flow?minutes=60")
    async let alerts = visit.read("/v1/alerts?open=true&limit=100")
    async let breakers = visit.read("/v1/breakers")
    async let fuse = visit.read("/v1/fuses/assignment")
    async let rollouts = visit.read("/v1/rollouts?running=true")
    async let board = visit.read("/v1/sla/first-touch")
    async let notices = visit.read("/v1/notifications?recipient=role:seller&limit=20")
    let facts = NowView.Facts(
        queues: try await queues, flow: try await flow, alerts: try await alerts, breakers: try await breakers, fuse: try await fuse,
        rollouts: try await rollouts, board: try await board, notices: try await notices, weight: visit.tenant?.settings.weight)
    return try await visit.page("now", area: "now", refusal: refusal) {
        NowView.page($0, $1, facts, once: visit.fresh(), refusal: refusal)
    }
}

@Sendable private func endAlert(_ visit: Visit) async throws -> Response {
    try await finish(visit, await visit.act(.post, "/v1/alerts/\(visit.id)/resolve", visit.reason), done: "alert_ended")
}

/// All of one code, as many as there were when the page was made.
@Sendable private func endAlerts(_ visit: Visit) async throws -> Response {
    let wish = JSONWriter.object { object in
        object.member("code", visit.parameters[0])
        object.member("up_to", visit.form["upTo"])
        object.member("reason", visit.form.words("reason"))
    }
    return try await finish(visit, await visit.act(.post, "/v1/alerts:resolve", wish), done: "alerts_ended")
}

private func finish(_ visit: Visit, _ reply: Desk.Reply, done: String) async throws -> Response {
    try await visit.finish(reply, form: visit.form["formId"], done: done, to: Layout.path("now")) { try await showNow(visit, refusal: $0) }
}
