import Calendars
import Foundation
import Rules
import SalesModel
import Testing

@testable import Routing

/// Freezes and shifts: who gets no new lead at a moment, whatever the rules say.
@Suite struct AvailabilityTests {
    private let everyone = "rules: [{ id: all, to: everyone }]"

    private func frozen(_ id: Int64, _ freeze: Freeze = .untilThawed) -> Seller {
        var frozen = seller(id)
        frozen.freeze = freeze
        return frozen
    }

    /// `now` is a Thursday, 08:53:20 in UTC.
    private func on(_ id: Int64, _ hours: String...) throws -> Seller {
        let day = try #require(DayHours(hours))
        let plan = CalendarPlan(
            zone: .gmt, layers: [CalendarLayer(week: Array(repeating: day, count: 7), observance: CalendarLayer.Observance.none)])
        var on = seller(id)
        on.shift = Shift(plan: hours.joined(), hours: WorkingTime(plan, years: 2025...2025))
        return on
    }

    @Test func `a frozen seller gets no lead, and the receipt says so in both languages`() throws {
        var roster = Roster(sellers: [frozen(1), seller(2, pending: 5)], rules: try rules(route: everyone))

        let decision = roster.decision(for: lead(), at: now).decision

        #expect(decision.owner?.externalID == "s2")
        #expect(decision.leftOut == ["frozen: s1"])
        #expect(decision.exclusions.map { $0.text(in: .english) } == ["Left out, frozen by a manager: s1."])
        #expect(decision.exclusions.map { $0.text(in: .chinese) } == ["未参与分配（已被主管冻结）：s1。"])
    }

    @Test(arguments: [(-0.001, "s2"), (0, "s1"), (0.001, "s1")])
    func `a freeze ends at its instant by itself`(after: TimeInterval, owner: String) throws {
        var roster = Roster(sellers: [frozen(1, .until(now)), seller(2, pending: 5)], rules: try rules(route: everyone))

        #expect(roster.decision(for: lead(), at: now.addingTimeInterval(after)).decision.owner?.externalID == owner)
    }

    @Test func `one freeze ends between two leads of one batch`() throws {
        var roster = Roster(sellers: [frozen(1, .until(now + 1)), seller(2, capacity: 9)], rules: try rules(route: everyone))

        let owners = [now, now + 2].map { roster.decision(for: lead(), at: $0).decision.owner?.externalID }

        #expect(owners == ["s2", "s1"])
    }

    @Test func `the next lead of a frozen seller's customer goes by the rules`() throws {
        var roster = Roster(sellers: [frozen(1), seller(2)], rules: try rules(route: everyone))

        let decision = roster.decision(for: lead(), claim: OwnerClaim(seller: SellerID(1), customer: "c7"), at: now).decision

        #expect(decision.outcome == .assigned && decision.owner?.externalID == "s2")
        #expect(decision.words().contains("Customer c7 belonged to s1, who is frozen, so the rules decided."))
        #expect(decision.words(.chinese).contains("客户 c7 原属 s1，该销售已冻结，按规则重新分配。"))
    }

    @Test func `who is off shift is left out, and their own customers still reach them`() throws {
        var roster = Roster(
            sellers: [try on(1, "13:30-18:00"), try on(2, "08:00-12:00")], rules: try rules(route: everyone))

        let decision = roster.decision(for: lead(), at: now).decision
        let owned = roster.decision(for: lead(2), claim: OwnerClaim(seller: SellerID(1), customer: "c7"), at: now).decision

        #expect(decision.owner?.externalID == "s2")
        #expect(decision.leftOut == ["off_shift: s1"])
        #expect(owned.owner?.externalID == "s1")
    }

    @Test(arguments: [("08:00-08:53", false), ("08:00-08:54", true), ("22:00-08:54", true), ("09:00-10:00", false)])
    func `a shift holds from its first minute to before its last`(hours: String, isOn: Bool) throws {
        var roster = Roster(sellers: [try on(1, hours)], rules: try rules(route: everyone))

        #expect((roster.decision(for: lead(), at: now).decision.owner != nil) == isOn)
    }

    @Test func `with nobody on shift the rule's alternate is asked, then the fallback`() throws {
        let route = """
            rules: [{ id: night, to: { team: t1 }, alternates: [{ team: t2 }] }]
            fallback: { pool: night }
            """
        var (day, stand) = (try on(1, "13:30-18:00"), seller(2))
        (day.team, stand.team) = ("t1", "t2")
        var both = Roster(sellers: [day, stand], rules: try rules(route: route))
        var alone = Roster(sellers: [day], rules: try rules(route: route))

        let alternate = both.decision(for: lead(), at: now).decision
        let fallback = alone.decision(for: lead(), at: now).decision

        #expect(alternate.owner?.externalID == "s2")
        #expect(fallback.outcome == .pooled && fallback.pool == "night")
        #expect(fallback.leftOut == ["off_shift: s1"])
        #expect(fallback.exclusions.map { $0.text(in: .chinese) } == ["未参与分配（不在班次内）：s1。"])
    }

    @Test func `whoever comes back takes turns from where the others stand`() throws {
        var roster = Roster(
            sellers: [frozen(1, .until(now + 3)), seller(2, capacity: 99), seller(3, capacity: 99)],
            rules: try rules(route: "rules: [{ id: turn, to: everyone, by: round_robin }]"))

        let owners = (0..<9).map { roster.decision(for: lead(Int64($0 + 1)), at: now + Double($0)).decision.owner?.externalID ?? "" }

        #expect(Set(owners.prefix(3)) == ["s2", "s3"])
        #expect(owners.dropFirst(3).filter { $0 == "s1" }.count == 2, "no flood to catch up: \(owners)")
    }
}
