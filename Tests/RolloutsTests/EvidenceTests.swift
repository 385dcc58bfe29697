import Foundation
import Testing

@testable import Rollouts

@Suite struct EvidenceTests {
    @Test(arguments: [0.5, 0.9, 0.99], [(3, 12), (20, 20), (25, 5)])
    func `on average nothing is won against equal arms`(rate: Double, sizes: (canary: Int, stable: Int)) {
        var mean = 0.0
        for canary in 0...sizes.canary {
            for stable in 0...sizes.stable {
                let evidence = TwoSampleEvidence.log(stable: sample(stable, of: sizes.stable), canary: sample(canary, of: sizes.canary))
                mean += binomial(sizes.canary, canary, rate) * binomial(sizes.stable, stable, rate) * exp(evidence)
            }
        }
        #expect(mean <= 1)
    }

    @Test func `a canary that looks no worse is no harm`() {
        for good in 0...50 where Double(good) / 50 >= 0.9 {
            #expect(TwoSampleEvidence.log(stable: sample(90, of: 100), canary: sample(good, of: 50)) <= 0)
        }
        #expect(TwoSampleEvidence.log(stable: sample(0, of: 0), canary: sample(0, of: 50)) <= 0, "nothing to compare with")
    }

    @Test func `it is the formula of the paper`() {
        // Worked out by hand: canary 1 of 3 good, stable 3 of 3; pooled 4 of 6.
        // B(1½, 2½) / B(½, ½) = 1/16, B(3½, ½) / B(½, ½) = 5/16; (2/3)⁴ (1/3)² = 16/729.
        let evidence = TwoSampleEvidence.log(stable: sample(3, of: 3), canary: sample(1, of: 3))

        #expect(abs(exp(evidence) - 5.0 / 256 * 729 / 16) < 1e-9)
    }

    @Test func `stages do not make an innocent canary look bad`() {
        // A good week at 5 %, then a bad one at 50 %: within either the arms are alike, in the sum the canary has 70 % and stable 87 %.
        let stages = [
            StageCounts(stable: Counts(good: 1_710, bad: 190), canary: Counts(good: 90, bad: 10)),
            StageCounts(stable: Counts(good: 120, bad: 80), canary: Counts(good: 120, bad: 80)),
        ]

        #expect(TwoSampleEvidence.log(stages) < 0)
        let sums = stages.reduce(StageCounts()) { StageCounts(stable: $0.stable + $1.stable, canary: $0.canary + $1.canary) }
        #expect(TwoSampleEvidence.log([sums]) > log(250), "the sums would have condemned it")
    }

    @Test(arguments: [1, 500, 5_000]) func `the split of customers is a fair bet at the percentage asked for`(hundredths: Int) throws {
        let percent = try #require(Percent(hundredths: hundredths))
        for customers in 0..<30 {
            for canary in 0...customers {
                func evidence(_ more: Int, _ canary: Int) -> Double {
                    exp(SampleRatio.logEvidence(stable: customers + more - canary, canary: canary, percent: percent))
                }
                let mean = percent.share * evidence(1, canary + 1) + (1 - percent.share) * evidence(1, canary)
                #expect(abs(mean / evidence(0, canary) - 1) < 1e-9)
            }
        }
    }

    @Test func `a split that is not what was asked for is found`() throws {
        let percent = try #require(Percent(5))
        let limit = -log(SampleRatio.alpha)

        #expect(SampleRatio.logEvidence(stable: 9_500, canary: 500, percent: percent) < 0)
        #expect(SampleRatio.logEvidence(stable: 9_610, canary: 390, percent: percent) > limit)
        #expect(SampleRatio.logEvidence(stable: 9_380, canary: 620, percent: percent) > limit)
        #expect(SampleRatio.logEvidence(stable: 9, canary: 1, percent: .none) == .infinity)
        #expect(SampleRatio.logEvidence(stable: 0, canary: 10, percent: .all) == 0)
    }

    @Test func `the budget's shares are never more than one in a hundred`() {
        #expect(GuardBudget.standard.total <= 0.01)
        #expect(GuardBudget(estimation: 0.002, technical: 0.004, comparison: 0.0039) != nil)
        #expect(GuardBudget(estimation: 0.002, technical: 0.004, comparison: 0.0041) == nil)
        #expect(GuardBudget(estimation: 0, technical: 0.004, comparison: 0.004) == nil)
        let plan = RolloutPlan.standard(before: Counts(good: 1_000), behaviours: ["first_touch", "follow_up", "complaints"])
        #expect(plan.comparisonAlpha == 0.001, "four comparisons share it")
    }
}
