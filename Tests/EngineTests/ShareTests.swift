import DispatchIndex
import Foundation
import Jobs
import RedisClient
import Sampling
import Tenancy
import Testing

/// The bound of start-time fair queueing (Goyal, Vin and Cheng 1996): of two tenants with work, |Wᵢ/wᵢ − Wⱼ/wⱼ| ≤ cᵢ/wᵢ + cⱼ/wⱼ over any span of
/// time, with W the worker-time received, w the weight and c the most a job costs.
/// Costs here lie within what is taken for likely of a flow, a fifth of all jobs' mean and more: what costs less is charged a fifth of the mean
/// until it has ended, for as many jobs as are out.
///
/// `KITELINE_SEED=7` repeats one seed, `KITELINE_SEEDS=1000` takes that many instead of a few.
@Suite struct ShareTests {
    @Test(arguments: Seeds.few(8))
    func `whatever weights, costs and flows tenants have, none is further ahead of another than a job of each`(
        seeds: Seeds
    ) async throws {
        for seed in seeds.range {
            var random = SeededNumbers(seed: seed)
            let engine = try await Engine()
            var tenants: [Competitor] = []
            for number in 0..<Int.random(in: 2...4, using: &random) {
                let weight = Int.random(in: 1...5, using: &random)
                tenants.append(
                    Competitor(
                        tenant: try await engine.tenant("t\(number)", weight: weight), weight: Double(weight),
                        cost: [2, 3, 5, 8, 10].randomElement(using: &random)!, flows: Int.random(in: 1...3, using: &random)))
            }
            // More than are served: who has none left falls behind.
            let jobs: Int64 = 900
            var last: Int64 = 0
            for one in tenants {
                for flow in 0..<one.flows {
                    try await engine.dispatch.push(
                        (1...jobs).map {
                            Push(id: JobID(last + $0), tenant: one.tenant, flow: "probe@\(flow)", priority: 5, since: Date(), due: nil)
                        })
                    last += jobs
                }
            }
            // Until what a job costs is known of each flow.
            for _ in 0..<30 { try await serve(&tenants, engine, 10) }

            var spans = [tenants.map(\.received)]
            for _ in 0..<25 {
                try await serve(&tenants, engine, Int.random(in: 1...10, using: &random))
                for begin in spans {
                    let got = zip(tenants, begin).map { ($0.received - $1) / $0.weight }
                    for i in tenants.indices {
                        for j in 0..<i {
                            let bound = tenants[i].cost / tenants[i].weight + tenants[j].cost / tenants[j].weight
                            // Costs are kept to a tenth of a millisecond.
                            #expect(abs(got[i] - got[j]) <= bound + 0.5, "seed \(seed): \(tenants), \(begin)")
                        }
                    }
                }
                spans.append(tenants.map(\.received))
            }
        }
    }

    private struct Competitor {
        let tenant: TenantID
        let weight: Double
        /// Milliseconds.
        let cost: Double
        let flows: Int
        var received = 0.0
    }

    private func serve(_ tenants: inout [Competitor], _ engine: Engine, _ want: Int) async throws {
        let claims = try await engine.dispatch.claim(want).claims
        #expect(claims.count == want)
        var ends: [Acknowledgement] = []
        for claim in claims {
            let index = tenants.firstIndex { $0.tenant == claim.tenant }!
            tenants[index].received += tenants[index].cost
            ends.append(Acknowledgement(claim, spent: .milliseconds(tenants[index].cost)))
        }
        try await engine.dispatch.acknowledge(ends)
    }
}
