import Foundation
import Sampling
import Testing

@testable import Forecasts

@Suite struct IntervalTests {
    @Test func `before any error there is an interval, and it is learnt from errors`() {
        var interval = AdaptiveInterval()
        let before = interval.interval(around: 100)
        #expect(before.contains(100) && before.lowerBound > 55 && before.upperBound < 175)

        for _ in 0..<60 { interval.learn(forecast: 100, actual: 101, interval: 90...110) }

        let after = interval.interval(around: 100)
        #expect(interval.learnt == 60 && after.upperBound - after.lowerBound < (before.upperBound - before.lowerBound) / 3)
    }

    @Test func `a miss makes it wider, a hit narrower`() {
        var (missed, hit) = (AdaptiveInterval(), AdaptiveInterval())

        missed.learn(forecast: 100, actual: 100, interval: 0...1)
        hit.learn(forecast: 100, actual: 100, interval: 99...101)

        #expect(abs(missed.alpha - 0.16) < 1e-12 && abs(hit.alpha - 0.21) < 1e-12)
        #expect(missed.interval(around: 100).upperBound > hit.interval(around: 100).upperBound)
    }

    @Test(arguments: 1...5)
    func `it holds four in five, whatever the errors are, even when they grow`(seed: UInt64) {
        var random = SeededNumbers(seed: seed)
        var (interval, held) = (AdaptiveInterval(), 0)
        for round in 0..<600 {
            let actual = 200 * exp((round < 300 ? 0.1 : 0.4) * random.normal())
            let given = interval.interval(around: 200)
            if given.contains(actual) { held += 1 }
            interval.learn(forecast: 200, actual: actual, interval: given)
        }

        #expect(abs(Double(held) / 600 - 0.8) < 0.04, "\(held) of 600")
    }

    @Test func `paths are the same for the same seed and others for another`() {
        let prospects = Prospects(open: (1...50).map { .init(odds: 0.3, amount: Double($0)) }, newWins: 5, newAmount: 20, dispersion: 2)
        let paths = Paths(spread: 0.2, seed: 7)

        #expect(paths.run(prospects) == paths.run(prospects))
        #expect(Paths(spread: 0.2, seed: 8).run(prospects) != paths.run(prospects))
    }

    @Test(arguments: [0.0, 0.3])
    func `many opportunities drawn at once spread as those drawn one by one`(spread: Double) {
        // 3,000 alike: a thousand are drawn singly, 2,000 at once.
        let prospects = Prospects(open: [Prospects.Chance](repeating: .init(odds: 0.2, amount: 1_000), count: 3_000))
        let (wins, amount) = Paths(count: 4_000, spread: spread, seed: 1).run(prospects)
        // Mean 600, variance 480; with a common factor 600² (e^σ² − 1) more, of a log-normal shape.
        let deviation = (480 + 600 * 600 * (exp(spread * spread) - 1)).squareRoot()

        #expect(abs(wins.p50 - 600 * exp(-spread * spread / 2)) < 12)
        #expect(abs((wins.p90 - wins.p10) / 2 / 1.2816 - deviation) < deviation * 0.08, "\(wins) beside \(deviation)")
        #expect(abs(amount.p50 - wins.p50 * 1_000) < 10_000)
    }

    @Test func `uneven new business has the variance it was seen to have`() {
        let even = Paths(count: 4_000, spread: 0, seed: 1).run(Prospects(open: [], newWins: 100)).wins
        let uneven = Paths(count: 4_000, spread: 0, seed: 1).run(Prospects(open: [], newWins: 100, dispersion: 4)).wins

        #expect(abs((even.p90 - even.p10) / 2.563 - 10) < 1 && abs((uneven.p90 - uneven.p10) / 2.563 - 20) < 2)
    }

    @Test func `amounts count for what was got of them, a segment as far as it was seen`() {
        let won = [Double](repeating: 1_000, count: 200).map { (entered: $0, realised: $0 * 0.8, segment: 0) } + [(1_000, 100, 1)]
        let ratio = AmountRatio(won: won)

        #expect(abs(ratio.overall - 0.8) < 0.02 && abs(ratio[0] - 0.8) < 0.01)
        #expect(ratio[1] > 0.65, "one discount is no rule")
        #expect(ratio[7] == ratio.overall)
        #expect(AmountRatio(won: []).overall == 1)
    }
}

private func == (a: (wins: Spread, amount: Spread), b: (wins: Spread, amount: Spread)) -> Bool { a.wins == b.wins && a.amount == b.amount }
private func != (a: (wins: Spread, amount: Spread), b: (wins: Spread, amount: Spread)) -> Bool { !(a == b) }
