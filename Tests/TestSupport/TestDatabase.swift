import FoundationEssentials
import Logging
import PostgresClient
import Schema

/// A migrated database and a Redis key prefix of one test's own, on the servers all tests share.
///
/// Copied from a template that is migrated once a test process: about 30 ms. Dropped by `drop()`, or with the servers.
public struct TestDatabase: Sendable {
    public let name: String

    /// libpq URL of the owner, a superuser: row security does not hold it back. See `pool(as:)` for those it does.
    public let url: String

    public let redisURL: String

    /// Put in front of every Redis key, so that tests share a Redis and not its contents.
    public let keyPrefix: String

    public init() async throws {
        let servers = try await TestServers.shared
        name = "test_\(UUID().uuidString.prefix(13).replacing("-", with: "_").lowercased())"
        url = Self.url(of: name, on: servers)
        redisURL = servers.redisURL
        keyPrefix = uniqueKeyPrefix()
        let template = try await Self.template.value
        _ = try await Self.administration.value.query(
            "CREATE DATABASE \(unescaped: name) TEMPLATE \(unescaped: template)", deadline: .seconds(600))
    }

    /// Gives `body` a database that is dropped afterwards.
    public static func with<R: Sendable>(_ body: (TestDatabase) async throws -> R) async throws -> R {
        let database = try await TestDatabase()
        let result: Result<R, any Error>
        do { result = .success(try await body(database)) } catch { result = .failure(error) }
        try await database.drop()
        return try result.get()
    }

    /// A pool of connections to it; nil is the owner. Whoever makes one closes it.
    public func pool(as role: TestRole? = nil, size: Int = 4) -> PostgresPool {
        PostgresPool(PostgresConfiguration(url: url, role: role?.rawValue), size: size, logger: quiet)
    }

    /// Cuts whoever is still connected.
    public func drop() async throws {
        _ = try await Self.administration.value.query("DROP DATABASE IF EXISTS \(unescaped: name) WITH (FORCE)")
    }
}

/// The two roles that do all the work.
public enum TestRole: String, Sendable {
    case engine = "kiteline_engine"
    case application = "kiteline_app"
}

extension TestDatabase {
    private static let administration = Task {
        PostgresPool(PostgresConfiguration(url: url(of: "postgres", on: try await TestServers.shared)), size: 2, logger: quiet)
    }

    /// A database can be copied only while nobody is connected to it: the pool that migrates it is closed first.
    private static let template = Task {
        let name = "template_kiteline"
        _ = try await administration.value.query("CREATE DATABASE \(unescaped: name)")
        let pool = PostgresPool(PostgresConfiguration(url: url(of: name, on: try await TestServers.shared)), size: 1, logger: quiet)
        try await Migrator(pool).migrate()
        await pool.close()
        return name
    }

    private static func url(of database: String, on servers: TestServers) -> String {
        servers.postgresURL.replacing("@/kiteline?", with: "@/\(database)?")
    }
}

let quiet: Logger = {
    var logger = Logger(label: "kiteline.test")
    logger.logLevel = .error
    return logger
}()
