import Foundation
import Glibc
import JobKinds
import Jobs
import LocalServers
import Logging
import Maintenance
import Records
import ServiceLifecycle
import TestSupport
import Testing
import Worker

/// What callers see while a server is away. Each test breaks servers of its own.
@Suite struct OutageTests {
    private let probe = #"{"kind":"probe"}"#

    @Test func `without Postgres nothing is accepted, and the same key works when it is back`() async throws {
        try await TestServers.own { servers in
            try await TestAPI.with(.init(servers: servers)) { api in
                let headers = ["Idempotency-Key": "k"]
                #expect(try await api.send("POST", "/v1/jobs", probe).status == 202)

                await servers.stopPostgres(.immediate)
                let job = try await api.send("POST", "/v1/jobs", probe, headers: headers)
                let lead = try await api.send("POST", "/v1/leads", #"{"external_id":"L1"}"#)
                let file = try await api.send(
                    "POST", "/v1/leads:import?source=s&external_id=id", "id\n1\n", type: "text/csv", headers: headers)
                let list = try await api.send("GET", "/v1/jobs")
                let ready = try await api.send("GET", "/readyz", as: nil)
                let live = try await api.send("GET", "/healthz", as: nil)
                try await servers.startPostgres()

                for reply in [job, lead, file, list] { expectUnavailable(reply) }
                #expect(ready.status == 503)
                #expect(live.status == 200)
                try await soon { try await api.send("POST", "/v1/jobs", probe, headers: headers).status == 202 }
                #expect(try await api.send("POST", "/v1/jobs", probe, headers: headers).headers["idempotency-replayed"] == "true")
                #expect(try await api.count("lead") == 0)
            }
        }
    }

    @Test func `a Postgres that hangs is given up on, and found again when it goes on`() async throws {
        try await TestServers.own { servers in
            try await TestAPI.with(.init(patience: .milliseconds(500), statementTimeout: .zero, servers: servers)) { api in
                #expect(try await api.send("POST", "/v1/jobs", probe).status == 202)

                freeze(servers.postgresPID, SIGSTOP)
                async let job = api.send("POST", "/v1/jobs", probe)
                async let keyed = api.send("POST", "/v1/jobs", probe, headers: ["Idempotency-Key": "k"])
                async let lead = api.send("POST", "/v1/leads", #"{"external_id":"L1"}"#)
                async let list = api.send("GET", "/v1/jobs")
                let replies = try await [job, keyed, lead, list]
                freeze(servers.postgresPID, SIGCONT)

                for reply in replies { expectUnavailable(reply) }
                try await soon { try await api.send("POST", "/v1/jobs", probe).status == 202 }
            }
        }
    }

    @Test func `without Redis jobs are accepted as ever, and run when it is back`() async throws {
        try await TestServers.own { servers in
            try await TestAPI.with(.init(servers: servers)) { api in
                try await working(api) {
                    let first = try await api.send("POST", "/v1/jobs", probe)
                    try await soon { try await state(of: first, api) == "completed" }

                    await servers.killRedis()
                    let job = try await api.send("POST", "/v1/jobs", probe)
                    let other = try await api.send("POST", "/v1/jobs", probe, as: api.globex.tenantKey)
                    let lead = try await api.send("POST", "/v1/leads", #"{"external_id":"L1"}"#)
                    let ready = try await api.send("GET", "/readyz", as: nil)
                    let before = try await state(of: job, api)
                    try await servers.startRedis()

                    #expect([job, other, lead].map(\.status) == [202, 202, 202])
                    #expect(before == "available")
                    #expect(ready.status == 200)
                    #expect(try ready.json["redis"].string == "down")
                    try await soon { try await state(of: job, api) == "completed" }
                    try await soon { try await state(of: other, api, as: api.globex.tenantKey) == "completed" }
                }
            }
        }
    }

    private func expectUnavailable(_ reply: Reply, sourceLocation: SourceLocation = #_sourceLocation) {
        #expect(reply.status == 503, sourceLocation: sourceLocation)
        #expect(reply.code == "unavailable", sourceLocation: sourceLocation)
        #expect(reply.headers["retry-after"] != nil, sourceLocation: sourceLocation)
    }

    private func state(of reply: Reply, _ api: TestAPI, as key: String? = "acme") async throws -> String? {
        let id = try #require(try reply.json["id"].string)
        return try await api.send("GET", "/v1/jobs/\(id)", as: key).json["state"].string
    }

    /// Stops or continues Postgres and every process it has made.
    private func freeze(_ postmaster: Int32, _ signal: Int32) {
        let children = (try? String(contentsOfFile: "/proc/\(postmaster)/task/\(postmaster)/children", encoding: .utf8)) ?? ""
        for process in [postmaster] + children.split(separator: " ").compactMap({ Int32($0) }) { kill(process, signal) }
    }

    /// A worker process and the caretakers run while `body` does.
    private func working(_ api: TestAPI, _ body: () async throws -> Void) async throws {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let upkeep = MaintenanceSettings(
            watch: .milliseconds(50), relayAge: .milliseconds(100), reap: .milliseconds(100), census: .milliseconds(500),
            promote: .milliseconds(50))
        let handlers = [AnyHandler(Probe(dependencies: ProbeDependencies(postgres: api.app)))]
        let worker = WorkerSettings(beat: .milliseconds(100), idle: .milliseconds(50))
        let group = ServiceGroup(
            services: [
                Maintenance(
                    ledger: api.ledger, dispatch: api.dispatch, pusher: api.pusher, role: .full, settings: upkeep, logger: logger),
                Worker(ledger: api.ledger, dispatch: api.dispatch, handlers: handlers, settings: worker, logger: logger),
            ], logger: logger)
        let running = Task { try await group.run() }
        let result: Result<Void, any Error>
        do { result = .success(try await body()) } catch { result = .failure(error) }
        await group.triggerGracefulShutdown()
        try await running.value
        try result.get()
    }
}
