import Foundation
import Sampling
import Testing

@testable import Forecasts

@Suite struct HazardTests {
    @Test func `days are those of the calendar`() throws {
        let first = try #require(Day(year: 1999, month: 12, day: 31))

        #expect(first.description == "1999-12-31" && first.weekday == 4 && first.quarterPhase == 2)
        #expect(first.advanced(by: 1).description == "2000-01-01")
        #expect(Day("2016-02-29 10:00:00")?.description == "2016-02-29")
        #expect(Day("2017-02-29") == nil && Day("2017-13-01") == nil && Day("yesterday") == nil)
        for number in -800_000...800_000 where number % 37 == 0 {
            let (year, month, day) = Day(number).civil
            #expect(Day(year: year, month: month, day: day) == Day(number))
        }
    }

    @Test(arguments: 1...20)
    func `counting by bins and months is counting day by day`(seed: UInt64) {
        var random = SeededNumbers(seed: seed)
        let (since, asOf) = (Day(17_000), Day(17_300))
        var counts = HazardCounts(stages: 2, since: since, asOf: asOf)
        var (days, wins) = ([Double](repeating: 0, count: counts.exposure.count), 0.0)
        for _ in 0..<50 {
            let entered = since.advanced(by: Int(random.uniform() * 400) - 60)
            let left = random.isHit(0.6) ? entered.advanced(by: Int(random.uniform() * 300)) : nil
            let stay = Stay(stage: random.isHit(0.5) ? 1 : 0, entered: entered, left: left, exit: left.map { _ in .won })
            counts.add(stay)
            for day in stride(from: max(since, entered), through: min(asOf, left ?? asOf), by: 1) {
                let weight = exp2(-Double(day.distance(to: asOf)) / 90)
                days[counts.cell(stay.stage, counts.bins.bin(of: entered.distance(to: day)), day.quarterPhase)] += weight
            }
            if let left, left >= since, left <= asOf { wins += exp2(-Double(left.distance(to: asOf)) / 90) }
        }

        #expect(zip(counts.exposure, days).allSatisfy { abs($0 - $1) < 1e-9 })
        #expect(abs(counts.events[HazardCounts.Cause.won.rawValue].reduce(0, +) - wins) < 1e-9)
    }

    @Test func `what happens later is not known yet`() {
        var (known, told) = (HazardCounts(stages: 1, since: Day(0), asOf: Day(50)), HazardCounts(stages: 1, since: Day(0), asOf: Day(50)))

        known.add(Stay(entered: Day(40)))
        told.add(Stay(entered: Day(40), left: Day(51), exit: .won))
        told.add(Stay(entered: Day(51)))

        #expect(known.exposure == told.exposure && told.events[0].allSatisfy { $0 == 0 } && told.exits == [0])
    }

    @Test func `a tenant without a past gets what is believed, and is told so`() {
        let model = HazardModel(HazardCounts(stages: 3, since: Day(0), asOf: Day(0)))

        #expect(model.isMostlyBelieved == [true, true, true])
        for stage in 0..<3 {
            #expect(abs(model.hazard(.won, stage, 0, 0) - 0.2 / 60) < 1e-9)
            #expect(abs(model.hazard(.lost, stage, 5, 2) - 0.8 / 60) < 1e-9)
        }
    }

    @Test func `hazards of age are found again, and little data moves them little`() {
        /// Wins one in twenty a day in the second week, else one in five hundred.
        func counts(_ deals: Int) -> HazardCounts {
            var random = SeededNumbers(seed: 3)
            var counts = HazardCounts(stages: 1, since: Day(0), asOf: Day(400), halfLife: 1e9)
            for _ in 0..<deals {
                let entered = Day(Int(random.uniform() * 300))
                let end = (0..<100).first { random.isHit((7..<14).contains($0) ? 0.05 : 0.002) }
                counts.add(
                    Stay(
                        entered: entered, left: end.map { entered.advanced(by: $0) } ?? entered.advanced(by: 99),
                        exit: end == nil ? .lost : .won))
            }
            return counts
        }
        var settings = HazardSettings()
        settings.persistence = 0
        let (many, few) = (HazardModel(counts(20_000), settings: settings), HazardModel(counts(3), settings: settings))
        let week = many.bins.bin(of: 8)

        #expect(abs(many.hazard(.won, 0, week, 0) - 0.05) < 0.005)
        #expect(many.hazard(.won, 0, many.bins.bin(of: 40), 0) < 0.004)
        #expect(few.hazard(.won, 0, week, 0) < 0.02, "three opportunities are no proof")
    }

    @Test func `a month of the quarter in which nothing closes is learnt`() {
        var counts = HazardCounts(stages: 1, since: Day(17_000), asOf: Day(17_500))
        var random = SeededNumbers(seed: 9)
        for _ in 0..<15_000 {
            let entered = Day(17_000 + Int(random.uniform() * 480))
            let end = (0..<200).first { entered.advanced(by: $0).quarterPhase != 0 && random.isHit(0.02) }
            counts.add(Stay(entered: entered, left: end.map { entered.advanced(by: $0) }, exit: end.map { _ in .won }))
        }
        let model = HazardModel(counts)

        for bin in 2..<8 { #expect(model.hazard(.won, 0, bin, 0) * 4 < model.hazard(.won, 0, bin, 1)) }
    }

    @Test func `a segment that wins twice as often has twice the hazard`() {
        var counts = HazardCounts(stages: 1, segments: 2, since: Day(0), asOf: Day(300))
        var random = SeededNumbers(seed: 5)
        for _ in 0..<8_000 {
            let segment = random.isHit(0.5) ? 1 : 0
            let entered = Day(Int(random.uniform() * 280))
            let end = (0..<60).first { _ in random.isHit(segment == 1 ? 0.02 : 0.01) }
            counts.add(Stay(entered: entered, left: end.map { entered.advanced(by: $0) }, exit: end.map { _ in .won }, segment: segment))
        }
        let effects = HazardModel(counts).segmentEffects

        #expect(abs(effects[1] / effects[0] - 2) < 0.2, "\(effects)")
    }
}
