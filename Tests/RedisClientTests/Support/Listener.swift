import NIOCore
import NIOPosix
import RedisClient

/// A TCP server within the test, for servers that behave as no real one does.
struct Listener {
    typealias Connection = NIOAsyncChannel<ByteBuffer, ByteBuffer>
    typealias Inbound = NIOAsyncChannelInboundStream<ByteBuffer>
    typealias Outbound = NIOAsyncChannelOutboundWriter<ByteBuffer>

    let port: Int

    /// Runs `serve` for each connection, counted from 1; a connection closes when `serve` returns.
    static func with<Result: Sendable>(
        serve: @escaping @Sendable (Int, Inbound, Outbound) async throws -> Void, _ body: @Sendable (Listener) async throws -> Result
    ) async throws -> Result {
        let server = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .bind(host: "127.0.0.1", port: 0) { channel in
                channel.eventLoop.makeCompletedFuture { try Connection(wrappingChannelSynchronously: channel) }
            }
        let listener = Listener(port: server.channel.localAddress!.port!)
        return try await server.executeThenClose { connections in
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    try await withThrowingDiscardingTaskGroup { group in
                        var number = 0
                        for try await connection in connections {
                            number += 1
                            group.addTask { [number] in
                                // A peer that breaks off is what these tests are about.
                                try? await connection.executeThenClose { try await serve(number, $0, $1) }
                            }
                        }
                    }
                }
                defer { group.cancelAll() }
                return try await body(listener)
            }
        }
    }

    /// Runs one handler for each connection, on the event loop.
    static func with<Result: Sendable>(
        handler: @escaping @Sendable () -> any ChannelHandler, _ body: @Sendable (Listener) async throws -> Result
    ) async throws -> Result {
        let server = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(handler()) }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let result: Swift.Result<Result, any Error>
        do { result = .success(try await body(Listener(port: server.localAddress!.port!))) } catch { result = .failure(error) }
        try await server.close()
        return try result.get()
    }

    func client(
        connectTimeout: Duration = .seconds(5), commandTimeout: Duration? = .seconds(20), password: String? = nil
    ) throws -> RedisClient {
        let login = password.map { ":\($0)@" } ?? ""
        let configuration = try RedisConfiguration(
            url: "redis://\(login)127.0.0.1:\(port)", connectTimeout: connectTimeout, commandTimeout: commandTimeout)
        return RedisClient.test(configuration)
    }
}

/// Answers a client's greeting and then every read with what `answer` gives; nil ends the connection.
func answering(_ answer: @escaping @Sendable (Int) -> String?) -> @Sendable (Int, Listener.Inbound, Listener.Outbound) async throws -> Void
{
    { number, inbound, outbound in
        var reads = inbound.makeAsyncIterator()
        _ = try await reads.next()
        try await outbound.write(ByteBuffer(string: "+OK\r\n+PONG\r\n"))
        while try await reads.next() != nil {
            guard let text = answer(number) else { return }
            try await outbound.write(ByteBuffer(string: text))
        }
    }
}

/// Passes bytes between a client and the server at `socket`, and cuts the first connection after `limit` bytes from the server.
func cutting(after limit: Int, to socket: String) -> @Sendable (Int, Listener.Inbound, Listener.Outbound) async throws -> Void {
    { number, inbound, outbound in
        let upstream = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .connect(unixDomainSocketPath: socket) { channel in
                channel.eventLoop.makeCompletedFuture { try Listener.Connection(wrappingChannelSynchronously: channel) }
            }
        try await upstream.executeThenClose { replies, commands in
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { for try await bytes in inbound { try await commands.write(bytes) } }
                group.addTask {
                    var passed = 0
                    for try await bytes in replies {
                        passed += bytes.readableBytes
                        if number == 1, passed > limit { return }
                        try await outbound.write(bytes)
                    }
                }
                try await group.next()
                group.cancelAll()
            }
        }
    }
}
