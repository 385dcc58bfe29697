import Foundation
import ProcessHealth
import Records
import Testing

@Suite struct HealthTakeoverTests {
    private let week = Week(containing: Date(), in: SalesHouse.zone) - 10
    private var monday: Date { week.start(in: SalesHouse.zone) }

    private var counts: WeekCounts {
        var counts = WeekCounts()
        counts.conversion = Tally(cases: 10, hits: 6)
        counts.rhythm = Tally(cases: 20, hits: 19)
        return counts
    }

    @Test func `a week taken over stays where nothing is known of it here, and gives way to facts`() async throws {
        try await SalesHouse.with { house in
            let tenant = try await house.tenant()
            for seller in ["anna", "bert"] { try await house.seller(seller, of: tenant) }
            let taken = ["anna", "bert", "nobody"].map { TakenWeek(seller: $0, week: week, counts: counts) }
            for _ in 0..<2 { try await house.records.takeOver(taken, in: SalesHouse.zone, of: tenant) }
            let deeds = (0..<7).map { day in
                TakenDeed(
                    seller: "bert", opportunity: "deal", type: "follow_up", at: monday.addingTimeInterval(Double(day) * 86_400),
                    data: #"{"our_action": "sent the layout"}"#)
            }
            try await house.records.takeOver(deeds, of: tenant)

            try await house.score(1, asOf: monday.addingTimeInterval(7 * 86_400), of: tenant)

            let weeks = try await house.weeks(week, of: tenant)
            #expect(weeks["anna"]?.version == 1)
            #expect(weeks["anna"]?.reading.dimensions[0].tally == Tally(cases: 10, hits: 6))
            #expect(weeks["bert"]?.version == 2)
            #expect(weeks["bert"]?.reading.dimensions[1].tally == Tally(cases: 6, hits: 6))
        }
    }
}
