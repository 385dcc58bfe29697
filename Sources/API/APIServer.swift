import Hummingbird
import Logging
import NIOCore
import ServiceLifecycle

/// Serves the API over HTTP until told to stop; then requests under way are answered, and no new ones are taken.
public struct APIServer: Service {
    static let name = "kiteline"

    private let api: API
    private let host: String
    private let port: Int
    private let eventLoops: (any EventLoopGroup)?
    private let site: (any Site)?
    private let onRunning: @Sendable (_ port: Int) async -> Void

    /// - Parameters:
    ///   - port: 0 takes a free one.
    ///   - eventLoops: nil: as many as there are cores. One has the better tails on two cores.
    ///   - site: pages for people, served beside it.
    ///   - onRunning: told once, when connections are accepted.
    public init(
        _ api: API, host: String = "127.0.0.1", port: Int, eventLoops: (any EventLoopGroup)? = nil, site: (any Site)? = nil,
        onRunning: @Sendable @escaping (_ port: Int) async -> Void = { _ in }
    ) {
        self.api = api
        self.host = host
        self.port = port
        self.eventLoops = eventLoops
        self.site = site
        self.onRunning = onRunning
    }

    public func run() async throws {
        let (onRunning, api) = (onRunning, api)
        let application = Application(
            responder: Responder(api, site: site),
            // A caller who sends nothing is hung up on after a while, and headers have a bound like everything.
            server: .http1(
                configuration: .init(
                    additionalChannelHandlers: [ConnectionManners(api.limits), LaneOpening(api)],
                    idleTimeout: .seconds(75),
                    httpDecoderConfiguration: .init(maxHeaderFieldSize: 8 << 10, maxHeaderListSize: 32 << 10, maxHeaderFieldCount: 100)
                )),
            configuration: ApplicationConfiguration(address: .hostname(host, port: port), serverName: Self.name, backlog: 1024),
            onServerRunning: { channel in await onRunning(channel.localAddress?.port ?? 0) },
            eventLoopGroupProvider: eventLoops.map(EventLoopGroupProvider.shared) ?? .singleton,
            logger: api.logger)
        // Streams have no end of their own, and the server waits for every answer to end.
        try await withGracefulShutdownHandler {
            try await application.run()
        } onGracefulShutdown: { [events = api.events] in
            events.close()
        }
    }
}
