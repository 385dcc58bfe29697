import API
import Console
import Hummingbird
import JSONEnvelope
import Permissions
import Records

extension ConsoleSite {
    static let permissionPages = [
        Page(.get, "permissions") { try await showPermissions($0) },
        Page(.post, "permissions", answer: changePermissions),
        Page(.post, "permissions/probe") { visit in
            let reply = await visit.act(.post, "/v1/access/probe", [], isForm: false)
            return try await finish(visit, reply, form: "probe", done: "probe_asked")
        },
        Page(.post, "permissions/versions/{version}/restore") { visit in
            let body = JSONWriter.object { object in
                object.member("reason", visit.form.words("reason"))
                if let typed = visit.form.words("confirmation") { object.member("confirmation", typed) }
            }
            let reply = await visit.act(.post, "/v1/access/versions/\(visit.id)/restore", body)
            return try await finish(visit, reply, form: "restore-\(visit.parameters[0])", done: "permissions_restored")
        },
    ]
}

private func showPermissions(
    _ visit: Visit, check: PermissionsView.Check? = nil, refusal: Refusal? = nil
) async throws -> Response {
    async let policies = visit.read("/v1/access/policies")
    async let versions = visit.read("/v1/access/versions?limit=20")
    async let alerts = visit.read("/v1/alerts?open=true&limit=500")
    var facts = PermissionsView.Facts(policies: try await policies, versions: try await versions, alerts: try await alerts)
    facts.user = visit.guest.parameter("user") ?? ""
    facts.city = visit.guest.parameter("city") ?? ""
    var unknown: Refusal?
    if !facts.user.isEmpty {
        do {
            for action in RecordAction.allCases {
                let asked = query([("user", facts.user), ("action", action.rawValue), ("city", facts.city.isEmpty ? nil : facts.city)])
                facts.verdicts.append(try await visit.read("/v1/access/effective\(asked)"))
            }
        } catch let problem as Problem where problem.status == 422 {
            unknown = Refusal(problem)
        }
    }
    let shown = refusal ?? unknown
    return try await visit.page("permissions", area: "permissions", telling: [facts.versions], refusal: shown) { [facts] in
        PermissionsView.page($0, $1, facts, check: check, once: visit.fresh(), refusal: shown)
    }
}

/// Only looks, or makes it the next version.
@Sendable private func changePermissions(_ visit: Visit) async throws -> Response {
    let form = visit.form
    let source = Array(form["source"].utf8)
    // What is no object is for the API to refuse.
    let book = try? JSONEnvelope(source, levels: 1, limits: .stored).root
    guard form["do"] == "apply" else {
        let (check, problem) = try await check(visit)
        return try await showPermissions(visit, check: check, refusal: problem.map { Refusal($0, form: "edit", draft: form) })
    }
    let body = book.map { book in
        JSONWriter.object { object in
            for member in book.members { object.member(member.key, json: Array(member.value.bytes)) }
            if let base = form.words("base") { object.typed("base", base) }
            if let typed = form.words("confirmation") { object.member("confirmation", typed) }
            object.member("reason", form.words("reason"))
        }
    }
    let reply = await visit.act(.post, "/v1/access/versions", body ?? source)
    return try await visit.finish(reply, form: "edit", done: "permissions_changed", to: Layout.path("permissions")) { refusal in
        // What it would take, and the words that are to be typed for it, stand beside the refusal.
        try await showPermissions(visit, check: try await check(visit).found, refusal: refusal)
    }
}

/// What a change would come to, or why it is none.
private func check(_ visit: Visit) async throws -> (found: PermissionsView.Check?, problem: Problem?) {
    let reply = await visit.act(.post, "/v1/access/check", Array(visit.form["source"].utf8), isForm: false)
    if let problem = reply.problem { return (nil, problem) }
    let forecast = try JSONEnvelope(reply.body, levels: 6, limits: .stored).root
    return (PermissionsView.Check(draft: visit.form, forecast: forecast), nil)
}

private func finish(_ visit: Visit, _ reply: Desk.Reply, form: String, done: String) async throws -> Response {
    try await visit.finish(reply, form: form, done: done, to: Layout.path("permissions")) { try await showPermissions(visit, refusal: $0) }
}
