import RedisClient
import Testing

@Suite(.timeLimit(.minutes(10))) struct ValueTests {
    @Test(arguments: ["", "a", "\r\n$-1\r\n", "\0", "Zürich 東京 🚜", "e\u{301}", String(repeating: "x", count: 100_000)])
    func `text survives the round trip`(_ text: String) async throws {
        try await withRedis { server in
            let redis = try server.client()

            let stored = try await redis.send(["SET", text, text])
            let reply = try await redis.send(["GET", text])

            #expect(stored == .status("OK"))
            #expect(reply == .bulk(Array(text.utf8)))
            #expect(reply.string == text)
        }
    }

    @Test func `every byte survives the round trip, and is no text`() async throws {
        try await withRedis { server in
            let redis = try server.client()
            let bytes = (0...255).map { UInt8($0) }

            _ = try await redis.send(["SET", "k", bytes])
            let reply = try await redis.send(["GET", "k"])

            #expect(reply.bytes == bytes)
            #expect(reply.string == nil)
        }
    }

    @Test func `a value of 10 MB survives the round trip between small neighbours`() async throws {
        try await withRedis { server in
            let redis = try server.client()
            let large = [UInt8](unsafeUninitializedCapacity: 10_000_000) { bytes, count in
                for index in bytes.indices { bytes[index] = UInt8(truncatingIfNeeded: index &* 31 >> 3) }
                count = bytes.count
            }

            let replies = try await redis.pipeline([["ECHO", "a"], ["SET", "large", large], ["GET", "large"], ["ECHO", "b"]])
            let isSame = replies[2].bytes == large

            #expect(isSame)
            #expect([replies[0], replies[1], replies[3]].map(\.string) == ["a", "OK", "b"])
        }
    }

    @Test func `nulls and empty replies are told apart`() async throws {
        try await withRedis { server in
            let redis = try server.client()

            let replies = try await redis.pipeline([
                ["GET", "missing"],  // $-1
                ["BLPOP", "missing", 0.01],  // *-1
                ["LRANGE", "missing", 0, -1],  // *0
                ["EVAL", "return ''", 0],  // $0
                ["MGET", "missing", "missing"],
            ])

            #expect(replies == [.null, .null, .array([]), .bulk([]), .array([.null, .null])])
            #expect(replies[0].isNull)
        }
    }

    @Test func `arrays nest, and may hold errors`() async throws {
        try await withRedis { server in
            let redis = try server.client()

            let reply = try await redis.send([
                "EVAL", "return {1, {2, {'x', {}}}, redis.error_reply('MINE no'), redis.status_reply('fine')}", 0,
            ])

            #expect(
                reply
                    == .array([
                        .integer(1), .array([.integer(2), .array([.bulk([UInt8(ascii: "x")]), .array([])])]), .error("MINE no"),
                        .status("fine"),
                    ]))
        }
    }

    @Test func `integers keep all 64 bits, also where Lua would lose them`() async throws {
        try await withRedis { server in
            let redis = try server.client()

            let replies = try await redis.pipeline([
                ["INCRBY", "most", Int.max],
                ["INCRBY", "least", Int64.min + 1],
                ["EVAL", "return ARGV[1]", 0, 9_007_199_254_740_993],
                ["GET", "most"],
                ["EVAL", "return 'ten'", 0],
            ])

            #expect(replies.map(\.int) == [Int.max, Int.min + 1, 9_007_199_254_740_993, Int.max, nil])
            #expect(replies[2] == .bulk(Array("9007199254740993".utf8)))
        }
    }

    @Test(arguments: [0, 1.5, -2.25, 1e-7, 1.7976931348623157e308, 0.1, .infinity, -.infinity])
    func `a score is the same number again`(_ score: Double) async throws {
        try await withRedis { server in
            let redis = try server.client()

            _ = try await redis.send(["ZADD", "z", score, "member"])

            #expect(try await redis.send(["ZSCORE", "z", "member"]).double == score)
        }
    }

    @Test func `arrays nested beyond the reader's depth are a protocol error, and the connection is made anew`() async throws {
        try await withRedis { server in
            let redis = try server.client()
            let nested = { (depth: Int) -> RedisCommand in
                ["EVAL", "return " + String(repeating: "{", count: depth) + "1" + String(repeating: "}", count: depth), 0]
            }

            let deepest = try await redis.send(nested(7))
            let error = await redisError { try await redis.send(nested(9)) }
            let after = try await redis.send(["ECHO", "still here"])

            #expect(deepest != .null)
            #expect(error?.code == .protocol)
            #expect(error?.fateUnknown == true)
            #expect(after.string == "still here")
            #expect(redis.connections == 2)
        }
    }
}
