import Foundation
import ProcessHealth
import Testing

@Suite struct IndexTests {
    @Test func `a week worked out by hand has its three rates, its index and its base line`() {
        // 6 of 10 visited: .6 of .65; 20 of 25 in time: exactly .8; 3 of 4 with evidence: .75 of 1.
        let reading = HealthReading(.of(conversion: (6, 10), rhythm: (20, 25), keyActions: (3, 4)))

        #expect(reading.dimensions.map(\.tally.rate) == [0.6, 0.8, 0.75])
        #expect(reading.dimensions.map(\.passes) == [false, true, false])
        #expect(abs(reading.index! - 100 * (0.6 / 0.65 + 1 + 0.75) / 3) < 1e-9)
        #expect(reading.isBelow == true)
        #expect(reading.cases == 39)
        #expect(reading.interval!.contains(reading.index!))
    }

    @Test func `exactly at every target is not below, and has a hundred`() {
        let reading = HealthReading(.of(conversion: (13, 20), rhythm: (8, 10), keyActions: (1, 1)))

        #expect(reading.isBelow == false)
        #expect(reading.index == 100)
    }

    @Test func `a dimension without cases is left out, not nought`() {
        let reading = HealthReading(.of(rhythm: (9, 10)))

        #expect(reading.dimensions.map(\.passes) == [nil, true, nil])
        #expect(reading.dimensions[0].tally.rate == nil)
        #expect(reading.index == 100)
    }

    @Test func `below five cases there is no index, and nothing at all is another thing`() {
        #expect(HealthReading(.of(conversion: (0, 4), keyActions: (0, 4))).status == .insufficient)
        #expect(HealthReading(.of(conversion: (0, 4))).index == nil)
        #expect(HealthReading(.of(conversion: (0, 4))).isBelow == nil)
        #expect(HealthReading(WeekCounts()).status == .noData)
        #expect(HealthReading(.of(conversion: (0, 5))).index == 0)
    }

    @Test func `four leads of which none was visited say nothing beside follow-ups in time`() {
        let reading = HealthReading(.of(conversion: (0, 4), rhythm: (10, 10)))

        #expect(reading.isBelow == false)
        #expect(reading.dimensions[0].passes == nil)
    }

    @Test func `one key action without evidence is a miss`() {
        #expect(HealthReading(.of(rhythm: (10, 10), keyActions: (0, 1))).isBelow == true)
    }

    @Test func `sellers without an index are not in the rate of attainment`() {
        let readings = [
            HealthReading(.of(rhythm: (10, 10))), HealthReading(.of(rhythm: (1, 10))), HealthReading(WeekCounts()),
            HealthReading(.of(rhythm: (1, 2))),
        ]

        #expect(readings.attainment == Tally(cases: 2, hits: 1))
        #expect([HealthReading(WeekCounts())].attainment.rate == nil)
    }

    @Test func `headroom tells healthy sellers apart, which the index cannot`() {
        let tight = HealthReading(.of(conversion: (13, 20), rhythm: (10, 10), keyActions: (2, 2)))
        let ample = HealthReading(.of(conversion: (20, 20), rhythm: (10, 10), keyActions: (2, 2)))

        #expect(tight.index == ample.index)
        #expect(tight.headroom == 1)
        #expect(ample.headroom == 1.25)
    }

    @Test func `a report is due in the second week below, once until the seller is back`() {
        let (good, bad, none) = (HealthReading(.of(rhythm: (10, 10))), HealthReading(.of(rhythm: (1, 10))), HealthReading(WeekCounts()))
        var streak = Streak()
        let first = Week("2026-W10")!

        let due = [bad, none, bad, bad, good, bad, bad].enumerated().map { streak.take($1, of: first + $0) }

        #expect(due == [false, false, true, false, false, false, true])
        #expect(streak.since == first + 5)
    }
}
