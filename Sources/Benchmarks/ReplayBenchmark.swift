import Foundation
import Jobs
import Ledger
import Records
import Rules
import Sampling
import Tenancy

/// How long a replay takes of a tenant whose leads were assigned by the real thing: sellers change, leads are touched in between.
///
/// The clock runs from the replay job's grant to its end. Both worlds are decided, every decision of the live one is compared
/// byte for byte with its log, and every difference is kept.
public struct ReplayBenchmark: Sendable {
    public var leads: Int
    public var sellers: Int
    public var goalSeconds: Double

    public init(leads: Int = 100_000, sellers: Int = 50, goalSeconds: Double = 20) {
        self.leads = leads
        self.sellers = sellers
        self.goalSeconds = goalSeconds
    }

    private let candidate = """
        filters: [region]
        strategy:
          high: { by: top_n_by_close_rate, n: 3, window_months: 3, active_only: true, min_closed: 1 }
          mid: { by: fewest_pending }
          low: { by: fewest_pending }
        """

    public struct Report: Codable, Sendable {
        public var suite = "replay"
        public var leads: Int
        public var seconds: Double
        public var goalSeconds: Double
        public var leadsPerSecond: Double
        public var reproduced: Int
        public var differing: Int
        public var machine: Machine
    }

    private struct Found: Decodable {
        let replayed: Int
        let reproduced: Int
        let differing: Int
        let passed: Bool
    }

    /// - Parameter executable: the `kiteline` program.
    public func run(executable: String) async throws -> Report {
        try await BenchServers.with { bench in
            try await bench.mustBeDurable()
            let records = bench.records
            let fleet = bench.workers(executable)
            try fleet.start()
            let tenant = try await decide(bench, records)
            let round = try await begin(records, tenant)
            try await bench.everythingPushed()
            try await bench.drained()
            await fleet.stop()
            let row = try await bench.owner.query(
                """
                SELECT r.result::text AS result, extract(epoch FROM h.finished_at - h.started_at)::float8 AS seconds
                FROM sandbox_round r JOIN job_history h ON h.id = r.job_id WHERE r.id = \(round) AND r.result IS NOT NULL
                """
            ).first
            guard let row else { throw BenchmarkError.wrong("the round did not end") }
            let found = try JSONDecoder().decode(Found.self, from: Data(row.get("result", as: String.self).utf8))
            guard found.replayed == leads, found.reproduced == leads else {
                throw BenchmarkError.wrong("\(leads) leads, \(found.replayed) replayed, \(found.reproduced) as they were decided")
            }
            let seconds: Double = try row.get("seconds")
            return Report(
                leads: leads, seconds: seconds, goalSeconds: goalSeconds, leadsPerSecond: Double(leads) / seconds,
                reproduced: found.reproduced, differing: found.differing, machine: .this)
        }
    }

    /// Has the leads assigned in ten parts, with touches, deals and a change of sellers between them.
    private func decide(_ bench: BenchServers, _ records: Records) async throws -> TenantID {
        let assigning = AssignBenchmark(leads: leads, tenants: 1, sellers: sellers)
        let tenant = try await assigning.setUp(bench, records, 0)
        var chance = SeededNumbers(seed: 1)
        for part in 0..<10 {
            for seller in 0..<sellers where seller % 10 == part {
                for n in 0..<10 {
                    let facts = OpportunityFacts(
                        owner: "s\(seller)", industry: "steel", stage: "closed", won: n % 3 > 0,
                        closedAt: Date().addingTimeInterval(-86_400))
                    _ = try await records.putOpportunity("d\(seller)-\(n)", facts, of: tenant, by: "bench")
                }
            }
            let ids = Array(part * leads / 10..<(part + 1) * leads / 10)
            try await assigning.tell(ids, records, tenant, &chance)
            try await bench.everythingPushed()
            try await bench.drained()
            let touched = ids.filter { $0 % 3 == 0 }
            for start in stride(from: 0, to: touched.count, by: 500) {
                let activities = touched[start..<min(start + 500, touched.count)].map {
                    NewActivity(subjectType: .lead, subject: "\($0)", type: NewActivity.touch, at: Date())
                }
                _ = try await records.record(activities, of: tenant, key: nil) { _ in StoredAnswer(status: 200, body: []) }
            }
        }
        return tenant
    }

    private func begin(_ records: Records, _ tenant: TenantID) async throws -> Int64 {
        guard case .success(let checked) = try await records.check(.route, "default", candidate, of: tenant) else {
            throw BenchmarkError.wrong("the candidate's rules are not valid")
        }
        _ = try await records.save(checked, of: tenant, by: "bench", key: nil) { _, _ in StoredAnswer(status: 201, body: []) }
        let window = Date().addingTimeInterval(-86_400)..<Date().addingTimeInterval(60)
        let once = try await records.beginRound(
            .route, "default", version: 2, window: window, touchWithin: 240, of: tenant, by: "bench", key: nil
        ) { round, _ in StoredAnswer(status: 202, body: Array("\(round)".utf8)) }
        guard case .done(let answer) = once, let round = Int64(String(decoding: answer.body, as: UTF8.self)) else {
            throw BenchmarkError.wrong("the round did not begin")
        }
        return round
    }
}
