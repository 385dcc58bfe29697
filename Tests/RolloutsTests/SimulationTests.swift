import Sampling
import Testing

@testable import Rollouts

/// Short forms of what `kiteline rollout simulate` runs at length. The seeds are fixed, so nothing here depends on luck.
@Suite struct SimulationTests {
    @Test func `harmless changes are left alone, though they are looked at after every lead`() {
        let report = HarmlessChanges(changes: 300, leads: 500).run()

        // At the bound of 1 % three are expected, and more than nine come once in 970 times (binomial, 300).
        #expect(report.rolledBack <= 9, "\(report)")
        #expect(report.upperBound >= Double(report.rolledBack) / 300)
    }

    @Test func `a rule that fails nine times in ten is gone after three leads`() {
        let report = FaultyRelease(runs: 200).run()

        #expect(report.stopped == 200)
        #expect(report.p95CanaryLeads <= 3, "\(report)")
        #expect(report.p95Leads <= 124, "three leads of 5 %: 124 arrive at most in 95 of 100 cases")
    }

    @Test func `harm is found where it is, and the peeked test finds it where it is not`() throws {
        let detection = HarmDetection(runs: 20, leads: 1_500)
        let half = try #require(Percent(50))
        func row(_ words: String) throws -> HarmDetection.Row {
            detection.row(try #require(HarmDetection.harms.first { $0.words == words }), half)
        }

        let calm = try row("none (90 % touched)")
        #expect(calm.guards.stopped == 0)
        #expect(calm.fixedThreshold.stopped >= 15, "a fixed limit a point from the usual is crossed by chance")
        #expect(calm.peekedZTest.stopped >= 2, "5 % for one look become many over thirty")
        let harmful = try row("30 % touched")
        #expect(harmful.guards.stopped == 20)
        #expect(try #require(harmful.guards.p95Leads) <= 150)
    }

    @Test func `what is simulated is what the judge says`() throws {
        let percent = try #require(Percent(20))
        let change = SimulatedChange(share: 0.2, stableFailures: 0.01, canaryFailures: 0.01, stableTouch: 0.9, canaryTouch: 0.5)
        for seed in 0..<3 as Range<UInt64> {
            var random = SeededNumbers(seed: seed)
            let before = change.before(&random)
            let plan = RolloutPlan.standard(before: before, behaviours: ["first_touch"])
            let judge = RolloutJudge(plan)
            var watch = GuardWatch(plan: plan, before: before, percent: percent)
            var sums = SimulatedSums()
            var hasStopped = false
            for number in 0..<400 where !hasStopped {
                let lead = change.lead(number, &random)
                sums.add(lead)
                let exposures = RolloutEvidence.Exposures(
                    percent: percent, stable: sums.success.stable.leads, canary: sums.success.canary.leads)
                let verdict = judge.verdict(
                    of: RolloutEvidence(
                        exposures: [exposures],
                        guards: ["technical": [sums.success], "success": [sums.success], "first_touch": [sums.touch]]))
                let stopped = watch.stops(sums, after: lead)
                let aborting = verdict.readings.first { $0.decision == .abort }?.name
                #expect(stopped == aborting, "after \(sums.leads) leads of seed \(seed)")
                hasStopped = stopped != nil
            }
            #expect(hasStopped)
        }
    }

    @Test func `a change worse than the margin is seldom called good`() {
        // 84 % beside 90 %: six points worse, where five are allowed. Looked at every 100 leads.
        var promoted = 0
        for seed in 0..<40 as Range<UInt64> {
            var random = SeededNumbers(seed: seed)
            var (stable, canary) = (0, 0)
            for leads in stride(from: 100, through: 1_000, by: 100) {
                stable += random.hits(0.9, of: 100)
                canary += random.hits(0.84, of: 100)
                let bound = ConfidenceSequence.lowerBound(of: [(sample(stable, of: leads), sample(canary, of: leads))], error: 0.05)
                guard bound <= -0.05 else {
                    promoted += 1
                    break
                }
            }
        }
        // 5 % of 40 are two; more than six come once in 290 times.
        #expect(promoted <= 6)
    }
}
