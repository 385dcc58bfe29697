import DispatchIndex
import Foundation
import Jobs
import RedisClient
import Tenancy
import Testing

@testable import Maintenance

@Suite struct ReconcilerTests {
    private func reconciler(_ engine: Engine) -> Reconciler {
        Reconciler(ledger: engine.ledger, dispatch: engine.dispatch, interval: .seconds(60), patience: .zero, logger: engine.logger)
    }

    @Test func `a job the index has forgotten is found and pushed, once`() async throws {
        let engine = try await Engine()
        let tenant = try await engine.tenant()
        let ids = try await engine.enqueue((0..<5).map { _ in engine.probe(tenant) })
        let key = "\(engine.database.keyPrefix){q:0}:\(engine.dispatch.epoch!):r:\(tenant):probe"
        for id in ids.prefix(2) { _ = try await engine.redis.send(["ZREM", RedisArgument(key), RedisArgument(id.rawValue)]) }

        try await reconciler(engine).run()

        #expect(try await engine.ledger.repairs(by: "reconcile") == 2)
        #expect(Set(try await engine.begin(10).map(\.id)) == Set(ids))
    }

    @Test func `what waits, runs, is scheduled or far off is not touched`() async throws {
        let engine = try await Engine()
        let tenant = try await engine.tenant()
        try await engine.enqueue((0..<4).map { _ in engine.probe(tenant) })
        try await engine.enqueue([engine.probe(tenant, runAt: Date(timeIntervalSinceNow: 60))])
        _ = try await engine.ledger.enqueue([engine.probe(tenant, runAt: Date(timeIntervalSinceNow: 86_400))])
        _ = try await engine.begin(2)

        #expect(try await reconciler(engine).reconcile() == 0)
    }

    @Test func `of several processes one has the turn`() async throws {
        let engine = try await Engine()
        let turns = try await withThrowingTaskGroup(of: Bool.self) { group in
            for _ in 0..<8 { group.addTask { try await engine.ledger.hasTurn(for: "reconcile", every: .seconds(60)) } }
            return try await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
        }
        #expect(turns == 1)
        #expect(try await engine.ledger.hasTurn(for: "another", every: .seconds(60)))
    }
}
