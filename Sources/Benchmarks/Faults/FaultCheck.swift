import Foundation
import Logging
import NIOPosix
import PostgresClient
import RedisClient

/// Reads ledger, history, effects and index after a fault run and names whatever is not as promised.
///
/// It shares nothing with the engine but the wires: its SQL and its view of the index are its own, so that a mistake of the engine is
/// not made twice.
public struct FaultCheck: Sendable {
    private let postgresURL: String
    private let redisURL: String
    private let namespace: String

    /// - Parameter postgresURL: of the owner, whom row security does not hold back.
    public init(postgresURL: String, redisURL: String, namespace: String = "") {
        self.postgresURL = postgresURL
        self.redisURL = redisURL
        self.namespace = namespace
    }

    /// What is wrong, in words; empty when all is well. Waits for the index, which is told of an end after the ledger, for up to `limit`.
    ///
    /// - Parameters:
    ///   - accepted: the ids that callers were given.
    ///   - stall: for how long what the index had given could wait for the ledger.
    ///   - received: what came to whoever takes webhooks.
    public func findings(
        accepted: [Int64], within limit: Duration = .seconds(30), stall: Duration = .zero,
        received: @Sendable () -> [Received] = { [] }
    ) async throws -> [String] {
        let logger = Logger(label: "kiteline.check", factory: { _ in SwiftLogNoOpLogHandler() })
        let postgres = PostgresPool(PostgresConfiguration(url: postgresURL), size: 1, logger: logger)
        let redis = RedisClient(try RedisConfiguration(url: redisURL), group: MultiThreadedEventLoopGroup.singleton, logger: logger)
        let end = ContinuousClock.now + limit
        let result: Result<[String], any Error>
        do {
            while true {
                let laws = laws(accepted) + laws(of: received()) + limits(stall: stall.inSeconds)
                let found = try await ledger(postgres, accepted, laws) + index(redis, postgres) + contradictions(received())
                if found.isEmpty || ContinuousClock.now > end {
                    result = .success(found)
                    break
                }
                try await Task.sleep(for: .milliseconds(200))
            }
        } catch { result = .failure(error) }
        await redis.close()
        await postgres.close()
        return try result.get()
    }

    // MARK: Ledger

    private func ledger(_ postgres: PostgresPool, _ accepted: [Int64], _ laws: [Law]) async throws -> [String] {
        var found: [String] = Set(accepted).count == accepted.count ? [] : ["an id was given twice"]
        for (what, statement) in laws {
            let count: Int64 = try await postgres.query(statement).first!.get(0)
            if count > 0 { found.append("\(count) \(what)") }
        }
        return found
    }

    /// Counts what breaks it.
    typealias Law = (what: String, Statement)

    private func laws(_ accepted: [Int64]) -> [Law] {
        [
            (
                "accepted jobs are unknown",
                "SELECT count(*) FROM unnest(\(accepted)) a(id) WHERE NOT EXISTS (SELECT FROM job j WHERE j.id = a.id)"
            ),
            (
                "jobs were stored that nobody was told of",
                "SELECT count(*) FROM job WHERE kind = 'probe' AND id NOT IN (SELECT unnest(\(accepted)))"
            ),
            (
                "accepted jobs have not ended",
                "SELECT count(*) FROM unnest(\(accepted)) a(id) WHERE NOT EXISTS (SELECT FROM job_history h WHERE h.id = a.id)"
            ),
            ("jobs are still live", "SELECT count(*) FROM job_live"),
            (
                "jobs have more or fewer ends than runs",
                "SELECT count(*) FROM (SELECT FROM job_history GROUP BY id HAVING count(*) <> max(run) OR min(run) <> 1) h"
            ),
            (
                "completed jobs left none or several effects",
                """
                SELECT count(*) FROM job_history h
                WHERE kind = 'probe' AND state = 'completed' AND 1 <> (SELECT count(*) FROM probe_effect e WHERE e.job_id = h.id)
                """
            ),
            (
                "effects belong to no completed job",
                """
                SELECT count(*) FROM probe_effect e
                WHERE NOT EXISTS (SELECT FROM job_history h WHERE h.id = e.job_id AND h.state = 'completed' AND h.attempt = e.attempt)
                """
            ),
            (
                "effects are not what was asked for",
                """
                SELECT count(*) FROM probe_effect e JOIN job j ON j.id = e.job_id
                WHERE j.args->>'effect_key' <> e.effect_key OR j.tenant_id <> e.tenant_id
                """
            ),
            ("effects are doubled", "SELECT count(*) - count(DISTINCT (tenant_id, effect_key)) FROM probe_effect"),
            (
                "jobs were given up without having lost their worker three times",
                """
                SELECT count(*) FROM job_history h
                WHERE state <> 'completed' AND NOT (state = 'discarded' AND error_class = 'poison' AND lost = 3 AND EXISTS (SELECT FROM dlq d WHERE d.id = h.id))
                """
            ),
            (
                "dead letters are not dead",
                "SELECT count(*) FROM dlq d WHERE NOT EXISTS (SELECT FROM job_history h WHERE h.id = d.id AND h.state = 'discarded')"
            ),
            (
                "ends come before their beginning",
                "SELECT count(*) FROM job_history WHERE started_at IS NULL OR started_at < enqueued_at OR finished_at < started_at"
            ),
            (
                // Every grant and every loss moves the fence by one, and a loss takes its attempt back.
                "ends have a fence that does not fit their attempts and losses",
                """
                SELECT count(*) FROM job_history
                WHERE fence < attempt + 2 * lost OR attempt < CASE WHEN state = 'completed' THEN 1 ELSE 0 END OR lost > 3
                """
            ),
            ("batches are still owed to the index", "SELECT count(*) FROM outbox"),
            ("jobs are still on the schedule", "SELECT count(*) FROM job_sched"),
            ("unique keys are still held", "SELECT count(*) FROM job_unique"),
            ("callers' keys have no answer", "SELECT count(*) FROM idem WHERE status IS NULL"),
        ]
    }

    // MARK: Index

    /// With nothing left to do, the current life of the index holds no job and every count is back at zero.
    private func index(_ redis: RedisClient, _ postgres: PostgresPool) async throws -> [String] {
        let keys = try await scan(redis, "\(namespace)*")
        let row = try await postgres.query("SELECT epoch, redis_run_id, ready FROM shard_epoch WHERE shard = 0").first!
        let epoch: Int64 = try row.get("epoch")
        var found: [String] = []
        if try !row.get("ready", as: Bool.self) { found.append("the index is not ready") }
        let life = keys.first { $0.hasSuffix("}:ep") }
        let value = if let life { try await redis.send(["GET", RedisArgument(life)]).string } else { String?.none }
        if value != "\(epoch)" { found.append("the index is of epoch \(value ?? "none"), the ledger of \(epoch)") }
        let server = try await redis.send(["INFO", "server"]).string ?? ""
        if !server.contains("run_id:\(try row.get("redis_run_id", as: String.self))") {
            found.append("the ledger believes in another Redis")
        }
        let names = keys.compactMap { key in key.range(of: "}:\(epoch):").map { (key: key, name: key[$0.upperBound...]) } }
        for (key, name) in names {
            let family = String(name.prefix { $0 != ":" })
            if ["r", "ta", "blk", "sch", "lease", "run", "act", "thr", "wake", "ginf"].contains(family) {
                found.append("the index still holds \(name)")
            } else if ["t", "f"].contains(family) {
                let claims = try await redis.send(["HGET", RedisArgument(key), "inf"]).string ?? "0"
                if claims != "0" { found.append("\(name) counts \(claims) claims") }
            }
        }
        return found
    }

    private func scan(_ redis: RedisClient, _ pattern: String) async throws -> Set<String> {
        var keys: Set<String> = []
        var cursor = "0"
        repeat {
            let reply = try await redis.send(["SCAN", RedisArgument(cursor), "MATCH", RedisArgument(pattern), "COUNT", "1000"]).array ?? []
            guard reply.count == 2, let next = reply[0].string else { break }
            keys.formUnion(reply[1].array?.compactMap(\.string) ?? [])
            cursor = next
        } while cursor != "0"
        return keys
    }
}
