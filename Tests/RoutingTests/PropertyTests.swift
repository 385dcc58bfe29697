import Foundation
import Rules
import SalesModel
import Sampling
import Testing

@testable import Routing

/// What must hold for any roster, any leads, any order: run over seeds, which a failure prints.
@Suite struct PropertyTests {
    private static let route = """
        rules:
          - { id: key, when: { field: source, equals: fair }, to: { team: t1 }, by: group_first, then: round_robin }
        filters: [region, industry]
        strategy:
          high: { by: top_n_by_close_rate, window_months: 6, active_only: true }
          mid: { by: fewest_pending }
          low: { by: round_robin }
        """

    private struct World {
        var roster: Roster
        var leads: [Lead]

        init(seed: UInt64) throws {
            var generator = SeededNumbers(seed: seed)
            let regions = ["north", "south", "east"]
            let industries = ["medical", "education"]
            let sellers = (1...Int64.random(in: 1...25, using: &generator)).map { id in
                seller(
                    id, team: ["t1", "t2", nil].randomElement(using: &generator)!,
                    status: EmploymentStatus.allCases.randomElement(using: &generator)!,
                    regions: regions.filter { _ in Bool.random(using: &generator) },
                    industries: industries.filter { _ in Bool.random(using: &generator) },
                    capacity: Int.random(in: 0...12, using: &generator), weight: Int.random(in: 0...3, using: &generator),
                    pending: Int.random(in: 0...10, using: &generator))
            }
            let deals = sellers.map {
                ClosedDeals(
                    owner: $0.externalID, industry: industries.randomElement(using: &generator),
                    won: Int.random(in: 0...9, using: &generator),
                    lost: Int.random(in: 0...9, using: &generator))
            }
            leads = (1...300).map { id in
                lead(
                    id, source: ["fair", "web"].randomElement(using: &generator)!,
                    region: (regions + ["moon"]).randomElement(using: &generator),
                    industry: industries.randomElement(using: &generator), interactions: Int.random(in: 0...100, using: &generator))
            }
            roster = Roster(sellers: sellers, deals: [6: DealStatistics(deals)], rules: try rules(route: PropertyTests.route))
        }
    }

    @Test(arguments: 0..<30)
    func `no inactive seller receives a lead and no capacity is exceeded`(seed: UInt64) throws {
        var world = try World(seed: seed)
        let before = Dictionary(uniqueKeysWithValues: world.roster.sellers.map { ($0.id, $0) })
        var received: [SellerID: Int] = [:]

        for lead in world.leads {
            let decision = world.roster.decision(for: lead, at: now).decision
            #expect((decision.owner != nil) == (decision.outcome == .assigned), "seed \(seed)")
            guard let owner = decision.owner, let seller = before[owner.id] else { continue }
            #expect(seller.status == .active, "seed \(seed), lead \(lead.id)")
            let pending = seller.pending + received[owner.id, default: 0]
            #expect(pending <= seller.capacity, "seed \(seed), lead \(lead.id): \(pending) pending at capacity \(seller.capacity)")
            #expect(decision.candidates.first?.seller == owner.externalID)
            received[owner.id, default: 0] += 1
        }
    }

    @Test(arguments: 0..<10)
    func `the same world decides the same again`(seed: UInt64) throws {
        var first = try World(seed: seed)
        var second = try World(seed: seed)

        #expect(
            first.leads.map { first.roster.decision(for: $0, at: now).decision }
                == second.leads.map { second.roster.decision(for: $0, at: now).decision })
    }

    @Test(arguments: 0..<10)
    func `decisions do not depend on how leads are batched`(seed: UInt64) throws {
        var whole = try World(seed: seed)
        let parted = try World(seed: seed)
        let expected = whole.leads.map { whole.roster.decision(for: $0, at: now).decision.owner }

        var owners: [LeadDecision.Owner?] = []
        var sellers = parted.roster.sellers
        var cursors: [String: PoolCursor] = [:]
        for start in stride(from: 0, to: parted.leads.count, by: 7) {
            var roster = Roster(
                sellers: sellers, deals: parted.roster.deals, cursors: Array(cursors.values), variants: parted.roster.variants)
            for lead in parted.leads[start..<min(start + 7, parted.leads.count)] {
                let routed = roster.decision(for: lead, at: now.addingTimeInterval(Double(start)))
                owners.append(routed.decision.owner)
                if let cursor = routed.cursor { cursors[cursor.pool] = cursor }
            }
            sellers = roster.sellers
        }

        #expect(owners == expected, "seed \(seed)")
    }

    @Test func `each pool gives each member their share at every moment`() throws {
        let route = "{ filters: [region], strategy: { high: { by: round_robin }, mid: { by: round_robin }, low: { by: round_robin } } }"
        let regions = ["north", "south", "east"]
        var generator = SeededNumbers(seed: 7)
        let sellers = (1...20).map {
            seller($0, regions: [regions[Int($0) % 3], regions[Int($0) % 2]], capacity: 10_000, weight: 1 + Int($0) % 4)
        }
        var roster = Roster(sellers: sellers, rules: try rules(route: route))
        var counts: [String: [SellerID: Int]] = [:]

        for id in 1...3000 {
            let routed = roster.decision(for: lead(Int64(id), region: regions.randomElement(using: &generator), interactions: 0), at: now)
            let pool = try #require(routed.cursor)
            counts[pool.pool, default: [:]][routed.decision.owner!.id, default: 0] += 1
            let weights = Dictionary(uniqueKeysWithValues: sellers.filter { pool.sellers.contains($0.id) }.map { ($0.id, $0.weight) })
            let sum = weights.values.reduce(0, +)
            let given = counts[pool.pool]!.values.reduce(0, +)
            let worst = weights.map { abs(counts[pool.pool]![$0, default: 0] * sum - given * $1) }.max()!
            #expect(worst <= sum, "lead \(id), pool \(pool.pool)")
        }
        #expect(counts.count == 3)
    }
}
