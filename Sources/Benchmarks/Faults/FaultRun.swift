import Foundation
import Ledger
import LocalServers
import LocalVendors
import PostgresClient
import Records
import Sampling
import Tenancy

/// Breaks everything that can break while jobs run, then has an independent checker read back whether each job had its effect
/// exactly once.
///
/// An API process takes the jobs, workers carry them out, all of them over wires that can be cut; one job in each run is poison and
/// kills whoever runs it. What is broken, and when, is drawn from the seed.
public struct FaultRun: Sendable {
    public var jobs: Int
    public var workers: Int
    public var faults: Int
    public var seed: UInt64
    /// The workers' lease; the default of a real fleet is 30 s.
    public var lease: Duration
    public var durable: Bool
    /// Told what is done, line by line.
    public var tell: @Sendable (String) -> Void

    public init(
        jobs: Int = 20_000, workers: Int = 2, faults: Int = 10, seed: UInt64 = 1, lease: Duration = .seconds(30), durable: Bool = true,
        tell: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        self.jobs = jobs
        self.workers = workers
        self.faults = faults
        self.seed = seed
        self.lease = lease
        self.durable = durable
        self.tell = tell
    }

    public struct Report: Codable, Sendable, Equatable {
        public var suite = "faults"
        public var seed: UInt64
        /// Those of the tenants beside it among them.
        public var accepted: Int
        public var completed: Int
        /// Set aside after three losses of their worker, the poison job among them.
        public var discarded: Int
        /// Processes that killed themselves at a named point, the poison job's victims among them.
        public var crashes: Int
        /// Requests that came for the webhook, repetitions too.
        public var webhooks: Int
        /// Of the index at the end; a crash of Postgres skips some numbers.
        public var epoch: Int
        public var faults: [Fault]
        /// From the last fault until no job was left.
        public var recoveryS: Double
        /// What is not as promised.
        public var findings: [String]

        public var isSound: Bool { findings.isEmpty }
    }

    /// - Parameter executable: the `kiteline` program.
    public func run(executable: String) async throws -> Report {
        // That connections are lost here is no news.
        let vendors = LocalVendors()
        return try await vendors.serving { address in
            try await BenchServers.with(durable: durable, level: .critical) { bench in
                let wires = try await Wires(
                    to: LocalServersURLs(postgresURL: bench.servers.postgresURL, redisURL: bench.servers.redisURL))
                let scene = try await FaultScene(self, bench, wires, executable, vendors: vendors, address: address)
                let result: Result<Report, any Error>
                do {
                    let report = try await run(scene)
                    await scene.stop(within: .seconds(30))
                    result = .success(report)
                } catch {
                    await scene.stop(within: .zero)
                    result = .failure(error)
                }
                await wires.close()
                return try result.get()
            }
        }
    }

    private func run(_ scene: FaultScene) async throws -> Report {
        let bench = scene.bench
        let upkeep = Task { await scene.replaceTheDead() }
        defer { upkeep.cancel() }
        let accepting = Task { try await enqueue(scene) }
        defer { accepting.cancel() }
        // Workers that have not begun have nothing to lose.
        while try await bench.count("SELECT count(*) FROM (SELECT FROM job_history LIMIT 1) h") == 0 {
            try await Task.sleep(for: .milliseconds(20))
        }
        var chance = SeededNumbers(seed: seed)
        let drawn = Self.draw(faults, &chance)
        for (n, fault) in drawn.enumerated() {
            try await Task.sleep(for: .milliseconds(Int.random(in: 100...1_000, using: &chance)))
            tell("fault \(n + 1) of \(faults): \(fault.rawValue)")
            try await scene.inflict(fault, &chance)
        }
        let last = ContinuousClock.now
        try await scene.neighbours.resume()
        let accepted = try await accepting.value
        // Whatever is left then, the checker names.
        try? await bench.drained(within: .seconds(120))
        let recovery = ContinuousClock.now - last
        let check = FaultCheck(postgresURL: bench.servers.postgresURL, redisURL: bench.servers.redisURL)
        // What the index gave while the ledger did not answer begins all at once when it does.
        var findings = try await check.findings(accepted: accepted, stall: .seconds(5)) { scene.neighbours.received }
        if scene.neighbours.refused > 0 { findings.append("\(scene.neighbours.refused) webhooks were not signed as they should be") }
        let victims = scene.crashes(at: "on-poison")
        if victims > 3 { findings.append("the poison job took down \(victims) processes") }
        if try await bench.count("SELECT count(*) FROM dlq WHERE id = ANY(\(accepted)) AND error_class = 'poison'") == 0 {
            findings.append("the poison job was not set aside")
        }
        if !findings.isEmpty { tell("logs are kept in \(try scene.keepLogs())") }
        return Report(
            seed: seed, accepted: accepted.count,
            completed: try await bench.count("SELECT count(*) FROM job_history WHERE state = 'completed'"),
            discarded: try await bench.count("SELECT count(*) FROM dlq"), crashes: scene.crashes(at: ""),
            webhooks: scene.neighbours.received.count,
            epoch: try await bench.count("SELECT epoch FROM shard_epoch WHERE shard = 0"),
            faults: drawn, recoveryS: recovery.inSeconds, findings: findings)
    }

    /// Enqueues in batches, spread over the faults, so that each of them finds jobs at every stage of their way.
    private func enqueue(_ scene: FaultScene) async throws -> [Int64] {
        try await withThrowingTaskGroup(of: [Int64].self) { group in
            group.addTask { try await enqueueMost(scene) }
            for (neighbour, client) in scene.neighbours.clients { group.addTask { try await enqueue(neighbour, client, scene) } }
            return try await group.reduce(into: []) { $0 += $1 }
        }
    }

    private func enqueue(_ neighbour: Neighbour, _ client: JobClient, _ scene: FaultScene) async throws -> [Int64] {
        if neighbour == .told {
            // A webhook hears of what happens after it was set up.
            let end = ContinuousClock.now + .seconds(60)
            while ContinuousClock.now < end {
                // Postgres may be away just now.
                if let known = try? await scene.bench.count("SELECT count(*) FROM connector WHERE seen_tx IS NOT NULL"), known > 0 { break }
                try await Task.sleep(for: .milliseconds(50))
            }
        }
        let probes = (0..<neighbour.jobs).map { #"{"effect_key":"\#(neighbour.rawValue)-\#($0)","sleep_ms":\#(neighbour.sleep)}"# }
        return try await client.enqueue(probes: probes, under: neighbour.rawValue, delay: neighbour.delay)
    }

    private func enqueueMost(_ scene: FaultScene) async throws -> [Int64] {
        let batch = min(100, max(1, jobs / 8))
        let pause = Duration.milliseconds(1_200 * max(faults, 3) / max(1, jobs / batch))
        var chance = SeededNumbers(seed: ~seed)
        let poison = Int.random(in: 0..<max(1, jobs / 2), using: &chance)
        var ids: [Int64] = []
        for start in stride(from: 0, to: jobs, by: batch) {
            let probes = (start..<min(start + batch, jobs)).map { n in
                #"{"effect_key":"\#(n == poison ? "poison-" : "e")\#(n)","sleep_ms":\#(1 + n % 5)}"#
            }
            try await Task.sleep(for: pause)
            ids += try await scene.client.enqueue(probes: probes, under: "batch-\(start)")
        }
        return ids
    }
}

extension Duration {
    var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}
