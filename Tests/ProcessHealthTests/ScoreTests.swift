import Foundation
import Sampling
import Testing

@testable import ProcessHealth

@Suite struct ScoreTests {
    @Test func `scores are those worked out by hand`() {
        let answers = [(0.9, true), (0.6, false), (0.4, true), (0.1, false)].map { (probability: $0.0, isHit: $0.1) }

        #expect(abs(ProbabilityScores.brier(answers) - (0.01 + 0.36 + 0.36 + 0.01) / 4) < 1e-12)
        #expect(abs(ProbabilityScores.averagePrecision(answers)! - (0.5 * 1 + 0.5 * 2 / 3)) < 1e-12)
        #expect(abs(ProbabilityScores.calibrationError(answers, groups: 2)! - (abs(1.5 - 1) + abs(0.5 - 1)) / 4) < 1e-12)
        #expect(ProbabilityScores.averagePrecision(answers.map { ($0.probability, false) }) == nil)
    }

    @Test func `equal probabilities count together`() {
        let answers = [(0.5, true), (0.5, false), (0.5, false), (0.5, false)].map { (probability: $0.0, isHit: $0.1) }

        #expect(ProbabilityScores.averagePrecision(answers) == 0.25)
    }

    @Test func `calibration repairs probabilities that are too sure`() {
        var random = SeededNumbers(seed: 3)
        let logits = (0..<4_000).map { _ -> (logit: Double, isHit: Bool) in
            let truth = random.normal()
            return (3 * truth, random.isHit(1 / (1 + exp(-truth + 1))))
        }

        let calibration = Calibration.fitted(logits)

        #expect(abs(calibration.slope - 1.0 / 3) < 0.05)
        #expect(abs(calibration.shift + 1) < 0.15)
    }

    @Test func `where higher log-odds meant fewer falls nothing is turned round`() {
        let logits = (0..<100).map { (logit: Double($0), isHit: $0 < 50) }

        #expect(Calibration.fitted(logits) == .none)
    }

    @Test func `the fit finds coefficients that are there, and draws those of small groups to nought`() throws {
        var random = SeededNumbers(seed: 5)
        let rows = (0..<5_000).map { _ -> RidgeLogistic.Row in
            let x = random.normal()
            let isRare = random.isHit(0.002)
            return RidgeLogistic.Row(
                columns: [(0, x), (1, 10)] + (isRare ? [(2, 0.3)] : []), isHit: isRare || random.isHit(1 / (1 + exp(-(0.8 * x - 1)))))
        }

        let fit = try #require(RidgeLogistic.fit(rows, columns: 3, variance: 1))

        #expect(abs(fit[0] - 0.8) < 0.1)
        #expect(abs(10 * fit[1] + 1) < 0.1)
        #expect((0.01..<1.5).contains(0.3 * fit[2]))
    }

    @Test func `the interval of a difference is drawn by whole sellers`() throws {
        var (good, bad) = (Confusion(), Confusion())
        for _ in 0..<50 {
            good.add(warned: true, falls: true)
            bad.add(warned: true, falls: false)
        }
        let clusters = (0..<20).map { [$0 % 2 == 0 ? good : bad] }

        let interval = try #require(ClusterBootstrap(clusters: clusters, draws: 1_000, seed: 1).interval { $0[0].precision ?? 0 })

        // Half of 20 coins: about 0.28 to 0.72; a thousand single weeks would give 0.47 to 0.53.
        #expect(interval.lowerBound < 0.35 && interval.upperBound > 0.65)
        #expect(ClusterBootstrap(clusters: [[good]], draws: 10, seed: 1).interval { _ in 0 } == nil)
    }
}
