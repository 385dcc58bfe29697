import DispatchIndex
import Foundation
import Jobs
import Ledger
import RedisClient
import Tenancy
import TestSupport
import Testing

@Suite struct DispatchTests {
    @Test func `weights one and three share one to three, within one job`() async throws {
        let engine = try await Engine()
        let one = try await engine.tenant("one", weight: 1)
        let three = try await engine.tenant("three", weight: 3)
        try await engine.enqueue((0..<400).flatMap { _ in [engine.probe(one), engine.probe(three)] })

        var got: [TenantID: Int] = [:]
        for _ in 0..<20 {
            for claim in try await engine.dispatch.claim(20).claims { got[claim.tenant, default: 0] += 1 }
            // |W₁/1 − W₃/3| ≤ c/1 + c/3 with c = 1: the bound of start-time fair queueing, at every moment.
            let served = (one: Double(got[one] ?? 0), three: Double(got[three] ?? 0))
            let apart: Double = abs(served.one - served.three / 3)
            #expect(apart <= 4.0 / 3)
        }
        #expect(got[one]! + got[three]! == 400)
    }

    @Test func `no number is told of a tenant with more flows than the index lists`() async throws {
        let engine = try await Engine()
        let tenant = try await engine.tenant("one")
        try await engine.dispatch.push(
            (1...999).map { Push(id: JobID($0), tenant: tenant, flow: "probe@d\($0)", priority: 5, since: Date(), due: nil) })

        #expect(try await engine.dispatch.readyOrDeferred(of: tenant) == 999)

        try await engine.dispatch.push(
            (1_000...1_500).map { Push(id: JobID($0), tenant: tenant, flow: "probe@d\($0)", priority: 5, since: Date(), due: nil) })
        #expect(try await engine.dispatch.readyOrDeferred(of: tenant) == nil, "whoever asks has to count in the ledger")
    }

    @Test func `a newcomer's single job is in the next claim, whatever the backlogs`() async throws {
        let engine = try await Engine()
        let big = try await engine.tenant("big", weight: 3)
        let other = try await engine.tenant("other", weight: 1)
        try await engine.enqueue((0..<500).flatMap { _ in [engine.probe(big), engine.probe(other)] })
        _ = try await engine.dispatch.claim(100)
        let small = try await engine.tenant("small")

        let ids = try await engine.enqueue([engine.probe(small)])
        let next = try await engine.dispatch.claim(10).claims

        #expect(next.contains { $0.id == ids[0] })
    }

    @Test func `a tenant never has more claims out than its cap`() async throws {
        let engine = try await Engine()
        let capped = try await engine.tenant("capped", cap: 3)
        let free = try await engine.tenant("free")
        try await engine.enqueue((0..<10).flatMap { _ in [engine.probe(capped), engine.probe(free)] })

        let first = try await engine.dispatch.claim(100).claims
        #expect(first.count { $0.tenant == capped } == 3)
        #expect(first.count { $0.tenant == free } == 10)
        #expect(try await engine.dispatch.claim(100).claims.isEmpty)

        try await engine.dispatch.acknowledge(first.filter { $0.tenant == capped }.prefix(2).map { Acknowledgement($0) })
        #expect(try await engine.dispatch.claim(100).claims.count == 2)
    }

    @Test func `a new cap and weight hold from the next claim on`() async throws {
        let engine = try await Engine()
        let tenant = try await engine.tenant("a", cap: 1)
        try await engine.enqueue((0..<10).map { _ in engine.probe(tenant) })
        #expect(try await engine.dispatch.claim(10).claims.count == 1)
        #expect(try await engine.dispatch.claim(10).claims.isEmpty)

        try await engine.dispatch.configure([TenantShare(tenant: tenant, weight: 5, cap: 4)])

        #expect(try await engine.dispatch.claim(10).claims.count == 3)
    }

    @Test func `acknowledging twice frees a slot once`() async throws {
        let engine = try await Engine()
        let tenant = try await engine.tenant("a", cap: 2)
        try await engine.enqueue((0..<6).map { _ in engine.probe(tenant) })
        let claims = try await engine.dispatch.claim(10).claims

        for _ in 0..<3 { try await engine.dispatch.acknowledge([Acknowledgement(claims[0])]) }

        #expect(try await engine.dispatch.claim(10).claims.count == 1)
    }

    @Test func `pushing again what is waiting, running or scheduled changes nothing`() async throws {
        let engine = try await Engine()
        let tenant = try await engine.tenant()
        let due = Date(timeIntervalSinceNow: 60)
        let pushes = [
            Push(id: JobID(1), tenant: tenant, flow: "probe", priority: 5, since: Date(), due: nil),
            Push(id: JobID(2), tenant: tenant, flow: "probe", priority: 9, since: Date(), due: nil),
            Push(id: JobID(3), tenant: tenant, flow: "probe", priority: 5, since: Date(), due: due),
        ]
        try await engine.dispatch.push(pushes)
        #expect(try await engine.dispatch.claim(1).claims.map(\.id) == [JobID(2)])

        try await engine.dispatch.push(pushes)

        #expect(try await engine.dispatch.claim(10).claims.map(\.id) == [JobID(1)])
    }

    @Test func `a scheduled job that is pushed again with an earlier time, or as due, takes that time`() async throws {
        let engine = try await Engine()
        let tenant = try await engine.tenant()
        func push(_ due: Date?) async throws {
            try await engine.dispatch.push([Push(id: JobID(3), tenant: tenant, flow: "probe", priority: 5, since: Date(), due: due)])
        }
        func due() async throws -> Date? {
            guard case .scheduled(let until) = try await engine.dispatch.explain(JobID(3), tenant: tenant, flow: "probe", priority: 5)
            else {
                return nil
            }
            return until
        }
        let soon = Date(timeIntervalSince1970: (Date().timeIntervalSince1970 + 60).rounded())
        try await push(soon.addingTimeInterval(60))
        try await push(soon)
        #expect(try await due() == soon)
        try await push(soon.addingTimeInterval(600))
        #expect(try await due() == soon, "a push never delays")

        try await push(nil)

        #expect(try await engine.dispatch.claim(10).claims.map(\.id) == [JobID(3)])
    }

    @Test func `a job that came due before the clock went back is in line once, also when it is pushed again`() async throws {
        let engine = try await Engine()
        let tenant = try await engine.tenant()
        let push = Push(id: JobID(3), tenant: tenant, flow: "probe", priority: 5, since: Date(), due: Date().addingTimeInterval(60))
        func step(_ by: Duration) async throws {
            try await engine.redis.stepClock(
                ofIndex: "\(engine.database.keyPrefix){q:0}:\(engine.dispatch.epoch!):", by: by)
        }
        try await engine.dispatch.push([push])
        try await step(.seconds(3_600))
        #expect(try await engine.dispatch.claim(1, kinds: ["assign_lead"]).claims.isEmpty)
        #expect(try await engine.dispatch.explain(JobID(3), tenant: tenant, flow: "probe", priority: 5) == .inLine(before: 0))

        try await engine.dispatch.push([push])

        let claims = try await engine.dispatch.claim(9).claims
        #expect(claims.map(\.id) == [JobID(3)])
        try await engine.dispatch.acknowledge(claims.map { Acknowledgement($0) })
        try await step(.seconds(3_600))
        #expect(try await engine.dispatch.claim(9).claims.isEmpty, "it was scheduled beside")

        let now = Push(id: JobID(4), tenant: tenant, flow: "probe", priority: 5, since: Date(), due: nil)
        let later = Push(id: JobID(4), tenant: tenant, flow: "probe", priority: 5, since: Date(), due: Date().addingTimeInterval(60))
        try await engine.dispatch.push([later, now])
        try await step(.seconds(3_600))
        #expect(try await engine.dispatch.claim(9).claims.map(\.id) == [JobID(4)], "both in one call")
    }

    @Test func `higher priority goes ahead within its tenant`() async throws {
        let engine = try await Engine()
        let tenant = try await engine.tenant()
        let since = Date()
        for (id, priority) in [(1, 0), (2, 5), (3, 9), (4, 5)] {
            try await engine.dispatch.push([
                Push(id: JobID(Int64(id)), tenant: tenant, flow: "probe", priority: priority, since: since, due: nil)
            ])
        }

        #expect(try await engine.dispatch.claim(10).claims.map(\.id.rawValue) == [3, 2, 4, 1])
    }

    @Test func `a level of priority is worth ten minutes, so what is old goes before what is dear`() async throws {
        let engine = try await Engine()
        let tenant = try await engine.tenant()
        let now = Date()
        // Nine levels are ninety minutes.
        for (id, priority, minutesOld) in [(1, 9, 0), (2, 0, 120), (3, 0, 60)] {
            let since = now.addingTimeInterval(-60 * Double(minutesOld))
            try await engine.dispatch.push([
                Push(id: JobID(Int64(id)), tenant: tenant, flow: "probe", priority: priority, since: since, due: nil)
            ])
        }

        #expect(try await engine.dispatch.claim(10).claims.map(\.id.rawValue) == [2, 1, 3])
    }

    @Test func `tokens are whole numbers beyond ten to the fourteenth and grow`() async throws {
        let engine = try await Engine()
        let tenant = try await engine.tenant()
        let epoch: Int64 = 1 << 20
        try await engine.dispatch.beginRebuild(under: epoch)
        #expect(try await engine.dispatch.finishRebuild(under: epoch))
        try await engine.dispatch.push(
            (1...3).map { Push(id: JobID($0), tenant: tenant, flow: "probe", priority: 5, since: Date(), due: nil) })

        let first = try await engine.dispatch.claim(2).claims
        let second = try await engine.dispatch.claim(2).claims

        let base = epoch << 32
        #expect((first + second).map(\.token) == [base + 1, base + 2, base + 3])
    }

    @Test func `an expired lease is handed out once, with a pause for whoever looks into it`() async throws {
        let engine = try await Engine(lease: .milliseconds(1))
        let tenant = try await engine.tenant()
        let ids = try await engine.enqueue([engine.probe(tenant)])
        _ = try await engine.dispatch.claim(1)

        try await expectSoon { try await engine.dispatch.expired().map(\.id) == ids }
        #expect(try await engine.dispatch.expired().isEmpty)
    }

    @Test func `after the clock has jumped nothing is taken from anybody for as long as a lease lasts`() async throws {
        let engine = try await Engine(lease: .milliseconds(1))
        let tenant = try await engine.tenant()
        let ids = try await engine.enqueue([engine.probe(tenant)])
        _ = try await engine.dispatch.claim(1)
        try await expectSoon { try await engine.dispatch.expired(handover: .zero).map(\.id) == ids }
        func index(_ fields: String...) async throws {
            let key = RedisArgument("\(engine.database.keyPrefix){q:0}:\(engine.dispatch.epoch!):h")
            _ = try await engine.redis.send(RedisCommand(["HSET", key] + fields.map { RedisArgument($0) }))
        }
        // The last look was long ago, or is still to come: heartbeats could not have come either.
        let far = Dispatch(redis: engine.redis, namespace: engine.database.keyPrefix, lease: .seconds(600))
        far.adopt(engine.dispatch.epoch)
        for moment in [Date().addingTimeInterval(-20), Date().addingTimeInterval(20)] {
            try await index("reap", "\(Int64(moment.timeIntervalSince1970 * 1_000))", "noreap", "0")
            #expect(try await far.expired(handover: .zero).isEmpty)
            #expect(try await far.expired(handover: .zero).isEmpty, "and not a moment later either")
        }
        try await index("noreap", "0")
        #expect(try await engine.dispatch.expired(handover: .zero).map(\.id) == ids)
    }

    @Test func `after the clock went back leases, throttled tenants, lines that are filled and shares go by the present`() async throws {
        let engine = try await Engine(lease: .milliseconds(1))
        let (plain, limited, small) = (try await engine.tenant(), try await engine.tenant("limited"), try await engine.tenant("small"))
        try await engine.dispatch.configure([TenantShare(tenant: limited, weight: 1, cap: 100, rate: 20, burst: 1)])
        try await engine.setCapacity(1, of: small)
        let ids = try await engine.enqueue([engine.probe(plain)])
        #expect(try await engine.dispatch.claim(9).claims.map(\.id) == ids)
        try await engine.enqueue((0..<2).map { _ in engine.probe(limited) })
        try await engine.enqueueAndOffer((0..<3).map { _ in engine.probe(small) })
        var begun: [Claim] = []
        // The first token has to come.
        try await expectSoon {
            begun += try await engine.dispatch.claim(1).claims
            return Set(begun.map(\.tenant)) == [limited, small]
        }
        try await engine.dispatch.acknowledge(begun.map { Acknowledgement($0) })
        #expect(try await engine.dispatch.thirsty().map(\.line.tenant) == [small])
        #expect(try await engine.dispatch.thirsty().isEmpty, "somebody fills it")
        _ = try await engine.dispatch.expired(handover: .zero)

        try await engine.redis.stepClock(
            ofIndex: "\(engine.database.keyPrefix){q:0}:\(engine.dispatch.epoch!):", by: .seconds(-3_600))

        #expect(try await engine.dispatch.thirsty().map(\.line.tenant) == [small])
        #expect(try await engine.dispatch.expired(handover: .zero).isEmpty)
        try await expectSoon { try await engine.dispatch.claim(1).claims.map(\.tenant) == [limited] }
        try await expectSoon { try await engine.dispatch.expired(handover: .zero).map(\.id).contains(ids[0]) }
        // Three claims of three tenants, two of them from before the step.
        let shares = try await engine.dispatch.fairness(of: [plain, limited, small]).compactMap(\.shareReceived)
        #expect(shares.count == 3 && shares.allSatisfy { $0 > 0.05 && $0 < 0.9 }, "\(shares)")
    }

    @Test func `a heartbeat names the claims that are no longer ours`() async throws {
        let engine = try await Engine()
        let tenant = try await engine.tenant()
        try await engine.enqueue((0..<3).map { _ in engine.probe(tenant) })
        let claims = try await engine.dispatch.claim(3).claims
        try await engine.dispatch.acknowledge([Acknowledgement(claims[1])])

        #expect(try await engine.dispatch.heartbeat(claims) == [claims[1].id])
    }

    @Test func `a call under a lost epoch is refused and forgets the epoch`() async throws {
        let engine = try await Engine()
        let old = engine.dispatch.epoch!
        _ = try await engine.redis.send(["SET", RedisArgument("\(engine.database.keyPrefix){q:0}:ep"), RedisArgument(old + 1)])

        await #expect(throws: DispatchError.epochLost) { try await engine.dispatch.claim(1) }
        #expect(engine.dispatch.epoch == nil)
    }

    @Test func `claims that come during a rebuild wait and do not end it`() async throws {
        let engine = try await Engine()
        let tenant = try await engine.tenant()
        let epoch = engine.dispatch.epoch! + 1
        try await engine.dispatch.beginRebuild(under: epoch)

        await #expect(throws: DispatchError.epochLost) { try await engine.dispatch.claim(1) }
        #expect(engine.dispatch.epoch == epoch)
        try await engine.dispatch.push([Push(id: JobID(1), tenant: tenant, flow: "probe", priority: 5, since: Date(), due: nil)])
        #expect(try await engine.dispatch.finishRebuild(under: epoch))
        #expect(try await engine.dispatch.claim(1).claims.map(\.id) == [JobID(1)])
    }

    @Test func `a rebuilt index holds what the lost one held`() async throws {
        let engine = try await Engine()
        let tenant = try await engine.tenant("a", cap: 5)
        let ids = try await engine.enqueue((0..<10).map { _ in engine.probe(tenant) })
        let running = try await engine.begin(2)
        let done = try await engine.begin(1)
        _ = try await engine.settle(done)
        _ = try await engine.redis.send(["DEL", RedisArgument("\(engine.database.keyPrefix){q:0}:ep")])
        await #expect(throws: DispatchError.epochLost) { try await engine.dispatch.claim(1) }

        try await engine.keeper.run()

        #expect(try await engine.dispatch.heartbeat(running.map { Claim(id: $0.id, tenant: $0.tenant, token: $0.token) }) == [])
        let claims = try await engine.dispatch.claim(100).claims
        let open = Set(ids).subtracting(running.map(\.id)).subtracting(done.map(\.id))
        #expect(claims.count == 3, "cap 5, two still run")
        let settled = try await engine.settle(running)
        try await engine.acknowledge(running)
        #expect(settled.done.count == 2)
        #expect(try await engine.dispatch.claim(100).claims.count == 2)
        #expect(open.isSuperset(of: claims.map(\.id)))
    }

    @Test func `the sweep removes what older lives left and nothing else`() async throws {
        let engine = try await Engine()
        let tenant = try await engine.tenant()
        try await engine.enqueue([engine.probe(tenant)])
        _ = try await engine.redis.send(["DEL", RedisArgument("\(engine.database.keyPrefix){q:0}:ep")])
        await #expect(throws: DispatchError.epochLost) { try await engine.dispatch.claim(1) }
        try await engine.keeper.run()

        let keys = try await engine.redis.send(["KEYS", RedisArgument("\(engine.database.keyPrefix)*")]).array!.compactMap(\.string)

        let current = "{q:0}:\(engine.dispatch.epoch!):"
        let foreign = keys.filter { !$0.hasSuffix(":ep") && !$0.hasSuffix(":bell") && !$0.contains(current) }
        #expect(foreign == [])
        #expect(try await engine.dispatch.claim(1).claims.count == 1)
    }
}
