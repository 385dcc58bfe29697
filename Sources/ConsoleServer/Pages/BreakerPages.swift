import API
import Console
import Hummingbird
import JSONEnvelope

extension ConsoleSite {
    static let breakerPages = [
        Page(.get, "breakers") { try await showBreakers($0) },
        Page(.post, "fuses/assignment", answer: setFuse),
        Page(.post, "breakers/{key}/open") { visit in
            try await dial(visit, "/v1/breakers/\(visit.id)/open", done: "breaker_opened")
        },
        Page(.post, "breakers/{key}/close") { visit in
            try await dial(visit, "/v1/breakers/\(visit.id)/close", done: "breaker_closed")
        },
        Page(.post, "queues/{kind}/resume") { visit in try await dial(visit, "/v1/queues/\(visit.id)/resume", done: "resumed") },
        Page(.post, "dependencies/{name}/resume") { visit in
            try await dial(visit, "/v1/dependencies/\(visit.id)/resume", done: "resumed")
        },
        Page(.post, "holds", answer: hold),
    ]
}

private func showBreakers(_ visit: Visit, refusal: Refusal? = nil) async throws -> Response {
    async let fuse = visit.read("/v1/fuses/assignment")
    async let breakers = visit.read("/v1/breakers")
    async let queues = visit.read("/v1/queues")
    async let incidents = visit.read("/v1/incidents?limit=20")
    var facts = BreakersView.Facts(
        fuse: try await fuse, breakers: try await breakers, queues: try await queues, incidents: try await incidents)
    // A refused form's page is the one it was sent from.
    facts.search = visit.guest.parameterOfPlace("q") ?? ""
    var fault: Refusal?
    if let text = visit.guest.parameterOfPlace("from") {
        if let start = Int(text) { facts.start = start } else { fault = .search("from", "must be a whole number, such as 20") }
    }
    return try await visit.page(
        "breakers", area: "breakers", telling: [facts.fuse, facts.breakers, facts.queues, facts.incidents], refusal: refusal ?? fault
    ) { [facts, fault] in
        BreakersView.page($0, $1, facts, once: visit.fresh(), refusal: refusal, fault: fault)
    }
}

@Sendable private func setFuse(_ visit: Visit) async throws -> Response {
    let state = visit.form["state"]
    let body = JSONWriter.object { object in
        object.member("state", state)
        if let reason = visit.form.words("reason") { object.member("reason", reason) }
    }
    // Somebody else may have turned it since the page was made.
    let isSo = try await visit.read("/v1/fuses/assignment")["state"]?.string == state
    let reply = await visit.act(.put, "/v1/fuses/assignment", body)
    if isSo { return try await finish(visit, reply, form: "fuse", done: "fuse_unchanged") }
    return try await finish(visit, reply, form: "fuse", done: state == "open" ? "fuse_opened" : "fuse_closed")
}

/// Pauses a kind or a dependency of the tenant: `kind:assign_lead`.
@Sendable private func hold(_ visit: Visit) async throws -> Response {
    let what = visit.form["what"].split(separator: ":", maxSplits: 1).map(String.init)
    let paths = ["kind": "/v1/queues/", "dependency": "/v1/dependencies/"]
    guard what.count == 2, let path = paths[what[0]] else { throw ConsoleFault.badForm }
    let reply = await visit.act(.post, "\(path)\(encoded(what[1]))/pause", visit.reason)
    return try await finish(visit, reply, form: "hold", done: "paused")
}

private func dial(_ visit: Visit, _ target: String, done: String) async throws -> Response {
    try await finish(visit, await visit.act(.post, target, visit.reason), form: visit.form["formId"], done: done)
}

private func finish(_ visit: Visit, _ reply: Desk.Reply, form: String, done: String) async throws -> Response {
    try await visit.finish(reply, form: form, done: done, to: Layout.path("breakers")) { try await showBreakers(visit, refusal: $0) }
}
