import DispatchIndex
import Foundation
import Jobs
import Ledger
import RedisClient
import Tenancy
import Testing

@testable import Maintenance

/// A claim that is granted after its lease has ended, while the index has already handed the job to another.
@Suite struct LateClaimTests {
    private struct Late {
        let engine: Engine
        let tenant: TenantID
        /// Runs under the late claim.
        let attempt: Attempt
        /// The claim made meanwhile, which the ledger refuses.
        let second: Claim
    }

    private func late() async throws -> Late {
        let engine = try await Engine(lease: .seconds(3_600))
        let tenant = try await engine.tenant()
        try await engine.enqueue([engine.probe(tenant)])
        let first = try #require(try await engine.dispatch.claim(1).claims.first)
        try await engine.bringForward("lease")
        _ = try await LeaseReaper(ledger: engine.ledger, dispatch: engine.dispatch, logger: engine.logger).run()
        let grants = try await engine.ledger.begin([ClaimedJob(id: first.id, token: first.token)], worker: 1, epoch: engine.dispatch.epoch!)
        let second = try #require(try await engine.dispatch.claim(1).claims.first)
        return Late(engine: engine, tenant: tenant, attempt: try #require(grants.attempts.first), second: second)
    }

    /// The late one gives the job back, which the index cannot take note of; the job must be found again all the same.
    private func expectFound(_ late: Late) async throws {
        let given = try await late.engine.ledger.giveBack([late.attempt])
        #expect(Array(given.keys) == [late.attempt.id])
        try await late.engine.acknowledge([late.attempt], next: .again)
        try await late.engine.bringForward("sch")
        #expect(try await late.engine.begin(10).map(\.id) == [late.attempt.id])
    }

    @Test func `the refused claim's job is not forgotten when its worker says so`() async throws {
        let late = try await late()
        let refused = try await late.engine.ledger.begin(
            [ClaimedJob(id: late.second.id, token: late.second.token)], worker: 2, epoch: late.engine.dispatch.epoch!)
        #expect(refused.elsewhere == [late.second.id])
        try await late.engine.dispatch.acknowledge([Acknowledgement(runningElsewhere: late.second, at: Date())])

        try await expectFound(late)
    }

    @Test func `nor when its worker has died and its lease has ended`() async throws {
        let late = try await late()
        try await late.engine.bringForward("lease")
        _ = try await LeaseReaper(ledger: late.engine.ledger, dispatch: late.engine.dispatch, logger: late.engine.logger).run()

        try await expectFound(late)
    }
}

extension Engine {
    /// Time passes: whatever a sorted set of the index waits for has come. What must wait the ledger still refuses.
    func bringForward(_ set: String) async throws {
        guard let epoch = dispatch.epoch else { return }
        let key = RedisArgument("\(database.keyPrefix){q:0}:\(epoch):\(set)")
        for member in try await redis.send(["ZRANGE", key, "0", "-1"]).array?.compactMap(\.string) ?? [] {
            _ = try await redis.send(["ZADD", key, "XX", "1", RedisArgument(member)])
        }
    }
}
