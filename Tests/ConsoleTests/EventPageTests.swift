import AsyncHTTPClient
import Foundation
import Synchronization
import TestSupport
import Testing

@Suite struct EventPageTests {
    @Test func `a session's stream tells of its tenant's jobs only, and ends with the key`() async throws {
        try await House.with { house in
            let (browser, foreign) = (Browser(house), Browser(house))
            try await browser.signIn(house.acme.operatorKey)
            try await foreign.signIn(house.globex.operatorKey)
            #expect(try await Browser(house).get("/console/events").status == 303)
            #expect(try await browser.get("/console/events?types=nonsense").status == 422)

            try await listening(browser) { own in
                try await listening(foreign) { theirs in
                    try await house.working {
                        let job = try #require(await house.call("POST", "/v1/jobs", #"{"kind":"probe"}"#).json["id"])
                        try await expectSoon { own.text.contains("event: job.completed") }
                        #expect(own.text.contains(#""job_id": "\#(job)""#), "\(own.text)")
                    }
                    #expect(!theirs.text.contains("event: job."))
                    _ = try await house.records.revokeKey(house.acme.operatorKeyID, by: "test")
                    try await expectSoon { own.text.contains(#""reason":"key_revoked""#) }
                }
            }
        }
    }

    /// What has come of a stream so far.
    private final class Heard: Sendable {
        private let content = Mutex("")
        var text: String { content.withLock(\.self) }
        func add(_ piece: String) { content.withLock { $0 += piece } }
    }

    /// Opens a stream, waits for its first sign, and gives `body` what comes.
    private func listening(_ browser: Browser, _ body: @Sendable (Heard) async throws -> Void) async throws {
        var request = HTTPClientRequest(url: browser.house.url + "/console/events?types=job")
        request.headers.add(name: "Cookie", value: "kl_session=\(browser.cookies["kl_session"] ?? "")")
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(180))
        try #require(response.status == .ok)
        #expect(response.headers.first(name: "content-type") == "text/event-stream")
        let heard = Heard()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                do { for try await piece in response.body { heard.add(String(buffer: piece)) } } catch {}  // cut off at its end
            }
            defer { group.cancelAll() }
            try await expectSoon { heard.text.contains(": open") }
            try await body(heard)
        }
    }
}
