import DispatchIndex
import Foundation
import Ledger
import TestSupport
import Testing

@testable import Maintenance

/// What callers are told of jobs above their tenant's capacity.
@Suite struct DeferralRouteTests {
    private let thousand = #"{"jobs":[\#(Array(repeating: #"{"kind":"probe"}"#, count: 1_000).joined(separator: ","))]}"#

    @Test func `a job above the capacity is accepted, says that it is deferred, and for how long once that is known`() async throws {
        try await TestAPI.with { api in
            #expect(try await api.send("PUT", "/v1/tenants/acme", #"{"ready_capacity":5}"#, as: api.platformKey).status == 200)
            let first = try await api.send("POST", "/v1/jobs:batch", thousand)
            #expect(first.status == 202)
            #expect(try first.json["deferred"].isAbsent, "nobody has been deferred yet")
            for _ in 0..<3 { #expect(try await api.send("POST", "/v1/jobs:batch", thousand).status == 202) }
            try await api.allOffered()

            let one = try await api.send("POST", "/v1/jobs", #"{"kind":"probe"}"#)
            #expect(one.status == 202)
            #expect(try one.json["state"].string == "available")
            #expect(try one.json["deferred"].bool == true)
            #expect(try one.json["estimated_drain_seconds"].isNull, "nothing has drained yet, so nobody knows")
            let foreign = try await api.send("POST", "/v1/jobs", #"{"kind":"probe"}"#, as: api.globex.tenantKey)
            #expect(try foreign.json["deferred"].isAbsent)
            try await api.allOffered()

            let id = try #require(try one.json["id"].string)
            #expect(try await api.waiting(id).state == "available")
            #expect(try await api.waiting(id).code == "deferred")
            #expect(try await api.send("GET", "/v1/jobs/\(id)").json["estimated_drain_seconds"].isNull)
            let queue = try await api.queue("probe")
            #expect(queue["ready"].int == 5 && queue["deferred"].int == 3_996)
            #expect(queue["estimated_drain_seconds"].isNull)

            #expect(try await api.dispatch.claim(6).claims.count == 6, "five of them, and the other tenant's")
            try await Refill(ledger: api.ledger, dispatch: api.dispatch, interval: .zero).run()
            #expect(try await api.queue("probe")["estimated_drain_seconds"].int.map { $0 >= 1 } == true)
            #expect(try await api.send("GET", "/v1/jobs/\(id)").json["estimated_drain_seconds"].int != nil)
            let last = try await api.send("POST", "/v1/jobs", #"{"kind":"probe"}"#)
            #expect(try last.json["estimated_drain_seconds"].int != nil)
        }
    }

    @Test func `what is deferred counts towards the quota`() async throws {
        try await TestAPI.with { api in
            _ = try await api.send("PUT", "/v1/tenants/acme", #"{"ready_capacity":1,"quota":1005}"#, as: api.platformKey)
            #expect(try await api.send("POST", "/v1/jobs:batch", thousand).status == 202)
            try await api.allOffered()
            var refused: Reply?
            // What is under way at the moment of a count may go beyond the quota by a little.
            for _ in 0..<100 where refused == nil {
                let reply = try await api.send("POST", "/v1/jobs", #"{"kind":"probe"}"#)
                if reply.status == 429 { refused = reply }
            }
            #expect(refused?.code == "quota_exceeded")
            #expect((1_005..<1_100).contains(try await api.count("job")))
        }
    }

    @Test func `an import above the capacity is accepted whole and tells how many of its leads are deferred`() async throws {
        try await TestAPI.with { api in
            _ = try await api.send("PUT", "/v1/tenants/acme", #"{"ready_capacity":5}"#, as: api.platformKey)
            let csv = "id\n" + (0..<16).map { "lead-\($0)\n" }.joined()
            let reply = try await api.send("POST", "/v1/leads:import?source=a&external_id=id", csv, type: "text/csv")
            #expect(reply.status == 202)
            try await api.allOffered()

            let path = "/v1/imports/\(try reply.json["import_id"].string ?? "")"
            let record = try await api.send("GET", path).json
            #expect(record["state"].string == "completed" && record["accepted"].int == 16)
            #expect(record["deferred"].int == 11)
            #expect(record["estimated_drain_seconds"].isNull)
            _ = try await api.send("POST", "/v1/leads", #"{"external_id":"another"}"#)
            try await api.allOffered()
            #expect(try await api.send("GET", path).json["deferred"].int == 11, "others' leads do not count")
            let lead = try await api.send("POST", "/v1/leads", #"{"external_id":"third"}"#)
            #expect(try lead.json["deferred"].bool == true)
        }
    }
}

extension TestAPI {
    /// Returns when all that was enqueued is in the index or deferred.
    func allOffered() async throws {
        try await expectSoon {
            await pusher.confirm()
            return try await count("outbox") == 0
        }
    }

    fileprivate func queue(_ kind: String) async throws -> JSON {
        try #require(await send("GET", "/v1/queues").json["items"].array?.first { $0["kind"].string == kind })
    }
}
