import RedisClient
import Testing

@Suite(.timeLimit(.minutes(10))) struct PipeliningTests {
    @Test func `ten thousand pipelined commands are answered in order`() async throws {
        try await withRedis { server in
            let redis = try server.client()

            let replies = try await redis.pipeline((0..<10_000).map { ["ECHO", $0] })

            #expect(replies.map(\.int) == Array(0..<10_000))
        }
    }

    @Test func `ten thousand callers at once each get their own answer over one connection`() async throws {
        try await withRedis { server in
            let redis = try server.client()

            let wrong = try await withThrowingTaskGroup(of: Bool.self) { group in
                for number in 0..<10_000 {
                    group.addTask {
                        if number.isMultiple(of: 3) {
                            try await redis.pipeline([["ECHO", number], ["ECHO", -number]]).map(\.int) != [number, -number]
                        } else {
                            try await redis.send(["ECHO", number]).int != number
                        }
                    }
                }
                return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }

            #expect(wrong == 0)
            #expect(redis.connections == 1)
            #expect(redis.statistics.pending == 0)
            #expect(redis.statistics.answered == 13_334)
        }
    }

    @Test func `an error reply is thrown by send and a value in a pipeline, where its neighbours still run`() async throws {
        try await withRedis { server in
            let redis = try server.client()

            let replies = try await redis.pipeline([["SET", "k", "text"], ["INCR", "k"], ["GET", "k"], ["NONSENSE"]])
            let error = await redisError { try await redis.send(["LPUSH", "k", 1]) }

            #expect(replies[0] == .status("OK"))
            #expect(replies[1] == .error("ERR value is not an integer or out of range"))
            #expect(replies[2].string == "text")
            #expect(error?.code == .reply("WRONGTYPE Operation against a key holding the wrong kind of value"))
            #expect(error?.prefix == "WRONGTYPE")
            #expect(error?.fateUnknown == false)
        }
    }

    @Test func `nobody comes between the commands of a pipeline`() async throws {
        try await withRedis { server in
            let redis = try server.client()
            let burst = [RedisCommand](repeating: ["INCR", "n"], count: 50)

            let pipelines = try await withThrowingTaskGroup(of: [Int].self) { group in
                for _ in 0..<40 { group.addTask { try await redis.pipeline(burst).compactMap(\.int) } }
                return try await group.reduce(into: []) { $0.append($1) }
            }

            #expect(pipelines.allSatisfy { $0 == Array($0[0]..<$0[0] + 50) })
            #expect(Set(pipelines.joined()) == Set(1...2000))
        }
    }

    @Test func `a pipeline may be empty or of one command`() async throws {
        try await withRedis { server in
            let redis = try server.client()

            #expect(try await redis.pipeline([]) == [])
            #expect(try await redis.pipeline([["ECHO", "one"]]).map(\.string) == ["one"])
            #expect(try await redis.pipeline([["NONSENSE"]]).count == 1)
        }
    }

    @Test func `two clients at once do not see each other's replies`() async throws {
        try await withRedis { server in
            let clients = try [server.client(), server.client()]
            let echo = { @Sendable (redis: RedisClient, name: String) async throws -> Bool in
                for number in 0..<500 where try await redis.send(["ECHO", "\(name) \(number)"]).string != "\(name) \(number)" {
                    return false
                }
                return true
            }

            async let left = echo(clients[0], "left")
            async let right = echo(clients[1], "right")

            #expect(try await left)
            #expect(try await right)
            #expect(clients.map(\.connections) == [1, 1])
        }
    }
}
