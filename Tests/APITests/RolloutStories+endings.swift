import Foundation
import Records
import Rollouts
import Rules
import SalesModel
import Tenancy
import Testing

/// How a change ends when nobody turns it.
extension RolloutStories {
    /// Margins within which a hundred leads of each arm are enough to tell.
    private var generous: RolloutTerms {
        RolloutTerms(firstTouchMinutes: 4, firstTouchMargin: 60, successMargin: 60, leastLeads: 20, promotion: .automatic)
    }

    private func judge(_ house: SalesHouse) async throws {
        while try await house.records.judgeRollouts(now: Date().addingTimeInterval(600)) {}
    }

    @Test(arguments: [true, false])
    func `a change goes to everybody by its evidence, and by nothing else`(areAllTouched: Bool) async throws {
        try await house { house, tenant in
            let version = try await house.draft(.route, Self.other, of: tenant)
            let rollout = try await house.roll(.route, to: version, percent: 50, terms: generous, of: tenant)
            await #expect(throws: RolloutFault.self) { try await house.turn(rollout, .promoteOnEvidence, of: tenant) }
            try await leads(0..<200, house, tenant)
            try await house.workThrough()
            try await judgeNow(house)
            #expect(try await house.rollout(rollout, of: tenant).state == .canary, "no touch has fallen due")

            let touched = areAllTouched ? "true" : "c.arm = 'stable'"
            try await touch(try await externalIDs(touched, house), house, tenant)
            try await judge(house)

            let record = try await house.rollout(rollout, of: tenant)
            #expect(record.state == (areAllTouched ? .live : .aborted), "\(record.verdict(of: tenant).words)")
            #expect(
                try await house.count(
                    "ruleset_version WHERE kind = 'route' AND state = 'live' AND version = \(areAllTouched ? version : 1)") == 1)
            let promotions = "audit_log WHERE action = 'rollout.promote' AND actor = 'guards' AND reason NOT LIKE '%before the evidence%'"
            #expect(try await house.count(promotions) == (areAllTouched ? 1 : 0))
            #expect(try await house.count("rollout_event WHERE action = 'promote' AND actor = 'guards'") == (areAllTouched ? 1 : 0))
        }
    }

    private func judgeNow(_ house: SalesHouse) async throws { _ = try await house.records.judgeRollouts(now: Date()) }

    @Test func `what does not go together with what is live today does not go live by its evidence, and is alarmed once`() async throws {
        try await house { house, tenant in
            let bare = try await house.draft(.map, map.replacing("from: n", with: "from: m"), of: tenant)
            try await house.rule(
                .map,
                "{ sources: ['*'], fields: { n: { from: n, type: number, optional: true }, g: { from: g, type: text, optional: true } } }",
                of: tenant)
            let reading = "rules: [{ id: a, when: { field: g, equals: a }, to: marketing }, { id: v, to: everyone, by: fewest_pending }]"
            let rollout = try await house.roll(
                .route, to: try await house.draft(.route, reading, of: tenant), percent: 50, terms: generous, of: tenant)
            try await leads(0..<200, house, tenant)
            try await house.workThrough()
            try await touch(try await externalIDs("true", house), house, tenant)
            try await house.makeLive(.map, bare, of: tenant)

            try await judge(house)
            try await judge(house)

            let record = try await house.rollout(rollout, of: tenant)
            #expect(record.state == .canary && record.verdict(of: tenant).decision == .promotable)
            let alerts = try await house.records.alerts(of: tenant, open: true).items.filter { $0.code == "rollout_unfit" }
            #expect(alerts.map(\.subject) == ["\(rollout)"] && alerts.map(\.count) == [1])
            try await house.turn(rollout, .abort, of: tenant)
            #expect(try await house.count("alert WHERE code = 'rollout_unfit' AND resolved_at IS NULL") == 0)
        }
    }

    @Test func `a tenant whose rollouts cannot be judged keeps nobody else's from being judged`() async throws {
        try await house { house, tenant in
            let version = try await house.draft(.route, Self.other, of: tenant)
            let broken = try await house.roll(.route, to: version, percent: 50, terms: generous, of: tenant)
            let other = try await house.tenant("other")
            try await house.seller("eve", of: other) { $0.capacity = 1_000 }
            try await house.rule(.map, map, of: other)
            try await house.rule(.route, good, of: other)
            try await house.workThrough()
            let rollout = try await house.roll(.route, to: try await house.draft(.route, Self.other, of: other), percent: 50, of: other)
            try await leads(0..<10, house, other)
            try await house.workThrough()
            _ = try await house.rows("UPDATE rollout SET plan = '{\"promotion\": \"automatic\"}' WHERE id = \(broken)")

            try await judge(house)

            let stage = try await house.rollout(rollout, of: other).stages[0]
            #expect(stage.stableTouches.n + stage.canaryTouches.n == 10)
        }
    }
}
