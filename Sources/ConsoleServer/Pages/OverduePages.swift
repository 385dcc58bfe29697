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
            return try await visit.finish(reply, form: "reason-\(visit.parameters[0])", done: "explained", to: Layout.path("overdue")) {
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
        question.clock = guest.parameter("clock") ?? question.clock
        question.month = guest.parameter("month") ?? question.month
        question.team = guest.parameter("team") ?? ""
        question.withHistory = guest.parameter("history") == "true"
        question.cursor = guest.parameter("cursor")
        return question
    }

    fileprivate func facts(_ asked: Question) async throws -> OverdueView.Facts {
        let (clock, month, team) = (asked.clock, asked.month, asked.team)
        async let board = readCount("/v1/sla/first-touch?clock=\(encoded(clock))")
        async let map = readCount("/v1/sla/heat-map?clock=\(encoded(clock))&month=\(encoded(month))")
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

private func showOverdue(_ visit: Visit, refusal: Refusal? = nil) async throws -> Response {
    var (facts, fault): (OverdueView.Facts, Refusal?)
    do { (facts, fault) = (try await visit.facts(visit.question), nil) } catch let problem as Problem where problem.status == 422 {
        (facts, fault) = (try await visit.facts(Question(visit)), Refusal(problem))
    }
    return try await visit.page("overdue", area: "overdue", refusal: refusal ?? fault) { [facts, fault] in
        OverdueView.page($0, $1, facts, once: visit.fresh(), refusal: refusal, fault: fault)
    }
}
