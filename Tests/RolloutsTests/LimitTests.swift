import Testing

@testable import Rollouts

/// A rate that may not be exceeded whatever the other arm does: warnings that do not come true.
@Suite struct LimitTests {
    private let judge = RolloutJudge(
        RolloutPlan(
            guards: [Guard("false_warnings", .limit(rate: 0.6, margin: 0.05))], leastLeads: 50,
            words: RolloutPlan.Words(unit: "warnings", members: "teams")))

    private func evidence(_ stages: Counts...) -> RolloutEvidence {
        RolloutEvidence(guards: ["false_warnings": stages.map { StageCounts(canary: $0) }])
    }

    private func verdict(true good: Int, false bad: Int) -> Verdict { judge.verdict(of: evidence(Counts(good: good, bad: bad))) }

    @Test func `a model as good as it must be is taken back three times in a thousand at most, however often one looks`() {
        let stopped = chanceToStop(rate: 0.6, within: 300) { warnings, wrong in
            judge.harm(of: evidence(Counts(good: warnings - wrong, bad: wrong))) != nil
        }

        #expect(stopped.last! <= 0.003)
        #expect(stopped.last! > 0)
    }

    @Test func `one whose warnings are all false is taken back after a dozen and some, and the words say why`() {
        #expect(verdict(true: 0, false: 10).decision == .continue)
        let verdict = verdict(true: 0, false: 20)

        #expect(verdict.decision == .abort)
        #expect(verdict.words == "false_warnings: 20 of 20 canary warnings failed, at most 60.00 % may")
        let stopped = chanceToStop(rate: 0.9, within: 120) { warnings, wrong in
            judge.harm(of: evidence(Counts(good: warnings - wrong, bad: wrong))) != nil
        }
        #expect(stopped.last! > 0.95, "nine false of ten are found within 120 warnings")
    }

    @Test func `it is promotable when enough came true, and says what is missing`() {
        #expect(verdict(true: 33, false: 16).decision == .continue, "49 warnings are not fifty")
        #expect(verdict(true: 34, false: 16).decision == .promotable)
        let behind = verdict(true: 20, false: 30)
        #expect(behind.decision == .continue)
        #expect(
            behind.words.hasPrefix("false_warnings: 50 of 50 warnings; 30 of 50 canary warnings failed, at most 60.00 % may; lower bound −")
        )
        #expect(behind.words.hasSuffix("points, needs −5.0"))
    }

    @Test func `stages are added up, since the other arm is not in it`() {
        let split = judge.verdict(of: evidence(Counts(good: 17, bad: 8), Counts(good: 17, bad: 8)))

        #expect(split.decision == .promotable)
        #expect(split.readings.first == verdict(true: 34, false: 16).readings.first)
        #expect(judge.verdict(of: RolloutEvidence()).decision == .continue)
    }
}
