import DispatchIndex
import Foundation
import Jobs
import Ledger
import Records
import Rules
import SalesModel
import Sampling
import Tenancy

/// How fast leads are assigned with full rules: mapped, scored, routed, loads counted, decision written.
///
/// The leads are taken in before the clock starts; it runs from the first grant to the last end, as the ledger has them.
public struct AssignBenchmark: Sendable {
    public var leads: Int
    public var workers: Int
    public var tenants: Int
    public var sellers: Int

    public init(leads: Int = 30_000, workers: Int = 1, tenants: Int = 3, sellers: Int = 50) {
        self.leads = leads
        self.workers = workers
        self.tenants = tenants
        self.sellers = sellers
    }

    private let industries = ["steel", "paper", "glass", "wood"]
    private let regions = ["north", "south", "east", "west"]
    private let map = """
        sources: ["*"]
        fields:
          industry: { from: industry }
          region: { from: region }
          budget: { from: budget, currency: CNY, optional: true }
          interactions: { from: visits, optional: true }
        """
    private let score = """
        dimensions:
          industry_match: { cases: [{ when: { field: industry, in: [steel, paper] }, points: 20 }], otherwise: 8 }
          budget_clarity: { cases: [{ when: { field: budget, gte: CNY 300000 }, points: 20 }, { when: { field: budget, present: true }, points: 12 }] }
          decision_chain: { cases: [], otherwise: 10 }
          urgency: { cases: [], otherwise: 10 }
          interaction: { cases: [{ when: { field: interactions, gte: 4 }, points: 20 }, { when: { field: interactions, gte: 1 }, points: 10 }] }
        """
    private let route = """
        filters: [region, industry]
        strategy:
          high: { by: top_n_by_close_rate, n: 3, window_months: 6, active_only: true, min_closed: 1 }
          mid: { by: round_robin }
          low: { by: fewest_pending }
        """

    /// - Parameter executable: the `kiteline` program.
    public func run(executable: String) async throws -> BenchmarkResult {
        var (result, batch) = try await BenchServers.with { bench in
            try await bench.mustBeDurable()
            try await fill(bench)
            let cpu = try await bench.workOff(with: workers, executable)
            let decided = try await bench.count("SELECT count(*) FROM decision_log")
            let assigned = try await bench.count("SELECT count(*) FROM assignment WHERE active")
            guard decided == leads, assigned == leads else {
                throw BenchmarkError.wrong("\(leads) leads, \(decided) decisions, \(assigned) owners")
            }
            let result = try await bench.result(
                "assign", jobs: leads, cpu: cpu,
                settings: ["leads": "\(leads)", "workers": "\(workers)", "tenants": "\(tenants)", "sellers_per_tenant": "\(sellers)"])
            return (result, leads / max(1, try await bench.count("SELECT count(DISTINCT (tenant_id, xmin::text)) FROM decision_log")))
        }
        result.limitJobsPerSecond = try await BenchServers.with { bench in
            try await fill(bench)
            return try await limit(bench, batch: batch).measure(bench)
        }
        if workers == 1 { result.goals = ["jobs_per_second": 5_000] }
        result.settings["limit"] =
            "begin, facts and settle, \(batch) leads of a tenant each, as pgbench sends them, already decided; claim and acknowledge by redis-benchmark"
        return result
    }

    /// Every group as it would be read and settled, decided beforehand.
    private func limit(_ bench: BenchServers, batch: Int) async throws -> Limit {
        let reader = RoutingReader(postgres: bench.postgres)
        let now = Date()
        var rounds: [[Limit.Trip]] = []
        for (tenant, attempts) in Dictionary(grouping: try await bench.attempts(of: "assign_lead"), by: \.tenant) {
            let leads = try attempts.map { try Self.lead(of: $0) }
            var facts = try await reader.facts(for: leads, of: tenant, at: now)
            for start in stride(from: 0, through: attempts.count - batch, by: batch) {
                let group = start..<start + batch
                let settlements = group.map { place in
                    let lead = facts.leads[leads[place]]!  // just read
                    let resolutions = facts.customers.resolutions(of: lead.lead.id)
                    let tried = facts.roster.decision(for: lead.lead, as: resolutions.identities, at: now)
                    let decision = tried.routed.decision
                    let effect = LeadDecisionEffect(tried, about: lead, as: resolutions, on: &facts)
                    let outcome = Outcome(
                        .completed(decision.outcome.rawValue), effects: [effect], ruleVersion: decision.routeVersion)
                    return Settlement(
                        attempt: attempts[place], outcome: outcome,
                        disposition: .end(.completed, outcome: decision.outcome.rawValue, nil))
                }
                let writer = RecordsEffectWriter()
                rounds.append(
                    [
                        bench.beginning(Array(attempts[group]), at: now),
                        ["BEGIN"] + RoutingReader.statements(reading: Array(leads[group]), of: tenant) + ["COMMIT"],
                    ] + (try Ledger.trips(settling: settlements, effects: writer, judging: writer.judging(settlements))))
            }
        }
        return Limit(rounds: rounds, clients: 2, batch: batch, redis: .claiming(batch, bench))
    }

    private static func lead(of attempt: Attempt) throws -> LeadID {
        let arguments = try JSONDecoder().decode([String: JSONScalar].self, from: Data(attempt.arguments))
        guard let lead = arguments["lead_id"].flatMap({ LeadID($0.text) }) else { throw BenchmarkError.wrong("a job names no lead") }
        return lead
    }

    private func fill(_ bench: BenchServers) async throws {
        let records = bench.records
        for n in 0..<tenants { try await fill(bench, records, n) }
        try await bench.everythingPushed()
    }

    private func fill(_ bench: BenchServers, _ records: Records, _ n: Int) async throws {
        let tenant = try await setUp(bench, records, n)
        var chance = SeededNumbers(seed: UInt64(n))
        try await tell((0..<leads).filter { $0 % tenants == n }, records, tenant, &chance)
    }

    /// A tenant with sellers and rules.
    func setUp(_ bench: BenchServers, _ records: Records, _ n: Int) async throws -> TenantID {
        let tenant = try await bench.tenant("bench-\(n)")
        for s in 0..<sellers {
            _ = try await records.putSeller(
                "s\(s)",
                SellerProfile(
                    name: "Seller \(s)", status: .active, regions: s % 3 == 0 ? [] : [regions[s % 4]],
                    industries: s % 2 == 0 ? [] : [industries[s % 4]],
                    capacity: 1_000_000), of: tenant, by: "bench")
        }
        for (kind, source) in [(RuleKind.map, map), (.score, score), (.route, route)] {
            guard case .success(let checked) = try await records.check(kind, "default", source, of: tenant) else {
                throw BenchmarkError.wrong("the \(kind.rawValue) rules are not valid")
            }
            _ = try await records.save(checked, of: tenant, by: "bench", key: nil) { _, _ in StoredAnswer(status: 201, body: []) }
        }
        return tenant
    }

    /// Takes leads of these numbers in.
    func tell(_ own: [Int], _ records: Records, _ tenant: TenantID, _ chance: inout SeededNumbers) async throws {
        for start in stride(from: 0, to: own.count, by: 500) {
            let chunk = own[start..<min(start + 500, own.count)].map { id in
                let fields =
                    #"{"industry":"\#(industries.randomElement(using: &chance)!)","region":"\#(regions.randomElement(using: &chance)!)","budget":"\#(Int.random(in: 1...90, using: &chance) * 10_000)","visits":"\#(Int.random(in: 0...6, using: &chance))"}"#
                return NewLead(source: "bench", externalID: "\(id)", receivedAt: Date(), fields: Array(fields.utf8))
            }
            _ = try await records.takeIn(chunk, of: tenant, trigger: .batchImport)
        }
    }
}

/// A string, or nothing we look at.
private struct JSONScalar: Decodable {
    let text: String

    init(from decoder: any Decoder) throws { text = (try? decoder.singleValueContainer().decode(String.self)) ?? "" }
}
