import Foundation
import NIOCore
import RedisClient
import Synchronization
import Testing

/// Timeouts, cancellation and bounds.
@Suite(.timeLimit(.minutes(10))) struct PatienceTests {
    @Test func `commands to a server that hangs time out, and work again when it goes on`() async throws {
        try await withRedis { server in
            let redis = try server.client(commandTimeout: .seconds(3))
            _ = try await redis.send(["PING"])

            kill(server.redisPID, SIGSTOP)
            let first = await redisError { try await redis.send(["INCR", "n"]) }
            kill(server.redisPID, SIGCONT)

            #expect(first?.code == .timeout)
            #expect(first?.fateUnknown == true)
            // Counted a moment after the caller is told.
            #expect(try await eventually { redis.statistics.timeouts == 1 })
            #expect(try await eventually { await redisError { try await redis.send(["PING"]) } == nil })
        }
    }

    @Test func `a command that takes too long fails alone while the server still sends something`() async throws {
        let mayFinish = Flag()
        let dripping = { @Sendable () -> any ChannelHandler in Dripping(until: mayFinish) }
        try await Listener.with(handler: dripping) { listener in
            let redis = try listener.client(commandTimeout: .seconds(8))

            let slow = await redisError { try await redis.send(["LRANGE", "slow", 0, -1]) }
            mayFinish.set()
            let next = try await redis.send(["GET", "k"])

            #expect(slow?.code == .timeout)
            #expect(slow?.fateUnknown == true)
            #expect(next == .status("mine"))
            #expect(redis.connections == 1)
            #expect(try await eventually { redis.statistics.timeouts == 1 })
        }
    }

    @Test func `a cancelled caller goes at once, and its neighbours still get their own answers`() async throws {
        try await withRedis { server in
            let redis = try server.client()
            let other = try server.client()

            async let blocked = redis.send(["BLPOP", "list", 0])
            #expect(try await eventually { try await other.isBlocked("blpop") })
            let single = Task { try await redis.send(["ECHO", "unheard"]) }
            let several = Task { try await redis.pipeline([["ECHO", "un"], ["ECHO", "heard"]]) }
            async let neighbour = redis.send(["ECHO", "heard"])
            #expect(try await eventually { redis.statistics.pending == 5 })
            single.cancel()
            several.cancel()
            await #expect(throws: CancellationError.self) { try await single.value }
            await #expect(throws: CancellationError.self) { try await several.value }
            _ = try await other.send(["RPUSH", "list", "element"])

            #expect(try await blocked.array?.map(\.string) == ["list", "element"])
            #expect(try await neighbour.string == "heard")
            #expect(redis.connections == 1)
            #expect(redis.statistics.pending == 0)
        }
    }

    @Test func `a command cancelled before it was sent never runs`() async throws {
        try await withRedis { server in
            await server.killRedis()
            let redis = try server.client()

            let kept = (0..<3).map { key in Task { try await redis.send(["INCR", "kept \(key)"]) } }
            let dropped = (0..<3).map { key in
                Task { try await redis.pipeline([["INCR", "dropped \(key)"], ["INCR", "dropped \(key)"]]) }
            }
            #expect(try await eventually { redis.statistics.pending == 9 })
            for task in dropped { task.cancel() }
            for task in dropped { await #expect(throws: CancellationError.self) { try await task.value } }
            try await server.startRedis()
            for task in kept { #expect(try await task.value == .integer(1)) }

            #expect(try await redis.send(["DBSIZE"]) == .integer(3))
            #expect(redis.statistics.pending == 0)
        }
    }

    @Test func `a task already cancelled sends nothing`() async throws {
        try await withRedis { server in
            let redis = try server.client()

            let task = Task {
                withUnsafeCurrentTask { $0?.cancel() }
                return try await redis.send(["SET", "k", 1])
            }
            await #expect(throws: CancellationError.self) { try await task.value }

            #expect(try await redis.send(["EXISTS", "k"]) == .integer(0))
        }
    }

    @Test func `more commands than may wait are refused, and there is room again when some are answered`() async throws {
        try await withRedis { server in
            let redis = try server.client { $0.maximumPending = 10 }
            _ = try await redis.send(["PING"])

            kill(server.redisPID, SIGSTOP)
            let waiting = (0..<10).map { number in Task { try await redis.send(["ECHO", number]) } }
            #expect(try await eventually { redis.statistics.pending == 10 })
            let refused = await redisError { try await redis.send(["SET", "refused", 1]) }
            kill(server.redisPID, SIGCONT)
            for (number, task) in waiting.enumerated() { #expect(try await task.value.int == number) }

            #expect(refused?.code == .tooManyPending)
            #expect(refused?.fateUnknown == false)
            #expect(try await redis.pipeline([RedisCommand](repeating: ["EXISTS", "refused"], count: 10)).allSatisfy { $0 == .integer(0) })
            #expect(await redisError { try await redis.pipeline([RedisCommand](repeating: ["PING"], count: 11)) }?.code == .tooManyPending)
        }
    }

    @Test func `one command after the other needs room for one`() async throws {
        try await withRedis { server in
            let redis = try server.client { $0.maximumPending = 1 }

            for number in 0..<1000 { #expect(try await redis.send(["ECHO", number]).int == number) }
        }
    }
}

private final class Flag: Sendable {
    private let value = Atomic(false)

    var isSet: Bool { value.load(ordering: .acquiring) }

    func set() { value.store(true, ordering: .releasing) }
}

/// Answers the greeting, begins a long answer that it gives drop by drop until it may finish, and then answers everything else.
///
/// On its event loop: a task might wait for a thread for longer than a client is patient.
private final class Dripping: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let mayFinish: Flag
    private var reads = 0
    /// Of the long answer.
    private var missing = 0

    init(until mayFinish: Flag) { self.mayFinish = mayFinish }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        reads += 1
        switch reads {
        case 1: write("+OK\r\n+PONG\r\n", context)
        case 2:
            missing = 20_000
            write("*20000\r\n", context)
            drip(context)
        default:
            finish(context)
            write("+mine\r\n", context)
        }
    }

    private func drip(_ context: ChannelHandlerContext) {
        guard missing > 0 else { return }
        guard !mayFinish.isSet else { return finish(context) }
        write(":1\r\n", context)
        missing -= 1
        context.eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(5)) { self.drip(context) }
    }

    private func finish(_ context: ChannelHandlerContext) {
        write(String(repeating: ":1\r\n", count: missing), context)
        missing = 0
    }

    private func write(_ text: String, _ context: ChannelHandlerContext) {
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text)), promise: nil)
    }
}
