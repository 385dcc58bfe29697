import CrashPoints
import Foundation
import Ledger
import LocalServers
import LocalVendors
import PostgresClient
import Records
import RedisClient
import Sampling
import Tenancy

/// The processes of a fault run, their servers and the wires between.
struct FaultScene: Sendable {
    let bench: BenchServers
    let client: JobClient
    let neighbours: FaultNeighbours
    private let wires: Wires
    private let workers: ProgramProcesses
    private let servers: ProgramProcesses
    private let workersWanted: Int

    init(
        _ run: FaultRun, _ bench: BenchServers, _ wires: Wires, _ executable: String, vendors: LocalVendors, address: String
    ) async throws {
        self.bench = bench
        self.wires = wires
        workersWanted = run.workers
        let tenant = try await bench.tenant("faults")
        let records = bench.records
        let port = try await JobClient.freePort()
        client = JobClient(port: port, key: try await records.createKey(.tenant, for: tenant, by: "bench").key.secret)
        neighbours = try await FaultNeighbours(bench, records, port: port, vendors: vendors, address: address)
        let lease = run.lease.inSeconds
        let settings = [
            "KITELINE_POSTGRES_URL": wires.postgresURL, "KITELINE_REDIS_URL": wires.redisURL, "KITELINE_LEASE_SECONDS": "\(lease)",
            "KITELINE_BEAT_SECONDS": "\(lease / 3)", "KITELINE_SILENCE_SECONDS": "\(lease * 4 / 3)",
            "KITELINE_REAP_SECONDS": "\(max(0.05, lease / 15))", "KITELINE_PORT": "\(port)", "KITELINE_REQUEST_SECONDS": "3",
            "KITELINE_CRASH_AT": CrashPoint.onPoison.rawValue,
            "KITELINE_SECRET_KEY": Data(FaultNeighbours.secretKey).base64EncodedString(), "KITELINE_LOCAL_TARGETS": "yes",
        ]
        workers = bench.processes(executable, ["work"], environment: settings)
        servers = bench.processes(executable, ["serve"], environment: settings)
    }

    /// Keeps as many processes running as there should be, as a machine's service manager does.
    func replaceTheDead() async {
        while !Task.isCancelled {
            do {
                if servers.running < 1 { try servers.start() }
                while workers.running < workersWanted { try workers.start() }
            } catch { bench.logger.error("a process did not start", metadata: ["error": "\(error)"]) }
            try? await Task.sleep(for: .milliseconds(200))
        }
    }

    func stop(within limit: Duration) async {
        await servers.stop(within: limit)
        await workers.stop(within: limit)
    }

    /// How many processes have said that they kill themselves at this point; at any, when it is empty.
    func crashes(at point: String) -> Int {
        ["work", "serve"].reduce(0) { sum, name in
            let text = (try? String(contentsOfFile: "\(bench.folder)/\(name).log", encoding: .utf8)) ?? ""
            return sum + text.split(separator: "crashed as told at \(point)", omittingEmptySubsequences: false).count - 1
        }
    }

    /// Copies what the processes said to where it outlives the run.
    func keepLogs() throws -> String {
        let place = FileManager.default.temporaryDirectory.appendingPathComponent("kiteline-faults-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
        for name in ["work", "serve"] {
            try? FileManager.default.copyItem(
                at: URL(fileURLWithPath: "\(bench.folder)/\(name).log"), to: place.appendingPathComponent("\(name).log"))
        }
        return place.path
    }
}

// MARK: Faults

extension FaultScene {
    func inflict(_ fault: FaultRun.Fault, _ chance: inout SeededNumbers) async throws {
        let moment = Duration.milliseconds(Int.random(in: 200...3_000, using: &chance))
        let bytes = Int.random(in: 0...20_000, using: &chance)
        switch fault {
        case .killWorker, .crashWorker:
            // Drawn in any case, so that what comes next does not hang on who happens to live.
            let plan = FaultRun.crash(
                [.afterClaim, .afterBegin, .beforeSettle, .afterSettle, .inRelay, .inPromoter, .inRefill, .inReaper, .inRebuild], &chance)
            let victim = Int.random(in: 0..<workersWanted, using: &chance)
            if let pid = workers.pids.dropFirst(victim).first { workers.kill(pid) }
            if fault == .crashWorker { try workers.start(with: ["KITELINE_CRASH_AT": "\(plan),\(CrashPoint.onPoison.rawValue)"]) }
        case .killServer, .crashServer:
            let plan = FaultRun.crash([.afterEnqueue, .afterPush, .inRelay, .inRebuild], &chance)
            for pid in servers.pids { servers.kill(pid) }
            if fault == .crashServer { try servers.start(with: ["KITELINE_CRASH_AT": plan]) }
        case .restartPostgres:
            await bench.servers.stopPostgres(.fast)
            try await bench.servers.startPostgres()
        case .crashPostgres:
            await bench.servers.stopPostgres(.immediate)
            try await bench.servers.startPostgres()
        case .flushRedis:
            try await tellRedis(["FLUSHALL"])
        case .restartRedis, .staleRedis:
            if fault == .staleRedis {
                try await tellRedis(["SAVE"])
                try await Task.sleep(for: moment)
            }
            await bench.servers.killRedis()
            try await bench.servers.startRedis()
        case .fullRedis:
            try await tellRedis(["CONFIG", "SET", "maxmemory", "1"])
            try await Task.sleep(for: moment)
            try await tellRedis(["CONFIG", "SET", "maxmemory", "0"])
        case .holdPostgres: try await hold(family(of: bench.servers.postgresPID), for: moment)
        case .holdRedis: try await hold([bench.servers.redisPID], for: moment)
        case .cutPostgres: try await cut(wires.postgres, after: bytes)
        case .cutRedis: try await cut(wires.redis, after: bytes)
        case .partPostgres: try await part(wires.postgres, for: moment)
        case .partRedis: try await part(wires.redis, for: moment)
        case .slowPostgres: try await slow(wires.postgres, for: moment, &chance)
        case .slowRedis: try await slow(wires.redis, for: moment, &chance)
        }
    }

    /// On a connection of our own, not over the wire.
    private func tellRedis(_ command: RedisCommand) async throws {
        try await BenchServers.persisting { _ = try await bench.redis.send(command) }
    }

    private func cut(_ wire: Wire, after bytes: Int) async throws {
        for part in 1...3 {
            wire.cut(afterReplyBytes: bytes / part)
            try await Task.sleep(for: .milliseconds(200))
        }
        wire.cut()
    }

    private func part(_ wire: Wire, for moment: Duration) async throws {
        wire.set(isDown: true)
        try? await Task.sleep(for: moment)
        wire.set(isDown: false)
    }

    private func slow(_ wire: Wire, for moment: Duration, _ chance: inout SeededNumbers) async throws {
        wire.delay(by: .milliseconds(Int.random(in: 5...400, using: &chance)))
        try? await Task.sleep(for: moment)
        wire.delay(by: .zero)
    }

    private func hold(_ pids: [Int32], for moment: Duration) async throws {
        for pid in pids { kill(pid, SIGSTOP) }
        try? await Task.sleep(for: moment)
        for pid in pids { kill(pid, SIGCONT) }
    }

    /// A process and its children.
    private func family(of pid: Int32) -> [Int32] {
        let children = (try? String(contentsOfFile: "/proc/\(pid)/task/\(pid)/children", encoding: .utf8)) ?? ""
        return [pid] + children.split(whereSeparator: \.isWhitespace).compactMap { Int32($0) }
    }
}
