import API
import Console
import Hummingbird
import JSONEnvelope

extension ConsoleSite {
    static let rolloutPages = [
        Page(.get, "rollouts") { try await listRollouts($0) },
        Page(.post, "rollouts", answer: startRollout),
        Page(.get, "rollouts/{id}") { try await showRollout($0) },
        Page(.post, "rollouts/{id}/percent", answer: setPercent),
        Page(.post, "rollouts/{id}/promote") { visit in
            try await turn(visit, visit.act(.post, "/v1/rollouts/\(visit.id)/promote", visit.reason), form: "promote", done: "promoted")
        },
        Page(.post, "rollouts/{id}/abort") { visit in
            try await turn(visit, visit.act(.post, "/v1/rollouts/\(visit.id)/abort", visit.reason), form: "abort", done: "aborted")
        },
    ]
}

private func listRollouts(_ visit: Visit, refusal: Refusal? = nil) async throws -> Response {
    let (cursor, chosen) = (visit.guest.parameter("cursor"), visit.guest.parameter("version"))
    async let running = visit.read("/v1/rollouts?running=true")
    async let all = visit.search("/v1/rollouts?limit=25" + (cursor.map { "&cursor=\(encoded($0))" } ?? ""))
    async let ruleSets = visit.read("/v1/rulesets")
    let ((list, nowhere), now, names) = (try await all, try await running, try await ruleSets)
    let fault = nowhere ?? RolloutsView.fault(ofDraft: chosen, running: now, ruleSets: names)
    return try await visit.page("rollouts", area: "rollouts", telling: [now, list], refusal: refusal ?? fault) {
        RolloutsView.page(
            $0, $1, running: now, all: list, ruleSets: names, isFirst: cursor == nil, chosen: chosen, once: visit.fresh(),
            refusal: refusal, fault: fault)
    }
}

@Sendable private func startRollout(_ visit: Visit) async throws -> Response {
    let form = visit.form
    guard form.words("reason") != nil else { return try await listRollouts(visit, refusal: .unreasoned(form, id: "start")) }
    // `route/default@5`
    let parts = form["version"].split(separator: "@", maxSplits: 1)
    let lineage = parts.first.map { $0.split(separator: "/", maxSplits: 1).map(String.init) } ?? []
    let body = JSONWriter.object { object in
        object.member("kind", lineage.first)
        object.member("name", lineage.count == 2 ? lineage[1] : nil)
        object.typed("version", parts.count == 2 ? String(parts[1]) : "")
        object.typed("percent", form["percent"])
        object.object("guards") { guards in
            guards.typed("first_touch_minutes", form["first_touch_minutes"])
            if form.words("least_leads") != nil { guards.typed("least_leads", form["least_leads"]) }
            guards.member("promotion", form.words("promotion") ?? "manual")
        }
        object.member("reason", form.words("reason"))
    }
    let reply = await visit.act(.post, "/v1/rollouts", body)
    let begun = (try? JSONEnvelope(reply.body, levels: 1).root)?["id"]?.string
    return try await visit.finish(reply, form: "start", done: "started", to: Layout.path("rollouts" + (begun.map { "/\($0)" } ?? ""))) {
        try await listRollouts(visit, refusal: $0)
    }
}

private func showRollout(_ visit: Visit, refusal: Refusal? = nil) async throws -> Response {
    async let readings = visit.readIfAny("/v1/rollouts/\(visit.id)/readings")
    let rollout = try await visit.read("/v1/rollouts/\(visit.id)")
    let arms = rollout["arms"]
    let version = arms?["canary"]?["version"]?.integer ?? 0
    let set = "/v1/rulesets/\(rollout["kind"]?.string ?? "")/\(encoded(rollout["name"]?.string ?? ""))/versions/\(version)"
    async let diff = visit.readIfAny("\(set)/diff?from=\(arms?["stable"]?["version"]?.integer ?? 0)")
    async let rounds = visit.readIfAny("\(set)/rounds?limit=10")
    async let fuse = visit.read("/v1/fuses/assignment")
    async let sellers = visit.firstSellers()
    let tried = try await rounds
    let over = (tried?["items"]?.elements ?? []).filter { $0["state"]?.string != "running" }
    // One that found no decisions to make again is no evidence, where another did.
    let ended = (over.first { ($0["replayed"]?.integer ?? 0) > 0 } ?? over.first)?["round_id"]?.string
    let round = try await ended.asyncFlatMap { try await visit.readIfAny("/v1/rounds/\(encoded($0))") }
    let different = Set((rollout["differences"]?.elements ?? []).compactMap { $0["lead_id"]?.string })
    let facts = RolloutView.Facts(
        rollout: rollout, readings: try await readings, diff: try await diff, rounds: tried, round: round,
        live: try await live(rollout, visit), leads: try await visit.leads(different.sorted()),
        isFuseOpen: try await fuse["state"]?.string == "open",
        sellers: try await visit.names(try await sellers, in: rollout, round))
    return try await visit.page("rollout", area: "rollouts", telling: [rollout], refusal: refusal) {
        RolloutView.page($0, $1, facts, once: visit.fresh(), refusal: refusal)
    }
}

/// The version that is live now where one was promoted; of models nothing is asked.
private func live(_ rollout: JSONNode, _ visit: Visit) async throws -> Int64? {
    guard rollout["state"]?.string == "live" else { return nil }
    return try await visit.read("/v1/rulesets")["items"]?.elements.first {
        $0["kind"]?.string == rollout["kind"]?.string && $0["name"]?.string == rollout["name"]?.string
    }?["live_version"]?.integer
}

@Sendable private func setPercent(_ visit: Visit) async throws -> Response {
    let percent = visit.form["percent"] == "other" ? visit.form["otherPercent"] : visit.form["percent"]
    let body = JSONWriter.object { object in
        object.typed("percent", percent)
        if let reason = visit.form.words("reason") { object.member("reason", reason) }
    }
    // Somebody else may have turned it since the page was made.
    let before = try await visit.readIfAny("/v1/rollouts/\(visit.id)")
    let reply = await visit.act(.patch, "/v1/rollouts/\(visit.id)", body)
    let after = try? JSONEnvelope(reply.body, levels: 1).root
    let isAlike = ["state", "percent"].allSatisfy { after?[$0]?.bytes.elementsEqual(before?[$0]?.bytes ?? []) == true }
    // A form that was sent twice has set it itself; of one that somebody else has overtaken, nothing is to be told.
    let done = reply.isReplayed ? (isAlike ? "percent" : nil) : isAlike ? "percent_unchanged" : "percent"
    return try await turn(visit, reply, form: "percent", done: done)
}

private func turn(_ visit: Visit, _ reply: Desk.Reply, form: String, done: String?) async throws -> Response {
    try await visit.finish(reply, form: form, done: done, to: Layout.path("rollouts/\(visit.id)")) {
        try await showRollout(visit, refusal: $0)
    }
}

extension Visit {
    /// The first thing in the path, as a part of another path.
    var id: String { encoded(parameters.first ?? "") }
}

extension JSONWriter {
    /// A number as it was typed: what is none goes as a text, so that the API says what is wrong with it; nothing is null. A comma groups
    /// thousands and nothing else: `1,5` may mean one and a half.
    mutating func typed(_ name: String, _ text: String) {
        let plain = text.filter { $0 != " " }
        let text = plain.wholeMatch(of: /-?\d{1,3}(,\d{3})+(\.\d+)?/) == nil ? plain : plain.filter { $0 != "," }
        if text.isEmpty { return member(name, String?.none) }
        if text.wholeMatch(of: /-?(0|[1-9]\d{0,15})(\.\d{1,9})?/) != nil {
            member(name, json: Array(text.utf8))
        } else {
            member(name, text)
        }
    }
}
