import NIOCore
import NIOPosix
import Testing

extension TestAPI {
    /// Sends these bytes over a connection of its own, says that there is no more, and waits until the server hangs up.
    func sendAndListenOnly(_ text: String) async throws {
        let port = try #require(Int(url.split(separator: ":").last ?? ""))
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.allowRemoteHalfClosure, value: false).connect(host: "127.0.0.1", port: port).get()
        try await channel.writeAndFlush(ByteBuffer(string: text))
        try await channel.close(mode: .output)
        try await channel.closeFuture.get()
    }

    /// Sends these bytes over a connection of its own, waits until they are out, and hangs up.
    func sendAndHangUp(_ text: String) async throws {
        let port = try #require(Int(url.split(separator: ":").last ?? ""))
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton).connect(host: "127.0.0.1", port: port).get()
        try await channel.writeAndFlush(ByteBuffer(string: text))
        try await channel.close()
    }

    /// Sends these bytes, then `drip` ten times a second (nothing when it is empty, and no more than `atMost` times), and answers
    /// all that comes back until the server hangs up.
    func exchange(_ text: String, dripping drip: String = "", atMost: Int = .max) async throws -> String {
        let port = try #require(Int(url.split(separator: ":").last ?? ""))
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton).connect(host: "127.0.0.1", port: port) {
            channel in
            channel.eventLoop.makeCompletedFuture { try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel) }
        }
        return try await channel.executeThenClose { inbound, outbound in
            try await outbound.write(ByteBuffer(string: text))
            return try await withThrowingTaskGroup(of: Void.self) { group in
                if !drip.isEmpty {
                    group.addTask {
                        for _ in 0..<atMost {
                            try await Task.sleep(for: .milliseconds(100))
                            try? await outbound.write(ByteBuffer(string: drip))
                        }
                    }
                }
                defer { group.cancelAll() }
                var answer = ""
                for try await piece in inbound { answer += String(buffer: piece) }
                return answer
            }
        }
    }
}

extension TestAPI {
    /// Gives `body` one connection to send requests over, one after another; each is answered its status.
    func converse(_ body: @Sendable (_ send: @escaping @Sendable (String) async throws -> Int) async throws -> Void) async throws {
        let port = try #require(Int(url.split(separator: ":").last ?? ""))
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton).connect(host: "127.0.0.1", port: port) {
            channel in
            channel.eventLoop.makeCompletedFuture { try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel) }
        }
        try await channel.executeThenClose { inbound, outbound in
            let (pieces, told) = AsyncStream.makeStream(of: String.self)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    for try await piece in inbound { told.yield(String(buffer: piece)) }
                    told.finish()
                }
                try await body { text in
                    try await outbound.write(ByteBuffer(string: text))
                    var answer = ""
                    for await piece in pieces {
                        answer += piece
                        guard let end = answer.firstRange(of: "\r\n\r\n") else { continue }
                        let length = answer[..<end.lowerBound].firstMatch(of: /(?i)content-length: (\d+)/).flatMap { Int($0.1) } ?? 0
                        if answer[end.upperBound...].utf8.count >= length { break }
                    }
                    return answer.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
                }
                group.cancelAll()
            }
        }
    }
}
