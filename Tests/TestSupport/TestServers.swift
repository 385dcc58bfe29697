import FoundationEssentials
import Glibc
import LocalServers
import Logging

/// Real servers for tests: one Postgres and one Redis a test process, fsync off, ended with the process however it ends.
public struct TestServers: Sendable {
    public let servers: LocalServers

    /// libpq URL of the owner (a superuser), database `kiteline`. Most tests want a `TestDatabase` instead.
    public var postgresURL: String { servers.postgresURL }
    public var redisURL: String { servers.redisURL }

    /// The servers all tests of this process share. Tests that break servers start their own.
    public static var shared: TestServers {
        get async throws { try await starting.value }
    }

    /// Servers of the test's own, to be broken; stopped and removed at its end.
    public static func own<R: Sendable>(
        options: LocalServers.Options = .test, _ body: (LocalServers) async throws -> R
    ) async throws -> R {
        let folder = freshFolder()
        let servers = try await LocalServers.start(dataDirectory: folder, options: options, logger: quiet)
        let result: Result<R, any Error>
        do { result = .success(try await body(servers)) } catch { result = .failure(error) }
        await servers.stop()
        try await LocalServers.remove(dataDirectory: folder)
        return try result.get()
    }

    private static let starting = Task {
        await removeAbandoned()
        return TestServers(servers: try await LocalServers.start(dataDirectory: freshFolder(), options: .test, logger: quiet))
    }

    private static let parent = "/tmp"
    private static let prefix = "kiteline-test-"

    /// Named after this process, so that the next run can tell whether it is still wanted.
    private static func freshFolder() -> String {
        "\(parent)/\(prefix)\(getpid())-\(UUID().uuidString.prefix(8))"
    }

    /// Removes what earlier runs left: a test process has no moment at which its last test is known to be over.
    private static func removeAbandoned() async {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: parent)) ?? []
        for name in names where name.hasPrefix(prefix) {
            guard let pid = Int32(name.dropFirst(prefix.count).prefix { $0 != "-" }), kill(pid, 0) != 0, errno == ESRCH else { continue }
            try? await LocalServers.remove(dataDirectory: "\(parent)/\(name)")
        }
    }
}

/// A prefix for Redis keys that no other test uses.
public func uniqueKeyPrefix() -> String { "t\(UUID().uuidString.prefix(8).lowercased()):" }
