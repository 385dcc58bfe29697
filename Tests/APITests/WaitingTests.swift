import DispatchIndex
import Foundation
import Ledger
import TestSupport
import Testing

/// Why a job waits, and what its state says of it.
@Suite struct WaitingTests {
    private let nextMonth = Date(timeIntervalSinceNow: 30 * 86_400).formatted(.iso8601)

    @Test func `a job in line says so where no worker takes it, be it that the last one is asked to drain`() async throws {
        try await TestAPI.with { api in
            let worker = try await api.ledger.register(host: "here", pid: 1)
            let job = try await api.indexed(#"{"kind":"probe"}"#)
            #expect(try await api.waiting(job).code == "in_line")
            #expect(try await api.send("GET", "/v1/queues").json["workers"].string == "up")

            let drained = try await api.send("POST", "/v1/workers/\(worker)/drain", #"{"reason":"night"}"#, as: api.platformKey)

            #expect(drained.status == 202)
            #expect(try await api.waiting(job).code == "no_worker")
            #expect(try await api.send("GET", "/v1/queues").json["workers"].string == "none")
        }
    }

    @Test func `a job that waits says what would let it run`() async throws {
        try await TestAPI.with { api in
            _ = try await api.ledger.register(host: "here", pid: 1)
            let first = try await api.indexed(#"{"kind":"probe"}"#)
            let second = try await api.indexed(#"{"kind":"probe"}"#)
            let later = try await api.indexed(#"{"kind":"probe","run_at":"\#(nextMonth)"}"#)

            #expect(try await api.waiting(first).code == "in_line")
            #expect(try await api.waiting(first).text.contains("first of its line"))
            #expect(try await api.waiting(second).text.hasPrefix("1 jobs"))
            #expect(try await api.waiting(later).code == "scheduled")
            #expect(try await api.waiting(later).text.contains(nextMonth.prefix(19)))

            try await api.dispatch.configure([TenantShare(tenant: api.acme.id, weight: 1, cap: 1)])
            let claims = try await api.dispatch.claim(1).claims
            #expect(try await api.waiting(first).code == "starting")
            #expect(try await api.waiting(second).code == "cap")
            try await api.begin(first)
            #expect(try await api.waiting(first).code.isEmpty)

            try await api.dispatch.configure([TenantShare(tenant: api.acme.id, weight: 1, cap: 9, rate: 0.01, burst: 1)])
            _ = try await api.dispatch.claim(1)
            #expect(try await api.waiting(second).code == "rate")

            try await api.dispatch.acknowledge(claims.map { Acknowledgement($0) })
            _ = try await api.owner.query("UPDATE job_live SET state = 'available', worker_id = NULL")
            #expect(try await api.waiting(first).code == "not_indexed")
        }
    }

    @Test func `a job at a closed gate is parked and says whose, and a list shows it`() async throws {
        try await TestAPI.with { api in
            let job = try await api.indexed(#"{"kind":"probe","args":{"dependency":"erp"}}"#)
            let other = try await api.indexed(#"{"kind":"probe"}"#)
            let foreign = try #require(
                await api.send("POST", "/v1/jobs", #"{"kind":"probe","args":{"dependency":"erp"}}"#, as: api.globex.operatorKey).json["id"]
                    .string)
            #expect(try await api.waiting(job).state == "available")

            let key = BreakerKey(tenant: api.acme.id, dependency: "erp")
            _ = try await api.ledger.force(key, open: true, reason: "it is being mended", by: "test")
            let forced = try await api.waiting(job)
            #expect(forced.state == "parked")
            #expect(forced.code == "breaker_forced")
            #expect(forced.text.contains("it is being mended"))
            #expect(try await api.waiting(other).state == "available")
            #expect(try await api.waiting(foreign, as: api.globex.operatorKey).state == "available")
            #expect(try await api.ids("/v1/jobs?state=parked") == [job])
            #expect(try await api.ids("/v1/jobs?state=available") == [other])

            let shared = BreakerKey(tenant: nil, dependency: "erp")
            _ = try await api.ledger.force(shared, open: true, reason: "down for all", by: "test")
            #expect(try await api.waiting(foreign, as: api.globex.operatorKey).code == "breaker_forced")
            #expect(try await api.ids("/v1/jobs?state=parked", as: api.globex.operatorKey) == [foreign])

            for breaker in [key, shared] { _ = try await api.ledger.force(breaker, open: false, reason: "works", by: "test") }
            #expect(try await api.waiting(job).state == "available")
            #expect(try await api.ids("/v1/jobs?state=parked").isEmpty)
        }
    }

    @Test func `a job whose time has not come is no parked job`() async throws {
        try await TestAPI.with { api in
            let job = try await api.indexed(#"{"kind":"probe","args":{"dependency":"erp"},"run_at":"\#(nextMonth)"}"#)
            _ = try await api.ledger.force(BreakerKey(tenant: nil, dependency: "erp"), open: true, reason: "down", by: "test")

            #expect(try await api.waiting(job).state == "scheduled")
            #expect(try await api.waiting(job).code == "scheduled")
        }
    }

    @Test func `without Redis a job says that the index is away`() async throws {
        try await TestServers.own { servers in
            try await TestAPI.with(.init(servers: servers)) { api in
                let job = try await api.indexed(#"{"kind":"probe"}"#)
                await servers.killRedis()

                // It does not wait for Redis: a caller would give up.
                let waiting = try await api.waiting(job)

                #expect(waiting.code == "index_away")
                #expect(waiting.state == "available")
                try await servers.startRedis()
            }
        }
    }
}

extension TestAPI {
    /// Enqueues a job of acme's, and waits until the index has it.
    func indexed(_ body: String) async throws -> String {
        let id = try #require(await send("POST", "/v1/jobs", body).json["id"].string)
        try await expectSoon { try await waiting(id).code != "not_indexed" }
        return id
    }

    func waiting(_ id: String, as key: String? = "acme") async throws -> (state: String, code: String, text: String) {
        let job = try await send("GET", "/v1/jobs/\(id)", as: key).json
        return (job["state"].string ?? "", job["waiting_code"].string ?? "", job["why_waiting"].string ?? "")
    }

    func ids(_ path: String, as key: String? = "acme") async throws -> [String] {
        try await send("GET", path, as: key).json["items"].array?.compactMap(\.["id"].string) ?? []
    }
}
