import Foundation
import NIOCore
import NIOPosix
import Synchronization

/// A wire between the program and a server, that can be cut and slowed.
///
/// A Unix socket and no TCP port: the servers trust whoever reaches them, and a port would be in everybody's reach.
final class Wire: Sendable {
    private struct State {
        var ends: [ObjectIdentifier: any Channel] = [:]
        var delay = TimeAmount.zero
        /// Bytes of the server still let through; then everything is cut.
        var allowance = Int.max
        /// No connection lives, and none is made.
        var isDown = false
    }

    private let state = Mutex(State())
    private let target: String
    private let listener: Mutex<(any Channel)?> = Mutex(nil)

    private init(to target: String) { self.target = target }

    /// Listens at `path` for what is to go to the server at `target`.
    static func at(_ path: String, to target: String) async throws -> Wire {
        let wire = Wire(to: target)
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.backlog, value: 256)
            .childChannelInitializer(wire.join)
            .bind(unixDomainSocketPath: path).get()
        wire.listener.withLock { $0 = channel }
        return wire
    }

    /// How long everything is under way, in each direction.
    func delay(by delay: Duration) {
        state.withLock { $0.delay = .nanoseconds(Int64(delay.inSeconds * 1e9)) }
    }

    /// Cuts every connection.
    func cut() {
        for end in state.withLock({ Array($0.ends.values) }) { end.close(promise: nil) }
    }

    /// Cuts every connection once so many more bytes came from the server, be it in the middle of a message. New ones are let through.
    func cut(afterReplyBytes count: Int) { state.withLock { $0.allowance = count } }

    /// Cuts every connection and takes none until it is up again.
    func set(isDown: Bool) {
        state.withLock { $0.isDown = isDown }
        if isDown { cut() }
    }

    func close() async {
        try? await listener.withLock { $0 }?.close()
        cut()
    }

    private func join(_ client: any Channel) -> EventLoopFuture<Void> {
        guard !state.withLock({ $0.isDown }) else { return client.eventLoop.makeFailedFuture(ChannelError.eof) }
        return ClientBootstrap(group: client.eventLoop)
            .channelInitializer { server in self.connect(server, to: client, isServer: true) }
            .connect(unixDomainSocketPath: target)
            .flatMap { server in self.connect(client, to: server, isServer: false) }
    }

    private func connect(_ end: any Channel, to other: any Channel, isServer: Bool) -> EventLoopFuture<Void> {
        let name = ObjectIdentifier(end)
        state.withLock { $0.ends[name] = end }
        end.closeFuture.whenComplete { _ in self.state.withLock { $0.ends[name] = nil } }
        return end.eventLoop.makeCompletedFuture {
            try end.pipeline.syncOperations.addHandler(WireEnd(other: other, wire: self, isServer: isServer))
        }
    }

    fileprivate var delay: TimeAmount { state.withLock { $0.delay } }

    /// How many of these bytes of the server may go on; fewer than all: the rest is lost, and so is every connection.
    fileprivate func allow(_ count: Int) -> Int {
        state.withLock { state in
            guard state.allowance != .max else { return count }
            let allowed = min(count, state.allowance)
            state.allowance = allowed < count ? .max : state.allowance - allowed
            return allowed
        }
    }
}

/// Hands what comes in at one end to the other end, later if so told, never out of order. Both are on one event loop.
private final class WireEnd: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let other: any Channel
    private let wire: Wire
    private let isServer: Bool
    /// When the last bytes arrive, so that faster ones do not overtake them.
    private var last = NIODeadline.distantPast

    init(other: any Channel, wire: Wire, isServer: Bool) {
        self.other = other
        self.wire = wire
        self.isServer = isServer
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        let allowed = isServer ? wire.allow(bytes.readableBytes) : bytes.readableBytes
        let isCut = allowed < bytes.readableBytes
        if let part = bytes.readSlice(length: allowed), allowed > 0 { send { [other] in other.writeAndFlush(part, promise: nil) } }
        if isCut { send { [wire] in wire.cut() } }
    }

    func channelInactive(context: ChannelHandlerContext) { send { [other] in other.close(promise: nil) } }
    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    private func send(_ action: @escaping @Sendable () -> Void) {
        let now = NIODeadline.now()
        last = max(last, now + wire.delay)
        if last <= now { action() } else { other.eventLoop.scheduleTask(deadline: last, action) }
    }
}

/// Wires to both servers, in a private folder with a short path.
struct Wires: Sendable {
    let postgres: Wire
    let redis: Wire
    let postgresURL: String
    let redisURL: String
    private let folder: String

    init(to servers: LocalServersURLs) async throws {
        var template = Array("/tmp/kiteline-wire-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw CocoaError(.fileWriteUnknown) }
        folder = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        postgresURL = "postgres://kiteline@/kiteline?host=\(folder)"
        redisURL = "unix://\(folder)/redis.sock"
        postgres = try await Wire.at("\(folder)/.s.PGSQL.5432", to: servers.postgresSocket)
        redis = try await Wire.at("\(folder)/redis.sock", to: servers.redisSocket)
    }

    func close() async {
        await postgres.close()
        await redis.close()
        try? FileManager.default.removeItem(atPath: folder)
    }
}

/// Where servers of `LocalServers` listen.
struct LocalServersURLs: Sendable {
    let postgresSocket: String
    let redisSocket: String

    init(postgresURL: String, redisURL: String) {
        postgresSocket = String(postgresURL.split(separator: "host=").last ?? "") + "/.s.PGSQL.5432"
        redisSocket = String(redisURL.dropFirst("unix://".count))
    }
}
