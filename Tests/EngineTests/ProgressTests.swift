import Foundation
import JobKinds
import Jobs
import Ledger
import Records
import Tenancy
import TestSupport
import Testing
import Worker

/// How far a running job is: kept under its fence, and gone with it.
@Suite struct ProgressTests {
    @Test func `only the attempt that holds the fence tells how far a job is`() async throws {
        let engine = try await Engine()
        let tenant = try await engine.tenant()
        try await engine.enqueue([engine.probe(tenant)])
        let first = try #require(try await engine.begin().first)
        try await engine.ledger.tell([ToldProgress(first, JobProgress(0.25, "a quarter"))])
        #expect(try await engine.count("job_progress WHERE fraction = 0.25 AND note = 'a quarter'") == 1)

        _ = try await engine.ledger.rescue([ClaimedJob(id: first.id, token: first.token)])
        try await engine.acknowledge([first], next: .again)
        let second = try #require(try await engine.begin().first)
        try await engine.ledger.tell([ToldProgress(second, JobProgress(0.1))])
        try await engine.ledger.tell([ToldProgress(first, JobProgress(0.9, "too late"))])

        #expect(try await engine.count("job_progress WHERE fraction = 0.1 AND fence = \(second.fence)") == 1)
        #expect(try await engine.count("job_progress") == 1)
        #expect(try await engine.settle([second]).done == [second.id])
        try await engine.ledger.tell([ToldProgress(second, JobProgress(1))])
        #expect(try await engine.count("job_progress WHERE fraction = 1") == 0)
        try await engine.ledger.sweepProgress()
        #expect(try await engine.count("job_progress") == 0)
    }

    @Test func `a handler that tells without end is written once for each interval`() async throws {
        let engine = try await Engine()
        let tenant = try await engine.tenant()
        let gate = Gate()
        let talkative = Stub { job in
            for step in 1...10_000 { job.tell(JobProgress(Double(step) / 10_000, "step \(step)")) }
            await gate.wait()
            return .completed("done")
        }
        var settings = WorkerSettings()
        settings.progress = .milliseconds(100)
        try await engine.running([talkative.any], settings: settings) { _ in
            _ = try await engine.ledger.listen(to: [tenant])
            _ = try await engine.ledger.enqueue([engine.stub(tenant)])

            try await expectSoon { try await engine.count("job_progress WHERE fraction = 1 AND note = 'step 10000'") == 1 }

            // 10,000 words within a few milliseconds are at most a few intervals.
            #expect(try await engine.count("event WHERE type = 'job.progress'") <= 3)
            gate.open()
            try await expectSoon { try await engine.count("job_history") == 1 }
        }
    }

    @Test func `jobs that tell nothing leave nothing`() async throws {
        let engine = try await Engine()
        let tenant = try await engine.tenant()
        try await engine.running([engine.probeHandler]) { _ in
            _ = try await engine.ledger.enqueue((0..<50).map { engine.probe(tenant, key: "k\($0)") })
            try await expectSoon { try await engine.count("job_history") == 50 }
        }
        #expect(try await engine.count("job_progress") == 0)
        #expect(try await engine.count("event") == 0)
    }
}
