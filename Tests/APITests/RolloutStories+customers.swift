import Records
import Rollouts
import SalesModel
import Tenancy
import Testing

/// Who is decided by which version, when people come again and when somebody turns the change meanwhile.
extension RolloutStories {
    static let other = "rules: [{ id: v, to: everyone, by: fewest_pending }]"

    @Test func `who comes again is in the arm they were in, whatever the percentage is now and whoever decides`() async throws {
        try await house { house, tenant in
            try await house.rule(.map, mapping, of: tenant)
            let rollout = try await house.roll(.route, to: try await house.draft(.route, Self.other, of: tenant), percent: 30, of: tenant)
            func exposed() async throws -> [String] {
                try await house.rows(
                    "SELECT e.customer || ' ' || e.arm || ' ' || e.percent || ' ' || e.at AS line FROM exposure e ORDER BY e.at, e.customer"
                )
                .map { try $0.get("line") }
            }

            // Each time by a worker that begins, and knows nobody.
            try await buyers(0..<60, house, tenant) { $0 }
            try await house.workThrough()
            let first = try await exposed()
            try await house.turn(rollout, .percent(#require(Percent(95))), of: tenant)
            try await buyers(0..<60, house, tenant, again: 1) { $0 }
            try await house.workThrough()
            #expect(try await exposed() == first)
            try await buyers(60..<80, house, tenant) { $0 }
            try await house.workThrough()
            let second = try await exposed()
            try await house.turn(rollout, .percent(#require(Percent(1))), of: tenant)
            try await buyers(0..<80, house, tenant, again: 2) { $0 }
            try await house.workThrough()

            #expect(try await exposed() == second)
            #expect(first.count == 60 && second.count == 80 && Array(second.prefix(60)) == first)
            let counts = try await (canary: house.count("exposure WHERE arm = 'canary' AND percent = 3000"), all: house.count("customer"))
            #expect((8...30).contains(counts.canary) && counts.all == 80)
            #expect(try await house.count("exposure WHERE arm = 'canary' AND percent = 9500") >= 15)
            #expect(try await house.count("rollout_case") == 220)
            #expect(
                try await house.count(
                    """
                    rollout_case c JOIN lead l ON l.id = c.lead_id JOIN exposure e ON e.rollout_id = c.rollout_id AND e.customer = 'c' || l.customer_id
                    WHERE c.arm = e.arm
                    """) == 220)
            #expect(try await house.count("dlq") == 0)
            try await house.expectSound()
        }
    }

    @Test(arguments: [RolloutTurn.abort, .percent(Percent(95)!), .promote])
    func `what is decided while somebody turns the change is decided anew`(turn: RolloutTurn) async throws {
        try await house { house, tenant in
            let rollout = try await house.roll(.route, to: try await house.draft(.route, Self.other, of: tenant), percent: 50, of: tenant)
            try await leads(0..<20, house, tenant)
            let attempts = try await house.begin()
            let settlements = try await house.decide(attempts)
            try #require(attempts.count == 20)

            try await house.turn(rollout, turn, of: tenant)
            let settled = try await house.ledger.settle(settlements)

            #expect(settled.done.isEmpty && Set(settled.stale) == Set(attempts.map(\.id)))
            #expect(try await house.count("rollout_case") == 0)
            #expect(try await house.count("exposure") == 0)
            #expect(try await house.count("assignment") == 0)
            // By the same worker, under the same attempts.
            #expect(try await house.ledger.settle(try await house.decide(attempts)).done.count == 20)
            try await house.acknowledge(attempts)
            try await house.workThrough()
            #expect(try await house.outcomes() == ["assigned": 20])
            let cases = try await house.count("rollout_case")
            let isPercent = if case .percent = turn { true } else { false }
            #expect(cases == (isPercent ? 20 : 0))
            #expect(try await house.count("exposure WHERE percent = 9500") == cases)
            try await house.expectSound()
        }
    }
}
