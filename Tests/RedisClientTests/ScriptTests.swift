import RedisClient
import Testing

@Suite(.timeLimit(.minutes(10))) struct ScriptTests {
    private static let increment = RedisScript("return redis.call('INCRBY', KEYS[1], ARGV[1]) -- für alle")

    @Test func `a script's digest is the one Redis files it under`() async throws {
        try await withRedis { server in
            let redis = try server.client()

            for script in [Self.increment, RedisScript(""), RedisScript(String(repeating: "-- long\n", count: 10_000))] {
                #expect(try await redis.send(["SCRIPT", "LOAD", script.source]).string == script.sha1)
            }
        }
    }

    @Test func `a script the server forgot is loaded again and runs once`() async throws {
        try await withRedis { server in
            let redis = try server.client()

            let first = try await redis.evaluate(Self.increment, keys: ["n"], arguments: [5])
            _ = try await redis.send(["SCRIPT", "FLUSH"])
            let second = try await redis.evaluate(Self.increment, keys: ["n"], arguments: [5])
            let known = try await redis.send(["SCRIPT", "EXISTS", Self.increment.sha1])

            #expect([first, second] == [.integer(5), .integer(10)])
            #expect(known == .array([.integer(1)]))
        }
    }

    @Test func `scripts run once each while others keep flushing them`() async throws {
        try await withRedis { server in
            let redis = try server.client()

            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<1000 {
                    group.addTask {
                        if number.isMultiple(of: 20) { _ = try await redis.send(["SCRIPT", "FLUSH"]) }
                        _ = try await redis.evaluate(Self.increment, keys: ["n"], arguments: [1])
                    }
                }
                try await group.waitForAll()
            }

            #expect(try await redis.send(["GET", "n"]).int == 1000)
        }
    }

    @Test func `a script's own error reaches the caller`() async throws {
        try await withRedis { server in
            let redis = try server.client()
            let script = RedisScript("redis.call('INCR', KEYS[1]); return redis.error_reply('STALE epoch 3')")

            let error = await redisError { try await redis.evaluate(script, keys: ["n"]) }

            #expect(error?.code == .reply("STALE epoch 3"))
            #expect(error?.prefix == "STALE")
            #expect(try await redis.send(["GET", "n"]).int == 1)
        }
    }

    @Test func `loaded scripts run in pipelines`() async throws {
        try await withRedis { server in
            let redis = try server.client()
            let call = RedisCommand(Self.increment, keys: ["n"], arguments: [2])

            let before = try await redis.pipeline([call])
            try await redis.load(Self.increment, RedisScript("return 1"))
            let after = try await redis.pipeline([call, call])

            #expect(before[0].error?.hasPrefix("NOSCRIPT") == true)
            #expect(after == [.integer(2), .integer(4)])
        }
    }

    @Test func `a script that does not compile cannot be loaded`() async throws {
        try await withRedis { server in
            let redis = try server.client()

            let error = await redisError { try await redis.load(RedisScript("return (")) }

            #expect(error?.prefix == "ERR")
        }
    }
}
