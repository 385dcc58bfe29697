import Foundation
import Jobs
import Tenancy
import Testing

@Suite struct DispositionTests {
    let now = Date(timeIntervalSince1970: 1_800_000_000)

    func attempt(_ number: Int = 1, of most: Int = 5) -> Attempt {
        Attempt(
            id: JobID(1), tenant: TenantID(1), kind: "k", arguments: [], number: number, maxAttempts: most, lost: 0, fence: 1, token: 1,
            priority: 5,
            enqueuedAt: now, startedAt: now)
    }

    func disposition(_ outcome: Outcome, _ attempt: Attempt, chance: Double = 0.5) -> Disposition {
        outcome.disposition(of: attempt, policy: RetryPolicy(base: 1, cap: 300), now: now, chance: chance)
    }

    @Test func `success and being held both end the job, each under its own code`() {
        #expect(disposition(.completed("assigned"), attempt()) == .end(.completed, outcome: "assigned", nil))
        #expect(disposition(.held("held_mapping_error"), attempt()) == .end(.completed, outcome: "held_mapping_error", nil))
    }

    @Test(arguments: [ErrorClass.permanent, .poison])
    func `what will never succeed is set aside at the first attempt`(errorClass: ErrorClass) {
        #expect(disposition(.failed(errorClass, "no"), attempt()) == .end(.discarded, outcome: nil, Failure(errorClass, "no")))
    }

    @Test func `a cancelled job ends cancelled`() {
        #expect(disposition(.failed(.cancelled, "by hand"), attempt()) == .end(.cancelled, outcome: nil, Failure(.cancelled, "by hand")))
    }

    @Test func `a transient failure is charged, and the last attempt is the last`() {
        let failure = Failure(.transient, "no")
        #expect(disposition(.failed(.transient, "no"), attempt(4)) == .retry(at: now + 4, failure, chargesAttempt: true))
        #expect(disposition(.failed(.transient, "no"), attempt(5)) == .end(.discarded, outcome: nil, failure))
    }

    @Test(arguments: [ErrorClass.rateLimited, .dependency])
    func `what is the other side's fault is charged to nobody, however often`(errorClass: ErrorClass) {
        #expect(disposition(.failed(errorClass, "no"), attempt(5)) == .retry(at: now + 8, Failure(errorClass, "no"), chargesAttempt: false))
    }

    @Test func `a retry is never before the time the other side asked for`() {
        let later = now + 60
        #expect(
            disposition(.failed(.rateLimited, "slow down", retryAfter: later), attempt())
                == .retry(at: later, Failure(.rateLimited, "slow down", retryAfter: later), chargesAttempt: false))
    }

    @Test(arguments: zip([1, 2, 3, 4, 10, 100], [1.0, 2, 4, 8, 300, 300]))
    func `the wait doubles up to its cap, and jitter takes it down to nothing`(number: Int, longest: Double) {
        let policy = RetryPolicy(base: 1, cap: 300)
        #expect(policy.delay(afterAttempt: number, chance: 0) == 0)
        #expect(policy.delay(afterAttempt: number, chance: 0.999_999) < longest)
        #expect(policy.delay(afterAttempt: number, chance: 0.5) == longest / 2)
    }
}

@Suite struct JobTests {
    @Test(arguments: ["0", "-1", "01", "+1", "1.0", "", "abc", "9223372036854775808", " 1"])
    func `what is not a job's number is no job id`(text: String) {
        #expect(JobID(text: text) == nil)
    }

    @Test func `jobs of a kind with a dependency flow apart from the others`() {
        #expect(NewJob(tenant: TenantID(1), kind: "send", arguments: []).flow == "send")
        #expect(NewJob(tenant: TenantID(1), kind: "send", arguments: [], dependency: "dingtalk").flow == "send@dingtalk")
    }

    @Test func `a thrown failure keeps its class, anything else is transient`() async {
        struct Odd: Error {}
        struct Thrower: PerformingHandler {
            struct Arguments: Codable, JobArguments { var odd: Bool }
            let kind = JobKind("k", arguments: ArgumentSchema([]))
            func outcome(of job: Job<Arguments>) async throws -> Outcome {
                if job.arguments.odd { throw Odd() }
                throw Failure(.permanent, "never")
            }
        }
        #expect(await run(Thrower(), #"{"odd":false}"#) == .failed(Failure(.permanent, "never")))
        #expect(await run(Thrower(), #"{"odd":true}"#) == .failed(Failure(.transient, "Odd()")))
        guard case .failed(let failure) = await run(Thrower(), "[]") else { return #expect(Bool(false), "arguments that do not fit") }
        #expect(failure.errorClass == .permanent)
    }

    private func run(_ handler: some PerformingHandler, _ arguments: String) async -> Outcome.End? {
        let now = Date(timeIntervalSince1970: 0)
        let attempt = Attempt(
            id: JobID(1), tenant: TenantID(1), kind: "k", arguments: Array(arguments.utf8), number: 1, maxAttempts: 5, lost: 0, fence: 1,
            token: 1,
            priority: 5, enqueuedAt: now, startedAt: now)
        guard case .performing(let perform) = AnyHandler(handler).style else { return nil }
        return await perform(attempt).run().end
    }
}
