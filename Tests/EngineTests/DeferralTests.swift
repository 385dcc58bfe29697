import DispatchIndex
import Foundation
import Jobs
import Ledger
import RedisClient
import Tenancy
import TestSupport
import Testing

@testable import Maintenance

/// Ready jobs above a tenant's capacity wait in the ledger and come into the index as it drains.
@Suite struct DeferralTests {
    /// An engine with a tenant of this capacity, and jobs of it: those that fit are in the index, the others deferred.
    private func overfull(capacity: Int, jobs: Int) async throws -> (engine: Engine, tenant: TenantID, ids: [JobID]) {
        let engine = try await Engine()
        let tenant = try await engine.tenant()
        try await engine.setCapacity(capacity, of: tenant)
        let ids = try await engine.enqueueAndOffer((0..<jobs).map { _ in engine.probe(tenant) })
        return (engine, tenant, ids)
    }

    private func refill(_ engine: Engine) -> Refill { Refill(ledger: engine.ledger, dispatch: engine.dispatch, interval: .zero) }

    @Test func `a line holds its tenant's capacity, the rest waits in the ledger, and all of it comes in, in order`() async throws {
        let (engine, tenant, ids) = try await overfull(capacity: 10, jobs: 32)
        #expect(try await engine.dispatch.ready(of: tenant) == 10)
        #expect(try await engine.deferred() == 22)
        #expect(try await refill(engine).run() == 0, "there is no room yet")

        var begun: [JobID] = []
        while case let attempts = try await engine.begin(4), !attempts.isEmpty {
            begun += attempts.map(\.id).sorted()
            _ = try await engine.settle(attempts)
            try await engine.acknowledge(attempts)
            try await refill(engine).run()
        }

        #expect(begun == ids)
        #expect(try await engine.deferred() == 0)
        #expect(try await engine.count("probe_effect") == 32)
        #expect(try await engine.dispatch.readyOrDeferred(of: tenant) == 0)
    }

    @Test func `what is deferred is not overtaken by later jobs, and overtaken by urgent ones`() async throws {
        let (engine, tenant, _) = try await overfull(capacity: 10, jobs: 20)
        let first = try await engine.begin(8).map(\.id)
        #expect(first.count == 8)

        let later = try await engine.enqueueAndOffer([engine.probe(tenant)])
        #expect(try await engine.dispatch.explain(later[0], tenant: tenant, flow: "probe", priority: 5).isDeferred)
        let urgent = try await engine.enqueueAndOffer([engine.probe(tenant, priority: 9)])
        #expect(try await engine.begin(1).map(\.id) == urgent)
        #expect(try await engine.deferred() == 11)
    }

    @Test func `however much urgent work comes, a line holds twice the capacity at most`() async throws {
        let (engine, tenant, _) = try await overfull(capacity: 10, jobs: 20)
        try await engine.enqueueAndOffer((0..<50).map { _ in engine.probe(tenant, priority: 9) })
        #expect(try await engine.dispatch.ready(of: tenant) == 20)
        #expect(try await engine.deferred() == 50)
    }

    @Test func `jobs offered again are not deferred when they stand in line already`() async throws {
        let engine = try await Engine()
        let tenant = try await engine.tenant()
        try await engine.setCapacity(10, of: tenant)
        let pushes = (1...10).map { Push(id: JobID($0), tenant: tenant, flow: "probe", priority: 5, since: Date(), due: nil) }
        for _ in 0..<3 { #expect(try await engine.dispatch.offer(pushes).surplus.isEmpty) }
        let more = Push(id: JobID(11), tenant: tenant, flow: "probe", priority: 5, since: Date().addingTimeInterval(1), due: nil)
        #expect(try await engine.dispatch.offer(pushes + [more]).surplus == [more])
    }

    @Test func `each dependency's line has a capacity of its own, so what waits for a dead one takes no room from the others`() async throws
    {
        let (engine, tenant, _) = try await overfull(capacity: 10, jobs: 20)
        var other = engine.probe(tenant)
        other.dependency = "erp"
        let offered = try await engine.dispatch.offer(
            [Push(id: JobID(1), tenant: tenant, flow: other.flow, priority: 5, since: Date(), due: nil)])
        #expect(offered.surplus.isEmpty)
    }

    @Test func `a deferred job that is cancelled never comes in, and its unique key is free at once`() async throws {
        let engine = try await Engine()
        let tenant = try await engine.tenant()
        try await engine.setCapacity(1, of: tenant)
        try await engine.enqueueAndOffer([engine.probe(tenant)])
        let held = try await engine.enqueueAndOffer([engine.probe(tenant, unique: "k")])[0]
        #expect(try await engine.enqueueAndOffer([engine.probe(tenant, unique: "k")]) == [held])
        #expect(try await engine.deferred() == 1)

        _ = try await engine.postgres.transaction { [ledger = engine.ledger] in
            try ledger.cancel(held, of: tenant, reason: "no longer wanted", in: $0)
        }
        let next = try await engine.enqueueAndOffer([engine.probe(tenant, unique: "k")])[0]
        #expect(next != held)

        let first = try await engine.begin(10)
        try await refill(engine).run()
        #expect(first.count == 1)
        #expect(try await engine.begin(10).map(\.id) == [next])
    }

    @Test func `a rebuild holds to the capacity, and defers each of the others once`() async throws {
        let (engine, tenant, ids) = try await overfull(capacity: 10, jobs: 32)
        for _ in 0..<2 {
            try await engine.loseIndex()
            engine.dispatch.adopt(nil)
            try await engine.keeper.run()
            #expect(try await engine.dispatch.ready(of: tenant) == 10)
            #expect(try await engine.deferred() == 22)
        }
        #expect(try await engine.drain(refill(engine)) == Set(ids))
    }

    @Test func `a line whose surplus the index has forgotten is filled all the same`() async throws {
        let (engine, _, ids) = try await overfull(capacity: 10, jobs: 32)
        let keys =
            try await engine.redis.send(["KEYS", RedisArgument("\(engine.database.keyPrefix)*:df*")]).array?.compactMap(\.string) ?? []
        #expect(keys.count == 2)
        for key in keys { _ = try await engine.redis.send(["DEL", RedisArgument(key)]) }
        #expect(try await engine.drain(refill(engine)) == Set(ids))
    }

    @Test func `who fills a line and dies before it says so has doubled nothing`() async throws {
        let (engine, tenant, ids) = try await overfull(capacity: 10, jobs: 32)
        _ = try await engine.begin(10)
        let read = try await engine.ledger.deferred(of: tenant, flow: "probe", atMost: 7)
        #expect(read.jobs.count == 7 && read.count == 7 && read.next != nil)
        try await engine.dispatch.push(read.jobs.map(Push.init))
        #expect(try await engine.deferred() == 22, "it died here")

        #expect(try await engine.drain(refill(engine)).count == 22)
        #expect(try await engine.count("probe_effect") == 22)
        #expect(try await engine.count("job_live WHERE state = 'running'") == 10)
        #expect(ids.count == 32)
    }

    @Test func `under a lost epoch nothing is deferred and nothing is confirmed`() async throws {
        let (engine, tenant, _) = try await overfull(capacity: 10, jobs: 12)
        let read = try await engine.ledger.deferred(of: tenant, flow: "probe", atMost: 9)
        let old = try #require(engine.dispatch.epoch)
        try await engine.loseIndex()
        engine.dispatch.adopt(nil)
        try await engine.keeper.run()

        try await engine.ledger.confirm(read, epoch: old)
        let surplus = SurplusJob(id: JobID(1), tenant: tenant, flow: "probe", priority: 5, place: 1, since: Date())
        try await engine.ledger.defer([surplus], epoch: old)
        #expect(try await engine.deferred() == 2)
    }

    @Test func `deferred jobs are not missing from the index`() async throws {
        let (engine, _, _) = try await overfull(capacity: 10, jobs: 32)
        let reconciler = Reconciler(
            ledger: engine.ledger, dispatch: engine.dispatch, interval: .seconds(60), patience: .zero, logger: engine.logger)
        #expect(try await reconciler.reconcile() == 0)
        _ = try await engine.postgres.query("DELETE FROM deferred")
        #expect(try await reconciler.reconcile() == 22, "these are")
    }

    @Test func `a tenant far above its capacity takes no turn from another`() async throws {
        let (engine, _, _) = try await overfull(capacity: 100, jobs: 320)
        let other = try await engine.tenant("other")
        try await engine.enqueueAndOffer((0..<10).map { _ in engine.probe(other) })
        let claims = try await engine.dispatch.claim(20).claims
        #expect(claims.filter { $0.tenant == other }.count >= 9, "two tenants of equal weight take turns")
    }

    @Test func `a burst of three times the capacity is carried out by real workers, every job once, beside another tenant's`() async throws
    {
        let engine = try await Engine()
        let (tenant, other) = (try await engine.tenant(), try await engine.tenant("other"))
        try await engine.setCapacity(100, of: tenant)
        try await engine.running([engine.probeHandler]) { _ in
            let ids = try await engine.ledger.enqueue((0..<320).map { engine.probe(tenant, key: "\($0)") })
            _ = try await engine.ledger.enqueue((0..<10).map { engine.probe(other, key: "other \($0)") })
            try await expectSoon { try await engine.count("job_history WHERE state = 'completed'") == 330 }
            #expect(ids.count == 320)
        }
        #expect(try await engine.count("probe_effect") == 330)
        #expect(try await engine.count("(SELECT DISTINCT effect_key FROM probe_effect) e") == 330)
        #expect(try await engine.count("job_history WHERE attempt > 1") == 0)
    }
}

extension WaitingReason {
    fileprivate var isDeferred: Bool { if case .deferred = self { true } else { false } }
}

extension Engine {
    func setCapacity(_ capacity: Int, of tenant: TenantID) async throws {
        _ = try await postgres.query("UPDATE tenant SET ready_capacity = \(Int32(capacity)) WHERE id = \(tenant.rawValue)")
        try await dispatch.configure([TenantShare(tenant: tenant, weight: 1, cap: 1000, capacity: capacity)])
    }

    /// Enqueues; when it returns, all that was enqueued is in the index or deferred.
    @discardableResult
    func enqueueAndOffer(_ jobs: [NewJob]) async throws -> [JobID] {
        let ids = try await ledger.enqueue(jobs)
        try await expectSoon {
            await pusher.confirm()
            return try await outbox() == 0
        }
        return ids
    }

    /// How many jobs are deferred.
    func deferred() async throws -> Int {
        let row = try await postgres.query("SELECT COALESCE(sum(cardinality(ids)), 0)::bigint AS n FROM deferred").first!
        return Int(try row.get("n", as: Int64.self))
    }

    /// Carries out what can be claimed until nothing is left of it; whose.
    func drain(_ refill: Refill) async throws -> Set<JobID> {
        var done: Set<JobID> = []
        var left = 0
        repeat {
            let attempts = try await begin(100)
            _ = try await settle(attempts)
            try await acknowledge(attempts)
            done.formUnion(attempts.map(\.id))
            try await refill.run()
            left = try await deferred() + dispatch.claimable()
        } while left > 0
        return done
    }
}

extension Dispatch {
    fileprivate func claimable() async throws -> Int {
        var sum = 0
        for tenant in 1...5 { sum += try await ready(of: TenantID(Int64(tenant))) }
        return sum
    }
}
