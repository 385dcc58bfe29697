import DispatchIndex
import Foundation
import Jobs
import LocalServers
import RedisClient
import Tenancy
import TestSupport
import Testing

/// How many Redis commands a script call runs: bounded by the jobs it handles, whatever waits beside them.
@Suite struct CommandCountTests {
    private func withRedis(_ body: (Engine) async throws -> Void) async throws {
        var options = LocalServers.Options.test
        options.postgres = false
        try await TestServers.own(options: options) { servers in
            let engine = try await Engine(redisURL: servers.redisURL)
            try await body(engine)
            await engine.redis.close()
            await engine.postgres.close()
        }
    }

    /// Commands run within scripts meanwhile.
    private func commands(_ engine: Engine, _ body: () async throws -> Void) async throws -> Int {
        _ = try await engine.redis.send(["CONFIG", "RESETSTAT"])
        try await body()
        let text = try await engine.redis.send(["INFO", "commandstats"]).string ?? ""
        let outside = ["eval", "config", "info", "script", "ping", "hello", "client"]
        return text.split(whereSeparator: \.isNewline).filter { $0.hasPrefix("cmdstat_") }.reduce(0) { sum, line in
            let name = line.dropFirst("cmdstat_".count).prefix { $0 != ":" && $0 != "|" }
            guard !outside.contains(where: { name.hasPrefix($0) }), let calls = line.firstRange(of: "calls=")?.upperBound else {
                return sum
            }
            return sum + (Int(line[calls...].prefix(while: \.isNumber)) ?? 0)
        }
    }

    private func fill(_ engine: Engine, tenants: Int, jobs: Int) async throws {
        try await engine.dispatch.configure((1...tenants).map { TenantShare(tenant: TenantID(Int64($0)), weight: 1, cap: 1_000) })
        let pushes = (0..<jobs).map {
            Push(
                id: JobID(Int64($0 + 1)), tenant: TenantID(Int64($0 % tenants + 1)), flow: "probe", priority: 5, since: Date(), due: nil)
        }
        try await engine.dispatch.push(pushes)
    }

    @Test(.timeLimit(.minutes(10)), arguments: [(10, 1_000), (100, 1_000), (100, 10_000)])
    func `a claim and its end run a bounded number of commands, however many tenants and jobs wait`(tenants: Int, jobs: Int) async throws {
        try await withRedis { engine in
            try await fill(engine, tenants: tenants, jobs: jobs)
            var claims: [Claim] = []
            let claiming = try await commands(engine) { claims = try await engine.dispatch.claim(50).claims }
            try #require(claims.count == 50)
            let ending = try await commands(engine) { try await engine.dispatch.acknowledge(claims.map { Acknowledgement($0) }) }
            #expect(claiming <= 50 * 14, "\(claiming) for 50 jobs of \(tenants) tenants")
            #expect(ending <= 50 * 14, "\(ending) for 50 jobs of \(tenants) tenants")
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func `a push of a thousand jobs runs a few commands a job`() async throws {
        try await withRedis { engine in
            let pushing = try await commands(engine) { try await fill(engine, tenants: 100, jobs: 1_000) }
            #expect(pushing <= 1_000 * 6, "\(pushing)")
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func `flows that wait at full gates cost a claim nothing once they wait there`() async throws {
        try await withRedis { engine in
            let flows = (0..<64).map { "probe@d\($0)" }
            try await engine.dispatch.limit(gates: Dictionary(uniqueKeysWithValues: (0..<64).map { ("d:d\($0)", .some(0)) }))
            try await engine.dispatch.push(
                flows.enumerated().map {
                    Push(id: JobID(Int64($0 + 1)), tenant: TenantID(1), flow: $1, priority: 5, since: Date(), due: nil)
                })
            for _ in 0..<20 { _ = try await engine.dispatch.claim(50) }
            var claims: [Claim] = []
            let claiming = try await commands(engine) { claims = try await engine.dispatch.claim(50).claims }
            #expect(claims.isEmpty)
            #expect(claiming <= 12, "\(claiming)")
        }
    }
}
