import Foundation
import Jobs
import Ledger
import PostgresClient
import Tenancy
import Testing

/// What is kept of the attempts before a job's last.
@Suite struct AttemptTests {
    private let outcomes = "jsonb_path_query_array(attempts, '$[*].o')"

    @Test func `each attempt that did not end a job is kept with it, and of a job that succeeds at once nothing`() async throws {
        let engine = try await Engine()
        let tenant = try await engine.tenant()
        let ids = try await engine.enqueue([engine.probe(tenant, key: "a"), engine.probe(tenant, key: "b")])

        func tried(_ answer: (Attempt) -> Outcome) async throws {
            let attempts = try await engine.begin()
            _ = try await engine.settle(attempts, answer)
            try await engine.acknowledge(attempts.filter { $0.id == ids[0] }, next: .again)
            try await engine.acknowledge(attempts.filter { $0.id != ids[0] })
        }
        try await tried { $0.id == ids[0] ? .failed(.transient, "reset") : .completed("done") }
        try await tried { _ in .failed(.dependency, "erp is away") }
        let lost = try await engine.begin()
        _ = try await engine.ledger.rescue(lost.map { ClaimedJob(id: $0.id, token: $0.token) })
        try await engine.acknowledge(lost, next: .again)
        let waiting = try await engine.count("job_live WHERE \(outcomes) = '[\"failed\", \"put_back\", \"lost\"]'")
        try await tried { _ in .completed("done") }

        #expect(waiting == 1)
        #expect(try await engine.count("job_history WHERE id = \(ids[1]) AND attempts IS NULL") == 1)
        let kept = "job_history WHERE id = \(ids[0]) AND state = 'completed' AND attempt = 2"
        #expect(try await engine.count("\(kept) AND \(outcomes) = '[\"failed\", \"put_back\", \"lost\"]'") == 1)
        #expect(try await engine.count("\(kept) AND jsonb_path_query_array(attempts, '$[*].n') = '[1, 2, 2]'") == 1)
        #expect(try await engine.count("\(kept) AND attempts->0 @> '{\"c\": \"transient\", \"m\": \"reset\", \"w\": 1}'") == 1)
        #expect(
            try await engine.count(
                "\(kept) AND (SELECT bool_and((a->>'s')::bigint <= (a->>'e')::bigint) FROM jsonb_array_elements(attempts) a)")
                == 1)
    }

    @Test func `of a job that is tried often the last 20 attempts are kept, each with 300 characters of its message`() async throws {
        let engine = try await Engine()
        let tenant = try await engine.tenant()
        try await engine.enqueue([engine.probe(tenant, attempts: 50)])

        for _ in 1...25 {
            let attempts = try await engine.begin()
            _ = try await engine.settle(attempts) { _ in .failed(.transient, String(repeating: "错", count: 1_000)) }
            try await engine.acknowledge(attempts, next: .again)
        }

        let own = "job_live WHERE attempt = 25 AND jsonb_array_length(attempts) = 20"
        #expect(try await engine.count("\(own) AND attempts->0->>'n' = '6' AND attempts->19->>'n' = '25'") == 1)
        #expect(try await engine.count("\(own) AND length(attempts->0->>'m') = 300 AND length(error) = 1000") == 1)
    }

    @Test func `a job that ends without a last attempt takes those before along, and what is no longer kept is blanked`() async throws {
        let engine = try await Engine()
        let tenant = try await engine.tenant()
        let ids = try await engine.enqueue([engine.probe(tenant, key: "a"), engine.probe(tenant, key: "b")])
        for _ in 1...3 {
            let attempts = try await engine.begin()
            let poison = attempts.filter { $0.id == ids[0] }
            _ = try await engine.settle(attempts.filter { $0.id != ids[0] }) { _ in .failed(.transient, "of Mr Li") }
            _ = try await engine.ledger.rescue(poison.map { ClaimedJob(id: $0.id, token: $0.token) })
            try await engine.acknowledge(attempts, next: .again)
        }
        _ = try await engine.postgres.transaction { try engine.ledger.cancel(ids[1], of: tenant, reason: "enough", in: $0) }

        let ended = "SELECT count(*) AS n FROM job_history WHERE"
        #expect(try await engine.owner("\(ended) state = 'discarded' AND \(outcomes) = '[\"lost\", \"lost\", \"lost\"]'") == 1)
        #expect(try await engine.owner("\(ended) state = 'cancelled' AND \(outcomes) = '[\"failed\", \"failed\", \"failed\"]'") == 1)
        while try await engine.ledger.blankExpired(now: Date(timeIntervalSinceNow: 400 * 86_400)) {}
        #expect(try await engine.owner("\(ended) attempts IS NULL") == 2)
    }
}
