import RedisClient
import Testing

@Suite(.timeLimit(.minutes(10))) struct DedicatedTests {
    @Test func `a blocking command on a dedicated connection does not delay others`() async throws {
        try await withRedis { server in
            let redis = try server.client()
            let dedicated = redis.dedicated()

            async let popped = dedicated.send(["BZPOPMIN", "due", 0])
            #expect(try await eventually { try await redis.isBlocked("bzpopmin") })
            for number in 0..<100 { #expect(try await redis.send(["ECHO", number]).int == number) }
            _ = try await redis.send(["ZADD", "due", 1.5, "job"])

            #expect(try await popped.array?.map(\.string) == ["due", "job", "1.5"])
        }
    }

    @Test func `cancelling a blocking command ends it on the server, and the next one gets a new connection`() async throws {
        try await withRedis { server in
            let redis = try server.client()
            let dedicated = redis.dedicated()

            let task = Task { try await dedicated.send(["BZPOPMIN", "due", 0]) }
            #expect(try await eventually { try await redis.isBlocked("bzpopmin") })
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
            #expect(try await eventually { try await !redis.isBlocked("bzpopmin") })
            _ = try await redis.send(["ZADD", "due", 1, "job"])

            #expect(try await dedicated.send(["BZPOPMIN", "due", 10]).array?[1].string == "job")
            #expect(dedicated.connections == 2)
            #expect(redis.connections == 1)
        }
    }

    @Test func `a blocking command has no timeout of ours`() async throws {
        try await withRedis { server in
            let redis = try server.client(commandTimeout: .milliseconds(50))
            let dedicated = redis.dedicated()

            #expect(try await dedicated.send(["BZPOPMIN", "due", 0.3]) == .null)
            #expect(dedicated.connections == 1)
        }
    }
}
