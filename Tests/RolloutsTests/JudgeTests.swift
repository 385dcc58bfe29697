import Testing

@testable import Rollouts

@Suite struct JudgeTests {
    private let plan = RolloutPlan.standard(before: Counts(good: 1_000), behaviours: ["first_touch"])

    /// Both arms fare alike, in hundreds of leads.
    private func evidence(
        technical: Counts, success: StageCounts, touch: StageCounts, exposures: (stable: Int, canary: Int) = (0, 0)
    ) throws -> RolloutEvidence {
        RolloutEvidence(
            exposures: [.init(percent: try #require(Percent(5)), stable: exposures.stable, canary: exposures.canary)],
            guards: ["technical": [StageCounts(canary: technical)], "success": [success], "first_touch": [touch]])
    }

    private func stage(stable: Counts, canary: Counts) -> StageCounts { StageCounts(stable: stable, canary: canary) }

    @Test func `three failures are enough to abort, and the words say what happened`() throws {
        let failures = Counts(bad: 3)
        let verdict = RolloutJudge(plan).verdict(
            of: try evidence(technical: failures, success: stage(stable: Counts(good: 60), canary: failures), touch: StageCounts()))

        #expect(verdict.decision == .abort)
        #expect(verdict.words == "technical: 3 of 3 canary leads failed, held against 0.62 %")
    }

    @Test func `too few leads go on, and the words say how many are missing`() throws {
        let good = stage(stable: Counts(good: 6_000), canary: Counts(good: 312))
        let verdict = RolloutJudge(plan).verdict(of: try evidence(technical: Counts(good: 312), success: good, touch: good))
        let success = try #require(verdict.readings.first { $0.name == "success" })

        #expect(verdict.decision == .continue)
        #expect(verdict.words == "technical: 312 of 500 leads; 0 of 312 canary leads failed, held against 0.62 %")
        #expect(success.words.hasPrefix("312 of 500 leads; lower bound −1."))
        #expect(success.words.hasSuffix(" points, needs −0.5"))
        #expect(success.n == 312)
    }

    @Test func `evidence for every guard makes it promotable, silence does not`() throws {
        let good = stage(stable: Counts(good: 20_000), canary: Counts(good: 1_300))
        let touched = stage(stable: Counts(good: 18_000, bad: 2_000), canary: Counts(good: 1_170, bad: 130))
        let judge = RolloutJudge(plan)

        let whole = judge.verdict(of: try evidence(technical: Counts(good: 1_300), success: good, touch: touched))
        #expect(whole.decision == .promotable)
        #expect(whole.words == "every guard finds it good enough")

        let silent = judge.verdict(of: try evidence(technical: Counts(good: 1_300), success: good, touch: StageCounts()))
        #expect(silent.decision == .continue)
        #expect(silent.words == "first_touch: 0 of 500 leads; lower bound −100.0 points, needs −5.0")
        #expect(judge.verdict(of: RolloutEvidence()).decision == .continue)
        #expect(RolloutJudge(RolloutPlan(guards: [])).verdict(of: RolloutEvidence()).decision == .continue)
    }

    @Test func `a guard that can notice nothing says so`() {
        #expect(RolloutJudge(.standard(before: Counts(good: 600, bad: 400))).warnings == [])
        #expect(RolloutJudge(.standard(before: Counts())).warnings == [])
        #expect(
            RolloutJudge(.standard(before: Counts(good: 200, bad: 800))).warnings == [
                "technical: it can notice no harm as long as 800 of 1000 leads fail anyhow, as before it began: "
                    + "a change can fail the others only, and those are too few"
            ])
    }

    @Test func `what is missing never counts as good`() throws {
        let judge = RolloutJudge(plan)
        let good = stage(stable: Counts(good: 20_000), canary: Counts(good: 1_300))
        let silent = stage(stable: Counts(good: 18_000, bad: 2_000), canary: Counts(good: 1_100, missing: 200))
        let unknownStable = stage(stable: Counts(good: 16_000, missing: 4_000), canary: Counts(good: 1_170, bad: 130))

        let unread = judge.verdict(of: try evidence(technical: Counts(missing: 3), success: good, touch: good))
        #expect(
            unread.words == "technical: 3 of 3 canary leads failed, held against 0.62 %; of 3 nothing is known, which counts as not good")
        let lost = judge.verdict(of: try evidence(technical: Counts(good: 1_300), success: good, touch: silent))
        #expect(lost.decision == .abort, "a canary that loses its data looks like one that fails")
        #expect(lost.words.hasSuffix("of 200 nothing is known, which counts as not good"))
        let doubtful = judge.verdict(of: try evidence(technical: Counts(good: 1_300), success: good, touch: unknownStable))
        #expect(doubtful.decision == .continue, "stable may have been far better")
    }

    @Test func `a worse canary is taken back by the comparison`() throws {
        let good = stage(stable: Counts(good: 2_000), canary: Counts(good: 100))
        let worse = stage(stable: Counts(good: 1_800, bad: 200), canary: Counts(good: 60, bad: 40))
        let verdict = RolloutJudge(plan).verdict(of: try evidence(technical: Counts(good: 100), success: good, touch: worse))

        #expect(verdict.decision == .abort)
        #expect(verdict.words == "first_touch: 60 of 100 canary leads good, 1800 of 2000 stable leads; worse beyond chance")
    }

    @Test func `arms that are not split as asked for are no comparison`() throws {
        let verdict = RolloutJudge(plan).verdict(
            of: try evidence(technical: Counts(), success: StageCounts(), touch: StageCounts(), exposures: (9_610, 390)))

        #expect(verdict.decision == .abort)
        #expect(verdict.words == "sample_ratio: 390 of 10000 customers in the canary arm, 500 expected")
    }

    @Test func `numbers for people have a minus only where there is something to be less`() {
        #expect((-0.61).words(decimals: 1) == "−0.6")
        #expect((-0.04).words(decimals: 1) == "0.0")
        #expect(0.0062.percentWords == "0.62 %")
    }
}
