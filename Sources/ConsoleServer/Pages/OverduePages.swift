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
            return try await visit.finish(reply, form: "reason-\(visit.parameters[0])", done: "explained", to: visit.overduePlace) {
                try await showOverdue(visit, refusal: $0)
            }
        },
    ]
}

extension JSONNode {
    /// Of which clocks escalations are.
    fileprivate var clocks: Set<String> { Set((self["items"]?.elements ?? []).compactMap { $0["clock"]?.string }) }
}

/// What the page is asked for.
private struct Question {
    var clock = OverdueView.firstTouch
    var month: String
    var team = ""
    var withHistory = false
    var cursor: String?

    /// What it shows by itself.
    init(_ visit: Visit) { month = String(visit.clerk.day(visit.now).prefix(7)) }
}

extension Visit {
    fileprivate var question: Question {
        var question = Question(self)
        question.clock = guest.parameterOfPlace("clock") ?? question.clock
        question.month = guest.parameterOfPlace("month") ?? question.month
        question.team = guest.parameterOfPlace("team") ?? ""
        question.withHistory = guest.parameterOfPlace("history") == "true"
        question.cursor = guest.parameterOfPlace("cursor")
        return question
    }

    /// Where a form of the page was sent from, without what had been done there before.
    fileprivate var overduePlace: String {
        Layout.path("overdue") + query(["clock", "month", "team", "history", "cursor"].map { ($0, guest.parameterOfPlace($0)) })
    }

    fileprivate func facts(_ asked: Question) async throws -> OverdueView.Facts {
        let (clock, month, team) = (asked.clock, asked.month, asked.team)
        async let board = readCount("/v1/sla/first-touch" + query([("clock", clock), ("team", team)]))
        async let map = readCount("/v1/sla/heat-map" + query([("clock", clock), ("month", month), ("team", team)]))
        async let any = read("/v1/escalations?limit=100")
        async let escalations = read(
            "/v1/escalations"
                + query([
                    ("limit", "25"), ("clock", clock), ("team", team), ("history", asked.withHistory ? nil : "false"),
                    ("cursor", asked.cursor),
                ]))
        async let sellers = firstSellers()
        async let connectors = role.includes(.operator) ? read("/v1/connectors") : nil
        let told = try await escalations
        let missed = Set(
            (told["items"]?.elements ?? []).filter { $0["subject_type"]?.string == "lead" }.compactMap { $0["subject_id"]?.string })
        let leads = try await leads(missed.sorted())
        let late = try await board
        var facts = OverdueView.Facts(
            board: late, map: try await map, escalations: told, leads: leads, clocks: try await any.clocks,
            sellers: try await names(try await sellers, in: late, told), clock: clock, month: month, team: team,
            withHistory: asked.withHistory, cursor: asked.cursor)
        facts.isConnected = try await connectors.map { $0["items"]?.elements.isEmpty == false }
        return facts
    }
}

extension Visit {
    /// What the page shows, and why that is its form alone; nil: it is all of it.
    fileprivate func answer(_ asked: Question) async throws -> (facts: OverdueView.Facts, fault: Refusal?) {
        let fault: Refusal
        do {
            let facts = try await self.facts(asked)
            guard let unknown = try await self.fault(of: asked, facts) else { return (facts, nil) }
            fault = unknown
        } catch let problem as Problem where problem.status == 422 {
            fault = Refusal(problem)
        }
        return (try await unanswered(asked, fault), fault)
    }

    /// The API refuses no team or clock there is none of: nothing is late there, as where all goes well.
    private func fault(of asked: Question, _ facts: OverdueView.Facts) async throws -> Refusal? {
        if try await !knows(clock: asked.clock, facts) {
            return .search("clock", "is not known: there is none of that name, or nothing was late by it")
        }
        // Of a team that is no more, leads may be late.
        if facts.knows(team: asked.team) { return nil }
        guard let unknown = try await fault(ofTeam: asked.team, among: facts.sellers) else { return nil }
        return try await hasAny("/v1/escalations?limit=1&team=\(encoded(asked.team))") ? nil : unknown
    }

    private func knows(clock: String, _ facts: OverdueView.Facts) async throws -> Bool {
        // The packs' clocks have words, be they missed or not.
        if words.all["clock_\(clock)"] != nil || facts.clocks.contains(clock) { return true }
        return try await hasAny("/v1/escalations?limit=1&clock=\(encoded(clock))")
    }

    /// What the form is made of: what was asked for, without what is wrong in it.
    private func unanswered(_ asked: Question, _ fault: Refusal) async throws -> OverdueView.Facts {
        let (usual, wrong) = (Question(self), Set(fault.faults.map(\.field)))
        async let any = read("/v1/escalations?limit=100")
        async let sellers = firstSellers()
        return OverdueView.Facts(
            board: nil, map: nil, escalations: try .emptyList(), clocks: try await any.clocks, sellers: SellerNames(try await sellers),
            clock: wrong.contains("clock") ? usual.clock : asked.clock, month: wrong.contains("month") ? usual.month : asked.month,
            team: wrong.contains("team") ? usual.team : asked.team, withHistory: asked.withHistory, cursor: nil)
    }
}

private func showOverdue(_ visit: Visit, refusal: Refusal? = nil) async throws -> Response {
    let (facts, fault) = try await visit.answer(visit.question)
    return try await visit.page("overdue", area: "overdue", refusal: refusal ?? fault) {
        OverdueView.page($0, $1, facts, once: visit.fresh(), refusal: refusal, fault: fault)
    }
}
