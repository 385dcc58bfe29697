import DispatchIndex
import Foundation
import LocalServers

/// What the machine can do: the engine's own SQL and Lua at its batch size, driven by pgbench and redis-benchmark at once,
/// with no Swift in between.
struct QueueLimit: Sendable {
    var jobs: Int
    var batch = 100
    var clients = 3

    /// Jobs per second of the slower of the two, both running. The jobs must be in the ledger and in the index, numbered from
    /// `first` without a gap.
    func measure(_ bench: BenchServers, first: Int64) async throws -> Double {
        let sql = bench.folder + "/limit.sql"
        try script(first: first).write(toFile: sql, atomically: true, encoding: .utf8)
        let rounds = jobs / batch / clients
        let start = ContinuousClock.now
        async let postgres: Void = Program.run(
            "/usr/lib/postgresql/15/bin/pgbench",
            ["-n", "-M", "prepared", "-c", "\(clients)", "-j", "1", "-t", "\(rounds)", "-D", "n=0", "-f", sql, bench.servers.postgresURL])
        async let redis: Void = redisRounds(bench, jobs / batch)
        _ = try await (postgres, redis)
        return Double(rounds * clients * batch) / (ContinuousClock.now - start).inSeconds
    }

    private func redisRounds(_ bench: BenchServers, _ rounds: Int) async throws {
        guard bench.servers.redisURL.hasPrefix("unix://"), let path = bench.servers.redisURL.dropFirst(7).split(separator: "?").first else {
            throw BenchmarkError.wrong("the private Redis has no socket")
        }
        let (key, epoch, lease) = bench.dispatch.benchmarkArguments
        try await Program.run(
            "/usr/bin/redis-benchmark",
            [
                "-s", String(path), "-n", "\(rounds)", "-c", "1", "-q", "EVAL", bench.dispatch.claimAndAcknowledge, "1", key, epoch,
                "\(batch)", lease, "", "0", "",
            ])
    }

    /// begin and settle as Ledger sends them, on ids of its own for each client.
    private func script(first: Int64) -> String {
        """
        \\set lo \(first) + :client_id * \(jobs / clients / batch * batch) + :n * \(batch)
        \\set hi :lo + \(batch - 1)
        \\set n :n + 1
        \\startpipeline
        BEGIN;
        SELECT pg_advisory_xact_lock_shared(7155, 0);
        WITH c AS (SELECT id, id + 4611686018427387904 AS token FROM generate_series(:lo::bigint, :hi::bigint) AS g(id)),
            x AS (SELECT l.id FROM job_live l JOIN c ON l.id = c.id ORDER BY l.id FOR UPDATE OF l)
        UPDATE job_live l SET state = 'running', claim_token = c.token, worker_id = 1, started_at = clock_timestamp(), fence = l.fence + 1, attempt = l.attempt + 1
        FROM c, x, job j WHERE l.id = c.id AND x.id = c.id AND j.id = c.id AND l.state <> 'running' AND l.claim_token < c.token
            AND l.run_at <= clock_timestamp() AND (SELECT epoch FROM shard_epoch WHERE shard = 0) > 0
        RETURNING l.id, l.tenant_id, l.kind, j.args, l.attempt, l.max_attempts, l.lost, l.fence, l.claim_token, l.priority, l.enqueued_at, l.started_at;
        SELECT epoch FROM shard_epoch WHERE shard = 0;
        COMMIT;
        \\endpipeline
        \\startpipeline
        BEGIN;
        SELECT set_config('kiteline.tenants', '{1,2,3}', true);
        SELECT l.id FROM job_live l JOIN generate_series(:lo::bigint, :hi::bigint) AS c(id) ON l.id = c.id WHERE l.fence = 1 AND l.state = 'running' ORDER BY l.id FOR UPDATE OF l;
        WITH d AS (DELETE FROM job_live WHERE id BETWEEN :lo::bigint AND :hi::bigint RETURNING id, run, tenant_id, kind, attempt, lost, fence, enqueued_at, started_at)
        INSERT INTO job_history (id, run, tenant_id, kind, state, outcome, attempt, lost, fence, enqueued_at, started_at, finished_at)
        SELECT d.id, run, tenant_id, kind, 'completed', 'done', attempt, lost, fence, enqueued_at, started_at, clock_timestamp() FROM d;
        INSERT INTO probe_effect (tenant_id, effect_key, job_id, attempt) SELECT 1, 'e' || id, id, 1 FROM generate_series(:lo::bigint, :hi::bigint) AS g(id);
        COMMIT;
        \\endpipeline
        """
    }
}

/// Runs a program to its end without holding a thread.
enum Program {
    static func run(_ path: String, _ arguments: [String]) async throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["--default-signal", path] + arguments
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
