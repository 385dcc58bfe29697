import Foundation
import Records
import Tenancy
import TestSupport
import Testing

@testable import API

/// How many workers there should be.
@Suite struct AutoscaleTests {
    private func part(
        _ tenant: Int64 = 1, _ flow: String = "probe", jobs: Double, cap: Int = 1_000, rate: Double? = nil, gate: (String, Int)? = nil
    ) -> Backlog.Part {
        Backlog.Part(tenant: TenantID(tenant), flow: flow, jobs: jobs, cap: cap, rate: rate, gate: gate?.0, gateLimit: gate?.1)
    }

    private func demand(_ parts: [Backlog.Part], others: Double = 0, cost: Double = 2, running: Int = 0) -> Demand {
        Demand(
            backlog: Backlog(parts: parts, others: others, isSampled: false), costs: parts.map { _ in cost }, meanCost: 1, running: running)
    }

    @Test func `slots wanted are the work there is by the time it may take, and those in use`() {
        #expect(demand([part(jobs: 300)]).slots(target: 60) == 10)
        #expect(demand([part(jobs: 300)], others: 60, running: 7).slots(target: 60) == 18)
        #expect(demand([]).slots(target: 60) == 0)
    }

    @Test func `work that more workers could not do calls for none`() {
        #expect(demand([part(jobs: 9_000, cap: 5)]).slots(target: 60) == 5)
        #expect(demand([part(jobs: 9_000, cap: 5), part(1, "other", jobs: 9_000, cap: 5)]).slots(target: 60) == 5)
        #expect(demand([part(jobs: 9_000, rate: 1)]).slots(target: 60) == 2)
        #expect(demand([part(jobs: 9_000, cap: 0)]).slots(target: 60) == 0)
        #expect(demand([part(jobs: 9_000, gate: ("k:probe", 0))]).slots(target: 60) == 0)
        let behindOneGate = [part(jobs: 9_000, gate: ("d:erp", 3)), part(2, jobs: 9_000, gate: ("d:erp", 3))]
        #expect(demand(behindOneGate).slots(target: 60) == 3)
    }

    @Test func `the backlog that may run is what workers are wanted for`() async throws {
        try await TestAPI.with { api in
            let idle = try await api.send("GET", "/v1/autoscale", as: nil).json
            #expect(idle["workers_wanted"].int == 0)
        }
        try await TestAPI.with { api in
            for _ in 0..<3 { _ = try await api.indexed(#"{"kind":"probe"}"#) }
            _ = try await api.indexed(#"{"kind":"probe","args":{"dependency":"erp"}}"#)
            let month = Date(timeIntervalSinceNow: 30 * 86_400).formatted(.iso8601)
            _ = try await api.indexed(#"{"kind":"probe","run_at":"\#(month)"}"#)
            _ = try await api.send("POST", "/v1/breakers/erp/open", #"{"reason":"x"}"#, as: api.acme.operatorKey)
            let claims = try await api.dispatch.claim(1).claims
            try await api.begin(claims[0].id.description)

            let answer = try await api.send("GET", "/v1/autoscale?slots=1&target_seconds=1", as: nil).json

            #expect(answer["backlog_jobs"].int == 3)
            #expect(answer["running"].int == 1)
            #expect(answer["workers_wanted"].int == 2, "two jobs of a millisecond, and the one that runs")
            #expect(answer["sampled"].bool == false)
            #expect(
                try await api.send("GET", "/v1/autoscale?slots=0&most=x", as: nil).faults == ["slots out_of_range", "most out_of_range"])
        }
    }

    @Test func `a large backlog is estimated from a part of it`() async throws {
        try await TestAPI.with { api in
            _ = try await api.owner.query(
                """
                INSERT INTO job_live (id, tenant_id, kind, flow, priority, state, run_at, enqueued_at, max_attempts)
                SELECT n, CASE WHEN n % 10 = 0 THEN \(api.globex.id.rawValue) ELSE \(api.acme.id.rawValue) END, 'probe', 'probe', 5, 'available',
                    now() - interval '1 s', now(), 5
                FROM generate_series(1, 40000) n
                """)

            let backlog = try await api.records.backlog(pages: 200)
            let jobs = { (tenant: TestAPI.Tenant) in backlog.parts.first { $0.tenant == tenant.id }?.jobs ?? 0 }

            #expect(backlog.isSampled)
            #expect(jobs(api.acme) > 20_000 && jobs(api.acme) < 55_000, "it is 36,000")
            #expect(jobs(api.globex) > 2_000 && jobs(api.globex) < 7_000, "it is 4,000")
            #expect(abs(backlog.others) < 1)
        }
    }

    @Test func `without the index nobody is told to go`() async throws {
        try await TestServers.own { servers in
            try await TestAPI.with(.init(servers: servers)) { api in
                await servers.killRedis()

                let reply = try await api.send("GET", "/v1/autoscale", as: nil)

                #expect(reply.status == 503)
                #expect(reply.code == "demand_unknown")
                try await servers.startRedis()
            }
        }
    }
}
