import Foundation
import NIOCore
import NIOPosix
import Synchronization

/// Sends the same shape of HTTP request over many keep-alive connections, one at a time on each, and notes how long each takes.
///
/// As lean as it can be: it shares the machine with what it measures.
struct LoadGenerator: Sendable {
    var host: String
    var port: Int
    var connections: Int
    /// The whole request, head and body; the argument counts requests over all connections.
    var request: @Sendable (Int) -> [UInt8]

    struct Result: Sendable {
        var seconds: Double
        /// Of every request, ascending.
        var milliseconds: [Double]
        var statuses: [Int: Int]

        func percentile(_ p: Double) -> Double {
            milliseconds.isEmpty ? 0 : milliseconds[min(milliseconds.count - 1, Int(Double(milliseconds.count) * p))]
        }
    }

    /// Sends `total` requests in all.
    func run(total: Int) async throws -> Result {
        let tickets = Tickets(total: total)
        let start = ContinuousClock.now
        let parts = try await withThrowingTaskGroup(of: ([Double], [Int: Int]).self) { group in
            for _ in 0..<connections { group.addTask { try await converse(tickets) } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        let seconds = (ContinuousClock.now - start).inSeconds
        return Result(
            seconds: seconds, milliseconds: parts.flatMap(\.0).sorted(),
            statuses: parts.reduce(into: [:]) { $0.merge($1.1, uniquingKeysWith: +) })
    }
}

extension LoadGenerator {
    private func converse(_ tickets: Tickets) async throws -> ([Double], [Int: Int]) {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let done = loop.makePromise(of: ([Double], [Int: Int]).self)
        let request = request
        let channel = try await ClientBootstrap(group: loop)
            .channelOption(ChannelOptions.socketOption(.tcp_nodelay), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Conversation(take: { tickets.take().map(request) }, done: done))
                }
            }
            .connect(host: host, port: port).get()
        let part = try await done.futureResult.get()
        try? await channel.close()
        return part
    }
}

/// Numbers the requests of all connections.
private final class Tickets: Sendable {
    private let next = Atomic(0)
    private let total: Int

    init(total: Int) { self.total = total }

    func take() -> Int? {
        let n = next.add(1, ordering: .relaxed).oldValue
        return n < total ? n : nil
    }
}

/// One connection: asks, waits for the whole answer, asks again.
private final class Conversation: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let take: () -> [UInt8]?
    private let done: EventLoopPromise<([Double], [Int: Int])>
    private var received = ByteBuffer()
    private var sent = ContinuousClock.now
    private var milliseconds: [Double] = []
    private var statuses: [Int: Int] = [:]

    init(take: @escaping () -> [UInt8]?, done: EventLoopPromise<([Double], [Int: Int])>) {
        self.take = take
        self.done = done
    }

    func channelActive(context: ChannelHandlerContext) { ask(context) }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var data = unwrapInboundIn(data)
        received.writeBuffer(&data)
        guard let status = wholeAnswer() else { return }
        milliseconds.append((ContinuousClock.now - sent).inSeconds * 1000)
        statuses[status, default: 0] += 1
        received.clear()
        ask(context)
    }

    func channelInactive(context: ChannelHandlerContext) { done.fail(ChannelError.eof) }
    func errorCaught(context: ChannelHandlerContext, error: any Error) { done.fail(error) }

    private func ask(_ context: ChannelHandlerContext) {
        guard let request = take() else { return done.succeed((milliseconds, statuses)) }
        sent = .now
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: request)), promise: nil)
    }

    /// The status once head and body (by content-length) are here.
    private func wholeAnswer() -> Int? {
        let view = received.readableBytesView
        guard let end = view.firstRange(of: Array("\r\n\r\n".utf8)) else { return nil }
        let head = String(decoding: view[..<end.lowerBound], as: UTF8.self)
        let lines = head.split(separator: "\r\n")
        let length = lines.first { $0.lowercased().hasPrefix("content-length:") }.flatMap {
            Int($0.drop { $0 != ":" }.dropFirst().trimmingCharacters(in: .whitespaces))
        }
        guard view.count >= view.distance(from: view.startIndex, to: end.upperBound) + (length ?? 0) else { return nil }
        return lines.first.flatMap { $0.split(separator: " ").dropFirst().first }.flatMap { Int($0) }
    }
}
