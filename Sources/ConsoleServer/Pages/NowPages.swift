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
    async let flow = visit.readCount("/v1/flow?minutes=60")
    async let alerts = visit.read("/v1/alerts?open=true&limit=100")
    async let breakers = visit.read("/v1/breakers")
    async let fuse = visit.read("/v1/fuses/assignment")
    async let rollouts = visit.read("/v1/rollouts?running=true")
    async let board = visit.readCount("/v1/sla/first-touch")
    async let notices = visit.read("/v1/notifications?recipient=role:seller&limit=20")
    let (ended, waiting) = (try await flow, try await queues)
    let facts = NowView.Facts(
        queues: waiting, flow: ended, alerts: try await alerts, breakers: try await breakers, fuse: try await fuse,
        rollouts: try await rollouts, board: try await board, notices: try await notices,
        begun: try await beginning(visit, ended), weight: visit.tenant?.settings.weight)
    return try await visit.page("now", area: "now", refusal: refusal) {
        NowView.page($0, $1, facts, once: visit.fresh(), refusal: refusal)
    }
}

/// Nil where jobs ended within the hour, for then leads are decided, or something else is to be done first; and until that is known. Rules
/// are not told to everybody.
///
/// - Parameter flow: nil: it is being counted.
private func beginning(_ visit: Visit, _ flow: JSONNode?) async throws -> NowView.Beginning? {
    guard flow?["kinds"]?.elements.isEmpty == true, try await visit.reach().includes("rules") else { return nil }
    async let sellers = visit.read("/v1/sellers?limit=1")
    async let rules = visit.read("/v1/rulesets")
    async let leads = visit.read("/v1/leads?limit=1")
    let live = try await rules["items"]?.elements.contains { $0["kind"]?.string == "route" && $0["live_version"]?.integer != nil }
    return NowView.Beginning(
        hasSellers: try await sellers["items"]?.elements.isEmpty == false, hasRules: live == true,
        hasLeads: try await leads["items"]?.elements.isEmpty == false)
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
