import Foundation
import Testing

@Suite struct IdempotencyTests {
    /// Every POST there is, with a body it takes and another one.
    private static let posts: [(path: String, type: String, body: String, other: String)] = [
        ("/v1/jobs", "application/json", #"{"kind":"probe"}"#, #"{"kind":"probe","priority":1}"#),
        ("/v1/jobs:batch", "application/json", #"{"jobs":[{"kind":"probe"}]}"#, #"{"jobs":[{"kind":"probe","priority":1}]}"#),
        ("/v1/leads", "application/json", #"{"external_id":"L1","source":"web"}"#, #"{"external_id":"L2","source":"web"}"#),
        ("/v1/leads:import?source=web&external_id=id", "text/csv", "id,a\nI1,1\n", "id,a\nI2,1\n"),
        (
            "/v1/activities", "application/json", #"{"subject":{"type":"seller","external_id":"s1"},"type":"note"}"#,
            #"{"subject":{"type":"seller","external_id":"s1"},"type":"call"}"#
        ),
        (
            "/v1/rulesets/map/default/versions", "application/yaml", "sources: [\"*\"]\nfields: { region: { from: city } }\n",
            "sources: [web]\nfields: { region: { from: city } }\n"
        ),
    ]

    @Test func `a POST sent again with its key is answered as the first time and done once`() async throws {
        try await TestAPI.with { api in
            _ = try await api.send("PUT", "/v1/sellers/s1", #"{"name":"One"}"#)
            for (number, post) in Self.posts.enumerated() {
                let headers = ["Idempotency-Key": "key-\(number)"]

                let first = try await api.send("POST", post.path, post.body, type: post.type, headers: headers)
                let stored = try await api.rows()
                let again = try await api.send("POST", post.path, post.body, type: post.type, headers: headers)
                let other = try await api.send("POST", post.path, post.other, type: post.type, headers: headers)
                let elsewhere = try await api.send(
                    "POST", post.path, post.body, as: api.globex.tenantKey, type: post.type, headers: headers)

                #expect((200..<300).contains(first.status), "\(post.path): \(first.text)")
                #expect(first.headers["idempotency-replayed"] == nil)
                #expect(again.status == first.status)
                #expect(again.bytes == first.bytes)
                #expect(again.headers["idempotency-replayed"] == "true", "\(post.path)")
                #expect(other.status == 422, "\(post.path)")
                #expect(other.code == "idempotency_key_reused")
                #expect(elsewhere.headers["idempotency-replayed"] == nil, "a key is its tenant's own")
                if post.path != "/v1/activities" { #expect((200..<300).contains(elsewhere.status), "\(post.path): \(elsewhere.text)") }
                #expect(try await api.rows() == stored, "\(post.path) did something the second time")
            }
        }
    }

    @Test func `a key is tied to its address, not to the body alone`() async throws {
        try await TestAPI.with { api in
            let headers = ["Idempotency-Key": "k"]
            _ = try await api.send("POST", "/v1/leads:import?source=a&external_id=id", "id\n1\n", type: "text/csv", headers: headers)

            let other = try await api.send(
                "POST", "/v1/leads:import?source=b&external_id=id", "id\n1\n", type: "text/csv", headers: headers)

            #expect(other.code == "idempotency_key_reused")
            #expect(try await api.count("lead") == 1)
        }
    }

    @Test func `many at once with one key are one request`() async throws {
        try await TestAPI.with { api in
            for (path, body) in [("/v1/jobs", #"{"kind":"probe"}"#), ("/v1/leads", #"{"external_id":"L1","source":"web"}"#)] {
                let replies = try await withThrowingTaskGroup(of: Reply.self) { group in
                    for _ in 0..<20 {
                        group.addTask {
                            try await api.send("POST", path, body, headers: ["Idempotency-Key": "one of \(path)".replacing(" ", with: "-")])
                        }
                    }
                    return try await group.reduce(into: []) { $0.append($1) }
                }

                #expect(Set(replies.map(\.status)) == [202])
                #expect(Set(replies.map(\.text)).count == 1)
                #expect(replies.count { $0.headers["idempotency-replayed"] == nil } == 1, "\(path)")
            }
            #expect(try await api.count("job WHERE kind = 'probe'") == 1)
            #expect(try await api.count("job WHERE kind = 'assign_lead'") == 1)
        }
    }

    @Test func `a request that was refused leaves its key free`() async throws {
        try await TestAPI.with { api in
            let headers = ["Idempotency-Key": "k"]
            let bad = try await api.send("POST", "/v1/leads", #"{"source":"web"}"#, headers: headers)
            let unreadable = try await api.send(
                "POST", "/v1/leads:import?source=s&external_id=no", "id\n1\n", type: "text/csv", headers: headers)

            let good = try await api.send("POST", "/v1/leads", #"{"external_id":"L1","source":"web"}"#, headers: headers)

            #expect([bad, unreadable, good].map(\.status) == [422, 422, 202])
            #expect(good.headers["idempotency-replayed"] == nil)
        }
    }

    @Test func `an import under way holds its key`() async throws {
        try await TestAPI.with { api in
            #expect(try await api.records.beginOnce("k", of: api.acme.id) == .taken)

            let second = try await api.send(
                "POST", "/v1/leads:import?source=s&external_id=id", "id\n1\n", type: "text/csv", headers: ["Idempotency-Key": "k"])

            #expect(second.status == 409)
            #expect(second.code == "idempotency_key_in_flight")
            #expect(try await api.count("lead") == 0)
        }
    }

    @Test func `a key has a shape`() async throws {
        try await TestAPI.with { api in
            for key in [String(repeating: "k", count: 256), "a b", "ключ"] {
                let reply = try await api.send("POST", "/v1/jobs", #"{"kind":"probe"}"#, headers: ["Idempotency-Key": key])
                #expect(reply.faults == ["Idempotency-Key bad_format"], "\(key)")
            }
            #expect(try await api.count("job") == 0)
        }
    }
}

extension TestAPI {
    /// Acme's rows, table by table.
    fileprivate func rows() async throws -> [String: Int] {
        var rows: [String: Int] = [:]
        for table in ["job", "lead", "lead_import", "activity", "ruleset_version", "idem"] {
            rows[table] = try await count("\(table) WHERE tenant_id = \(acme.id)")
        }
        return rows
    }
}
