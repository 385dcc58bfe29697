import Foundation
import Routing
import Testing

@Suite struct AssignmentReportTests {
    private typealias Case = AssignmentReport.Case
    private let start = Date(timeIntervalSince1970: 1_700_000_000)

    private func day(_ days: Double) -> Date { start + days * 86_400 }

    private func lead(
        _ seller: String, on day: Double, strategy: String = "all", touchedAfter touch: Double? = nil, followedUp: Double? = nil
    )
        -> Case
    {
        let at = self.day(day)
        return Case(
            seller: seller, strategy: strategy, assignedAt: at, touchedAt: touch.map { at + $0 * 86_400 },
            followedUpAt: followedUp.map { at + $0 * 86_400 })
    }

    @Test func `each seller and strategy has its leads, its median first touch and its follow-ups within 72 hours`() {
        let report = AssignmentReport(
            [
                lead("anna", on: 0, strategy: "high", touchedAfter: 1, followedUp: 1),
                lead("anna", on: 1, strategy: "low", touchedAfter: 2, followedUp: 2),
                lead("anna", on: 2, strategy: "low", touchedAfter: 6, followedUp: 6),
                lead("bert", on: 1, strategy: "low"),
                lead("bert", on: 29, strategy: "low"),
            ], at: day(30))

        #expect(report.sellers.map(\.name) == ["anna", "bert"])
        let (anna, bert) = (report.sellers[0], report.sellers[1])
        #expect(anna.received == 3 && anna.touched == 3 && anna.medianTouch == 2 * 86_400)
        #expect(anna.judged == 3 && anna.followedUp == 2)
        #expect(bert.received == 2 && bert.medianTouch == nil)
        #expect(bert.judged == 1 && bert.followUpRate == 0, "the youngest is not judged yet")
        #expect(report.strategies.map(\.received) == [1, 4])
        #expect(AssignmentReport([], at: start).all.followUpRate == nil, "no leads is no figure, not a nought")
    }

    @Test func `a strategy a fifth below the mean is flagged only after two periods, and not on fewer than ten leads`() {
        func period(bad: Int, of count: Int) -> AssignmentReport {
            AssignmentReport(
                (0..<count).map { lead("s", on: 0, strategy: "weak", followedUp: $0 < bad ? nil : 1) }
                    + (0..<30).map { _ in lead("s", on: 0, strategy: "strong", followedUp: 1) }, at: day(30))
        }
        #expect(period(bad: 5, of: 10).flagged(before: period(bad: 5, of: 10)) == ["weak"])
        #expect(period(bad: 5, of: 10).flagged(before: period(bad: 0, of: 10)) == [])
        #expect(period(bad: 5, of: 9).flagged(before: period(bad: 5, of: 10)) == [])
        #expect(period(bad: 1, of: 10).flagged(before: period(bad: 1, of: 10)) == [], "90 of 100 is within a fifth")
    }

    /// FC-22: the three best took 68 %, a newcomer had none for 47 days.
    @Test func `the case of 68 % and 47 days is unfair on both counts`() {
        let period = start..<day(60)
        var cases = (0..<68).map { lead(["a", "b", "c"][$0 % 3], on: Double($0) * 0.8, touchedAfter: 0.01) }
        cases += (0..<31).map { lead(["d", "e"][$0 % 2], on: Double($0), touchedAfter: 0.01) }
        cases.append(lead("new", on: 47, touchedAfter: 0.01))
        let sellers = ["a", "b", "c", "d", "e", "new"].map { LeadSpread.Availability(seller: $0, spans: [period], capacity: 8) }

        let spread = LeadSpread(cases, sellers, in: period)

        #expect(spread.topShare == 0.68)
        #expect(spread.isUnfair)
        let newcomer = spread.starved.first { $0.seller == "new" }
        #expect(newcomer?.seconds == 4_060_800, "47 days")
    }

    @Test func `days on leave and days paused for load are no drought`() {
        let period = start..<day(40)
        let spans = [start..<day(3), day(30)..<day(40)]
        let away = LeadSpread.Availability(seller: "away", spans: spans, capacity: 8)
        #expect(LeadSpread([], [away], in: period).droughts.map(\.seconds) == [13 * 86_400], "three days and ten")

        // Two leads wait from day 2 to day 32, one more than she may have.
        let full = LeadSpread.Availability(seller: "full", spans: [period], capacity: 1)
        let cases = [lead("full", on: 1, touchedAfter: 31), lead("full", on: 2, touchedAfter: 38)]
        #expect(LeadSpread(cases, [full], in: period).droughts.map(\.seconds) == [8 * 86_400], "from day 32 to day 40")
    }

    @Test func `among three sellers nobody's share is too much`() {
        let sellers = ["a", "b", "c"].map { LeadSpread.Availability(seller: $0, spans: [start..<day(5)], capacity: 8) }
        let spread = LeadSpread([lead("a", on: 1), lead("b", on: 2), lead("c", on: 3)], sellers, in: start..<day(5))
        #expect(spread.topShare == nil && !spread.isUnfair)
    }
}
