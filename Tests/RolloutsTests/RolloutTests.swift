import Testing

@testable import Rollouts

@Suite struct RolloutTests {
    private let five = Percent(5) ?? .all
    private let twenty = Percent(20) ?? .all

    private func rollout(_ version: Int, _ state: RolloutState, lineage: String = "route/default") -> Rollout {
        Rollout(lineage: lineage, version: version, state: state)
    }

    private func verdict(_ decision: RolloutDecision) -> Verdict { Verdict(decision: decision, readings: [], words: "312 of 500 leads") }

    /// Why a rollout in this state does not take the step; nil where it does.
    private func refusal(
        _ step: Rollout.Step, from state: RolloutState, in surroundings: Rollout.Surroundings = .init()
    ) -> RolloutRefusal? {
        var change = rollout(2, state)
        do throws(RolloutRefusal) {
            try change.take(step, in: surroundings)
            return nil
        } catch {
            #expect(change.state == state, "nothing has changed")
            return error
        }
    }

    @Test func `a version goes from draft to live`() throws {
        var change = rollout(2, .draft)
        let beside = Rollout.Surroundings(rollouts: [rollout(1, .live), change], passedRounds: 1)
        let steps: [Rollout.Step] = [
            .check, .replay, .shadow, .canary(five), .canary(twenty), .promote(verdict(.promotable), override: nil), .retire,
        ]

        for step in steps { try change.take(step, in: beside) }

        #expect(change.state == .retired)
    }

    @Test func `each state goes only where it says`() {
        let states: [RolloutState] = [.draft, .checked, .replayed, .shadow, .canary(five), .live, .retired, .aborted]
        let steps: [(Rollout.Step, RolloutState.Name)] = [
            (.check, .checked), (.replay, .replayed), (.shadow, .shadow), (.canary(twenty), .canary),
            (.promote(nil, override: "the guards were wrong"), .live), (.retire, .retired), (.abort, .aborted),
        ]

        for state in states {
            for (step, target) in steps {
                let expected: RolloutRefusal? =
                    state.name.next.contains(target) ? nil : .notReachable(from: state.name, to: target)
                #expect(refusal(step, from: state) == expected, "\(state) → \(target)")
            }
        }
        #expect(RolloutState.Name.aborted.next.isEmpty)
        #expect(!RolloutState.Name.draft.next.contains(.canary), "nobody skips the check")
    }

    @Test func `a name has one canary at a time`() {
        let other = Rollout.Surroundings(rollouts: [rollout(1, .live), rollout(3, .canary(five))])
        let elsewhere = Rollout.Surroundings(rollouts: [rollout(3, .canary(five), lineage: "score/default")])

        #expect(refusal(.canary(five), from: .checked, in: other) == .anotherCanary(version: 3))
        #expect(refusal(.canary(five), from: .checked, in: elsewhere) == nil)
        #expect(refusal(.canary(twenty), from: .canary(five), in: other) == nil, "it was there before")
    }

    @Test func `a canary serves somebody`() {
        #expect(refusal(.canary(.none), from: .checked) == .zeroPercent)
        #expect(refusal(.canary(.none), from: .canary(five)) == .zeroPercent)
        #expect(refusal(.canary(.all), from: .canary(five)) == nil)
    }

    @Test func `where sandbox rounds are asked for none may be missing`() {
        let two = Rollout.Surroundings(passedRounds: 2, neededRounds: 3)

        #expect(refusal(.canary(five), from: .replayed, in: two) == .sandboxRoundsMissing(passed: 2, needed: 3))
        #expect(refusal(.promote(nil, override: nil), from: .replayed, in: two) == .sandboxRoundsMissing(passed: 2, needed: 3))
        #expect(refusal(.shadow, from: .replayed, in: two) == nil)
    }

    @Test func `a promotion needs evidence or a person's reason, a name's first version neither`() {
        let live = Rollout.Surroundings(rollouts: [rollout(1, .live)])
        let notYet = RolloutRefusal.notPromotable(words: "312 of 500 leads")

        #expect(refusal(.promote(verdict(.continue), override: nil), from: .canary(five), in: live) == notYet)
        #expect(refusal(.promote(verdict(.abort), override: nil), from: .canary(five), in: live) == notYet)
        #expect(refusal(.promote(nil, override: nil), from: .canary(five), in: live) == .notPromotable(words: "it has not been judged"))
        #expect(refusal(.promote(verdict(.continue), override: "fair on Monday"), from: .canary(five), in: live) == nil)
        #expect(refusal(.promote(verdict(.promotable), override: nil), from: .canary(five), in: live) == nil)
        #expect(refusal(.promote(nil, override: nil), from: .checked) == nil)
        #expect(
            refusal(.promote(nil, override: nil), from: .checked, in: live)
                == .notPromotable(words: "a live version exists, so it starts as a canary"))
    }

    @Test func `an earlier version comes back in one step, if it still fits`() {
        let live = Rollout.Surroundings(rollouts: [rollout(3, .live)])
        let unfit = Rollout.Surroundings(rollouts: [rollout(3, .live)], fault: "no field budget")

        #expect(refusal(.promote(nil, override: nil), from: .retired, in: live) == nil)
        #expect(refusal(.promote(nil, override: nil), from: .retired, in: unfit) == .noLongerValid(reason: "no field budget"))
        #expect(refusal(.abort, from: .canary(five), in: unfit) == nil, "the way out is always open")
        #expect("\(RolloutRefusal.noLongerValid(reason: "no field budget"))" == "no longer valid: no field budget")
    }
}
