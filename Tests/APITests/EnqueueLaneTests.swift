import Records
import Testing

@testable import API

/// A plain request's own way through a connection, beside the ordinary one.
///
/// The clock is stopped: the lane is for keys that were looked up, and jobs that were counted, a moment ago.
@Suite struct EnqueueLaneTests {
    @Test func `a plain request takes the lane once its key is known, and is answered like any other`() async throws {
        try await TestAPI.with { api in
            api.clock.stop()
            let plain = post(#"{"kind":"probe","args":{"effect_key":"a"},"priority":7}"#, api)
            #expect(try await api.send("POST", "/v1/jobs", #"{"kind":"probe"}"#, as: api.acme.tenantKey).status == 202)
            let answer = try await api.exchange(plain + plain + plain + last(api))

            let (heads, bodies) = parts(answer)
            #expect(heads.map(status) == [202, 202, 202, 202])
            #expect(Set(heads.map(fieldNames)).count == 1, "the same fields, whichever way it went")
            #expect(Set(bodies.map { $0.replacing(/"\d+"/, with: "N") }) == [#"{"id":N,"kind":"probe","state":"available"}"#])
            #expect(api.api.metrics.requestsByLane == 3, "the last has a wish for the connection")
            #expect(try await api.count("job_live WHERE priority = 7") == 3)
        }
    }

    @Test func `a job above the capacity takes the lane like any other, and is told so`() async throws {
        try await TestAPI.with { api in
            api.clock.stop()
            #expect(try await api.send("PUT", "/v1/tenants/acme", #"{"ready_capacity":1}"#, as: api.platformKey).status == 200)
            for _ in 0..<3 { #expect(try await api.send("POST", "/v1/jobs", #"{"kind":"probe"}"#).status == 202) }
            try await api.allOffered()
            let plain = post(#"{"kind":"probe"}"#, api)
            let told = #"{"id":N,"kind":"probe","state":"available","deferred":true,"estimated_drain_seconds":null}"#
            let before = api.api.metrics.requestsByLane
            let answer = try await api.exchange(plain + plain + last(api))

            #expect(Set(parts(answer).bodies.map { $0.replacing(/"\d+"/, with: "N") }) == [told])
            #expect(api.api.metrics.requestsByLane == before + 2)
        }
    }

    @Test func `requests sent ahead are answered in their order, whichever way each goes`() async throws {
        try await TestAPI.with { api in
            api.clock.stop()
            #expect(try await api.send("POST", "/v1/jobs", #"{"kind":"probe"}"#, as: api.acme.tenantKey).status == 202)
            let plain = post(#"{"kind":"probe"}"#, api)
            let answer = try await api.exchange(plain + unusual(api).map { plain + $0 }.joined() + plain + last(api))

            #expect(parts(answer).heads.map(status) == [202] + [404, 202, 422, 400, 202, 202].flatMap { [202, $0] } + [202, 202])
            #expect(api.api.metrics.requestsByLane >= 1)
            #expect(try await api.count("job") == 13)
        }
    }

    @Test func `plain and unusual requests take turns on one connection`() async throws {
        try await TestAPI.with { api in
            api.clock.stop()
            let plain = post(#"{"kind":"probe"}"#, api)
            let requests = [plain] + unusual(api).flatMap { [plain, $0] }
            try await api.converse { send in
                var statuses: [Int] = []
                for request in requests { statuses.append(try await send(request)) }
                #expect(statuses == [202] + [404, 202, 422, 400, 202, 202].flatMap { [202, $0] })
            }
            #expect(api.api.metrics.requestsByLane == 6, "all that are plain but the first, whose key had to be looked up")
        }
    }

    @Test func `a connection forgets a key when the ring does`() async throws {
        try await TestAPI.with { api in
            api.clock.stop()
            let plain = post(#"{"kind":"probe"}"#, api, key: api.acme.operatorKey)
            try await api.converse { send in
                #expect(try await send(plain) == 202)
                #expect(try await send(plain) == 202)
                #expect(api.api.metrics.requestsByLane == 1)

                _ = try await api.records.revokeKey(api.acme.operatorKeyID, by: "test")
                api.clock.advance(KeyRing.lifetime)
                #expect(try await send(plain) == 401)
            }
        }
    }

    @Test func `a key the process itself revoked is refused at once`() async throws {
        try await TestAPI.with { api in
            api.clock.stop()
            let plain = post(#"{"kind":"probe"}"#, api, key: api.acme.operatorKey)
            try await api.converse { send in
                #expect(try await send(plain) == 202)
                #expect(try await send(plain) == 202)

                _ = try await api.records.revokeKey(api.acme.operatorKeyID, by: "test")
                api.api.keys.forget()
                #expect(try await send(plain) == 401)
            }
        }
    }

    @Test func `a quota holds for the lane too`() async throws {
        try await TestAPI.with { api in
            api.clock.stop()
            _ = try await api.owner.query("UPDATE tenant SET quota = 3 WHERE slug = 'acme'")
            let plain = post(#"{"kind":"probe"}"#, api)
            try await api.converse { send in
                var statuses: [Int] = []
                for _ in 0..<5 { statuses.append(try await send(plain)) }
                #expect(statuses == [202, 202, 202, 429, 429])
            }
        }
    }

    @Test(arguments: [(784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"), (0, "Thu, 01 Jan 1970 00:00:00 GMT")])
    func `the date is written as HTTP wants it`(_ second: Int, _ text: String) {
        #expect(DateHeader.text(second) == text)
    }
}

/// Asked the ordinary way: 404, 202, 422, 400, 202, 202.
private func unusual(_ api: TestAPI) -> [String] {
    [
        "GET /v1/jobs/1 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \(api.acme.tenantKey)\r\n\r\n",
        post(#"{"kind":"probe"}"#, api, more: "Idempotency-Key: k\r\n"),
        post(#"{"kind":"nothing"}"#, api), post("{", api), post(#"{"kind":"probe","unique_key":"u"}"#, api),
        post(#"{"kind":"probe"}"#, api, more: "Transfer-Encoding: chunked\r\n", body: "10\r\n{\"kind\":\"probe\"}\r\n0\r\n\r\n"),
    ]
}

private func post(_ json: String, _ api: TestAPI, key: String? = nil, more: String = "", body: String? = nil) -> String {
    let length = more.contains("chunked") ? "" : "Content-Length: \(json.utf8.count)\r\n"
    let bearer = "Authorization: Bearer \(key ?? api.acme.tenantKey)\r\n"
    return "POST /v1/jobs HTTP/1.1\r\nHost: x\r\n\(bearer)Content-Type: application/json\r\n\(length)\(more)\r\n\(body ?? json)"
}

private func last(_ api: TestAPI) -> String { post(#"{"kind":"probe"}"#, api, more: "Connection: close\r\n") }

/// Answers on one connection, one after another: each has its Content-Length.
private func parts(_ text: String) -> (heads: [String], bodies: [String]) {
    var (heads, bodies): ([String], [String]) = ([], [])
    var rest = text[...]
    while let end = rest.firstRange(of: "\r\n\r\n") {
        let head = String(rest[..<end.lowerBound])
        let length = head.firstMatch(of: /(?i)content-length: (\d+)/).flatMap { Int($0.1) } ?? 0
        heads.append(head)
        bodies.append(String(rest[end.upperBound...].prefix(length)))
        rest = rest[end.upperBound...].dropFirst(length)
    }
    return (heads, bodies)
}

private func status(_ head: String) -> Int { head.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0 }

private func fieldNames(_ head: String) -> Set<String> {
    Set(head.split(separator: "\r\n").dropFirst().map { $0.prefix { $0 != ":" }.lowercased() }).subtracting(["connection"])
}
