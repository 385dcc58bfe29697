import Foundation
import Testing

@testable import Rollouts

@Suite struct TechnicalGuardTests {
    @Test(arguments: [0.005, 0.0062, 0.05], [0.2, 1.0])
    func `no bet gains on average where the rate is harmless`(held: Double, part: Double) {
        let technical = TechnicalGuard(rate: held, alpha: 0.003)
        let rate = held * part

        for leads in 0..<40 {
            for failures in 0...leads {
                let now = exp(technical.logEvidence(leads: leads, failures: failures))
                let mean =
                    rate * exp(technical.logEvidence(leads: leads + 1, failures: failures + 1))
                    + (1 - rate) * exp(technical.logEvidence(leads: leads + 1, failures: failures))
                #expect(mean <= now * (1 + 1e-9), "\(failures) of \(leads)")
            }
        }
    }

    @Test(arguments: [0.005, 0.02]) func `a harmless canary is stopped less often than the budget says, looked at after every lead`(
        held: Double
    ) {
        let technical = TechnicalGuard(rate: held, alpha: 0.003)

        let chance = chanceToStop(rate: held, within: 1_000) { $1 > 0 && technical.isHarm(leads: $0, failures: $1) }

        #expect(chance.last! <= 0.003)
        #expect(chance.last! > 0.0001, "a guard that never stops anything proves nothing")
    }

    /// Beside each rate the number of leads the paper asks for.
    @Test(arguments: [(nil, 3), (0.01, 4), (0.05, 5)] as [(Double?, Int)])
    func `a rule that fails 92 of 100 leads is stopped after so many in 95 of 100 cases`(rate: Double?, leads: Int) {
        let budget = GuardBudget.standard
        let technical =
            rate.map { TechnicalGuard(rate: $0, alpha: budget.technical) }
            ?? TechnicalGuard(stable: Counts(good: 1_000), alpha: budget.technical, estimationError: budget.estimation)

        let chance = chanceToStop(rate: 0.92, within: leads) { technical.isHarm(leads: $0, failures: $1) }

        #expect(chance.last! >= 0.95, "\(chance)")
    }

    @Test(arguments: [(0, false), (100, false), (400, false), (500, true), (800, true), (1_000, true)])
    func `where most leads fail under either version no change can do enough harm to be noticed`(failures: Int, isBlind: Bool) {
        let technical = TechnicalGuard(stable: Counts(good: 1_000 - failures, bad: failures), alpha: 0.003, estimationError: 0.002)

        #expect(technical.isBlind(whereFailing: Double(failures) / 1_000) == isBlind)
        // A change that fails all that stable would have placed, in as many leads as one likes.
        #expect(technical.isHarm(leads: 100_000, failures: 100 * (1_000 - failures)) == !isBlind)
    }

    @Test func `it is held against the upper bound of stable's rate, and never less than half a percent`() {
        func rate(_ failures: Int, of leads: Int, error: Double = 0.002) -> Double {
            TechnicalGuard(stable: Counts(good: leads - failures, bad: failures), alpha: 0.003, estimationError: error).rate
        }

        // 0.002^(1/1000) = 0.993805.
        #expect(abs(rate(0, of: 1_000) - 0.006195) < 1e-6)
        #expect(rate(0, of: 1_000, error: 0.01) == 0.005)
        #expect(rate(0, of: 100_000) == 0.005)
        #expect(rate(0, of: 0) == 0.005)
        #expect(rate(3, of: 3) == 1)
        // The bound's own promise: at a true rate of just the bound so few failures are as rare as asked for.
        let bound = rate(20, of: 1_000)
        #expect(abs((0...20).reduce(0) { $0 + binomial(1_000, $1, bound) } - 0.002) < 1e-5)
    }

    @Test func `where stable always fails nothing is held against the canary`() {
        let technical = TechnicalGuard(stable: Counts(bad: 10), alpha: 0.003, estimationError: 0.002)

        #expect(!technical.isHarm(leads: 10, failures: 10))
    }
}
