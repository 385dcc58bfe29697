import Jobs
import RedisClient
import Tenancy

/// What the index says of its own life.
public enum IndexLife: Sendable, Equatable {
    case missing
    case building(Int64)
    case open(Int64)
}

extension Dispatch {
    /// The life the index in Redis is in, and which server it is: both must be as the ledger remembers.
    public func life() async throws -> (life: IndexLife, server: String) {
        let replies = try await redis.pipeline([["GET", RedisArgument(keys.epoch)], ["INFO", "server"]])
        let text = replies[0].string
        let server = replies[1].string?.split(whereSeparator: \.isNewline).first { $0.hasPrefix("run_id:") }.map { String($0.dropFirst(7)) }
        let life: IndexLife =
            switch text {
            case .some(let text) where text.hasPrefix("B"): Int64(text.dropFirst()).map(IndexLife.building) ?? .missing
            case .some(let text): Int64(text).map(IndexLife.open) ?? .missing
            case .none: .missing
            }
        return (life, server ?? "")
    }

    /// How often a connection was made; when it changes, the server may be another one.
    public var connections: Int { redis.connections }

    /// Begins a new life: the index takes pushes under `epoch`, claims wait.
    public func beginRebuild(under epoch: Int64) async throws {
        _ = try await redis.evaluate(.beginRebuild, keys: [keys.epoch], arguments: [RedisArgument(epoch)])
        adopt(epoch)
    }

    /// Puts claims of running jobs back, each with one lease of patience.
    public func restore(_ claims: [(claim: Claim, flow: String)]) async throws {
        let epoch = try current()
        for chunk in claims.chunks(of: 500) {
            var arguments: [RedisArgument] = [RedisArgument(lease.milliseconds)]
            for (claim, flow) in chunk {
                arguments += [
                    RedisArgument(claim.id.rawValue), RedisArgument(claim.tenant.rawValue), RedisArgument(claim.token), RedisArgument(flow),
                ]
            }
            _ = try await evaluate(.restore, under: epoch, arguments)
        }
    }

    /// Opens the new life to claims.
    /// - Returns: false if yet another rebuild has begun meanwhile.
    public func finishRebuild(under epoch: Int64) async throws -> Bool {
        try await redis.evaluate(.finishRebuild, keys: [keys.epoch], arguments: [RedisArgument(epoch)]).int == 1
    }

    /// Removes what older lives left, a few hundred keys a step.
    public func sweep(olderThan epoch: Int64) async throws {
        var cursor = "0"
        repeat {
            let reply =
                try await redis.send(["SCAN", RedisArgument(cursor), "MATCH", RedisArgument(keys.pattern), "COUNT", "500"]).array ?? []
            guard reply.count == 2, let next = reply[0].string, let found = reply[1].array else { return }
            let old = found.compactMap(\.string).filter { keys.epoch(of: $0).map { $0 < epoch } ?? false }
            if !old.isEmpty { _ = try await redis.send(RedisCommand(["UNLINK"] + old.map { RedisArgument($0) })) }
            cursor = next
        } while cursor != "0"
    }
}

/// Waits for work without asking again and again: a ring of the bell wakes one waiting process.
public final class Bell: Sendable {
    private let redis: RedisClient
    private let key: String

    /// Takes a connection of its own.
    public init(of dispatch: Dispatch) {
        redis = dispatch.redis.dedicated()
        key = dispatch.keys.bell
    }

    /// Returns when the bell rings, or after `limit`.
    public func wait(atMost limit: Duration) async throws {
        let seconds = max(0.01, Double(limit.milliseconds) / 1000)
        _ = try await redis.send(["BZPOPMIN", RedisArgument(key), RedisArgument("\(seconds)")])
    }

    public func close() async { await redis.close() }
}
