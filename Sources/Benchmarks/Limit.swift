import DispatchIndex
import Foundation
import LocalServers
import PostgresClient
import RedisClient

/// What the machine can do: a suite's own statements and scripts at its batch sizes, driven by pgbench and redis-benchmark at once,
/// with no Swift in between.
///
/// The statements are those the ledger itself builds. They are recorded with their values before the clock starts, round by round,
/// and each bound value is read back from the recording, which costs about what reading it from a socket does.
struct Limit: Sendable {
    /// Statements that travel together.
    typealias Trip = [Statement]

    /// A batch's way through Postgres. All rounds have the same statements, with other values.
    var rounds: [[Trip]]
    /// Connections that send rounds.
    var clients: Int
    /// Jobs in a round.
    var batch: Int
    /// What redis-benchmark sends meanwhile, once for each round.
    var redis: RedisCall

    struct RedisCall: Sendable {
        var script: String
        var arguments: [String]
        /// Numbers that `__rand_int__` in the arguments is drawn from; 0: there are none.
        var range = 0
    }

    /// Jobs a second of the slower of the two, both running.
    func measure(_ bench: BenchServers) async throws -> Double {
        let each = rounds.count / clients
        guard each > 0 else { throw BenchmarkError.wrong("\(rounds.count) rounds are too few for \(clients) clients") }
        let recording = try await Recording(of: Array(rounds.prefix(each * clients)), bench.owner)
        let sql = bench.folder + "/limit.sql"
        try recording.script(clients: clients).write(toFile: sql, atomically: true, encoding: .utf8)
        let sha = try await bench.redis.send(["SCRIPT", "LOAD", RedisArgument(redis.script)]).string ?? ""
        _ = try await bench.owner.query("CHECKPOINT")
        let start = ContinuousClock.now
        async let postgres: Void = Program.run(
            "/usr/lib/postgresql/15/bin/pgbench",
            ["-n", "-M", "prepared", "-c", "\(clients)", "-j", "1", "-t", "\(each)", "-D", "n=0", "-f", sql, bench.servers.postgresURL],
            environment: ["PGOPTIONS": "-c role=kiteline_engine"])
        async let scripts: Void = send(sha, each * clients, bench)
        _ = try await (postgres, scripts)
        return Double(each * clients * batch) / (ContinuousClock.now - start).inSeconds
    }

    private func send(_ sha: String, _ times: Int, _ bench: BenchServers) async throws {
        guard bench.servers.redisURL.hasPrefix("unix://"), let path = bench.servers.redisURL.dropFirst(7).split(separator: "?").first else {
            throw BenchmarkError.wrong("the private Redis has no socket")
        }
        let random = redis.range > 0 ? ["-r", "\(redis.range)"] : []
        try await Program.run(
            "/usr/bin/redis-benchmark",
            ["-s", String(path), "-n", "\(times)", "-c", "1", "-q"] + random
                + ["EVALSHA", sha, "1", bench.dispatch.benchmarkArguments.key, bench.dispatch.benchmarkArguments.epoch] + redis.arguments)
    }
}

extension Limit.RedisCall {
    /// Claims and acknowledges a batch of what is in the index.
    static func claiming(_ batch: Int, _ bench: BenchServers) -> Self {
        Self(
            script: bench.dispatch.claimAndAcknowledge,
            arguments: ["\(batch)", bench.dispatch.benchmarkArguments.lease, "", "0", ""])
    }

    /// Pushes a batch of jobs of one tenant, each under a number of its own.
    static func pushing(_ batch: Int, of tenant: Int64, _ bench: BenchServers) -> Self {
        let job = ["__rand_int__", "\(tenant)", "probe", "5", "\(Int(Date().timeIntervalSince1970 * 1_000))", "0"]
        return Self(
            script: bench.dispatch.push, arguments: ["0"] + Array(repeating: job, count: batch).flatMap { $0 }, range: 900_000_000_000)
    }
}

/// Runs a program to its end without holding a thread.
enum Program {
    static func run(_ path: String, _ arguments: [String], environment: [String: String] = [:]) async throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["--default-signal", path] + arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        process.standardInput = FileHandle.nullDevice
        let status = try await withCheckedThrowingContinuation { (ended: CheckedContinuation<Int32, any Error>) in
            process.terminationHandler = { ended.resume(returning: $0.terminationStatus) }
            do { try process.run() } catch { ended.resume(throwing: error) }
        }
        guard status == 0 else { throw BenchmarkError.wrong("\(path) ended with \(status)") }
    }
}
