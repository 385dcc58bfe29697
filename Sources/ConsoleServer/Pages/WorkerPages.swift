import Console
import Hummingbird

extension ConsoleSite {
    static let workerPages = [
        Page(.get, "workers") { try await showWorkers($0) },
        Page(.post, "workers/drain") { visit in
            let reply = await visit.act(.post, "/v1/workers/\(encoded(visit.form["worker"]))/drain", visit.reason, isForm: false)
            return try await visit.finish(reply, form: "drain", done: "worker_asked", to: Layout.path("workers")) {
                try await showWorkers(visit, refusal: $0)
            }
        },
    ]
}

private func showWorkers(_ visit: Visit, refusal: Refusal? = nil) async throws -> Response {
    let fleet = try await visit.read("/v1/workers")
    // Without Redis nobody knows what work will cost.
    let demand = try? await visit.read("/v1/autoscale")
    return try await visit.page("workers", area: "workers", refusal: refusal) {
        WorkersView.page($0, $1, fleet: fleet, demand: demand, once: visit.fresh(), refusal: refusal)
    }
}
