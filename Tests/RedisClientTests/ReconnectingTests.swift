import Foundation
import NIOCore
import RedisClient
import Synchronization
import Testing

/// What becomes of commands when the server goes away, in its various ways.
@Suite(.timeLimit(.minutes(10))) struct ReconnectingTests {
    @Test(arguments: [false, true])
    func `a server restarted under load costs the commands under way and nothing else`(_ isKilled: Bool) async throws {
        try await withRedis { server in
            let redis = try server.client()
            let tally = Tally()

            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<32 {
                    group.addTask {
                        while !Task.isCancelled {
                            do {
                                let replies = try await redis.pipeline([["ECHO", "a"], ["ECHO", "b"]])
                                #expect(replies.map(\.string) == ["a", "b"])
                                tally.answered.add(1, ordering: .relaxed)
                            } catch let error as RedisError {
                                tally.failures.withLock { $0.append(error) }
                            }
                        }
                    }
                }
                #expect(try await eventually { tally.answered.load(ordering: .relaxed) > 1000 })
                await isKilled ? server.killRedis() : server.stopRedis()
                try await server.startRedis()
                let before = tally.answered.load(ordering: .relaxed)
                #expect(try await eventually { tally.answered.load(ordering: .relaxed) > before + 1000 })
                group.cancelAll()
                while let result = await group.nextResult() {
                    if case .failure(let error) = result { #expect(error is CancellationError) }
                }
            }

            let errors = tally.failures.withLock { $0 }
            #expect(errors.count <= 32)
            #expect(errors.allSatisfy { $0.code == .connectionLost && $0.fateUnknown })
            #expect(redis.connections == 2)
            #expect(try await eventually { redis.statistics.pending == 0 })
        }
    }

    @Test func `a command under way when the server is killed is of unknown fate`() async throws {
        try await withRedis { server in
            let redis = try server.client()
            let other = try server.client()

            async let blocked = redisError { try await redis.send(["BLPOP", "nothing", 0]) }
            #expect(try await eventually { try await other.isBlocked("blpop") })
            await server.killRedis()

            #expect(await blocked?.code == .connectionLost)
            #expect(await blocked?.fateUnknown == true)
        }
    }

    @Test func `a command issued while the server is away waits for it`() async throws {
        try await withRedis { server in
            await server.killRedis()
            let redis = try server.client()

            async let reply = redis.send(["ECHO", "patience"])
            #expect(try await eventually { redis.statistics.failedAttempts > 0 })
            try await server.startRedis()

            #expect(try await reply.string == "patience")
            #expect(redis.connections == 1)
        }
    }

    @Test func `a command that waited in vain was not run, and never will be`() async throws {
        try await withRedis { server in
            await server.killRedis()
            let redis = try server.client(connectTimeout: .milliseconds(100))

            let error = await redisError { try await redis.send(["SET", "ghost", 1]) }
            try await server.startRedis()
            #expect(try await eventually { await redisError { try await redis.send(["PING"]) } == nil })

            #expect(error?.code == .connectionLost)
            #expect(error?.fateUnknown == false)
            #expect(try await redis.send(["EXISTS", "ghost"]) == .integer(0))
            #expect(redis.statistics.pending == 0)
        }
    }

    @Test func `each command issued while the server stays away is given up in its turn`() async throws {
        let configuration = try RedisConfiguration(
            url: "unix:///tmp/kiteline-nobody-\(UUID().uuidString)", connectTimeout: .milliseconds(150))
        let redis = RedisClient.test(configuration)

        // The later ones come while the next try is put off, when nobody waits any more.
        for _ in 0..<6 {
            let error = await redisError { try await redis.send(["PING"]) }
            #expect(error?.code == .connectionLost)
        }
        #expect(redis.statistics.pending == 0)
        await redis.close()
    }

    @Test func `a connection cut in the middle of a large reply is made anew`() async throws {
        try await withRedis { server in
            let large = [UInt8](repeating: 7, count: 3_000_000)
            _ = try await server.client(commandTimeout: nil).send(["SET", "large", large])

            try await Listener.with(serve: cutting(after: 1_000_000, to: server.redisSocket)) { proxy in
                // Without a limit of time: on a busy machine the bytes go through the proxy slowly.
                let redis = try proxy.client(commandTimeout: nil)

                let error = await redisError { try await redis.send(["GET", "large"]) }
                let isWholeNow = try await redis.send(["GET", "large"]).bytes == large

                #expect(error?.code == .connectionLost)
                #expect(error?.fateUnknown == true)
                #expect(isWholeNow)
                #expect(redis.connections == 2)
            }
        }
    }

    @Test(arguments: ["HTTP/1.1 400 Bad Request\r\n\r\n", "$12x\r\n", "*-7\r\n", ":12345678901234567890\r\n"])
    func `what is not RESP2 is a protocol error, and the connection is made anew`(_ garbage: String) async throws {
        try await Listener.with(serve: answering { $0 == 1 ? garbage : "+fine\r\n" }) { listener in
            let redis = try listener.client()

            let error = await redisError { try await redis.send(["GET", "k"]) }
            let after = try await redis.send(["GET", "k"])

            #expect(error?.code == .protocol)
            #expect(error?.fateUnknown == true)
            #expect(after == .status("fine"))
            #expect(redis.connections == 2)
        }
    }

    @Test func `a reply too many ends the connection before it can answer the wrong caller`() async throws {
        try await Listener.with(serve: answering { $0 == 1 ? "+mine\r\n+whose\r\n" : "+mine\r\n" }) { listener in
            let redis = try listener.client()

            let replies = try await [redis.send(["GET", "k"]), redis.send(["GET", "k"])]

            #expect(replies == [.status("mine"), .status("mine")])
            #expect(redis.connections == 2)
        }
    }

    @Test func `a server that is still loading its data is waited for`() async throws {
        let loading = "-LOADING Redis is loading the dataset in memory\r\n"
        let serve = { @Sendable (number: Int, inbound: Listener.Inbound, outbound: Listener.Outbound) async throws in
            if number > 2 { return try await answering { _ in "+ready\r\n" }(number, inbound, outbound) }
            for try await _ in inbound { try await outbound.write(ByteBuffer(string: "+OK\r\n" + loading)) }
        }
        try await Listener.with(serve: serve) { listener in
            let redis = try listener.client()

            #expect(try await redis.send(["GET", "k"]) == .status("ready"))
            #expect(redis.connections == 1)
            #expect(redis.statistics.failedAttempts == 2)
        }
    }

    @Test func `a server that never answers the greeting does not hold a command longer than the connect timeout`() async throws {
        let listenOnly = { @Sendable (_: Int, inbound: Listener.Inbound, _: Listener.Outbound) async throws in
            for try await _ in inbound {}
        }
        try await Listener.with(serve: listenOnly) { listener in
            let redis = try listener.client(connectTimeout: .milliseconds(100))

            let error = await redisError { try await redis.send(["GET", "k"]) }

            #expect(error?.code == .connectionLost)
            #expect(error?.fateUnknown == false)
        }
    }
}

private final class Tally: Sendable {
    let answered = Atomic(0)
    let failures = Mutex<[RedisError]>([])
}
