import Foundation
import Sampling
import Testing

@testable import Forecasts

@Suite struct WinOddsTests {
    /// Believed hazards: the same at every age.
    private let even = HazardModel(HazardCounts(stages: 1, since: Day(0), asOf: Day(0)))

    @Test func `with the same hazard every day the odds are those of the formula`() {
        let (won, lost, moved) = (0.2 / 60, 0.8 / 60, 1.0 / 20)
        // From the only stage one moves to itself.
        let odds = WinOdds(even, asOf: Day(100), window: Day(101)...Day(128))
        let stays = 1 - won - lost

        #expect(abs(odds.odds(stage: 0, entered: Day(90)) - won / (won + lost) * (1 - pow(stays, 28))) < 1e-9)
        #expect(moved > 0)
    }

    @Test func `what is won before the window does not count`() {
        let whole = WinOdds(even, asOf: Day(100), window: Day(101)...Day(160)).odds(stage: 0, entered: Day(90))
        let first = WinOdds(even, asOf: Day(100), window: Day(101)...Day(130)).odds(stage: 0, entered: Day(90))
        let second = WinOdds(even, asOf: Day(100), window: Day(131)...Day(160)).odds(stage: 0, entered: Day(90))

        #expect(abs(whole - first - second) < 1e-12 && second < first)
        #expect(WinOdds(even, asOf: Day(100), window: Day(50)...Day(100)).odds(stage: 0, entered: Day(90)) == 0, "the past is no forecast")
    }

    @Test func `odds through stages are those of following an opportunity forwards`() {
        let data = InventedTenant(seed: 4).deals()
        let asOf = Day(17_400)
        var counts = HazardCounts(stages: 3, since: data.firstEnding!, asOf: asOf)
        for deal in data.deals { for stay in deal.stays { counts.add(stay) } }
        let model = HazardModel(counts)
        let odds = WinOdds(model, asOf: asOf, window: asOf.advanced(by: 1)...asOf.advanced(by: 40), multipliers: [1, 0.5])

        for (stage, entered, multiplier) in [(0, 17_398, 0), (0, 17_250, 1), (1, 17_400, 0), (2, 17_000, 1)] {
            let forwards = forwards(model, stage, Day(entered), asOf, days: 40, multiplier: [1, 0.5][multiplier])
            #expect(abs(odds.odds(stage: stage, entered: Day(entered), multiplier: multiplier) - forwards) < 1e-9)
        }
        #expect(
            abs(
                odds.odds(beginningIn: 0, on: asOf.advanced(by: 11))
                    - forwards(model, 0, asOf.advanced(by: 11), asOf.advanced(by: 10), days: 30))
                < 1e-9)
    }

    /// The share of it that was won, day by day: by stage and age.
    private func forwards(_ model: HazardModel, _ stage: Int, _ entered: Day, _ asOf: Day, days: Int, multiplier: Double = 1) -> Double {
        var shares = [[Int]: Double]()
        shares[[stage, entered.distance(to: asOf) + 1]] = 1
        var won = 0.0
        for offset in 1...days {
            let phase = asOf.advanced(by: offset).quarterPhase
            var next = [[Int]: Double]()
            for (place, share) in shares {
                let bin = model.bins.bin(of: place[1])
                let hazard = HazardCounts.Cause.allCases.map { model.hazard($0, place[0], bin, phase) * ($0 == .won ? multiplier : 1) }
                won += share * hazard[0]
                next[[place[0], place[1] + 1], default: 0] += share * (1 - hazard[0] - hazard[1] - hazard[2])
                for to in 0..<model.stages {
                    next[[to, 1], default: 0] += share * hazard[2] * model.transitions[place[0] * model.stages + to]
                }
            }
            shares = next
        }
        return won
    }

    @Test func `new business is what begins times the odds of each day`() {
        let begun = (0..<140).flatMap { day in [(day: Day(day), stage: 0), (day: Day(day), stage: 0)].prefix(Day(day).weekday >= 5 ? 0 : 2)
        }
        let arrivals = Arrivals(begun: begun, stages: 1, since: Day(0), asOf: Day(139))
        let odds = WinOdds(even, asOf: Day(139), window: Day(140)...Day(167))

        #expect(abs(arrivals.working - 2) < 1e-9 && arrivals.off == 0 && arrivals.dispersion == 1)
        let byHand = (140...167).reduce(0) { $0 + (Day($1).weekday >= 5 ? 0 : 2) * odds.odds(beginningIn: 0, on: Day($1)) }
        #expect(abs(arrivals.expectedWins(odds) - byHand) < 1e-9)
    }

    @Test func `a week of holidays is no week of work, before it and in it`() {
        let holidays = Day(140)...Day(146)
        let isOff: @Sendable (Day) -> Bool = { holidays.contains($0) || Arrivals.weekends($0) }
        let begun = (0..<147).filter { !isOff(Day($0)) }.map { (day: Day($0), stage: 0) }
        func arrivals(_ asOf: Int) -> Arrivals { Arrivals(begun: begun, stages: 1, since: Day(0), asOf: Day(asOf), isOff: isOff) }

        #expect(arrivals(139).expectedWins(WinOdds(even, asOf: Day(139), window: Day(140)...Day(146))) == 0)
        #expect(abs(arrivals(146).working - 1) < 1e-9, "a week without business was no week without customers")
    }

    @Test func `weeks that differ more than chance are said to`() {
        var random = SeededNumbers(seed: 2)
        let weeks = (0..<26).map { _ in random.isHit(0.5) ? 40 : 10 }
        let begun = weeks.enumerated().flatMap { week, count in (0..<count).map { (day: Day(week * 7 + $0 % 7), stage: 0) } }

        #expect(Arrivals(begun: begun, stages: 1, since: Day(0), asOf: Day(181)).dispersion > 4)
    }
}
