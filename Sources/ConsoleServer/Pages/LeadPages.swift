import API
import Console
import Hummingbird
import JSONEnvelope

extension ConsoleSite {
    static let leadPages = [
        Page(.get, "leads", answer: listLeads), Page(.get, "leads.csv", answer: takeLeads),
        Page(.get, "leads/{id}") { try await showLead($0) },
        Page(.post, "leads/{id}/assign", answer: assignLead),
    ]
}

@Sendable private func listLeads(_ visit: Visit) async throws -> Response {
    var query = visit.leadsQuery
    query.cursor = visit.guest.parameter("cursor")
    // Who knows our number is led straight to the lead; what is none of ours is looked for in the sources' ids and the fields.
    if query.isNumber, try await visit.maySee(lead: query.text) { return .seeOther(Layout.path("leads/\(encoded(query.text))")) }
    async let sellers = visit.firstSellers()
    // People know names, the API ids.
    let among = query.owner.isEmpty ? SellerNames(nil) : SellerNames(try await sellers)
    let wanted = query
    async let leads = visit.search("/v1/leads\(wanted.parameters(among))")
    let exact =
        query.text.isEmpty || query.cursor != nil ? nil : try await visit.search("/v1/leads\(wanted.parameters(among, isExact: true))")
    let (list, refusal) = try await leads
    let names = try await visit.names(try await sellers, in: list, exact?.list)
    return try await visit.page("leads", area: "leads", refusal: refusal) {
        LeadsView.page($0, $1, page: list, exact: exact?.list, sellers: names, query: wanted, refusal: refusal)
    }
}

/// So many pages are asked for: where text is looked for, most of what is looked through may be something else.
private let mostPages = 40

/// What the list finds, page after page, as a file. It is asked for as the list is, so that it holds what its reader may see.
@Sendable private func takeLeads(_ visit: Visit) async throws -> Response {
    try visit.requireTenant(visit.guest.parameter("for"))
    var query = visit.leadsQuery
    // Without a filter that means nothing, it would be another table: its page says what is wrong with it.
    guard visit.guest.query != nil, visit.guest.unknownParameters.isEmpty else { return visit.toLeads }
    let first = try await visit.firstSellers()
    let among = SellerNames(first)
    var table = LeadsTable(visit.clerk)
    for _ in 0..<mostPages where !table.isFull {
        let (page, refusal) = try await visit.search("/v1/leads\(query.parameters(among, limit: 500))")
        guard refusal == nil else { return visit.toLeads }
        let sellers = try await visit.names(first, in: page)
        table.add(page, sellers)
        query.cursor = page["next_cursor"]?.string
        if query.cursor == nil { break }
    }
    return .csv(table.text, named: table.name(of: visit.tenant?.slug, isWhole: query.cursor == nil))
}

extension Visit {
    /// The list, asked for what was asked of its table.
    fileprivate var toLeads: Response {
        guard let asked = guest.query else { return .seeOther(Layout.path("leads?\(guest.request.uri.query ?? "")")) }
        return .seeOther(Layout.path("leads") + query(asked.names.filter { $0 != "for" }.map { ($0, asked[$0]) }))
    }

    /// What leads are asked for.
    fileprivate var leadsQuery: LeadsView.Query {
        var query = LeadsView.Query()
        query.text = guest.parameter("text") ?? ""
        query.owner = guest.parameter("owner") ?? ""
        query.state = guest.parameter("state") ?? ""
        query.source = guest.parameter("source") ?? ""
        query.touch = guest.parameter("touch") ?? ""
        return query
    }

    /// Whether there is such a lead, and its city is one this visitor may see.
    fileprivate func maySee(lead id: String) async throws -> Bool {
        do {
            return try await readIfAny("/v1/leads/\(encoded(id))") != nil
        } catch let problem as Problem where problem.status == 403 {
            return false
        }
    }
}

private func showLead(_ visit: Visit, refusal: Refusal? = nil) async throws -> Response {
    let lead = try await visit.read("/v1/leads/\(visit.id)")
    let (number, fault) = visit.decision
    let earlier = try await earlierDecision(number, of: lead, visit)
    async let sellers = visit.firstSellers()
    async let fuse = visit.read("/v1/fuses/assignment")
    // Who is held to cities sees the lead, and not what jobs and clocks say of it among all others.
    let (mayAll, job) = (try await visit.reach() != .leadsOnly, lead["job_id"]?.string)
    async let clocks = mayAll ? visit.read("/v1/escalations?subject_type=lead&subject_id=\(visit.id)&limit=50") : nil
    async let decider = mayAll ? job.asyncFlatMap { try await visit.readIfAny("/v1/jobs/\(encoded($0))") } : nil
    let escalations = try await clocks
    let facts = LeadView.Facts(
        lead: lead, earlier: earlier, number: number,
        sellers: try await visit.names(try await sellers, in: lead, earlier, escalations),
        job: try await decider,
        escalations: escalations, fuse: try await fuse)
    return try await visit.page("lead", area: "leads", telling: [lead, earlier].compactMap(\.self), refusal: refusal ?? fault) {
        LeadView.page($0, $1, facts, once: visit.fresh(), refusal: refusal, fault: fault)
    }
}

extension Visit {
    /// The number of the decision that is asked for, or why that is none; nil: none is asked for.
    fileprivate var decision: (number: Int64?, fault: Refusal?) {
        guard let text = guest.parameter("decision") else { return (nil, nil) }
        // No lead is decided so often.
        guard let number = Int64(text), (1...1_000_000).contains(number) else {
            return (nil, .search("decision", "must be named by its number, such as 1"))
        }
        return (number, nil)
    }
}

/// The lead with the decision that is asked for; nil: none is, or the newest, which the lead has itself.
private func earlierDecision(_ number: Int64?, of lead: JSONNode, _ visit: Visit) async throws -> JSONNode? {
    guard let number, number != (lead["earlier"]?.elements.first?["number"]?.integer ?? 0) + 1 else { return nil }
    return try await visit.read("/v1/leads/\(visit.id)?decision=\(number)")
}

@Sendable private func assignLead(_ visit: Visit) async throws -> Response {
    let body = JSONWriter.object { object in
        object.member("seller", visit.form.words("seller"))
        if visit.form["override"] == "true" { object.member("override", true) }
        if let epoch = Int(visit.form["epoch"]) { object.member("assignment_epoch", epoch) }
        if let reason = visit.form.words("reason") { object.member("reason", reason) }
    }
    let reply = await visit.act(.post, "/v1/leads/\(visit.id)/assign", body)
    return try await visit.finish(reply, form: "assign", done: "assigned", to: Layout.path("leads/\(visit.id)")) {
        try await showLead(visit, refusal: $0)
    }
}
