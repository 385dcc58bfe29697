import LocalServers
import Logging
import ServiceLifecycle

/// Starts a private server again that ended without being told to. Its clients reconnect by themselves.
struct ServerKeeper: Service {
    private let servers: LocalServers
    private let announcement: Announcement
    private let logger: Logger

    init(_ servers: LocalServers, _ announcement: Announcement, _ logger: Logger) {
        self.servers = servers
        self.announcement = announcement
        self.logger = logger
    }

    func run() async {
        await cancelWhenGracefulShutdown {
            while let name = await servers.unexpectedEnd() {
                logger.warning("A server ended and is started again", metadata: ["server": "\(name)"])
                do {
                    try await name == "postgres" ? servers.startPostgres() : servers.startRedis()
                    announcement.refresh(logger)
                } catch {
                    logger.error("A server does not start", metadata: ["server": "\(name)", "error": "\(error)"])
                    try? await Task.sleep(for: .seconds(5))
                }
            }
        }
    }
}
