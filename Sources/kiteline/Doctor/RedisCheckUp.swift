import NIOPosix
import RedisClient

/// Looks at Redis as Kiteline needs it.
struct RedisCheckUp {
    private let settings: Settings

    init(_ settings: Settings) { self.settings = settings }

    func findings() async -> [Finding] {
        do {
            let configuration = try RedisConfiguration(url: try settings.text(.redisURL))
            let redis = RedisClient(configuration, group: MultiThreadedEventLoopGroup.singleton, logger: settings.logger("kiteline"))
            let findings = await findings(redis)
            await redis.close()
            return findings
        } catch {
            return [.wrong("redis", "\(error)", ConnectionAdvice.redis(error))]
        }
    }

    private func findings(_ redis: RedisClient) async -> [Finding] {
        do {
            let info = try await redis.send(["INFO", "server"]).string ?? ""
            let version =
                info.split(whereSeparator: \.isNewline).first { $0.hasPrefix("redis_version:") }?.dropFirst("redis_version:".count)
                ?? "unknown"
            let major = version.split(separator: ".").first.flatMap { Int($0) } ?? 0
            return [.judge("redis version", String(version), major >= 7, "Kiteline needs 7 or later"), await eviction(redis)]
        } catch {
            return [.wrong("redis", "\(error)", ConnectionAdvice.redis(error))]
        }
    }

    /// What Redis evicts is found again by a rebuild only.
    private func eviction(_ redis: RedisClient) async -> Finding {
        let check = "redis maxmemory-policy"
        let policy = try? await redis.send(["CONFIG", "GET", "maxmemory-policy"]).array?.last?.string
        guard let policy else {
            return Finding(check: check, verdict: .doubtful, found: "the server does not say", advice: "make sure that it is noeviction")
        }
        return .judge(check, policy, policy == "noeviction", "waiting jobs may be dropped from the index: set maxmemory-policy noeviction")
    }
}
