import Console
import Hummingbird
import JSONEnvelope

extension ConsoleSite {
    static let jobPages = [
        Page(.get, "jobs", answer: listJobs),
        Page(.get, "jobs/{id}") { visit in try await showJob(visit, visit.parameters[0]) },
        Page(.post, "jobs/{id}/cancel") { visit in try await control(visit, "cancel", done: "cancelled") },
        Page(.post, "jobs/{id}/retry") { visit in try await control(visit, "retry", done: "retried") },
    ]
}

@Sendable private func listJobs(_ visit: Visit) async throws -> Response {
    var query = JobsView.Query()
    // Who knows the number is led straight to the job.
    if let id = visit.guest.parameter("id")?.trimmingPrefix("#"), !id.isEmpty {
        if id.allSatisfy(\.isWholeNumber), try await visit.readIfAny("/v1/jobs/\(encoded(String(id)))") != nil {
            return .seeOther(Layout.path("jobs/\(encoded(String(id)))"))
        }
        query.unknown = String(id)
    }
    query.state = visit.guest.parameter("state") ?? ""
    query.kind = visit.guest.parameter("kind") ?? ""
    query.uniqueKey = visit.guest.parameter("unique_key") ?? ""
    query.lead = visit.guest.parameter("lead") ?? ""
    query.errorClass = visit.guest.parameter("error_class") ?? ""
    query.since = visit.guest.parameter("since") ?? ""
    query.until = visit.guest.parameter("until") ?? ""
    query.cursor = visit.guest.parameter("cursor")
    let parameters = query.parameters(visit.instant)
    async let flow = visit.readCount("/v1/flow?minutes=60")
    let (jobs, refused) =
        query.unknown != nil || query.fault != nil
        ? (try .emptyList(), query.fault) : try await visit.search("/v1/jobs\(parameters)\(parameters.isEmpty ? "?" : "&")limit=50")
    let refusal = refused ?? query.unknownKind(jobs, among: visit.guest.site.kinds)
    let lately = try await flow
    return try await visit.page("jobs", area: "jobs", refusal: refusal) {
        JobsView.page($0, $1, page: jobs, flow: lately, kinds: visit.guest.site.kinds, query: query, refusal: refusal)
    }
}

private func showJob(_ visit: Visit, _ id: String, refusal: Refusal? = nil) async throws -> Response {
    let job = try await visit.read("/v1/jobs/\(encoded(id))")
    return try await visit.page("job", area: "jobs", refusal: refusal) {
        JobView.page($0, $1, job: job, once: visit.fresh(), refusal: refusal)
    }
}

private func control(_ visit: Visit, _ action: String, done: String) async throws -> Response {
    let id = visit.parameters[0]
    let reply = await visit.act(.post, "/v1/jobs/\(encoded(id))/\(action)", visit.reason)
    return try await visit.finish(reply, form: action, done: done, to: Layout.path("jobs/\(encoded(id))")) {
        try await showJob(visit, id, refusal: $0)
    }
}

extension Visit {
    /// A body that names the reason that was typed, if one was.
    var reason: [UInt8] {
        JSONWriter.object { object in if let reason = form.words("reason") { object.member("reason", reason) } }
    }
}
