import Foundation
import Jobs
import Ledger
import PostgresClient
import Records
import Tenancy

/// How fast the API accepts jobs: one a request, answered after the commit, over many connections.
public struct APIBenchmark: Sendable {
    public var requests: Int
    public var connections: Int
    /// Jobs in one request; above 1 by `jobs:batch`.
    public var batch: Int

    public init(requests: Int = 100_000, connections: Int = 64, batch: Int = 1) {
        self.requests = requests
        self.connections = connections
        self.batch = batch
    }

    /// - Parameter executable: the `kiteline` program, which serves in a process of its own.
    public func run(executable: String) async throws -> BenchmarkResult {
        var (result, perCommit) = try await BenchServers.with { bench in
            try await bench.mustBeDurable()
            let records = bench.records
            let key = try await records.createKey(.tenant, for: try await bench.tenant("bench"), by: "bench").key.secret
            let port = Int.random(in: 20_000..<30_000)
            let server = bench.processes(executable, ["serve", "--port", "\(port)"])
            try server.start()
            let load = generator(port: port, key: key)
            try await untilItAnswers(load)
            let before = bench.cpu(processes: server.pids)
            let answers = try await load.run(total: requests)
            let after = bench.cpu(processes: server.pids)
            await server.stop()
            let accepted = try await bench.count("SELECT count(*) FROM job")
            guard answers.statuses == [202: requests], accepted >= requests * batch else {
                throw BenchmarkError.wrong("answers \(answers.statuses), jobs stored \(accepted)")
            }
            let cpu = after - before
            let commits = try await bench.count("SELECT coalesce(pg_sequence_last_value('outbox_id_seq'), 1)")
            let result = BenchmarkResult(
                suite: "api", jobsPerSecond: Double(requests * batch) / answers.seconds, limitJobsPerSecond: nil,
                p50Ms: answers.percentile(0.5), p99Ms: answers.percentile(0.99),
                cpuUsPerJob: cpu.total / Double(requests * batch) * 1e6,
                share: cpu.shares, machine: .this,
                settings: [
                    "requests": "\(requests)", "connections": "\(connections)", "jobs_per_request": "\(batch)",
                    "load": "on the same machine",
                ])
            return (result, max(1, Int((Double(accepted) / Double(commits)).rounded())))
        }
        result.limitJobsPerSecond = try await BenchServers.with { try await limit($0, perCommit: perCommit).measure($0) }
        if batch == 1, connections == 64 { result.goals = ["jobs_per_second": 20_000, "p99_ms": 20] }
        if batch == 1_000 { result.goals = ["jobs_per_second": 100_000] }
        result.settings["limit"] = "the same inserts, \(perCommit) jobs a commit, as pgbench sends them; pushes by redis-benchmark; no HTTP"
        return result
    }

    private func limit(_ bench: BenchServers, perCommit: Int) async throws -> Limit {
        let tenant = try await bench.tenant("bench")
        let now = Date()
        var rounds: [[Limit.Trip]] = []
        while rounds.count * perCommit < requests * batch {
            let jobs = Array(repeating: NewJob(tenant: tenant, kind: "probe", arguments: Array(arguments.utf8)), count: perCommit)
            rounds.append([["BEGIN"] + (try await bench.ledger.enqueueing(jobs, at: now).statements) + ["COMMIT"]])
        }
        return Limit(rounds: rounds, clients: 2, batch: perCommit, redis: .pushing(min(perCommit, 1_000), of: tenant.rawValue, bench))
    }

    private var arguments: String { #"{"effect_key":"bench","payload":"\#(String(repeating: "x", count: 200))"}"# }

    private func generator(port: Int, key: String) -> LoadGenerator {
        let job = #"{"kind":"probe","args":\#(arguments)}"#
        let body = batch == 1 ? job : #"{"jobs":[\#(Array(repeating: job, count: batch).joined(separator: ","))]}"#
        let path = batch == 1 ? "/v1/jobs" : "/v1/jobs:batch"
        let head =
            "POST \(path) HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\nAuthorization: Bearer \(key)\r\nContent-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n\r\n"
        let request = Array((head + body).utf8)
        return LoadGenerator(host: "127.0.0.1", port: port, connections: connections) { _ in request }
    }

    /// One connection, one request, until it is taken: what comes before counts for nothing.
    private func untilItAnswers(_ load: LoadGenerator) async throws {
        var probe = load
        probe.connections = 1
        for _ in 0..<200 {
            if let answer = try? await probe.run(total: 1), answer.statuses[202] == 1 { return }
            try await Task.sleep(for: .milliseconds(50))
        }
        throw BenchmarkError.wrong("the server did not answer")
    }
}
