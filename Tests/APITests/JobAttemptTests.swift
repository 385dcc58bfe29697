import Foundation
import PostgresClient
import Testing

@testable import Records

/// A run of a job, as its attempts.
@Suite struct JobAttemptTests {
    private static let kept = JSONBytes(
        Array(
            #"""
            [{"n":1,"o":"failed","s":1770000000000,"e":1770000000250,"c":"transient","m":"reset","w":7,"x":1770000001000},
            {"n":2,"o":"lost","s":1770000001000,"e":1770000031000,"w":7},{"n":2,"o":"odd","s":1}]
            """#.utf8))
    private static func at(_ seconds: Double) -> Date { Date(timeIntervalSince1970: 1_770_000_000 + seconds) }

    private func run(_ state: String, attempt: Int, started: Double?, kept: JSONBytes? = kept) -> [JobAttempt] {
        RunRecord(
            run: 1, state: state, attempt: attempt, kept: kept, startedAt: started.map(Self.at),
            finishedAt: started.map { Self.at($0 + 1) },
            errorClass: "permanent", error: String(repeating: "e", count: 400), worker: nil
        ).attempts
    }

    @Test func `attempts that are kept come first, and the row itself tells the last`() {
        let attempts = run("completed", attempt: 2, started: 40)

        #expect(attempts.map(\.outcome) == [.failed, .lost, .completed])
        #expect(attempts.map(\.number) == [1, 2, 2])
        #expect(
            attempts[0]
                == JobAttempt(
                    run: 1, number: 1, outcome: .failed, startedAt: Self.at(0), endedAt: Self.at(0.25), errorClass: "transient",
                    error: "reset",
                    worker: 7, nextAt: Self.at(1)))
        #expect(attempts[2].error == nil && attempts[2].endedAt == Self.at(41))
    }

    @Test(arguments: [("running", JobAttempt.Outcome.running), ("discarded", .failed), ("cancelled", .cancelled)])
    func `a run's last attempt is told by how the run stands`(state: String, outcome: JobAttempt.Outcome) {
        let attempts = run(state, attempt: 1, started: 5, kept: nil)

        #expect(attempts.map(\.outcome) == [outcome])
        #expect(attempts[0].error?.count == 300)
    }

    @Test func `who waits has no attempt but those kept, and none is told twice`() {
        #expect(run("retryable", attempt: 2, started: 40).count == 2)
        #expect(run("available", attempt: 0, started: nil, kept: nil) == [])
        #expect(run("cancelled", attempt: 2, started: 1).map(\.outcome) == [.failed, .lost], "cancelled while it waited")
        #expect(run("discarded", attempt: 0, started: 40, kept: nil) == [], "set aside before it ever ran")
    }
}
