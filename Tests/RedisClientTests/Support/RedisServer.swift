import LocalServers
import Logging
import NIOPosix
import RedisClient
import TestSupport

/// Gives `body` a Redis server of its own, which it may stop, kill and start again.
func withRedis<Result: Sendable>(_ arguments: [String] = [], _ body: (LocalServers) async throws -> Result) async throws -> Result {
    try await TestServers.own(options: .init(postgres: false, durable: false, redisArguments: arguments), body)
}

extension LocalServers {
    func client(
        connectTimeout: Duration = .seconds(10), commandTimeout: Duration? = .seconds(30),
        _ adjust: (inout RedisConfiguration) -> Void = { _ in }
    ) throws -> RedisClient {
        var configuration = try RedisConfiguration(url: redisURL, connectTimeout: connectTimeout, commandTimeout: commandTimeout)
        adjust(&configuration)
        return .test(configuration)
    }

    var redisSocket: String { String(redisURL.dropFirst("unix://".count)) }
}

extension RedisClient {
    static func test(_ configuration: RedisConfiguration) -> RedisClient {
        RedisClient(
            configuration, group: .singletonMultiThreadedEventLoopGroup, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    /// Whether some connection waits in this blocking command.
    func isBlocked(_ command: String) async throws -> Bool {
        let replies = try await pipeline([["CLIENT", "LIST"], ["INFO", "clients"]]).compactMap(\.string)
        return replies[0].contains("cmd=\(command) ") && !replies[1].contains("blocked_clients:0\r")
    }
}

/// Waits for something that happens on its own; gives up after `limit`.
func eventually(within limit: Duration = .seconds(180), _ condition: () async throws -> Bool) async throws -> Bool {
    let deadline = ContinuousClock.now + limit
    while ContinuousClock.now < deadline {
        if try await condition() { return true }
        try await Task.sleep(for: .milliseconds(5))
    }
    return false
}

/// The Redis error `body` ends with.
func redisError(_ body: () async throws -> some Sendable) async -> RedisError? {
    do {
        _ = try await body()
        return nil
    } catch {
        return error as? RedisError
    }
}
