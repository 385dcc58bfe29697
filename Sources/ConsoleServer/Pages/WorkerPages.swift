import Console
import Hummingbird

extension ConsoleSite {
    static let workerPages = [
        Page(.get, "workers") { visit in
            let fleet = try await visit.read("/v1/workers")
            // Without Redis nobody knows what work will cost.
            let demand = try? await visit.read("/v1/autoscale")
            return try await visit.page("workers", area: "workers") { WorkersView.page($0, $1, fleet: fleet, demand: demand) }
        }
    ]
}
