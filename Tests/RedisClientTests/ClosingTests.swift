import Foundation
import RedisClient
import Testing

@Suite(.timeLimit(.minutes(10))) struct ClosingTests {
    @Test func `closing fails what is under way and all that comes later`() async throws {
        try await withRedis { server in
            let redis = try server.client()
            let other = try server.client()

            async let blocked = redisError { try await redis.send(["BLPOP", "nothing", 0]) }
            #expect(try await eventually { try await other.isBlocked("blpop") })
            await redis.close()
            let later = await redisError { try await redis.send(["PING"]) }
            await redis.close()

            #expect(await blocked?.code == .closed)
            #expect(await blocked?.fateUnknown == true)
            #expect(later?.code == .closed)
            #expect(later?.fateUnknown == false)
            #expect(redis.statistics.pending == 0)
        }
    }

    @Test func `closing fails what waits for a connection`() async throws {
        try await withRedis { server in
            await server.killRedis()
            let redis = try server.client(connectTimeout: .seconds(60))

            async let waiting = redisError { try await redis.send(["PING"]) }
            #expect(try await eventually { redis.statistics.failedAttempts > 0 })
            await redis.close()

            #expect(await waiting?.code == .closed)
            #expect(await waiting?.fateUnknown == false)
        }
    }

    @Test func `a client nobody holds any more leaves the server`() async throws {
        try await withRedis { server in
            let watcher = try server.client()
            let clients = { try await watcher.send(["CLIENT", "LIST"]).string?.split(separator: "\n").count }

            _ = try await server.client().send(["PING"])

            #expect(try await eventually { try await clients() == 1 })
        }
    }
}
