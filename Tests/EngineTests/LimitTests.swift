import DispatchIndex
import Foundation
import Jobs
import RedisClient
import Tenancy
import TestSupport
import Testing

/// What holds work back, inside the claim.
@Suite struct LimitTests {
    private func push(_ engine: Engine, _ count: Int, of flow: String, for tenant: TenantID, from first: Int64) async throws {
        try await engine.dispatch.push(
            (0..<Int64(count)).map {
                Push(
                    id: JobID(first + $0), tenant: tenant, flow: flow, priority: 5, since: Date(timeIntervalSince1970: Double($0)), due: nil
                )
            })
    }

    @Test func `a flow with one job does not wait behind its tenant's backlog of another kind`() async throws {
        let engine = try await Engine()
        let tenant = try await engine.tenant()
        try await push(engine, 500, of: "rebuild_forecast", for: tenant, from: 1)
        _ = try await engine.dispatch.claim(100)
        try await push(engine, 1, of: "assign_lead", for: tenant, from: 1001)

        #expect(try await engine.dispatch.claim(3).claims.map(\.id).contains(JobID(1001)))
    }

    @Test func `time without work earns a tenant nothing, nor a flow`() async throws {
        let engine = try await Engine()
        let (busy, idle) = (try await engine.tenant("busy"), try await engine.tenant("idle"))
        try await push(engine, 1_000, of: "probe", for: busy, from: 1)
        for _ in 0..<5 { try await engine.dispatch.acknowledge(try await engine.dispatch.claim(100).claims.map { Acknowledgement($0) }) }
        try await push(engine, 100, of: "probe", for: idle, from: 2001)
        try await push(engine, 100, of: "assign_lead", for: busy, from: 3001)

        let claims = try await engine.dispatch.claim(40).claims

        #expect(claims.count { $0.tenant == idle } <= 21, "half of what both get from now on")
        #expect(claims.count { $0.id.rawValue > 3000 } <= 11, "and half of the busy tenant's half")
    }

    @Test func `splitting work over many flows gains a tenant nothing`() async throws {
        let engine = try await Engine()
        let (plain, split) = (try await engine.tenant("plain"), try await engine.tenant("split"))
        try await push(engine, 300, of: "probe", for: plain, from: 1)
        for flow in 0..<30 { try await push(engine, 10, of: "probe@d\(flow)", for: split, from: Int64(1001 + flow * 10)) }

        for round in 1...10 {
            let claims = try await engine.dispatch.claim(20).claims
            #expect(claims.count { $0.tenant == plain } == 10, "round \(round)")
        }
    }

    @Test func `tenants share worker-time, so a tenant whose jobs take ten times as long gets a tenth of them`() async throws {
        let engine = try await Engine()
        let (quick, slow) = (try await engine.tenant("quick"), try await engine.tenant("slow"))
        try await push(engine, 2_000, of: "probe", for: quick, from: 1)
        try await push(engine, 2_000, of: "probe", for: slow, from: 10_001)
        var got: [TenantID: Int] = [:]
        for round in 0..<40 {
            let claims = try await engine.dispatch.claim(20).claims
            if round >= 10 { for claim in claims { got[claim.tenant, default: 0] += 1 } }
            try await engine.dispatch.acknowledge(
                claims.map { Acknowledgement($0, spent: .milliseconds($0.tenant == slow ? 100 : 10)) })
        }

        let ratio = Double(got[quick]!) / Double(got[slow]!)
        #expect(ratio > 9 && ratio < 11, "\(got)")
    }

    /// - Parameter leaves: whether it has nothing else to do meanwhile, and comes back.
    @Test(arguments: [false, true])
    func `a job that took far longer than expected costs its tenant half a minute of turns at most`(leaves: Bool) async throws {
        let engine = try await Engine()
        let (slow, other) = (try await engine.tenant("slow"), try await engine.tenant("other"))
        try await push(engine, leaves ? 1 : 100, of: "probe", for: slow, from: 1)
        try await push(engine, 1_000, of: "probe", for: other, from: 1_001)
        func turns(_ count: Int, spent: Duration) async throws -> [Claim] {
            let claims = try await engine.dispatch.claim(count).claims
            try await engine.dispatch.acknowledge(claims.map { Acknowledgement($0, spent: $0.tenant == slow ? .seconds(600) : spent) })
            return claims
        }
        #expect(try await turns(2, spent: .seconds(1)).contains { $0.tenant == slow })
        if leaves { try await push(engine, 100, of: "probe", for: slow, from: 5_001) }

        // Of the other's worker-time half a minute passes, then the slow one has a turn again.
        var spent = 0
        while try await !turns(1, spent: .seconds(1)).contains(where: { $0.tenant == slow }) {
            spent += 1
            try #require(spent < 60)
        }
        #expect(spent >= 20 && spent <= 35, "\(spent) s")
    }

    @Test func `a tenant begins no more than its burst at once and its rate afterwards, and costs nothing while it waits`() async throws {
        let engine = try await Engine()
        let (limited, free) = (try await engine.tenant("limited"), try await engine.tenant("free"))
        try await push(engine, 100, of: "probe", for: limited, from: 1)
        try await engine.dispatch.configure([TenantShare(tenant: limited, weight: 1, cap: 100, rate: 0.01, burst: 3)])
        #expect(try await engine.dispatch.claim(100).claims.isEmpty, "a rate begins without a token")
        let start = ContinuousClock.now
        try await engine.dispatch.configure([TenantShare(tenant: limited, weight: 1, cap: 100, rate: 20, burst: 3)])

        var begun = 0
        try await expectSoon {
            begun += try await engine.dispatch.claim(100).claims.count
            let elapsed = (ContinuousClock.now - start) / .seconds(1)
            #expect(Double(begun) <= 20 * elapsed + 3)
            return begun >= 8
        }
        try await engine.dispatch.configure([TenantShare(tenant: limited, weight: 1, cap: 100, rate: 0.01, burst: 3)])
        _ = try await engine.dispatch.claim(100)
        let reply = try await engine.dispatch.claim(100)
        #expect(reply.claims.isEmpty && !reply.more)
        #expect(reply.nextDue.map { $0 > .zero && $0 <= .seconds(100) } == true, "the reply says when the next token is there")
        try await push(engine, 1, of: "probe", for: free, from: 2001)
        #expect(try await engine.dispatch.claim(1).claims.map(\.tenant) == [free])
    }

    @Test func `a gate lets its limit through over all tenants, and each release lets another in`() async throws {
        let engine = try await Engine()
        let tenants = [try await engine.tenant("a"), try await engine.tenant("b"), try await engine.tenant("c")]
        for (i, tenant) in tenants.enumerated() { try await push(engine, 10, of: "probe@erp", for: tenant, from: Int64(i * 100 + 1)) }
        try await push(engine, 2, of: "probe", for: tenants[0], from: 1001)
        try await engine.dispatch.limit(.dependency("erp"), to: 4)

        let first = try await engine.dispatch.claim(100).claims
        #expect(first.count == 4 + 2, "the gate holds back what passes it and nothing else")
        #expect(Set(first.map(\.tenant)).count == 3)
        #expect(try await engine.dispatch.claim(100).claims.isEmpty)
        try await engine.dispatch.acknowledge([Acknowledgement(first.first { $0.id.rawValue < 1000 }!)])
        #expect(try await engine.dispatch.claim(100).claims.count == 1)
        try await engine.dispatch.limit(.dependency("erp"), to: nil)
        #expect(try await engine.dispatch.claim(100).claims.count == 30 - 5)
    }

    @Test func `a paused kind waits with its place in line and goes on when it is resumed`() async throws {
        let engine = try await Engine()
        let tenant = try await engine.tenant()
        try await push(engine, 3, of: "probe", for: tenant, from: 1)
        try await engine.dispatch.limit(.tenantKind(tenant, "probe"), to: 0)
        #expect(try await engine.dispatch.claim(10).claims.isEmpty)
        guard
            case .atGate(.tenantKind(tenant, "probe"), _) = try await engine.dispatch.explain(
                JobID(2), tenant: tenant, flow: "probe", priority: 5)
        else {
            Issue.record("the job does not say that it waits at the gate")
            return
        }
        try await push(engine, 1, of: "probe", for: tenant, from: 10)
        #expect(try await engine.dispatch.claim(10).claims.isEmpty, "what comes later waits too")

        try await engine.dispatch.limit(.tenantKind(tenant, "probe"), to: nil)

        #expect(Set(try await engine.dispatch.claim(10).claims.map(\.id.rawValue)) == [1, 2, 3, 10])
    }

    @Test func `a job that is withdrawn leaves its line, and an empty line waits at no gate`() async throws {
        let engine = try await Engine()
        let tenant = try await engine.tenant()
        try await push(engine, 2, of: "probe", for: tenant, from: 1)
        try await engine.dispatch.limit(.tenantKind(tenant, "probe"), to: 0)
        #expect(try await engine.dispatch.claim(10).claims.isEmpty)
        func withdraw(_ job: Int64) async throws {
            try await engine.dispatch.withdraw(JobID(job), tenant: tenant, flow: "probe", priority: 5)
        }
        func line() async throws -> FlowState? { try await engine.dispatch.state(of: tenant).flows.first { $0.name == "probe" } }

        try await withdraw(1)
        try await withdraw(1)
        #expect(try await line()?.ready == 1)
        #expect(try await line()?.blocked != nil)
        try await withdraw(2)
        #expect(try await line()?.ready == 0)
        #expect(try await line()?.blocked == nil)

        try await push(engine, 1, of: "probe", for: tenant, from: 10)
        #expect(try await engine.dispatch.claim(10).claims.isEmpty, "the gate holds back what comes later")
        try await engine.dispatch.limit(.tenantKind(tenant, "probe"), to: nil)
        #expect(try await engine.dispatch.claim(10).claims.map(\.id.rawValue) == [10])
        try await withdraw(10)
        #expect(try await line()?.running == 1, "who is claimed stays so")
    }

    @Test func `a worker of some kinds gets those, however many tenants have only others`() async throws {
        let engine = try await Engine()
        for tenant in 1...200 {
            try await push(engine, 1, of: "probe", for: TenantID(Int64(tenant)), from: Int64(tenant * 10))
        }
        try await push(engine, 2, of: "assign_lead", for: TenantID(500), from: 10_001)
        var (passed, claims, calls) = (0, [Claim](), 0)
        while claims.count < 2, calls < 20 {
            let reply = try await engine.dispatch.claim(10, kinds: ["assign_lead", "release_held"], passing: passed)
            claims += reply.claims
            passed = reply.claims.isEmpty ? reply.passed : 0
            calls += 1
        }

        #expect(claims.map(\.id.rawValue) == [10_001, 10_002])
        #expect(try await engine.dispatch.claim(500).claims.count == 200)
    }

    @Test func `what a worker of some kinds passes over is rung for, and it knows that it is others' to take`() async throws {
        let engine = try await Engine()
        let bell = RedisArgument("\(engine.database.keyPrefix){q:0}:bell")
        try await push(engine, 1, of: "probe", for: TenantID(1), from: 10)
        // It took the ring that the push gave.
        _ = try await engine.redis.send(["DEL", bell])

        let reply = try await engine.dispatch.claim(10, kinds: ["assign_lead"])

        #expect(reply.claims.isEmpty && !reply.more && reply.passed == 1)
        #expect(try await engine.redis.send(["EXISTS", bell]).int == 1)
        // Whoever takes it leaves nothing to ring for.
        _ = try await engine.redis.send(["DEL", bell])
        #expect(try await engine.dispatch.claim(10).claims.count == 1)
        let nothing = try await engine.dispatch.claim(10, kinds: ["assign_lead"])
        #expect(nothing.claims.isEmpty && nothing.passed == 0)
        #expect(try await engine.redis.send(["EXISTS", bell]).int == 0)
    }

    @Test func `a job says why it waits`() async throws {
        let engine = try await Engine()
        let (a, b) = (try await engine.tenant("a", cap: 1), try await engine.tenant("b"))
        try await push(engine, 3, of: "probe", for: a, from: 1)
        try await engine.dispatch.push([
            Push(id: JobID(9), tenant: b, flow: "probe", priority: 5, since: Date(), due: Date(timeIntervalSinceNow: 3600))
        ])
        func why(_ id: Int64, _ tenant: TenantID) async throws -> WaitingReason {
            try await engine.dispatch.explain(JobID(id), tenant: tenant, flow: "probe", priority: 5)
        }
        #expect(try await why(3, a) == .inLine(before: 2))
        _ = try await engine.dispatch.claim(10)
        #expect(try await why(1, a) == .running)
        #expect(try await why(2, a) == .capped(running: 1))
        #expect(try await why(77, a) == .absent)
        guard case .scheduled(let until) = try await why(9, b) else {
            Issue.record("a scheduled job says so")
            return
        }
        #expect(until > Date(timeIntervalSinceNow: 3000))
        try await engine.dispatch.configure([TenantShare(tenant: a, weight: 1, cap: 5, rate: 0.01, burst: 1)])
        _ = try await engine.dispatch.claim(10)
        guard case .throttled = try await why(2, a) else {
            Issue.record("a throttled job says so")
            return
        }
    }

    @Test func `a tenant's state counts ready and running by flow`() async throws {
        let engine = try await Engine()
        let tenant = try await engine.tenant()
        try await push(engine, 5, of: "probe", for: tenant, from: 1)
        try await push(engine, 4, of: "probe@erp", for: tenant, from: 101)
        let claims = try await engine.dispatch.claim(3).claims
        try await engine.dispatch.acknowledge([Acknowledgement(claims[0], spent: .milliseconds(40))])

        let state = try await engine.dispatch.state(of: tenant)
        #expect(state.running == 2)
        #expect(state.flows.reduce(0) { $0 + $1.ready } == 6)
        #expect(state.flows.reduce(0) { $0 + $1.running } == 2)
        #expect(state.received >= .milliseconds(40), "the job's 40 ms and the expected cost of the two that run")
    }

    @Test func `a gate that is not as the ledger has it is put right`() async throws {
        let engine = try await Engine()
        _ = try await engine.postgres.query(
            "INSERT INTO gate_limit (gate, source, \"limit\", reason, set_by) VALUES ('k:other', 'pause', 0, 'test', 'test')")
        try await engine.running([]) { _ in
            try await expectSoon { try await engine.dispatch.gateLimits() == ["k:other": 0] }

            // As somebody leaves it who was overtaken between the ledger and the index.
            try await engine.dispatch.limit(gates: ["k:stub": 0, "k:other": 7])

            try await expectSoon { try await engine.dispatch.gateLimits() == ["k:other": 0] }
        }
    }

    @Test func `a tenant is told its share of the worker-time given and what it is entitled to, however many there are`() async throws {
        let engine = try await Engine()
        let tenants = (1...700).map { TenantID($0) }
        for tenant in tenants { try await push(engine, 1, of: "probe", for: tenant, from: tenant.rawValue * 10) }
        try await engine.dispatch.configure([TenantShare(tenant: tenants[0], weight: 700, cap: 10)])
        // Of weight 700 among 699 others of weight 1 it is entitled to half; the sample of 512 may miss it.
        let sampled = try await engine.dispatch.fairness(of: [tenants[1]])[0].shareEntitled
        #expect(sampled > 1.0 / 2_000 && sampled <= 1.0 / 699)

        let idle = TenantID(9_999)
        let claims = try await engine.dispatch.claim(500).claims + engine.dispatch.claim(500).claims
        #expect(claims.count == 700)
        let ends = claims.map { Acknowledgement($0, spent: .milliseconds($0.tenant == tenants[0] ? 699 : 1)) }
        try await engine.dispatch.acknowledge(ends)

        let shares = try await engine.dispatch.fairness(of: [tenants[0], tenants[1], idle])
        #expect(shares.map(\.weight) == [700, 1, 1])
        #expect(shares.map(\.hasWork) == [false, false, false])
        #expect(abs((shares[0].shareReceived ?? 0) - 0.5) < 0.01)
        #expect(abs((shares[1].shareReceived ?? 0) - 1.0 / 1_398) < 0.0005)
        #expect(shares[2].shareReceived == 0)
        #expect(shares[0].shareEntitled == 1, "nobody else has work")
        #expect(shares[0].received == .milliseconds(699))
    }
}
