import Foundation
import Ledger
import Records
import SalesModel
import Tenancy
import Testing

/// BRK-01 from end to end: deals are told as lost, nobody asks for anything, and the seller gets no new leads.
@Suite struct SellerBreakerStories {
    /// Told twice a deal has the same end, to the microsecond.
    private let today = Date(timeIntervalSince1970: Date().timeIntervalSince1970.rounded(.down))

    private func house(_ body: (SalesHouse, TenantID) async throws -> Void) async throws {
        try await SalesHouse.with { house in
            let tenant = try await house.tenant()
            _ = try await house.records.putTeam("north", TeamProfile(name: "North", manager: "wang"), of: tenant, by: "test")
            for name in ["anna", "bert"] { try await house.seller(name, of: tenant) { ($0.capacity, $0.team) = (100, "north") } }
            try await house.rule(.route, "rules: [{ id: all, to: everyone, by: fewest_pending }]", of: tenant)
            try await house.workThrough()
            try await body(house, tenant)
            try await house.expectSound()
        }
    }

    private func lose(
        _ deal: String, _ reason: String?, daysAgo: Double = 1, won: Bool = false, _ house: SalesHouse, _ tenant: TenantID
    ) async throws {
        let fields = reason.map { #"{"loss_reason":"\#($0)"}"# } ?? "{}"
        let facts = OpportunityFacts(
            owner: "anna", stage: won ? "won" : "lost", won: won, closedAt: today.addingTimeInterval(-daysAgo * 86_400),
            fields: Array(fields.utf8))
        _ = try await house.records.putOpportunity(deal, facts, of: tenant, by: "crm")
        try await house.workThrough()
    }

    private func freeze(_ house: SalesHouse, _ tenant: TenantID) async throws -> SellerFreeze? {
        try await house.records.seller("anna", of: tenant)?.freeze
    }

    @Test func `two of three lost deals for slow proposals freeze their seller for fourteen days, and a corrected reason ends it`()
        async throws
    {
        try await house { house, tenant in
            try await lose("d1", "slow_proposal_response", daysAgo: 3, house, tenant)
            try await lose("d2", nil, daysAgo: 2, house, tenant)
            #expect(try await freeze(house, tenant) == nil)

            try await lose("d3", "方案响应超时", house, tenant)

            let frozen = try #require(try await freeze(house, tenant))
            #expect(frozen.until.map { Int($0.timeIntervalSince(frozen.since) / 86_400) } == 14)
            #expect(frozen.reason == "2 of the last 3 lost deals were lost for: slow_proposal_response")
            let told = try await house.records.notifications(of: tenant, to: "anna").items.map(\.code)
            #expect(Set(told) == ["seller_frozen", "training_due"])
            let chinese = try await house.records.notifications(of: tenant, to: "anna").items.map(\.chinese)
            #expect(chinese.allSatisfy { $0.contains("方案响应超时") && !$0.contains("slow") }, "\(chinese)")
            #expect(try await house.records.notifications(of: tenant, to: "wang").items.map(\.code) == ["seller_frozen"])
            #expect(try await house.count("audit_log WHERE action = 'seller.freeze' AND actor = 'kiteline' AND subject = 'anna'") == 1)

            try await house.leads((0..<4).map { house.lead("\($0)") }, of: tenant)
            try await house.workThrough()
            #expect(try await house.records.seller("bert", of: tenant)?.pending == 4)

            // Told again it is what it was; corrected, it is none any more.
            try await lose("d3", "slow_proposal_response", house, tenant)
            #expect(try await freeze(house, tenant) == frozen)
            try await lose("d3", "price", house, tenant)
            #expect(try await freeze(house, tenant) == nil)
            #expect(try await house.count("audit_log WHERE action = 'seller.thaw' AND actor = 'kiteline'") == 1)
            try await house.leads((4..<8).map { house.lead("\($0)") }, of: tenant)
            try await house.workThrough()
            #expect(try await house.records.seller("anna", of: tenant)?.pending == 4)
            let replay = try await house.replay(tenant)
            #expect(replay.summary.notReproduced == 0 && replay.summary.reproduced == 8, "who was frozen when is known to a replay")
        }
    }

    @Test func `a manager's word stands: the same deals do not freeze again, and a freeze of the manager's is not the breaker's to end`()
        async throws
    {
        try await house { house, tenant in
            func say(_ isFrozen: Bool) async throws {
                let wish = FreezeWish(seller: "anna", isFrozen: isFrozen, by: "wang", reason: "training", needsManager: true)
                _ = try await house.records.setFreeze(wish, of: tenant, by: "test", key: nil) { _ in StoredAnswer(status: 200, body: []) }
            }
            for day in 1...3 { try await lose("d\(day)", "slow_proposal_response", daysAgo: Double(4 - day), house, tenant) }
            #expect(try await freeze(house, tenant) != nil)

            try await say(false)
            try await lose("d3", "slow_proposal_response", house, tenant)
            #expect(try await freeze(house, tenant) == nil)

            try await say(true)
            try await lose("d3", "price", house, tenant)
            #expect(try await freeze(house, tenant)?.by == "wang")
        }
    }

    @Test func `a lost deal that was won after all, or ended long ago, is a correction like another`() async throws {
        for isWon in [true, false] {
            try await house { house, tenant in
                for (day, reason) in [(1, "slow_proposal_response"), (2, nil), (3, "slow_proposal_response")] {
                    try await lose("d\(day)", reason, daysAgo: Double(4 - day), house, tenant)
                }
                #expect(try await freeze(house, tenant) != nil)

                try await lose("d3", isWon ? nil : "price", daysAgo: isWon ? 1 : 400, won: isWon, house, tenant)
                #expect(try await freeze(house, tenant) == nil)
            }
        }
    }

    @Test func `deals of long ago, as an import tells them, and owners nobody told of freeze nobody`() async throws {
        try await house { house, tenant in
            for _ in 0..<2 {
                for day in 1...3 { try await lose("d\(day)", "slow_proposal_response", daysAgo: Double(400 + day), house, tenant) }
            }
            _ = try await house.records.putOpportunity(
                "x", OpportunityFacts(owner: "nobody", stage: "lost", won: false, closedAt: Date()), of: tenant)
            try await house.workThrough()

            #expect(try await house.count("job WHERE kind = 'evaluate_seller_breaker'") == 0)
            // Nor do they beside one of today.
            try await lose("d4", "slow_proposal_response", house, tenant)
            try await lose("d4", "slow_proposal_response", house, tenant)
            #expect(try await freeze(house, tenant) == nil)
            #expect(try await house.count("job WHERE kind = 'evaluate_seller_breaker'") == 1, "told again it is what it was")
        }
    }
}
