import Foundation
import Testing

@testable import Rollouts

@Suite struct ConfidenceSequenceTests {
    @Test(arguments: [0.5, 0.9, 0.998]) func `the true mean is ever outside of the bounds less often than the error says`(rate: Double) {
        let limit = log(0.05)
        let chance = chanceToStop(rate: rate, within: 400) { leads, good in
            let seen = sample(good, of: leads)
            return seen.logPromotionMixture - seen.logLikelihood(at: rate) >= -limit
        }

        #expect(chance.last! <= 0.05)
        #expect(chance.last! > 0.005)
    }

    @Test(arguments: [(0, 10), (10, 10), (7, 10), (499, 500), (900, 1_000)])
    func `the bounds are where the bets are won`(good: Int, leads: Int) {
        let seen = sample(good, of: leads)
        let bounds = ConfidenceSequence.bounds(of: seen, error: 0.05)
        func evidence(_ rate: Double) -> Double { exp(seen.logPromotionMixture - seen.logLikelihood(at: rate)) }

        #expect(bounds.contains(seen.mean))
        #expect(bounds.lowerBound == 0 || abs(evidence(bounds.lowerBound) - 20) < 1e-3)
        #expect(bounds.upperBound == 1 || abs(evidence(bounds.upperBound) - 20) < 1e-3)
    }

    @Test func `nothing seen, nothing known`() {
        #expect(ConfidenceSequence.bounds(of: sample(0, of: 0), error: 0.05) == 0...1)
        #expect(ConfidenceSequence.lowerBound(of: [], error: 0.05) == -1)
        #expect(ConfidenceSequence.lowerBound(of: [(sample(0, of: 0), sample(0, of: 0))], error: 0.05) == -1)
    }

    /// Every pair of results of two small arms, weighed by its chance.
    @Test(arguments: [(0.9, 0.8), (0.99, 0.5), (0.6, 0.6)]) func `the difference is below its bound less often than the error says`(
        stable: Double, canary: Double
    ) {
        var missed = 0.0
        for stableGood in 0...40 {
            for canaryGood in 0...20 {
                let bound = ConfidenceSequence.lowerBound(of: [(sample(stableGood, of: 40), sample(canaryGood, of: 20))], error: 0.4)
                if bound > canary - stable { missed += binomial(40, stableGood, stable) * binomial(20, canaryGood, canary) }
            }
        }
        #expect(missed <= 0.2, "the first stage has half of the error")
    }

    @Test func `it takes a thousand leads without a failure to be sure of half a point`() {
        func bound(_ leads: Int) -> Double {
            ConfidenceSequence.lowerBound(of: [(sample(leads * 19, of: leads * 19), sample(leads, of: leads))], error: 0.05)
        }

        #expect(bound(500) < -0.01)
        #expect(bound(1_000) < -0.005)
        #expect(bound(1_250) > -0.005)
    }

    @Test func `the stage that says most counts, and leads of two stages are never added up`() {
        let one = (stable: sample(900, of: 1_000), canary: sample(900, of: 1_000))
        let two = (stable: sample(9_000, of: 10_000), canary: sample(9_000, of: 10_000))
        func bound(_ stages: [(stable: Sample, canary: Sample)]) -> Double { ConfidenceSequence.lowerBound(of: stages, error: 0.05) }

        #expect(bound([one, two]) > bound([one]) + 0.02)
        #expect(bound([one, one]) == bound([one]), "the second has a sixth of the error, the first half of it")
        #expect(bound([one, two]) < bound([two]))
        // 5 % in a good week, 50 % in a bad one: alike in either, and the sums would say that the canary gains.
        let good = (stable: sample(100, of: 1_000), canary: sample(10, of: 100))
        let bad = (stable: sample(90, of: 100), canary: sample(900, of: 1_000))
        #expect(bound([good, bad]) < 0)
    }

    @Test func `values between 0 and 1 are bounded too`() {
        let halves = ConfidenceSequence.bounds(of: Sample(count: 400, total: 200.5), error: 0.05)

        #expect(halves.contains(0.5) && halves.upperBound < 0.6 && halves.lowerBound > 0.4)
    }
}
