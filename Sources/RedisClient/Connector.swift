import Glibc
import NIOCore
import NIOPosix
import NIOSSL

/// Makes channels that end in a ``RedisConnection``, not yet greeted.
struct Connector {
    private let configuration: RedisConfiguration
    private let counters: RedisCounters

    init(_ configuration: RedisConfiguration, counters: RedisCounters) {
        self.configuration = configuration
        self.counters = counters
    }

    func connect(on eventLoop: any EventLoop) -> EventLoopFuture<any Channel> {
        guard let tls = configuration.tls else { return connect(on: eventLoop, encryption: nil) }
        // Reads the authorities' files, hence not on the event loop; each time, so that replaced files are seen.
        return NIOThreadPool.singleton.runIfActive(eventLoop: eventLoop) { try tls.makeContext() }
            .flatMapErrorThrowing { throw Greeting.Refusal(error: RedisError(.configuration, "TLS cannot be set up: \($0)")) }
            .flatMap { connect(on: eventLoop, encryption: $0) }
    }

    private func connect(on eventLoop: any EventLoop, encryption: NIOSSLContext?) -> EventLoopFuture<any Channel> {
        let commandTimeout = configuration.commandTimeout.map { TimeAmount($0) }
        let serverName = configuration.address.name
        let bootstrap = ClientBootstrap(group: eventLoop)
            .connectTimeout(TimeAmount(configuration.connectTimeout))
            .channelOption(.recvAllocator, value: AdaptiveRecvByteBufferAllocator(minimum: 1024, initial: 16 * 1024, maximum: 256 * 1024))
            .channelInitializer { [counters] channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    if let encryption {
                        try pipeline.addHandler(NIOSSLClientHandler(context: encryption, serverHostname: serverName))
                    }
                    try pipeline.addHandler(RedisConnection(channel, commandTimeout: commandTimeout, counters: counters))
                }
            }
        return switch configuration.address {
        case .unix(let path): bootstrap.connect(unixDomainSocketPath: path)
        case .tcp(let host, let port): bootstrap.keepingAlive.connect(host: host, port: port)
        }
    }
}

extension ClientBootstrap {
    /// Small commands leave at once, and a peer that vanished is noticed within about a minute even while nothing is sent,
    /// as during a blocking command.
    fileprivate var keepingAlive: ClientBootstrap {
        channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(.socketOption(.so_keepalive), value: 1)
            .channelOption(.tcpOption(.init(rawValue: TCP_KEEPIDLE)), value: 30)
            .channelOption(.tcpOption(.init(rawValue: TCP_KEEPINTVL)), value: 10)
            .channelOption(.tcpOption(.init(rawValue: TCP_KEEPCNT)), value: 3)
    }
}

extension RedisConfiguration.Address {
    /// What the server's certificate should be made out to; nil for an IP address, which TLS checks against the peer's own.
    fileprivate var name: String? {
        guard case .tcp(let host, let port) = self, (try? SocketAddress(ipAddress: host, port: port)) == nil else { return nil }
        return host
    }
}

extension RedisConfiguration.TLS {
    fileprivate func makeContext() throws -> NIOSSLContext {
        var settings = TLSConfiguration.makeClientConfiguration()
        settings.shutdownTimeout = .milliseconds(500)
        switch self {
        case .systemAuthorities: break
        case .authority(let file): settings.trustRoots = .file(file)
        case .unverified: settings.certificateVerification = .none
        }
        return try NIOSSLContext(configuration: settings)
    }
}
