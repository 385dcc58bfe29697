import JSONEnvelope
import Rollouts
import SalesModel
import Testing

@testable import Console

/// What guards found, as somebody reads it who knows leads and no statistics.
@Suite struct GuardWordsTests {
    private func words(_ reading: GuardReading, _ language: Language = .english) throws -> GuardWords {
        func number(_ value: Double?) -> String { value.map { "\($0)" } ?? "null" }
        func count(_ value: Int?) -> String { value.map { "\($0)" } ?? "null" }
        let counts =
            #""n":\#(reading.n),"failures":\#(count(reading.failures)),"stable_n":\#(reading.stable),"stable_failures":\#(count(reading.stableFailures))"#
        let limits =
            #""expected":\#(number(reading.expected)),"rate_percent":\#(number(reading.rate.map { $0 * 100 })),"margin_points":\#(number(reading.margin.map { $0 * 100 }))"#
        let bound = #""lower_bound_points":\#(number(reading.lowerBound.map { $0 * 100 }))"#
        let rollout = try node(#"{"state":"canary","kind":"route","least_judged":500}"#)
        return GuardWords(try node(#"{"name":"\#(reading.name)",\#(counts),\#(limits),\#(bound)}"#), of: rollout, frame(language).1)
    }

    private func reading(_ plan: RolloutPlan, canary: Counts, stable: Counts = Counts()) throws -> GuardReading {
        let name = try #require(plan.guards.first?.name)
        let stages = [StageCounts(stable: stable, canary: canary)]
        return try #require(RolloutJudge(plan).verdict(of: RolloutEvidence(guards: [name: stages])).readings.first)
    }

    private func plan(_ name: String, _ test: Guard.Test) -> RolloutPlan { RolloutPlan(guards: [Guard(name, test)]) }

    @Test(arguments: [
        (Language.english, "25\u{A0}% (1 of 4) of the canary's leads failed that stable would have placed"),
        (.chinese, "稳定组可分配而灰度失败的线索 25%（1/4）"),
    ])
    func `failures are told in counts and percent, with the rate they may have`(language: Language, seen: String) throws {
        let reading = try reading(plan("technical", .technical(before: Counts())), canary: Counts(good: 3, bad: 1))
        let said = try words(reading, language)

        #expect(said.seen == seen)
        #expect(said.allowed == Words.of(language)["guard_allowed_rate", ["rate": Words.of(language).percent("0.5")]])
    }

    @Test func `arms that are compared are told beside each other, with how much worse the canary may be and may still prove to be`() throws
    {
        let reading = try reading(
            plan("success", .comparison(margin: 0.005)), canary: Counts(good: 85, bad: 15), stable: Counts(good: 180, bad: 20))

        let said = try words(reading)

        #expect(said.seen == "canary 85\u{A0}% (85 of 100), stable 90\u{A0}% (180 of 200)")
        let allowed = try #require(said.allowed)
        #expect(allowed.hasPrefix("at most 0.5 percentage points worse than stable; by these numbers up to "))
        #expect(allowed.hasSuffix(" percentage points worse is possible"))
    }

    @Test func `a rate that may never be exceeded is told with the worst that is possible and the limit for promotion`() throws {
        let reading = try reading(plan("asked", .limit(rate: 0.02, margin: 0.01)), canary: Counts(good: 98, bad: 2))

        let said = try words(reading)

        #expect(said.seen == "2\u{A0}% (2 of 100) of the canary's leads a person is asked about")
        let allowed = try #require(said.allowed)
        #expect(allowed.hasPrefix("2\u{A0}% at most; by these numbers up to ") && allowed.hasSuffix("that has to be below 3\u{A0}%"))
    }

    @Test func `where nothing was judged only what is allowed is told`() throws {
        let said = try words(try reading(plan("first_touch", .comparison(margin: 0.05)), canary: Counts()))

        #expect(said.seen == nil && said.allowed == "at most 5 percentage points worse than stable")
    }

    @Test func `how customers were drawn is told beside what the percentage lets expect`() throws {
        let exposures = [RolloutEvidence.Exposures(percent: try #require(Percent(5)), stable: 950, canary: 50)]
        let verdict = RolloutJudge(.standard(before: Counts())).verdict(of: RolloutEvidence(exposures: exposures))
        let ratio = try #require(verdict.readings.last)

        #expect(try words(ratio).seen == "5\u{A0}% (50 of 1,000) of the customers are in the canary; 50 would be expected")
    }

    @Test func `the line of a rollout is of the guard it waits for, and what is no guard's stands as it came`() throws {
        let told = "4 of 500 leads; 1 of 4 canary leads failed, held against 0.50 %"
        let technical = #"{"name":"technical","n":4,"failures":1,"words":"\#(told)"}"#
        func line(_ words: String) throws -> String? {
            GuardWords.line(try node(#"{"kind":"route","least_judged":500,"words":"\#(words)","guards":[\#(technical)]}"#), frame().1)
        }

        #expect(
            try line("technical: \(told)")
                == "Failures: 25\u{A0}% (1 of 4) of the canary's leads failed that stable would have placed; 4 of at least 500 leads judged"
        )
        #expect(try line("every guard finds it good enough") == "every guard finds it good enough")
    }

    @Test(arguments: [Language.english, .chinese])
    func `beside the failures of the arms it is said what the guard counts of them`(language: Language) throws {
        let words = Words.of(language)
        let reading = try reading(plan(RunningRollout.technical, .technical(before: Counts())), canary: Counts(good: 3, bad: 1))

        #expect(words["rollout_arms_technical"].contains("“\(words["guard_\(reading.name)"])”"))
        #expect(words["rollout_arms_technical"].contains(words["rollout_failed"]))
    }

    @Test(arguments: [(0.4, "100\u{A0}%"), (1, "100\u{A0}%"), (41, "2.4\u{A0}%"), (500, "0.2\u{A0}%"), (1e300, "< 0.01\u{A0}%")])
    func `evidence is told as the chance that it comes without harm`(evidence: Double, chance: String) {
        #expect(frame().1.chance(of: evidence) == chance)
    }
}
