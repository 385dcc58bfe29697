import Foundation
import Jobs
import Tenancy
import Testing

@Suite struct RetryBudgetTests {
    private let now = Date(timeIntervalSince1970: 1_800_000_000)

    @Test func `retries within the budget are not held back, those beyond it wait twice as long, and then twice that`() {
        var budget = RetryBudget()
        let doublings = (0..<100).map { _ in budget.noteRetry(at: now) }
        #expect(doublings.prefix(30).allSatisfy { $0 == 0 })
        #expect(Array(doublings[30..<59]).allSatisfy { $0 == 1 })
        #expect(doublings[60] == 2 && doublings[99] == 3)
    }

    @Test func `three a second come back, and one for ten successes`() {
        var budget = RetryBudget()
        for _ in 0..<30 { _ = budget.noteRetry(at: now) }
        #expect(budget.tokens == 0)
        for _ in 0..<20 { budget.noteSuccess(at: now) }
        #expect(abs(budget.tokens - 2) < 1e-9)
        let doublings = budget.noteRetry(at: now.addingTimeInterval(1))
        #expect(doublings == 0)
        #expect(abs(budget.tokens - 4) < 1e-9)
        budget.noteSuccess(at: now.addingTimeInterval(3_600))
        #expect(budget.tokens == RetryBudget.most)
        budget.noteSuccess(at: now)
        #expect(budget.tokens == RetryBudget.most, "a clock that goes back changes nothing")
    }

    /// In any time, retries that are not held back ≤ 3 a second + one for ten successes + what was saved.
    @Test func `however retries and successes mix, no more go undelayed than the budget allows`() {
        var state: UInt64 = 17
        func uniform() -> Double {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Double(state >> 11) / Double(1 << 53)
        }
        for _ in 0..<50 {
            var budget = RetryBudget()
            var (time, undelayed, successes) = (0.0, 0, 0)
            for _ in 0..<2_000 {
                time += uniform() * 0.05
                if uniform() < 0.5 {
                    budget.noteSuccess(at: now.addingTimeInterval(time))
                    successes += 1
                } else if budget.noteRetry(at: now.addingTimeInterval(time)) == 0 {
                    undelayed += 1
                }
            }
            #expect(Double(undelayed) <= 3 * time + 0.1 * Double(successes) + RetryBudget.most + 1e-6)
        }
    }

    @Test func `a delay that is doubled stays below the cap, above half of what it may be, and never before the time asked for`() {
        let policy = RetryPolicy(base: 1, cap: 60)
        #expect(policy.delay(afterAttempt: 1, chance: 0.5) == 0.5)
        #expect(policy.delay(afterAttempt: 1, chance: 0, doublings: 3) == 4)
        #expect(policy.delay(afterAttempt: 1, chance: 1, doublings: 3) == 8)
        #expect(policy.delay(afterAttempt: 9, chance: 1, doublings: 11) == 60)

        let attempt = Attempt(
            id: JobID(1), tenant: TenantID(1), kind: "k", arguments: [], number: 1, maxAttempts: 5, lost: 0, fence: 1, token: 1,
            priority: 5,
            enqueuedAt: now, startedAt: now)
        let asked = now.addingTimeInterval(100)
        let later = Outcome.failed(.dependency, "no", retryAfter: asked)
        #expect(
            later.disposition(of: attempt, policy: policy, now: now, chance: 0, doublings: { 2 })
                == .retry(at: asked, Failure(.dependency, "no", retryAfter: asked), chargesAttempt: false))
        let soon = Outcome.failed(.dependency, "no", retryAfter: now.addingTimeInterval(1))
        #expect(
            soon.disposition(of: attempt, policy: policy, now: now, chance: 0, doublings: { 2 })
                == .retry(
                    at: now.addingTimeInterval(2), Failure(.dependency, "no", retryAfter: now.addingTimeInterval(1)), chargesAttempt: false)
        )
    }

    @Test func `what is not tried again takes nothing from the budget`() {
        let attempt = Attempt(
            id: JobID(1), tenant: TenantID(1), kind: "k", arguments: [], number: 5, maxAttempts: 5, lost: 0, fence: 1, token: 1,
            priority: 5,
            enqueuedAt: now, startedAt: now)
        var asked = 0
        for outcome in [Outcome.completed("done"), .failed(.permanent, "no"), .failed(.transient, "no"), .failed(.cancelled, "no")] {
            _ = outcome.disposition(of: attempt, policy: RetryPolicy(), now: now, chance: 0.5) {
                asked += 1
                return 0
            }
        }
        #expect(asked == 0)
    }
}
