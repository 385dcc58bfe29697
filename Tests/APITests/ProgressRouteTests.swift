import Foundation
import TestSupport
import Testing

@Suite struct ProgressRouteTests {
    @Test func `a running job shows how far it is, and tells it on the stream`() async throws {
        try await TestAPI.with { api in
            try await api.working {
                try await api.listening("?types=job.progress") { reader in
                    let id = try await api.enqueued(#"{"kind":"probe","args":{"progress":30,"sleep_ms":60000}}"#)
                    #expect(try await api.send("GET", "/v1/jobs/\(id)").json["progress"].isNull)

                    try await expectSoon { !reader.events.isEmpty }

                    let job = try await api.send("GET", "/v1/jobs/\(id)").json
                    let told = try #require(reader.events.first)
                    let fraction = try #require(told.json["data"]["progress"].double)
                    #expect(fraction > 0 && fraction < 1)
                    #expect(told.json["data"]["note"].string?.hasSuffix("of 30") == true)
                    #expect(told.job == id)
                    #expect(try #require(job["progress"]["fraction"].double) >= fraction)
                    #expect(job["progress"]["note"].string?.hasSuffix("of 30") == true)
                    #expect(job["progress"]["at"].string != nil)

                    _ = try await api.send("POST", "/v1/jobs/\(id)/cancel", #"{"reason":"seen enough"}"#)
                    try await expectSoon { try await api.send("GET", "/v1/jobs/\(id)").json["state"].string == "cancelled" }
                    #expect(try await api.send("GET", "/v1/jobs/\(id)").json["progress"].isNull)
                }
            }
        }
    }
}
