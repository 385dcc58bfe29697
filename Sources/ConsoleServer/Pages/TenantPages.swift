import API
import Console
import Hummingbird
import JSONEnvelope
import Rules
import Tenancy

extension ConsoleSite {
    static let tenantPages = [
        Page(.get, "tenants") { try await showTenants($0, shown: $0.guest.parameter("tenant")) },
        Page(.post, "tenants", answer: createTenant),
        Page(.post, "tenants/{slug}", answer: saveTenant),
        Page(.post, "tenants/{slug}/keys", answer: createKey),
        Page(.post, "tenants/{slug}/keys/{id}/revoke") { visit in
            let body = JSONWriter.object { $0.member("reason", visit.form["reason"]) }
            let reply = await visit.act(.post, "/v1/keys/\(encoded(visit.parameters[1]))/revoke", body, isForm: false)
            return try await finish(visit, reply, form: "revoke-\(visit.parameters[1])", done: "key_revoked")
        },
        Page(.post, "tenants/{slug}/pause") { try await hold($0, "pause", done: "tenant_paused") },
        Page(.post, "tenants/{slug}/resume") { try await hold($0, "resume", done: "tenant_resumed") },
    ]
}

/// - Parameter newKey: what was just made; shown by this answer only.
private func showTenants(
    _ visit: Visit, shown: String?, newKey: JSONNode? = nil, refusal: Refusal? = nil
) async throws -> Response {
    let (cursor, search) = (visit.guest.parameter("cursor"), visit.guest.parameter("q") ?? "")
    let asked = query([("limit", "50"), ("cursor", cursor), ("prefix", search)])
    async let tenants = visit.search("/v1/tenants\(asked)")
    async let usage = visit.search("/v1/usage\(asked)")
    let (list, refused) = try await tenants
    var facts = TenantsView.Facts(tenants: list, usage: try await usage.list, packs: RulePack.all.map(\.name))
    if let shown { facts.shown = try await one(visit, shown) }
    let isUnknown = shown != nil && facts.shown == nil
    let fault: Refusal? = refused ?? (isUnknown ? .search("tenant", "is the short name of no tenant") : nil)
    facts.newKey = newKey
    let goOn = visit.guest.parameter("next").map { InnerPath.checked($0) }
    return try await visit.page("tenants", area: "tenants", refusal: refusal ?? fault) { [facts] in
        TenantsView.page(
            $0, $1, facts, search: search, isFirst: cursor == nil, goOn: goOn, once: visit.fresh(), refusal: refusal, fault: fault)
    }
}

/// A tenant in full, on whichever page of the list it stands; nil: there is none of that name.
private func one(_ visit: Visit, _ slug: String) async throws -> TenantsView.One? {
    guard let slug = Slug(slug)?.description else { return nil }
    async let tenant = visit.read("/v1/tenants?slug=\(slug)")
    async let usage = visit.read("/v1/usage?slug=\(slug)")
    guard let found = try await tenant["items"]?.elements.first else { return nil }
    let keys = try await visit.readIfAny("/v1/tenants/\(slug)/keys")
    return TenantsView.One(tenant: found, usage: try await usage["items"]?.elements.first, keys: keys)
}

@Sendable private func createTenant(_ visit: Visit) async throws -> Response {
    let slug = visit.form.words("slug") ?? ""
    let body = JSONWriter.object { object in
        if visit.form.words("weight") != nil { object.typed("weight", visit.form["weight"]) }
        if let pack = visit.form.words("pack") { object.member("pack", pack) }
    }
    let reply = await visit.act(.put, "/v1/tenants/\(encoded(slug))", body, onlyCreates: true)
    return try await visit.finish(reply, form: "create", done: "tenant_created", to: "/console/tenants?tenant=\(encoded(slug))") {
        try await showTenants(visit, shown: nil, refusal: $0)
    }
}

/// The key stands in the answer itself: it must not be in an address, nor be kept for the next page.
@Sendable private func createKey(_ visit: Visit) async throws -> Response {
    let body = JSONWriter.object { object in
        object.member("role", visit.form["role"])
        if let name = visit.form.words("name") { object.member("name", name) }
        object.member("reason", visit.form["reason"])
    }
    let reply = await visit.act(.post, "/v1/tenants/\(visit.id)/keys", body, isForm: false)
    let shown = visit.parameters.first
    if let problem = reply.problem {
        return try await showTenants(visit, shown: shown, refusal: Refusal(problem, form: "create-key", draft: visit.form))
    }
    return try await showTenants(visit, shown: shown, newKey: try JSONEnvelope(reply.body, levels: 1).root)
}

@Sendable private func saveTenant(_ visit: Visit) async throws -> Response {
    let form = visit.form
    let body = JSONWriter.object { object in
        for name in ["weight", "cap", "quota", "ready_capacity", "retention", "sandbox_rounds"] where form.words(name) != nil {
            object.typed(name, form[name])
        }
        // Left empty, a limit is lifted.
        for name in ["rate", "burst"] where form.has(name) { object.typed(name, form[name]) }
        if let zone = form.words("time_zone") { object.member("time_zone", zone) }
        object.member("reason", form["reason"])
    }
    let reply = await visit.act(.put, "/v1/tenants/\(visit.id)", body)
    return try await finish(visit, reply, form: "settings", done: "tenant_saved")
}

private func hold(_ visit: Visit, _ action: String, done: String) async throws -> Response {
    let reply = await visit.act(.post, "/v1/tenants/\(visit.id)/\(action)", visit.reason, isForm: false)
    return try await finish(visit, reply, form: "pause", done: done)
}

private func finish(_ visit: Visit, _ reply: Desk.Reply, form: String, done: String) async throws -> Response {
    try await visit.finish(reply, form: form, done: done, to: "/console/tenants?tenant=\(visit.id)") {
        try await showTenants(visit, shown: visit.parameters.first, refusal: $0)
    }
}
