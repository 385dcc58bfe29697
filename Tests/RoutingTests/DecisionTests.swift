import Foundation
import Rules
import SalesModel
import Testing

@testable import Routing

@Suite struct DecisionTests {
    private let byBand = """
        strategy:
          high: { by: top_n_by_close_rate, n: 3, window_months: 6, active_only: true }
          mid: { by: fewest_pending }
          low: { to: { pool: nurture } }
        """

    private func deals(_ rates: [(String, won: Int, lost: Int)], industry: String? = nil) -> [Int: DealStatistics] {
        [6: DealStatistics(rates.map { ClosedDeals(owner: $0.0, industry: industry, won: $0.won, lost: $0.lost) })]
    }

    // MARK: Boundaries

    @Test(arguments: [(8, AssignmentOutcome.assigned), (9, .manualQueueFallback)])
    func `eight pending still receives, nine does not`(pending: Int, outcome: AssignmentOutcome) throws {
        var roster = Roster(sellers: [seller(1, pending: pending)], rules: try rules(route: "rules: [{ id: all, to: everyone }]"))

        let decision = roster.decision(for: lead(), at: now).decision

        #expect(decision.outcome == outcome)
        #expect(decision.leftOut == (outcome == .assigned ? [] : ["over_load: s1"]))
    }

    @Test(arguments: [(44, "low"), (45, "mid"), (74, "mid"), (75, "high")])
    func `bands begin at 45 and 75`(score: Int, band: String) throws {
        let points = [score / 5, score / 5, score / 5, score / 5, score - 4 * (score / 5)]
        let card = """
            dimensions:
              industry_match: { cases: [], otherwise: \(points[0]) }
              budget_clarity: { cases: [], otherwise: \(points[1]) }
              decision_chain: { cases: [], otherwise: \(points[2]) }
              urgency: { cases: [], otherwise: \(points[3]) }
              interaction: { cases: [], otherwise: \(points[4]) }
            """
        var roster = Roster(sellers: [seller(1)], deals: deals([("s1", 5, 0)]), rules: try rules(route: byBand, score: card))

        let decision = roster.decision(for: lead(), at: now).decision

        #expect(decision.score?.total == score)
        #expect(decision.band?.rawValue == band)
        #expect(decision.matchedRule == "strategy.\(band)")
        #expect(decision.outcome == (band == "low" ? .pooled : .assigned))
    }

    // MARK: Ranking

    @Test func `the lead goes to one of the three best by close rate, the one with fewest pending`() throws {
        let sellers = [seller(1, pending: 1), seller(2, pending: 3), seller(3, pending: 2), seller(4, pending: 0)]
        let rates = deals([("s1", 6, 4), ("s2", 8, 2), ("s3", 7, 3), ("s4", 5, 5)])
        var roster = Roster(sellers: sellers, deals: rates, rules: try rules(route: byBand))

        let decision = roster.decision(for: lead(interactions: 100), at: now).decision

        #expect(decision.owner?.externalID == "s1")
        #expect(decision.candidates.map(\.seller) == ["s1", "s2", "s3"])
        #expect(decision.candidates.map(\.metric) == [0.6, 0.8, 0.7])
    }

    @Test func `who left, whose status nobody knows, and whom nobody knows are excluded by name`() throws {
        let sellers = [seller(1, status: .inactive), seller(2, status: .unknown), seller(3, status: .leave), seller(4)]
        let rates = deals([("s1", 90, 0), ("s2", 80, 0), ("s3", 70, 0), ("s4", 5, 5), ("gone", 99, 0)])
        var roster = Roster(sellers: sellers, deals: rates, rules: try rules(route: byBand))

        let decision = roster.decision(for: lead(interactions: 100), at: now).decision

        #expect(decision.owner?.externalID == "s4")
        #expect(decision.leftOut == ["inactive: s1 s3", "unknown_status: s2 gone"])
    }

    @Test func `too few closed deals exclude from the ranking, and nobody ranked means the middle strategy`() throws {
        var roster = Roster(sellers: [seller(1), seller(2)], deals: deals([("s1", 4, 0)]), rules: try rules(route: byBand))

        let decision = roster.decision(for: lead(interactions: 100), at: now).decision

        #expect(decision.outcome == .assigned)
        #expect(decision.leftOut == ["no_ranking_data: s1 s2"])
        #expect(
            decision.exclusions.map { $0.text(in: .english) } == ["Not ranked, with too few closed deals: s1, s2."])
        #expect(decision.exclusions.map { $0.text(in: .chinese) } == ["未参与排名（成交数据不足）：s1、s2。"])
        #expect(
            decision.words() == [
                "Lead score 100, high band.", "Nobody could be ranked this way; the next way was tried.",
                "Fewest leads waiting for a first touch: 0; of 2 alike first who is longest without a new one, then by id.",
            ])
    }

    @Test func `close rate counts in the lead's industry`() throws {
        let table = DealStatistics([
            ClosedDeals(owner: "s1", industry: "medical", won: 9, lost: 1),
            ClosedDeals(owner: "s1", industry: "education", won: 1, lost: 9),
            ClosedDeals(owner: "s2", industry: "education", won: 6, lost: 4),
        ])
        let route = byBand.replacing("n: 3", with: "n: 1")
        var roster = Roster(sellers: [seller(1), seller(2)], deals: [6: table], rules: try rules(route: route))

        let medical = roster.decision(for: lead(industry: "medical", interactions: 100), at: now).decision
        let education = roster.decision(for: lead(industry: "education", interactions: 100), at: now).decision

        #expect(medical.owner?.externalID == "s1")
        #expect(education.owner?.externalID == "s2")
        #expect(medical.leftOut == ["no_ranking_data: s2"])
    }

    // MARK: Ties

    @Test func `ties go to the one longest without a lead, then to the lower id`() throws {
        let sellers = [seller(1, last: now.addingTimeInterval(-60)), seller(2, last: now.addingTimeInterval(-120)), seller(3), seller(4)]
        var roster = Roster(sellers: sellers, rules: try rules(route: "rules: [{ id: all, to: everyone }]"))

        let owners = (1...8).map { roster.decision(for: lead($0), at: now).decision.owner?.externalID }

        #expect(owners == ["s3", "s4", "s2", "s1", "s3", "s4", "s2", "s1"])
    }

    // MARK: Targets

    @Test func `a team comes first, and then everyone`() throws {
        let route = "rules: [{ id: key, to: { team: key }, by: group_first }]"
        var roster = Roster(sellers: [seller(1), seller(2, team: "key", pending: 8)], rules: try rules(route: route))

        let first = roster.decision(for: lead(1), at: now).decision
        let second = roster.decision(for: lead(2), at: now).decision

        #expect(first.owner?.externalID == "s2")
        #expect(first.team == "key")
        #expect(first.words().suffix(3) == ["Rule “key” applies.", "Team key comes first.", "Fewest leads waiting for a first touch: 8."])
        #expect(second.owner?.externalID == "s1")
        #expect(second.team == nil)
        #expect(second.leftOut == ["over_load: s2"])
        #expect(second.words().contains("Nobody in team key could take it, so others were asked."))
    }

    @Test func `the lead's own account manager gets it, and an unknown one sends it on`() throws {
        let route = "rules: [{ id: own, to: { seller_in_field: account_manager }, alternates: [{ team: b }] }]"
        var roster = Roster(sellers: [seller(1), seller(2, team: "b")], rules: try rules(route: route))

        let known = roster.decision(for: lead(1, manager: "s1"), at: now).decision
        let unknown = roster.decision(for: lead(2, manager: "nobody"), at: now).decision

        #expect(known.owner?.externalID == "s1")
        #expect(unknown.owner?.externalID == "s2")
        #expect(unknown.leftOut == ["unknown_seller: nobody"])
    }

    @Test func `the chain goes from target to alternates to the fallback's, the pool, the manual queue`() throws {
        let route = """
            rules: [{ id: one, to: { seller: s1 }, alternates: [{ seller: s2 }] }]
            fallback: { alternates: [{ team: c }]
            """
        let sellers = [seller(1, capacity: 0), seller(2, capacity: 0), seller(3, team: "c", capacity: 0)]
        var pooled = Roster(sellers: sellers, rules: try rules(route: route + ", pool: spare }"))
        var manual = Roster(sellers: sellers, rules: try rules(route: route + " }"))

        let first = (1...4).map { pooled.decision(for: lead($0), at: now).decision }
        let last = (1...4).map { manual.decision(for: lead($0), at: now).decision }.last!

        #expect(first.map { $0.owner?.externalID } == ["s1", "s2", "s3", nil])
        #expect(first[3].pool == "spare")
        #expect(first[3].outcome == .pooled)
        #expect(last.outcome == .manualQueueFallback)
        #expect(last.leftOut == ["over_load: s1 s2 s3"])
        #expect(last.reasons.last?.code == .manualQueue)
    }

    @Test func `newcomers take turns, and without any the middle strategy is asked`() throws {
        let route = """
            strategy:
              high: { by: fewest_pending }
              mid: { by: fewest_pending }
              low: { to: newcomers, by: round_robin }
            """
        var some = Roster(sellers: [seller(1), seller(2, newcomer: true), seller(3, newcomer: true)], rules: try rules(route: route))
        var none = Roster(sellers: [seller(1)], rules: try rules(route: route))

        #expect(
            (1...4).map { some.decision(for: lead($0, interactions: 0), at: now).decision.owner?.externalID } == ["s2", "s3", "s2", "s3"])
        #expect(none.decision(for: lead(interactions: 0), at: now).decision.owner?.externalID == "s1")
    }

    // MARK: Filters

    @Test func `region and industry leave out who does not serve the lead`() throws {
        let route = """
            rules: [{ id: local, filters: [region, industry], to: everyone }]
            """
        let sellers = [
            seller(1, regions: ["north"], industries: ["medical"]), seller(2, regions: ["south"], industries: ["medical"]),
            seller(3, regions: ["north"], industries: ["education"]), seller(4, pending: 5),
        ]
        var roster = Roster(sellers: sellers, rules: try rules(route: route))

        let known = roster.decision(for: lead(1, region: "north", industry: "medical"), at: now).decision
        let elsewhere = roster.decision(for: lead(2, region: "moon", industry: "medical"), at: now).decision
        let unknown = roster.decision(for: lead(3), at: now).decision

        #expect(known.owner?.externalID == "s1")
        #expect(known.leftOut == ["industry: s3", "region: s2"])
        #expect(
            known.words().suffix(3) == [
                "Serves the lead's region north.", "Serves the lead's industry medical.", "Fewest leads waiting for a first touch: 0.",
            ])
        #expect(elsewhere.owner?.externalID == "s4")
        #expect(elsewhere.words().allSatisfy { !$0.contains("Serves the lead's region") })
        #expect(unknown.words().contains("The lead's region is not known, so region did not count."))
    }

    // MARK: Holding

    @Test func `a field nobody mapped holds the lead and says so`() throws {
        let route = """
            rules: [{ id: fair, when: { field: source_channel, equals: exhibition_scan }, to: { team: key } }]
            strategy: { high: {}, mid: {}, low: {} }
            """
        let map = "{ sources: [website], fields: { interactions: { from: interactions, optional: true } } }"
        var roster = Roster(sellers: [seller(1)], rules: try rules(route: route, map: map))

        let decision = roster.decision(
            for: Lead(id: LeadID(1), source: "website", receivedAt: now, fields: ["source_channel": .text("x")]), at: now
        ).decision

        #expect(decision.outcome == .heldMappingError)
        #expect(decision.unmappedFields == ["source_channel"])
        #expect(decision.words() == ["The rules read “source_channel”, but no map says what it is for leads from “website”."])
        #expect(decision.words(.chinese) == ["规则用到字段“source_channel”，但来源“website”没有它的映射。"])
        #expect(decision.owner == nil)
    }

    @Test func `without rules the lead waits for a person`() throws {
        var roster = Roster(sellers: [seller(1)], rules: TenantRules([]))

        let decision = roster.decision(for: lead(), at: now).decision

        #expect(decision.outcome == .manualQueueFallback)
        #expect(decision.reasons.map(\.code) == [.noRouteRules, .manualQueue])
    }
}
