import Foundation
import NIOCore
import NIOPosix
import Tenancy
import Testing

/// How connections are ended that speak no HTTP, or too slowly.
@Suite struct ConnectionTests {
    @Test(arguments: [
        ("GET /healthz HTTP/1.1\r\nHo st: x\r\n\r\n", 400, "bad_request"),
        ("BREW /healthz\r\n\r\n", 400, "bad_request"),
        ("POST /v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Length: two\r\n\r\n", 400, "bad_request"),
        ("POST /v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}", 400, "bad_request"),
        ("GET /healthz HTTP/1.1\r\nHost: x\r\nX: \(String(repeating: "a", count: 20_000))\r\n\r\n", 431, "headers_too_large"),
        ("GET /healthz HTTP/1.1\r\nHost: x\r\n\(String(repeating: "X: a\r\n", count: 200))\r\n", 431, "headers_too_large"),
    ])
    func `what is no HTTP is answered with a problem`(_ text: String, _ status: Int, _ code: String) async throws {
        try await TestAPI.with { api in
            let answer = try await api.exchange(text)
            #expect(answer.hasPrefix("HTTP/1.1 \(status) "))
            #expect(answer.contains("application/problem+json"))
            #expect(answer.contains(#""code":"\#(code)""#))
        }
    }

    @Test func `a chunk without a size ends the request it belongs to`() async throws {
        try await TestAPI.with { api in
            let answer = try await api.exchange(
                "POST /v1/jobs HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \(api.acme.tenantKey)\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"
            )
            #expect(answer.hasPrefix("HTTP/1.1 400 "))
            #expect(answer.contains(#""code":"bad_request""#))
        }
    }

    @Test(.timeLimit(.minutes(10))) func `a last request that is refused before it was read does not keep its connection`() async throws {
        var limits = Limits()
        limits.body = 1_000
        try await TestAPI.with(.init(limits: limits)) { api in
            let chunk = "10000\r\n\(String(repeating: "x", count: 65_536))\r\n"
            let answer = try await api.exchange(
                "POST /v1/jobs HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer \(api.acme.tenantKey)\r\n"
                    + "Transfer-Encoding: chunked\r\n\r\n" + String(repeating: chunk, count: 80))
            #expect(answer.hasPrefix("HTTP/1.1 413 "))
        }
    }

    /// Not one byte comes any more, or one now and then.
    @Test(arguments: ["", "a"])
    func `whoever sends headers or a body too slowly is hung up on with 408`(_ drip: String) async throws {
        try await TestAPI.with(.init(limits: .hasty)) { api in
            let bearer = "Authorization: Bearer \(api.acme.tenantKey)\r\n"
            for text in [
                "POST /v1/jobs HTTP/1.1\r\nHost: x\r\nX-Long: ",
                "POST /v1/jobs HTTP/1.1\r\nHost: x\r\n\(bearer)Content-Length: 1000\r\n\r\n{",
            ] {
                let answer = try await api.exchange(text, dripping: drip)
                #expect(answer.hasPrefix("HTTP/1.1 408 "), "\(text) was answered \(answer)")
                #expect(answer.contains(#""code":"too_slow""#))
            }
            #expect(try await api.count("job") == 0)
        }
    }

    @Test func `an import goes on as long as bytes come, however slowly`() async throws {
        var limits = Limits()
        limits.bodyPause = .seconds(1)
        try await TestAPI.with(.init(limits: limits)) { api in
            let head = """
                POST /v1/leads:import?source=s&external_id=id HTTP/1.1\r
                Host: x\r
                Connection: close\r
                Authorization: Bearer \(api.acme.tenantKey)\r
                Content-Type: text/csv\r
                Content-Length: 43\r
                \r
                id\n
                """
            // 20 rows at the drip's pace take twice as long as a body may that is not streamed.
            let answer = try await api.exchange(head, dripping: "1\n", atMost: 20)
            #expect(answer.hasPrefix("HTTP/1.1 202 "), "answered \(answer)")
        }
    }

    @Test func `an import that falls silent is hung up on, and ends as failed`() async throws {
        try await TestAPI.with(.init(limits: .hasty)) { api in
            let answer = try await api.exchange(
                "POST /v1/leads:import?source=s&external_id=id HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \(api.acme.tenantKey)\r\n"
                    + "Content-Type: text/csv\r\nContent-Length: 100000\r\n\r\nid\n" + (0..<600).map { "\($0)\n" }.joined())
            #expect(answer.hasPrefix("HTTP/1.1 408 "))
            try await soon { try await api.count("lead_import WHERE state = 'failed' AND accepted = 500") == 1 }
        }
    }
}

extension Limits {
    fileprivate static var hasty: Limits {
        var limits = Limits()
        limits.headerTime = .milliseconds(400)
        limits.bodyPause = .milliseconds(400)
        return limits
    }
}
