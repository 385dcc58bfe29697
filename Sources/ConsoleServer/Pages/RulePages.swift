import API
import Console
import Foundation
import Hummingbird
import JSONEnvelope
import Rules

extension ConsoleSite {
    static let rulePages = [
        Page(.get, "rules") { visit in
            async let sets = visit.read("/v1/rulesets")
            async let rollouts = visit.read("/v1/rollouts?running=true")
            let (all, running) = (try await sets, try await rollouts)
            return try await visit.page("rules", area: "rules", telling: [all]) {
                RulesView.page($0, $1, sets: all, rollouts: running, packs: RulePack.all.map(\.name))
            }
        },
        Page(.get, "packs/{name}", answer: showPack),
        Page(.get, "rules/{kind}/{name}") { try await showRule($0, version: $0.guest.parameter("version")) },
        Page(.get, "rounds/{id}", answer: showRound),
        Page(.post, "rules/{kind}/{name}", answer: saveRule),
        Page(.post, "rules/{kind}/{name}/check", answer: checkRule),
        Page(.post, "rules/{kind}/{name}/versions/{version}/replay", answer: replayRule),
        Page(.post, "rules/{kind}/{name}/versions/{version}/publish") { visit in
            let reply = await visit.act(.post, "\(visit.ruleSet)/versions/\(encoded(visit.parameters[2]))/publish", visit.reason)
            return try await finish(visit, reply, form: "publish", done: "published")
        },
    ]
}

extension Visit {
    /// `/v1/rulesets/{kind}/{name}`
    fileprivate var ruleSet: String { "/v1/rulesets/\(encoded(parameters[0]))/\(encoded(parameters[1]))" }
    fileprivate var rulePath: String { Layout.path("rules/\(encoded(parameters[0]))/\(encoded(parameters[1]))") }
}

@Sendable private func showPack(_ visit: Visit) async throws -> Response {
    guard let pack = RulePack.named(visit.parameters[0]) else { throw ConsoleFault.noPage }
    let sets = try await visit.read("/v1/rulesets")
    let sources = Dictionary(uniqueKeysWithValues: pack.sources.map { ($0.key.rawValue, $0.value) })
    return try await visit.page("pack", area: "rules") { PackView.page($0, $1, pack: pack.name, sources: sources, sets: sets) }
}

/// - Parameter version: the one to show; nil: the newest where it is a draft, else what is live.
private func showRule(
    _ visit: Visit, version: String?, check: RuleView.Check? = nil, refusal: Refusal? = nil
) async throws -> Response {
    guard RulesView.kinds.contains(visit.parameters[0]) else { throw ConsoleFault.noPage }
    var facts = RuleView.Facts(kind: visit.parameters[0], name: visit.parameters[1])
    let asked = visit.guest.parameter("from")
    var fault: Refusal?
    if let name = visit.guest.parameter("pack") {
        guard let source = RulePack.named(name)?.sources.first(where: { $0.key.rawValue == facts.kind })?.value else {
            throw ConsoleFault.noPage
        }
        facts.fromPack = (name, source)
    }
    facts.versions = try await visit.readIfAny("\(visit.ruleSet)/versions?limit=50")
    let versions = facts.versions?["items"]?.elements ?? []
    let isDrafted = versions.first?["state"]?.string == "draft"
    let standing = isDrafted ? versions.first : versions.first { $0["state"]?.string == "live" } ?? versions.first
    // What was never saved can be written for the first time; a version that is named has to be there.
    if let wanted = version ?? (standing?["version"]?.integer).map(String.init) {
        let shown = try await visit.read("\(visit.ruleSet)/versions/\(encoded(wanted))")
        facts.shown = shown
        let number = shown["version"]?.integer ?? 1
        let live = versions.first { $0["state"]?.string == "live" }?["version"]?.integer
        let standard = live == number || live == nil ? number - 1 : live
        facts.from = asked == nil ? standard : asked.flatMap { Int32($0) }.map { Int64($0) }
        if let from = facts.from, from >= 1 {
            facts.diff = try await visit.readIfAny("\(visit.ruleSet)/versions/\(number)/diff?from=\(from)")
        }
        if facts.diff == nil {
            facts.from = nil
            if asked != nil { fault = .search("from", "must be the number of a version of this rule set") }
        }
        facts.rounds = try await visit.readIfAny("\(visit.ruleSet)/versions/\(number)/rounds?limit=10")
    } else if RuleKind(rawValue: facts.kind)?.isSingle == true {
        let (kind, name) = (facts.kind, facts.name)
        let sets = try await visit.read("/v1/rulesets")["items"]?.elements ?? []
        facts.isAnotherLive = sets.contains {
            $0["kind"]?.string == kind && $0["name"]?.string != name && $0["live_version"]?.integer != nil
        }
    }
    let (kind, name) = (facts.kind, facts.name)
    facts.rollout = try await visit.read("/v1/rollouts?running=true")["items"]?.elements.first {
        $0["kind"]?.string == kind && $0["name"]?.string == name
    }
    return try await visit.page("rule", area: "rules", telling: [facts.versions, facts.shown], refusal: refusal ?? fault) {
        [facts, fault] in
        RuleView.page($0, $1, facts, check: check, once: visit.fresh(), refusal: refusal, fault: fault)
    }
}

/// What a replay found, with the decisions that would have been others.
@Sendable private func showRound(_ visit: Visit) async throws -> Response {
    let cursor = visit.guest.parameter("cursor")
    let next = cursor.map { "&cursor=\(encoded($0))" } ?? ""
    async let differences = visit.search("/v1/rounds/\(visit.id)/differences?limit=50\(next)")
    async let sellers = visit.firstSellers()
    let round = try await visit.read("/v1/rounds/\(visit.id)")
    // `route/default@5`
    let version = (round["rule_version"]?.string ?? "").replacing("@", with: "/versions/")
    let rounds = try await visit.readIfAny("/v1/rulesets/\(version)/rounds?limit=1")
    let (found, fault) = try await differences
    let facts = RoundView.Facts(
        round: round, rounds: rounds, differences: found, sellers: try await visit.names(try await sellers, in: round, found),
        isFirst: cursor == nil)
    return try await visit.page("round", area: "rules", telling: [round], refusal: fault) {
        RoundView.page($0, $1, facts, fault: fault)
    }
}

@Sendable private func saveRule(_ visit: Visit) async throws -> Response {
    if visit.form["dry_run"] == "true" { return try await checkRule(visit) }
    let reply = await visit.act(.post, "\(visit.ruleSet)/versions", Array(visit.form["source"].utf8), type: "application/yaml")
    let version = (try? JSONEnvelope(reply.body, levels: 2).root)?["version"]?.integer
    // It answers 201 for a version it made, and 200 for one that has said the same before.
    let isKnown = reply.status == 200
    return try await visit.finish(
        reply, form: "edit", done: isKnown ? "rule_same" : "rule_saved", to: visit.rulePath + (version.map { "?version=\($0)" } ?? "")
    ) { try await showRule(visit, version: nil, refusal: $0) }
}

/// What the text would be refused or warned for; nothing is kept.
@Sendable private func checkRule(_ visit: Visit) async throws -> Response {
    let source = visit.form["source"]
    let target = "\(visit.ruleSet)/versions?dry_run=true"
    let reply = await visit.act(.post, target, Array(source.utf8), type: "application/yaml", isForm: false)
    if let problem = reply.problem, problem.errors.isEmpty { throw problem }
    let check = RuleView.Check(
        source: source, refusal: reply.problem.map { Refusal($0) },
        findings: reply.problem == nil ? try JSONEnvelope(reply.body, levels: 4).root : nil)
    return try await showRule(visit, version: nil, check: check)
}

/// Days as a person gives them, whole, in the tenant's zone.
@Sendable private func replayRule(_ visit: Visit) async throws -> Response {
    let body = JSONWriter.object { object in
        object.member("from", visit.instant("\(visit.form["from"])T00:00"))
        // The day that is named last is in it, as far as it has gone.
        let end = visit.instant("\(visit.form["to"])T23:59").flatMap(RFC3339.date).map { min($0, visit.now) }
        object.member("to", end.map(RFC3339.text) ?? visit.form["to"])
    }
    let reply = await visit.act(.post, "\(visit.ruleSet)/versions/\(encoded(visit.parameters[2]))/replay", body)
    return try await finish(visit, reply, form: "replay", done: "replaying")
}

private func finish(_ visit: Visit, _ reply: Desk.Reply, form: String, done: String) async throws -> Response {
    let version = visit.parameters[2]
    return try await visit.finish(reply, form: form, done: done, to: "\(visit.rulePath)?version=\(encoded(version))") {
        try await showRule(visit, version: version, refusal: $0)
    }
}
