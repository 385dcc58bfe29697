import Foundation
import Records
import Rollouts
import Rules
import SalesModel
import Tenancy
import Testing

/// What guards said on the way is kept.
extension RolloutStories {
    private func ways(_ rollout: Int64, _ house: SalesHouse, _ tenant: TenantID) async throws -> [String: [GuardPoint]] {
        let kept = try #require(try await house.records.guardReadings(ofRollout: rollout, of: tenant))
        return Dictionary(uniqueKeysWithValues: kept.map { ($0.name, $0.points) })
    }

    @Test func `a guard's way is kept from nothing to the reading that took the change back`() async throws {
        try await house { house, tenant in
            let version = try await house.draft(.route, bad, of: tenant)
            let rollout = try await house.roll(.route, to: version, percent: 50, of: tenant)
            let begun = try await house.rollout(rollout, of: tenant).startedAt
            #expect(try await house.records.guardReadings(ofRollout: rollout, of: tenant)?.isEmpty == true)

            try await house.records.keepGuardReadings(now: begun.addingTimeInterval(20))
            try await house.records.keepGuardReadings(now: begun.addingTimeInterval(40))
            let before = try await ways(rollout, house, tenant)
            try await leads(0..<50, house, tenant)
            try await house.workThrough()
            for _ in 0..<3 { try await house.records.keepGuardReadings(now: Date()) }

            let record = try await house.rollout(rollout, of: tenant)
            try #require(record.state == .aborted)
            let after = try await ways(rollout, house, tenant)
            // Nothing was seen, so nothing was news; then there is the end, once.
            #expect(Set(before.keys) == ["technical", "success", "first_touch", "sample_ratio"])
            #expect(before.values.allSatisfy { $0.count == 1 && $0[0].logEvidence == 0 && $0[0].canary == 0 })
            let technical = try #require(after["technical"])
            #expect(technical.count == 2 && technical[0] == before["technical"]?[0])
            #expect(technical[1].eValue >= technical[1].threshold && technical[1].percent == Percent(50.0))
            #expect(technical[1].canary == record.stages[0].canary.n)
            #expect(after["success"]?.last?.stable == record.stages[0].stable.n)
            #expect(try await house.count("rollout WHERE NOT read_out") == 0)
        }
    }

    @Test func `readings change with what was seen and with the percentage, and other tenants have none of them`() async throws {
        try await house { house, tenant in
            let rollout = try await house.roll(
                .route, to: try await house.draft(.route, Self.other, of: tenant), percent: 50, of: tenant)
            let begun = try await house.rollout(rollout, of: tenant).startedAt
            try await house.records.keepGuardReadings(now: begun)
            try await leads(0..<40, house, tenant)
            try await house.workThrough()
            try await house.records.keepGuardReadings(now: begun.addingTimeInterval(5))
            let early = try await ways(rollout, house, tenant)
            try await house.records.keepGuardReadings(now: begun.addingTimeInterval(15))
            try await house.records.keepGuardReadings(now: begun.addingTimeInterval(30))
            try await house.turn(rollout, .percent(try #require(Percent(80.0))), of: tenant)
            try await house.records.keepGuardReadings(now: begun.addingTimeInterval(45))

            let readings = try await ways(rollout, house, tenant)
            #expect(early["technical"]?.count == 1, "too soon")
            #expect(readings["technical"]?.map(\.percent.description) == ["50", "50", "80"])
            #expect((readings["technical"]?[1].canary ?? 0) > 0)
            let globex = try await house.tenant("globex")
            #expect(try await house.records.guardReadings(ofRollout: rollout, of: globex) == nil)
        }
    }

    @Test func `a long way is thinned where it is kept`() async throws {
        try await house { house, tenant in
            let rollout = try await house.roll(
                .route, to: try await house.draft(.route, Self.other, of: tenant), percent: 50, of: tenant)
            let begun = try await house.rollout(rollout, of: tenant).startedAt
            _ = try await house.rows(
                """
                INSERT INTO guard_reading (tenant_id, rollout_id, guard, at, log_evidence, threshold, percent, stable_n, canary_n)
                SELECT \(tenant.rawValue), \(rollout), 'technical', '\(begun)'::timestamptz + n * interval '1 minute', n / 100 % 2, 333, 5000, 0, n
                FROM generate_series(0, 239) n
                """)

            try await house.records.keepGuardReadings(now: begun.addingTimeInterval(300 * 60))

            let kept = try #require(try await ways(rollout, house, tenant)["technical"])
            #expect(kept.count <= 162 && kept.count > 80, "\(kept.count)")
            #expect(kept.first?.canary == 0)
            #expect(abs(try #require(kept.last).at.timeIntervalSince(begun) - 300 * 60) < 1)
            #expect(try await house.count("guard_reading WHERE guard = 'success'") == 1)
        }
    }
}
