import Jobs
import Ledger
import Testing

@Suite struct BatchRouteTests {
    @Test func `a batch is told how far it is, and what follows it`() async throws {
        try await TestAPI.with { api in
            let body = #"{"jobs":[{"kind":"probe"},{"kind":"probe"}],"completion":{"kind":"probe","args":{"effect_key":"end"}}}"#
            let first = try await api.send("POST", "/v1/jobs:batch", body, headers: ["Idempotency-Key": "b1"])
            let replayed = try await api.send("POST", "/v1/jobs:batch", body, headers: ["Idempotency-Key": "b1"])
            let id = try #require(try first.json["batch_id"].string)
            let members = try #require(try first.json["ids"].array?.compactMap(\.string))
            let before = try await api.send("GET", "/v1/batches/\(id)").json
            let attempts = [try await api.begin(members[0]), try await api.begin(members[1])]
            let outcome = Outcome(.completed("done"), result: Array(#"{"n":1}"#.utf8))
            _ = try await api.ledger.settle(
                attempts.map {
                    Settlement(
                        attempt: $0, outcome: outcome,
                        disposition: outcome.disposition(of: $0, policy: RetryPolicy(), now: $0.startedAt, chance: 0))
                })
            let after = try await api.send("GET", "/v1/batches/\(id)").json
            let follower = try await api.send("GET", "/v1/jobs/\(id)").json
            let member = try await api.send("GET", "/v1/jobs/\(members[0])").json

            #expect(first.status == 202)
            #expect(replayed.headers["idempotency-replayed"] == "true")
            #expect(replayed.bytes == first.bytes)
            #expect(try await api.count("batch") == 1)
            #expect(before["state"].string == "running" && before["total"].int == 2 && before["completion_job_id"].isNull)
            #expect(after["state"].string == "completed" && after["completed"].int == 2 && after["completion_job_id"].string == id)
            #expect(follower["state"].string == "available")
            #expect(follower["args"]["effect_key"].string == "end")
            #expect(member["batch_id"].string == id)
            #expect(member["result"]["n"].int == 1)
            #expect(try await api.send("GET", "/v1/batches/\(id)", as: api.globex.operatorKey).status == 404)
        }
    }

    @Test func `a completion that is wrong is refused with its place, and nothing is stored`() async throws {
        try await TestAPI.with { api in
            let reply = try await api.send(
                "POST", "/v1/jobs:batch",
                #"{"jobs":[{"kind":"probe","unique_key":"u"}],"completion":{"kind":"nothing","run_at":"2027-01-01T00:00:00Z"}}"#)

            #expect(reply.status == 422)
            #expect(
                Set(reply.faults.map { $0.split(separator: " ")[0] }) == ["jobs[0].unique_key", "completion.kind", "completion.run_at"])
            #expect(try await api.count("job") == 0)
        }
    }
}
