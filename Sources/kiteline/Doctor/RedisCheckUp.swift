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
            return await [.judge("redis version", String(version), major >= 7, "Kiteline needs 7 or later"), eviction(redis)] + hints(redis)
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

    /// What `docs/operating.md` asks for besides. A server that does not say is not asked for more.
    private func hints(_ redis: RedisClient) async -> [Finding] {
        var findings: [Finding] = []
        for name in ["maxmemory", "appendonly", "save"] {
            guard let value = try? await redis.send(["CONFIG", "GET", RedisArgument(name)]).array?.last?.string else { continue }
            findings += [Self.hint(name, value)].compactMap(\.self)
        }
        return findings
    }

    /// Kiteline works without, and not as it is meant to.
    static func hint(_ name: String, _ value: String) -> Finding? {
        let kept = "what Redis keeps on disk is thrown away when it comes back, and writing it takes time: set "
        return switch name {
        case "maxmemory":
            Finding.judge(
                "redis maxmemory", value == "0" ? "none" : "\(value) bytes", value != "0", else: .doubtful,
                "nothing keeps it from taking all of the machine's memory: set maxmemory")
        case "appendonly": Finding.judge("redis appendonly", value, value == "no", else: .doubtful, kept + "appendonly no")
        case "save": Finding.judge("redis save", value.isEmpty ? "never" : value, value.isEmpty, else: .doubtful, kept + "save \"\"")
        default: nil
        }
    }
}
