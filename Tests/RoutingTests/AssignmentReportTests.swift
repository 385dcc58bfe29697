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

        let spread = LeadSpread(cases, sellers, in: period, at: day(60))

        #expect(spread.topShare == 0.68 && spread.topShareLimit < 0.68)
        #expect(spread.isUnfair)
        let newcomer = spread.starved.first { $0.seller == "new" }
        #expect(newcomer?.seconds == 4_060_800, "47 days")
    }

    @Test func `days on leave and days paused for load are no drought`() {
        let period = start..<day(40)
        let spans = [start..<day(3), day(30)..<day(40)]
        let away = LeadSpread.Availability(seller: "away", spans: spans, capacity: 8)
        #expect(LeadSpread([], [away], in: period, at: day(40)).droughts.map(\.seconds) == [13 * 86_400], "three days and ten")

        // Two leads wait from day 2 to day 32, one more than she may have.
        let full = LeadSpread.Availability(seller: "full", spans: [period], capacity: 1)
        let cases = [lead("full", on: 1, touchedAfter: 31), lead("full", on: 2, touchedAfter: 38)]
        #expect(LeadSpread(cases, [full], in: period, at: day(40)).droughts.map(\.seconds) == [8 * 86_400], "from day 32 to day 40")
    }

    @Test func `among three sellers nobody's share is too much`() {
        let sellers = ["a", "b", "c"].map { LeadSpread.Availability(seller: $0, spans: [start..<day(5)], capacity: 8) }
        let spread = LeadSpread([lead("a", on: 1), lead("b", on: 2), lead("c", on: 3)], sellers, in: start..<day(5), at: day(5))
        #expect(spread.topShare == nil && !spread.isUnfair)
    }

    /// So many leads shared evenly by so many sellers, then so many more for the first three of them.
    private func spread(_ leads: Int, among count: Int, andToThree more: Int = 0) -> LeadSpread {
        let sellers = (0..<count).map { LeadSpread.Availability(seller: "\($0)", spans: [start..<day(5)], capacity: 1_000) }
        let cases = (0..<leads).map { lead("\($0 % count)", on: 1) } + (0..<more).map { lead("\($0 % 3)", on: 2) }
        return LeadSpread(cases, sellers, in: start..<day(5), at: day(5))
    }

    @Test(arguments: [4, 5, 6, 7, 30], [12, 60, 600, 60_000]) func `an even spread is fair among however many`(sellers: Int, leads: Int) {
        let spread = spread(leads, among: sellers)
        #expect(!spread.isUnfair, "\(spread.topShare ?? 0) of \(spread.topShareLimit)")
    }

    @Test func `among few sellers three have too many when chance no longer explains it`() {
        #expect(!spread(100, among: 5, andToThree: 20).isUnfair, "66.7 % where an even spread of 120 leads may reach 73 %")
        #expect(spread(100, among: 5, andToThree: 100).isUnfair, "80 %")
        #expect(spread(1_000, among: 5, andToThree: 200).isUnfair, "66.7 % of 1,200 leads")
        #expect(spread(1, among: 30, andToThree: 5).isUnfair, "six leads, all to three of thirty")
        #expect(!spread(0, among: 4, andToThree: 12).isUnfair, "twelve leads, all to three of four")
        #expect(spread(1_000, among: 30, andToThree: 1_000).isUnfair, "55 %")
        #expect(spread(1_000, among: 30, andToThree: 1_000).topShareLimit == 0.5)
    }

    @Test func `days that have not come are no drought, and nothing has been shared in them`() {
        let sellers = ["a", "b", "c", "d"].map { LeadSpread.Availability(seller: $0, spans: [start..<day(30)], capacity: 8) }
        let cases = ["a", "b", "c", "d"].map { lead($0, on: 1) }

        let midway = LeadSpread(cases, sellers, in: start..<day(30), at: day(4))
        let before = LeadSpread([], sellers, in: day(10)..<day(30), at: day(4))

        #expect(midway.droughts.allSatisfy { $0.seconds == 3 * 86_400 } && !midway.isUnfair)
        #expect(before.droughts.allSatisfy { $0.seconds == 0 } && before.topShare == nil && !before.isUnfair)
    }

    @Test func `a touch from before its assignment came with it, and says nothing of how soon its seller touches`() {
        let report = AssignmentReport([lead("anna", on: 1, touchedAfter: -2), lead("anna", on: 1, touchedAfter: 2)], at: day(30))
        #expect(report.all.touched == 2 && report.all.medianTouch == 2 * 86_400)
    }
}
