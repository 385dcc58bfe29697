import Logging
import Synchronization

/// A private Postgres and Redis, child processes of this one, that end when it ends, however it ends.
///
/// Their data live under one folder and are found again at the next start; two processes cannot share that folder.
/// Both listen on Unix sockets in a short private folder whose path stays the same for the same data.
/// One caller at a time: the methods that start and stop a server do not queue behind each other.
public final class LocalServers: Sendable {
    /// A URL libpq and its tools accept: the owner (a superuser), database `kiteline`, Unix socket.
    public let postgresURL: String

    /// `unix:///path`, or `redis://default:password@127.0.0.1:port` when a TCP port was asked for.
    public let redisURL: String

    private let postgres: Server?
    private let redis: Server?
    private let directory: DataDirectory

    private init(_ directory: DataDirectory, postgres: PostgresServer?, redis: RedisServer?) {
        self.directory = directory
        self.postgres = postgres?.server
        self.redis = redis?.server
        self.postgresURL = postgres?.url ?? ""
        self.redisURL = redis?.url ?? ""
    }

    /// Starts the servers and returns when both answer. The first start creates the data; a later one finds them.
    ///
    /// - Throws: `LocalServersError`, saying what to do; when a server did not start, with the end of its log.
    public static func start(
        dataDirectory: String, options: Options = Options(), logger: Logger = Logger(label: "kiteline.servers")
    ) async throws -> LocalServers {
        let directory = try await DataDirectory.claim(dataDirectory, logger: logger)
        do {
            let postgres = options.postgres ? try await PostgresServer(in: directory, options, logger) : nil
            let redis = options.redis ? try RedisServer(in: directory, options, logger) : nil
            let servers = LocalServers(directory, postgres: postgres, redis: redis)
            try await servers.startAll()
            return servers
        } catch {
            directory.release()
            throw error
        }
    }

    /// Removes the data of servers that have ended. Nothing happens when there are none.
    ///
    /// - Throws: `LocalServersError` when they are in use.
    public static func remove(dataDirectory: String) async throws {
        try DataDirectory.remove(dataDirectory)
    }

    /// Stops both servers cleanly and lets the data folder go.
    public func stop() async {
        async let redisStopped: Void? = redis?.stop()
        await postgres?.stop()
        _ = await redisStopped
        directory.release()
    }

    private func startAll() async throws {
        do {
            async let redisStarted: Void? = redis?.start()
            try await postgres?.start()
            _ = try await redisStarted
        } catch {
            await stop()
            throw error
        }
    }
}

extension LocalServers {
    /// What to start and how.
    public struct Options: Sendable {
        public var postgres: Bool
        public var redis: Bool

        /// Whether an acknowledged commit survives a power cut. Off is for tests: faster, and still nothing is lost by a killed server.
        public var durable: Bool

        /// Whether Redis also listens on a free loopback port, with a password.
        public var redisOverTCP: Bool

        /// Server settings beside or instead of ours, as in `postgresql.conf`.
        public var postgresSettings: [String: String]

        /// Arguments of `redis-server` after ours, such as `["--tls-port", "7000"]`.
        public var redisArguments: [String]

        public init(
            postgres: Bool = true, redis: Bool = true, durable: Bool = true, redisOverTCP: Bool = false,
            postgresSettings: [String: String] = [:], redisArguments: [String] = []
        ) {
            self.postgres = postgres
            self.redis = redis
            self.durable = durable
            self.redisOverTCP = redisOverTCP
            self.postgresSettings = postgresSettings
            self.redisArguments = redisArguments
        }

        /// For tests: nothing needs to survive a power cut.
        public static var test: Options { Options(durable: false) }
    }
}

// Each server for itself, for tests that break them. URLs stay the same over a restart.
extension LocalServers {
    /// How Postgres is stopped.
    public enum PostgresShutdown: Sendable {
        /// Connections are cut, transactions rolled back, everything is written.
        case fast
        /// At once, nothing is written; the next start recovers from the log.
        case immediate
    }

    /// The process id; of the last process when the server is not running, 0 before any.
    public var postgresPID: Int32 { postgres?.pid ?? 0 }

    /// The process id; of the last process when the server is not running, 0 before any.
    public var redisPID: Int32 { redis?.pid ?? 0 }

    public func startPostgres() async throws { try await postgres?.start() }
    public func stopPostgres(_ how: PostgresShutdown = .fast) async {
        switch how {
        case .fast: await postgres?.stop()
        case .immediate: await postgres?.stop(after: .quit)
        }
    }
    /// Kills Postgres with -9.
    public func killPostgres() async { await postgres?.stop(after: .kill) }

    public func startRedis() async throws { try await redis?.start() }
    public func stopRedis() async { await redis?.stop() }
    /// Kills Redis with -9.
    public func killRedis() async { await redis?.stop(after: .kill) }

    /// Returns the name of a server that ended without being told to, as soon as one has; nil when the task is cancelled.
    public func unexpectedEnd() async -> String? {
        let servers = [postgres, redis].compactMap(\.self)
        while !Task.isCancelled {
            if let ended = servers.first(where: \.endedUnexpectedly) { return ended.name }
            try? await Task.sleep(for: .milliseconds(250))
        }
        return nil
    }
}
