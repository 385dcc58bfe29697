import Breakers
import Foundation
import Jobs
import Ledger
import Tenancy
import Testing

@testable import Worker

/// What one worker process makes of its jobs' ends.
@Suite struct WatchTests {
    private let tenant = TenantID(7)
    private let now = Date(timeIntervalSince1970: 1_000_000)
    private var key: BreakerKey { BreakerKey(tenant: tenant, dependency: "erp") }

    private func attempt(of watch: DependencyWatch) -> Attempt {
        var attempt = Attempt(
            id: JobID(1), tenant: tenant, kind: "probe", arguments: [], number: 1, maxAttempts: 5, lost: 0, fence: 1, token: 1, priority: 5,
            enqueuedAt: now, startedAt: now, dependency: "erp")
        attempt.breakerEpochs = watch.epochs(for: attempt)
        return attempt
    }

    private func report(_ watch: DependencyWatch) -> DependencyReport? { watch.news().first { $0.key == key } }

    @Test func `a call that began before the breaker changed says nothing of the state after`() {
        let watch = DependencyWatch()
        let old = attempt(of: watch)
        watch.record(.failed(.dependency, "down"), of: old, now: now)
        watch.adopt([
            key: BreakerStand(epoch: 2, isClosed: false),
            BreakerKey(tenant: nil, dependency: "erp"): BreakerStand(epoch: 1, isClosed: true),
        ])
        _ = watch.news()

        watch.record(.failed(.dependency, "down"), of: old, now: now)
        #expect(report(watch) == nil)

        watch.record(.completed("done"), of: attempt(of: watch), now: now)
        let fresh = report(watch)
        #expect(fresh?.epoch == 2 && fresh?.answered == 1 && fresh?.failed == 0 && fresh?.score == 0)
    }

    @Test func `what is seen while a breaker is not closed is told at once, and once a second when it has closed again`() {
        let watch = DependencyWatch()
        #expect(!watch.record(.completed("done"), of: attempt(of: watch), now: now))
        watch.adopt([key: BreakerStand(epoch: 3, isClosed: false)])
        #expect(watch.record(.completed("done"), of: attempt(of: watch), now: now))
        watch.adopt([key: BreakerStand(epoch: 5, isClosed: true)])
        #expect(!watch.record(.completed("done"), of: attempt(of: watch), now: now))
    }

    @Test func `a node that alone gets no answer leaves the work to others for a while, then tries again`() {
        let watch = DependencyWatch()
        for _ in 0..<4 { watch.record(.failed(.dependency, "down"), of: attempt(of: watch), now: now) }
        #expect(watch.avoided(at: now) == ["7/erp"])
        #expect(watch.avoided(at: now.addingTimeInterval(4.9)) == ["7/erp"])
        #expect(watch.avoided(at: now.addingTimeInterval(5.1)).isEmpty)
        for _ in 0..<2 { watch.record(.failed(.dependency, "down"), of: attempt(of: watch), now: now.addingTimeInterval(6)) }
        #expect(watch.avoided(at: now.addingTimeInterval(6)) == ["7/erp"], "half the evidence is enough the second time")
    }

    @Test func `a node whose probe fails leaves the next one to others, and one call that fails otherwise does not`() {
        let watch = DependencyWatch()
        watch.record(.failed(.dependency, "down"), of: attempt(of: watch), now: now)
        #expect(watch.avoided(at: now).isEmpty)
        watch.adopt([key: BreakerStand(epoch: 3, isClosed: false, isAsking: true)])
        watch.record(.failed(.dependency, "down"), of: attempt(of: watch), now: now)
        #expect(watch.avoided(at: now) == ["7/erp"])
        _ = watch.news()
        #expect(report(watch)?.failed == 1, "who keeps away goes on asking where the breaker stands")
        watch.adopt([key: BreakerStand(epoch: 4, isClosed: false)])
        #expect(watch.avoided(at: now).isEmpty, "the breaker is open: nobody asks")
        _ = watch.news()
        #expect(report(watch) == nil)
    }

    @Test func `calls that take much longer than they used to are evidence, and a limit that was set decides at once`() {
        let watch = DependencyWatch(slow: ["erp": .seconds(2)])
        for _ in 0..<7 { watch.record(.completed("done"), of: attempt(of: watch), spent: .seconds(3), now: now) }
        #expect(watch.avoided(at: now).isEmpty)
        watch.record(.completed("done"), of: attempt(of: watch), spent: .seconds(3), now: now)
        #expect(watch.avoided(at: now) == ["7/erp"])
        let told = report(watch)
        #expect(told?.answered == 8 && told?.failed == 0 && (told?.score ?? 0) >= Evidence.threshold)

        let usual = DependencyWatch()
        for _ in 0..<Pace.warmUp { usual.record(.completed("done"), of: attempt(of: usual), spent: .seconds(1), now: now) }
        #expect(report(usual)?.score == 0)
        usual.adopt([key: BreakerStand(epoch: 2, isClosed: false)])
        usual.record(.completed("done"), of: attempt(of: usual), spent: .seconds(9), now: now)
        #expect((report(usual)?.score ?? 0) > 1, "what is usual is remembered when the breaker changes")
    }

    @Test func `who refuses a job answers, who names a time throttles, and a job without a dependency says nothing`() {
        let watch = DependencyWatch()
        watch.record(.failed(.permanent, "no such customer"), of: attempt(of: watch), now: now)
        #expect(report(watch)?.answered == 1)
        let until = now.addingTimeInterval(30)
        watch.record(.failed(.rateLimited, "429", retryAfter: until), of: attempt(of: watch), now: now)
        #expect(report(watch)?.throttledUntil == until)
        watch.record(.failed(.rateLimited, "429"), of: attempt(of: watch), now: until)
        #expect(report(watch)?.throttledUntil == until.addingTimeInterval(2), "who names no time is left in peace for a moment")
        watch.record(.failed(.cancelled, "stopped"), of: attempt(of: watch), now: now)
        #expect(report(watch) == nil)
    }
}
