import Foundation
import LocalServers
import Logging
import Synchronization

/// Tells the world, by `ready.json` and on the terminal, that everything runs.
final class Announcement: Sendable {
    private let folder: String
    private let servers: LocalServers
    private let platformKey: String
    private let url = Mutex<String?>(nil)

    init(_ folder: String, _ servers: LocalServers, platformKey: String) {
        self.folder = folder
        self.servers = servers
        self.platformKey = platformKey
    }

    /// Called once, when the API answers.
    func publish(url: String, _ logger: Logger) {
        self.url.withLock { $0 = url }
        refresh(logger)
        print(
            """

            Kiteline is ready.

              API    \(url)
              key    \(platformKey)
                     of the platform: every tenant, named with Kiteline-Tenant: SLUG
              data   \(folder), its servers' addresses in \(ReadyFile.path(in: folder))

            Stop with Ctrl-C.
            """)
        fflush(nil)
    }

    /// Writes ready.json with the servers as they are now; nothing before everything is ready.
    func refresh(_ logger: Logger) {
        guard let url = url.withLock(\.self) else { return }
        let file = ReadyFile(
            url: url, platformKey: platformKey, postgresURL: servers.postgresURL, redisURL: servers.redisURL, consoleURL: nil,
            pids: .init(postgres: servers.postgresPID, redis: servers.redisPID, kiteline: getpid()))
        do { try file.write(in: folder) } catch { logger.error("Cannot write ready.json", metadata: ["error": "\(error)"]) }
    }
}
