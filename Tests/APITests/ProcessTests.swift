import Foundation
import Testing

@testable import API

@Suite struct ProcessTests {
    @Test func `requests are counted by route and status`() async throws {
        try await TestAPI.with { api in
            _ = try await api.send("POST", "/v1/jobs", #"{"kind":"probe"}"#)
            _ = try await api.send("POST", "/v1/jobs", "{")
            _ = try await api.send("GET", "/no/such/path")
            api.api.metrics.add { [Metrics.Sample("kiteline_test", .gauge, "A test's.", labels: [("of", #"a"b\c"#)], 0.5)] }

            let reply = try await api.send("GET", "/metrics", as: nil)

            #expect(reply.headers["content-type"]?.hasPrefix("text/plain; version=0.0.4") == true)
            let lines = reply.text.split(separator: "\n")
            #expect(lines.contains(#"kiteline_http_request_seconds_count{method="POST",route="/v1/jobs",status="202"} 1"#))
            #expect(lines.contains(#"kiteline_http_request_seconds_count{method="POST",route="/v1/jobs",status="400"} 1"#))
            #expect(lines.contains(#"kiteline_http_request_seconds_bucket{method="POST",route="/v1/jobs",status="202",le="+Inf"} 1"#))
            #expect(lines.contains(#"kiteline_http_request_seconds_count{method="",route="unknown",status="404"} 1"#))
            #expect(lines.contains("# TYPE kiteline_test gauge"))
            #expect(lines.contains(#"kiteline_test{of="a\"b\\c"} 0.5"#))
        }
    }

    @Test func `the description names every endpoint and no other`() async throws {
        try await TestAPI.with { api in
            let yaml = try await api.send("GET", "/openapi.yaml", as: nil).text

            #expect(Set(operations(in: yaml).map(\.name)) == Set(API.endpoints.map { "\($0.method.rawValue) \($0.path)" }))
        }
    }

    @Test func `the description says of every endpoint whether it takes a query`() async throws {
        try await TestAPI.with { api in
            let yaml = try await api.send("GET", "/openapi.yaml", as: nil).text

            let querying = operations(in: yaml).filter { $0.line.contains(/in: query|parameters\/(Limit|Cursor)"/) }
            #expect(
                Set(querying.map(\.name)) == Set(API.endpoints.filter(\.takesQuery).map { "\($0.method.rawValue) \($0.path)" }))
        }
    }

    @Test func `a query where none is read is refused, but where only the process is asked`() async throws {
        try await TestAPI.with { api in
            for endpoint in API.endpoints where !endpoint.takesQuery && endpoint.access != .open {
                let path = endpoint.path.replacing(/\{[^}]*\}/, with: "1")
                let reply = try await api.send(
                    endpoint.method.rawValue, "\(path)?colour=red", endpoint.method == .get ? nil : "{}",
                    as: endpoint.access == .platform ? api.platformKey : api.acme.operatorKey)
                #expect(reply.faults == ["colour unknown_field"], "\(endpoint.method.rawValue) \(endpoint.path): \(reply.text)")
            }
            #expect(try await api.send("GET", "/healthz?colour=red", as: nil).status == 200)
        }
    }

    @Test func `no endpoint is there twice`() {
        let names = API.endpoints.map { "\($0.method.rawValue) \($0.path.replacing(/\{[^}]*\}/, with: "{}"))" }

        #expect(Set(names).count == names.count)
    }

    @Test func `what speaks no HTTP is told so and hung up on`() async throws {
        try await TestAPI.with { api in
            for text in ["nonsense\r\n\r\n", "POST /v1/jobs HTTP/1.1\r\nContent-Length: x\r\n\r\n", "GET / HTTP/9.9\r\n\r\n"] {
                let answer = try await api.exchange(text)
                #expect(answer.hasPrefix("HTTP/1.1 400"), "\(answer)")
            }
            #expect(try await api.send("GET", "/healthz", as: nil).status == 200)
        }
    }

    @Test func `headers beyond their bound are refused`() async throws {
        try await TestAPI.with { api in
            let answer = try await api.exchange(
                "GET /healthz HTTP/1.1\r\nHost: x\r\nX-Long: \(String(repeating: "x", count: 100_000))\r\n\r\n")

            #expect(answer.hasPrefix("HTTP/1.1 4"), "\(answer.prefix(200))")
            #expect(try await api.send("GET", "/healthz", as: nil).status == 200)
        }
    }
}

/// The lines of a description's paths, each with its operation's name: `GET /v1/jobs`.
private func operations(in yaml: String) -> [(name: String, line: Substring)] {
    var lines: [(name: String, line: Substring)] = []
    var (path, name) = ("", "")
    var isInPaths = false
    for line in yaml.split(separator: "\n") {
        if !line.hasPrefix(" ") { isInPaths = line == "paths:" }
        guard isInPaths else { continue }
        if let match = line.wholeMatch(of: /\ {2}(\/.*):/) { path = String(match.1) }
        if let match = line.wholeMatch(of: /\ {4}(get|put|post|patch|delete):/) { name = "\(match.1.uppercased()) \(path)" }
        if line.hasPrefix("     ") { lines.append((name, line)) }
    }
    return lines
}
