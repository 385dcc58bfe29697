import DispatchIndex
import Foundation
import Jobs
import Ledger
import LocalServers
import RedisClient
import Tenancy
import TestSupport
import Testing

@testable import Maintenance

/// A Redis of the test's own that runs out of memory, or of disk.
@Suite struct MemoryTests {
    private func withSmallRedis(_ body: (Engine) async throws -> Void) async throws {
        var options = LocalServers.Options.test
        options.postgres = false
        options.redisArguments = ["--maxmemory", "6mb", "--enable-protected-configs", "yes"]
        try await TestServers.own(options: options) { servers in
            let engine = try await Engine(redisURL: servers.redisURL)
            try await body(engine)
            await engine.redis.close()
            await engine.postgres.close()
        }
    }

    private func ballast(_ engine: Engine, _ bytes: Int) async throws {
        _ = try await engine.redis.send(["SETRANGE", "ballast", RedisArgument(bytes), "x"])
    }

    @Test(.timeLimit(.minutes(10)))
    func `above the watermark jobs are accepted and not pushed, running ones end, and all goes on when there is room`() async throws {
        try await withSmallRedis { engine in
            let tenant = try await engine.tenant()
            try await engine.enqueueAndOffer((0..<3).map { _ in engine.probe(tenant) })
            let running = try await engine.begin(2)
            #expect(try await engine.dispatch.lookAtMemory(share: 0.8).limitBytes == 6 * 1_048_576)
            #expect(!engine.dispatch.isFull)

            try await ballast(engine, 4_500_000)
            _ = try await engine.dispatch.lookAtMemory(share: 0.8)
            #expect(engine.dispatch.isFull)
            let late = try await engine.ledger.enqueue((0..<5).map { _ in engine.probe(tenant) })
            #expect(try await !Relay(ledger: engine.ledger, dispatch: engine.dispatch, age: .zero).run())
            #expect(try await engine.outbox() == 1)
            #expect(try await engine.dispatch.ready(of: tenant) == 1)
            _ = try await engine.settle(running)
            try await engine.acknowledge(running)
            #expect(try await engine.dispatch.state(of: tenant).running == 0)
            #expect(try await engine.begin(9).count == 1, "what is in line is still claimed")

            _ = try await engine.redis.send(["DEL", "ballast"])
            _ = try await engine.dispatch.lookAtMemory(share: 0.8)
            #expect(!engine.dispatch.isFull)
            while try await Relay(ledger: engine.ledger, dispatch: engine.dispatch, age: .zero).run() {}
            #expect(Set(try await engine.begin(9).map(\.id)) == Set(late))
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func `when Redis refuses to take more, a push changes nothing and claims and their ends go through whole`() async throws {
        try await withSmallRedis { engine in
            let tenant = try await engine.tenant()
            try await engine.enqueueAndOffer((0..<4).map { _ in engine.probe(tenant) })
            let running = try await engine.begin(2)
            _ = try await engine.redis.send(["CONFIG", "SET", "maxmemory", "1"])

            let refused = Push(id: JobID(99), tenant: tenant, flow: "probe", priority: 5, since: Date(), due: nil)
            await #expect(throws: DispatchError.full) { try await engine.dispatch.push([refused]) }
            #expect(engine.dispatch.isFull, "nobody has to look to know it")
            try await engine.acknowledge([running[0]], next: .again)
            try await engine.acknowledge([running[1]])
            #expect(
                try await engine.dispatch.heartbeat([Claim(id: running[1].id, tenant: tenant, token: running[1].token)]) == [running[1].id])
            let state = try await engine.dispatch.state(of: tenant)
            #expect(state.running == 0 && state.flows.map(\.ready) == [3])
            #expect(try await engine.dispatch.claim(9).claims.count == 3)

            _ = try await engine.redis.send(["CONFIG", "SET", "maxmemory", "0"])
            _ = try await engine.dispatch.lookAtMemory(share: 0.8)
            try await engine.dispatch.push([refused])
            #expect(try await engine.dispatch.ready(of: tenant) == 1)
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func `while Redis cannot write to its disk jobs are accepted, running ones end, and all goes on when it can`() async throws {
        try await withSmallRedis { engine in
            let tenant = try await engine.tenant()
            let early = try await engine.enqueueAndOffer((0..<4).map { _ in engine.probe(tenant) })
            let running = try await engine.begin(2)
            let folder = FileManager.default.temporaryDirectory.appendingPathComponent(uniqueKeyPrefix())
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
            _ = try await engine.redis.send(["CONFIG", "SET", "dir", RedisArgument(folder.path)])
            _ = try await engine.redis.send(["CONFIG", "SET", "save", "3600 1"])
            // Nothing can be written to a folder that is gone.
            try FileManager.default.removeItem(at: folder)
            try await save(engine, until: "err")

            let late = try await engine.ledger.enqueue((0..<3).map { _ in engine.probe(tenant) })
            await #expect { try await engine.dispatch.claim(9) } throws: { ($0 as? RedisError)?.prefix == "MISCONF" }
            await #expect(throws: RedisError.self) {
                try await Relay(ledger: engine.ledger, dispatch: engine.dispatch, age: .zero).run()
            }
            #expect(try await engine.outbox() == 1)
            #expect(try await engine.settle(running).done.count == 2)
            await #expect(throws: RedisError.self) { try await engine.acknowledge(running) }

            _ = try await engine.redis.send(["CONFIG", "SET", "dir", RedisArgument(FileManager.default.temporaryDirectory.path)])
            _ = try await engine.redis.send(["CONFIG", "SET", "dbfilename", RedisArgument("\(folder.lastPathComponent).rdb")])
            try await save(engine, until: "ok")
            try? FileManager.default.removeItem(atPath: folder.path + ".rdb")
            try await engine.acknowledge(running)
            while try await Relay(ledger: engine.ledger, dispatch: engine.dispatch, age: .zero).run() {}
            #expect(Set(try await engine.begin(9).map(\.id)) == Set(early + late).subtracting(running.map(\.id)))
            #expect(try await engine.dispatch.state(of: tenant).running == 5)
        }
    }

    /// Has Redis save itself, until it says how that went.
    private func save(_ engine: Engine, until status: String) async throws {
        try await expectSoon {
            _ = try? await engine.redis.send(["BGSAVE"])
            let persistence = try await engine.redis.send(["INFO", "persistence"]).string ?? ""
            return persistence.contains("rdb_last_bgsave_status:\(status)")
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func `an index that is rebuilt without memory for its jobs keeps them in the ledger, and takes them in later`() async throws {
        try await withSmallRedis { engine in
            let tenant = try await engine.tenant()
            let ids = try await engine.ledger.enqueue((0..<30).map { _ in engine.probe(tenant) })
            try await ballast(engine, 5_000_000)
            _ = try await engine.dispatch.lookAtMemory(share: 0.8)
            try await engine.loseIndex()
            engine.dispatch.adopt(nil)
            try await engine.keeper.run()
            #expect(try await engine.dispatch.ready(of: tenant) == 0)
            #expect(try await engine.deferred() == 30)

            _ = try await engine.redis.send(["DEL", "ballast"])
            _ = try await engine.dispatch.lookAtMemory(share: 0.8)
            let refill = Refill(ledger: engine.ledger, dispatch: engine.dispatch, interval: .zero)
            try await refill.run()
            #expect(try await engine.drain(refill) == Set(ids))
        }
    }
}
