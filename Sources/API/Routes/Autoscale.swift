import DispatchIndex
import Foundation
import JSONEnvelope
import Records
import Tenancy

extension API {
    static let autoscaleEndpoints = [Endpoint(.get, "/v1/autoscale", .open, takesQuery: true, answer: autoscale)]
}

/// `GET /v1/autoscale`: for an autoscaler such as KEDA to read. Like `/metrics` it asks for no key.
@Sendable private func autoscale(_ call: Call) async throws -> Answer {
    let (target, slots, most) = try call.query { query in
        (
            query.integer("target_seconds", in: 1...3_600) ?? 60, query.integer("slots", in: 1...100_000) ?? 400,
            query.integer("most", in: 1...100_000) ?? 100
        )
    }
    guard let demand = try? await call.api.demand.value() else { throw Problem.demandUnknown }
    let need = demand.slots(target: Double(target))
    return Answer(
        200,
        JSONWriter.object { object in
            object.member("workers_wanted", min(most, Int((need / Double(slots)).rounded(.up))))
            object.member("slots_wanted", Int(need.rounded(.up)))
            object.member("backlog_jobs", Int(demand.jobs.rounded()))
            object.member("backlog_worker_seconds", (demand.workerSeconds(target: Double(target)) * 10).rounded() / 10)
            object.member("running", demand.running)
            object.member("target_seconds", target)
            object.member("slots", slots)
            object.member("sampled", demand.backlog.isSampled)
        })
}

/// The work there is for workers.
struct Demand: Sendable {
    var backlog: Backlog
    /// Worker-time a job of each part is expected to take, seconds.
    var costs: [Double]
    /// Of a job of whatever kind.
    var meanCost: Double
    var running: Int

    var jobs: Double { backlog.others + backlog.parts.reduce(0) { $0 + $1.jobs } }

    /// Slots that would have the work done within `target` seconds, beside the jobs that run.
    func slots(target: Double) -> Double { workerSeconds(target: target) / target + Double(running) }

    /// Worker-time of the work that may be done within `target` seconds. More workers than a tenant's cap or rate, or a gate, lets
    /// work would only wait.
    func workerSeconds(target: Double) -> Double {
        var byTenant: [TenantID: (seconds: Double, most: Double)] = [:]
        var byGate: [String: (seconds: Double, most: Double)] = [:]
        for (part, cost) in zip(backlog.parts, costs) where part.gateLimit != 0 && part.cap > 0 {
            let seconds = min(part.jobs, part.rate.map { $0 * target } ?? .infinity) * cost
            if let gate = part.gate, let limit = part.gateLimit {
                byGate[gate, default: (0, Double(limit) * target)].seconds += seconds
            } else {
                byTenant[part.tenant, default: (0, Double(part.cap) * target)].seconds += seconds
            }
        }
        let bounded = [byTenant.values.map { min($0.seconds, $0.most) }, byGate.values.map { min($0.seconds, $0.most) }]
        return bounded.joined().reduce(0, +) + backlog.others * meanCost
    }
}

extension API {
    /// Asks the ledger what is due and the index what it will cost.
    static func demand(_ records: Records, _ dispatch: Dispatch) async throws -> Demand {
        let backlog = try await records.backlog()
        let expected = try await dispatch.costs(of: backlog.parts.map { ($0.tenant, $0.flow) })
        return Demand(
            backlog: backlog, costs: expected.costs.map(\.seconds), meanCost: expected.mean.seconds, running: expected.running)
    }
}

extension Problem {
    fileprivate static let demandUnknown = Problem(
        503, "demand_unknown", "How much work there is is not known now", detail: "Postgres or Redis does not answer. Keep what there is.")
}

extension Duration {
    fileprivate var seconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}
