import Console
import Hummingbird
import JSONEnvelope

extension ConsoleSite {
    static let sellerPages = [
        Page(.get, "sellers", answer: listSellers),
        Page(.get, "sellers/{ext}") { try await showSeller($0) },
        Page(.post, "sellers/{ext}/freeze", answer: freezeSeller),
    ]
}

@Sendable private func listSellers(_ visit: Visit) async throws -> Response {
    let guest = visit.guest
    var query = SellersView.Query()
    query.text = guest.parameter("text") ?? ""
    query.team = guest.parameter("team") ?? ""
    query.state = guest.parameter("state") ?? ""
    query.cursor = guest.parameter("cursor")
    let wanted = query
    async let known = visit.firstSellers()
    async let page = visit.search("/v1/sellers\(wanted.parameters)")
    let ((sellers, refused), names) = (try await page, SellerNames(try await known))
    let unknown = refused != nil ? nil : try await visit.fault(ofTeam: wanted.team, among: names)
    let refusal = refused ?? unknown
    if unknown != nil { query.team = "" }
    return try await visit.page("sellers", area: "sellers", refusal: refusal) { [query] in
        SellersView.page($0, $1, page: sellers, known: names, query: query, refusal: refusal)
    }
}

private func showSeller(_ visit: Visit, refusal: Refusal? = nil) async throws -> Response {
    async let seller = visit.read("/v1/sellers/\(visit.id)")
    async let load = visit.read("/v1/sellers/\(visit.id)/load")
    async let fuse = visit.read("/v1/fuses/assignment")
    let facts = SellerView.Facts(
        seller: try await seller, load: try await load, fuse: try await fuse, person: visit.session.bearer.user)
    return try await visit.page("seller", area: "sellers", refusal: refusal) {
        SellerView.page($0, $1, facts, once: visit.fresh(), refusal: refusal)
    }
}

@Sendable private func freezeSeller(_ visit: Visit) async throws -> Response {
    let form = visit.form
    let isFreeze = form["frozen"] == "true"
    let body = JSONWriter.object { object in
        object.member("frozen", isFreeze)
        // What is no time is for the API to refuse.
        if let until = form.words("until") { object.member("until", visit.instant(until) ?? until) }
        if let by = form.words("by") { object.member("by", by) }
        object.member("reason", form.words("reason"))
    }
    let reply = await visit.act(.put, "/v1/sellers/\(visit.id)/freeze", body)
    func finish(done: String) async throws -> Response {
        try await visit.finish(reply, form: form["formId"], done: done, to: Layout.path("sellers/\(visit.id)")) {
            try await showSeller(visit, refusal: $0)
        }
    }
    if isFreeze { return try await finish(done: form["formId"] == "refreeze" ? "seller_refrozen" : "seller_frozen") }
    // The thaw is done, whether this can be read or not.
    let isAtWork = (try? await visit.readIfAny("/v1/sellers/\(visit.id)"))?["status"]?.string == "active"
    return try await finish(done: isAtWork ? "seller_thawed" : "seller_thawed_away")
}
