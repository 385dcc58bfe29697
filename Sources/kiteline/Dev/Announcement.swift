import Foundation
import LocalServers
import Logging
import Synchronization

/// Tells the world, by `ready.json` and on the terminal, that everything runs.
final class Announcement: Sendable {
    private let folder: String
    private let servers: LocalServers
    private let platformKey: String
    /// What processes beside this one have to share with it.
    private let shared: (secretKey: String?, localTargets: String?)
    private let addresses = Mutex<(url: String, console: String?)?>(nil)

    init(_ folder: String, _ servers: LocalServers, platformKey: String, _ settings: Settings) {
        self.folder = folder
        self.servers = servers
        self.platformKey = platformKey
        shared = (settings.optional(.secretKey), settings.optional(.localTargets))
    }

    /// Called once, when the API answers.
    ///
    /// - Parameter console: signs its reader in, once.
    func publish(url: String, console: String?, _ logger: Logger) {
        addresses.withLock { $0 = (url, console) }
        refresh(logger)
        print(
            """

            Kiteline is ready.

              console       \(console ?? url + "/console/")
                            signs you in once; for another link: kiteline console
              API           \(url)
              platform key  \(platformKey)
                            acts for every tenant, named with Kiteline-Tenant: SLUG
              data          \(folder), its servers' addresses in \(ReadyFile.path(in: folder))

            Stop with Ctrl-C.
            """)
        fflush(nil)
    }

    /// Writes ready.json with the servers as they are now; nothing before everything is ready.
    func refresh(_ logger: Logger) {
        guard let (url, console) = addresses.withLock(\.self) else { return }
        let file = ReadyFile(
            url: url, platformKey: platformKey, postgresURL: servers.postgresURL, redisURL: servers.redisURL, consoleURL: console,
            secretKey: shared.secretKey, localTargets: shared.localTargets,
            pids: .init(postgres: servers.postgresPID, redis: servers.redisPID, kiteline: getpid()))
        do { try file.write(in: folder) } catch { logger.error("Cannot write ready.json", metadata: ["error": "\(error)"]) }
    }
}
