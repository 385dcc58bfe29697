import Foundation
import Jobs
import Ledger
import PostgresClient
import Tenancy
import Testing

@Suite struct BatchTests {
    @Test func `the completion job follows the last member, however each ended, and only once`() async throws {
        let engine = try await Engine()
        let tenant = try await engine.tenant()
        let (batch, ids) = try await engine.enqueueBatch(
            (0..<6).map { engine.probe(tenant, key: "\($0)") }, then: engine.probe(tenant, key: "end"))
        _ = try await engine.cancel(ids[5], of: tenant, "not this one")
        let attempts = try await engine.begin()
        #expect(attempts.count == 5)

        _ = try await engine.settle(Array(attempts.prefix(2)))
        _ = try await engine.settle([attempts[2]]) { _ in .failed(.permanent, "no") }
        _ = try await engine.settle([attempts[3]]) { _ in .failed(.transient, "not yet") }
        #expect(try await engine.count("batch WHERE completed = 2 AND discarded = 1 AND cancelled = 1 AND finished_at IS NULL") == 1)
        _ = try await engine.settle(Array(attempts.prefix(2)))
        #expect(try await engine.count("batch WHERE completed = 2") == 1, "a repeated settle counts once")
        _ = try await engine.cancel(attempts[3].id, of: tenant, "enough")
        #expect(try await engine.count("job WHERE id = \(batch)") == 0)
        _ = try await engine.settle([attempts[4]])

        #expect(try await engine.count("batch WHERE completed = 3 AND discarded = 1 AND cancelled = 2 AND finished_at IS NOT NULL") == 1)
        try await engine.acknowledge(attempts)
        try await engine.pushOwed()
        let last = try await engine.begin()
        #expect(last.map(\.id) == [batch])
        #expect(String(decoding: try #require(last.first).arguments, as: UTF8.self).contains("end"))
        _ = try await engine.settle(last)

        // Another run of a member is nobody's business any more.
        _ = try await engine.retry(attempts[2].id, of: tenant)
        try await engine.pushOwed()
        let again = try await engine.begin()
        #expect(again.map(\.id) == [attempts[2].id])
        _ = try await engine.settle(again)
        #expect(try await engine.count("batch WHERE completed = 3") == 1)
        #expect(try await engine.count("job_live") == 0)
    }

    @Test func `members that end at once in many settles complete their batch once`() async throws {
        let engine = try await Engine()
        let tenant = try await engine.tenant()
        let (batch, ids) = try await engine.enqueueBatch(
            (0..<60).map { engine.probe(tenant, key: "\($0)") }, then: engine.probe(tenant, key: "end"))
        let attempts = try await engine.begin()
        #expect(attempts.count == ids.count)

        try await withThrowingTaskGroup(of: Void.self) { group in
            for start in stride(from: 0, to: 60, by: 5) {
                group.addTask { _ = try await engine.settle(Array(attempts[start..<start + 5])) }
            }
            try await group.waitForAll()
        }

        #expect(try await engine.count("batch WHERE completed = 60 AND finished_at IS NOT NULL") == 1)
        #expect(try await engine.count("job_live WHERE id = \(batch)") == 1)
    }

    @Test func `a member that kills its workers counts as discarded`() async throws {
        let engine = try await Engine()
        let tenant = try await engine.tenant()
        let (batch, _) = try await engine.enqueueBatch([engine.probe(tenant)], then: engine.probe(tenant, key: "end"))
        for _ in 1...Ledger.lossLimit {
            let attempts = try await engine.begin()
            _ = try await engine.ledger.rescue(attempts.map { ClaimedJob(id: $0.id, token: $0.token) })
            try await engine.acknowledge(attempts, next: .again)
        }

        #expect(try await engine.count("batch WHERE discarded = 1 AND finished_at IS NOT NULL") == 1)
        #expect(try await engine.count("job_live WHERE id = \(batch)") == 1)
    }

    @Test func `a result is kept with the run, one too long or torn sets the job aside`() async throws {
        let engine = try await Engine()
        let tenant = try await engine.tenant()
        let ids = try await engine.enqueue((0..<4).map { engine.probe(tenant, key: "\($0)") })
        let attempts = try await engine.begin()
        let results: [JobID: String] = [ids[0]: #"{"rows": 7}"#, ids[1]: "\"\(String(repeating: "x", count: 65_535))\"", ids[2]: "{"]

        let settled = try await engine.settle(attempts) {
            Outcome(.completed("done"), effects: [], result: results[$0.id].map { Array($0.utf8) })
        }

        #expect(settled.refused.map(\.id) == [ids[2]])
        #expect(try await engine.count("job_history WHERE id = \(ids[0]) AND result = '{\"rows\": 7}'") == 1)
        #expect(
            try await engine.count("job_history WHERE id = \(ids[1]) AND state = 'discarded' AND error LIKE 'its result has 65537 bytes%'")
                == 1)
        #expect(try await engine.count("job_history WHERE id = \(ids[3]) AND state = 'completed' AND result IS NULL") == 1)
    }
}

extension Engine {
    func enqueueBatch(_ jobs: [NewJob], then completion: NewJob) async throws -> (batch: JobID, members: [JobID]) {
        let ids = try await ledger.reserve(jobs.count + 1)
        let members = Array(ids.dropFirst())
        let (statements, _) = ledger.statements(enqueueing: jobs, as: members, at: Date())
        _ = try await postgres.pipeline(statements + ledger.statements(batch: ids[0], of: members, completion: completion))
        try await pushOwed()
        return (ids[0], members)
    }
}
