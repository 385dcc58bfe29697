import ArgumentParser
import Benchmarks
import Foundation

struct BenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measure this build on this machine, or try to break it.",
        discussion: "Each suite starts durable servers of its own, prints the limit beside its figure, and leaves nothing behind.",
        subcommands: [
            QueueBenchCommand.self, AssignBenchCommand.self, APIBenchCommand.self, LatencyBenchCommand.self, FairnessBenchCommand.self,
            IndexBenchCommand.self, SnapshotBenchCommand.self, ReplayBenchCommand.self, RebuildBenchCommand.self, DrainBenchCommand.self,
            FaultsBenchCommand.self,
        ])
}

struct QueueBenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "queue", abstract: "How fast queued jobs are carried out, beside the same SQL and Lua without Swift.")

    @Option(help: "Jobs to be carried out.")
    var jobs = 100_000

    @Option(help: "Worker processes.")
    var workers = 1

    @Option(help: "Tenants the jobs belong to.")
    var tenants = 3

    @Option(help: "Bytes carried along by each job.")
    var payload = 200

    @Option(help: "Ready jobs of a tenant in the index; the others are deferred until it drains.")
    var readyCapacity = 1_000

    @Flag(help: "Print one JSON object.")
    var json = false

    func run() async throws {
        let bench = QueueBenchmark(jobs: jobs, workers: workers, tenants: tenants, payloadBytes: payload, capacity: readyCapacity)
        let result = try await bench.run(executable: thisProgram)
        try show(result, json: json, unit: "jobs", latency: "from grant to end")
    }
}

struct AssignBenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "assign", abstract: "How fast leads are assigned: mapped, scored, routed, with their receipts.")

    @Option(help: "Leads to be assigned.")
    var leads = 30_000

    @Option(help: "Worker processes.")
    var workers = 1

    @Option(help: "Tenants the leads belong to.")
    var tenants = 3

    @Option(help: "Sellers of each tenant.")
    var sellers = 50

    @Flag(help: "Print one JSON object.")
    var json = false

    func run() async throws {
        let result = try await AssignBenchmark(leads: leads, workers: workers, tenants: tenants, sellers: sellers).run(
            executable: thisProgram)
        try show(result, json: json, unit: "leads", latency: "from grant to end")
    }
}

struct APIBenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "api", abstract: "How fast jobs are accepted over HTTP, each answered after its commit.")

    @Option(help: "Requests to be sent.")
    var requests = 100_000

    @Option(help: "Connections they are sent over.")
    var connections = 64

    @Option(help: "Jobs in one request.")
    var batch = 1

    @Flag(help: "Print one JSON object.")
    var json = false

    func run() async throws {
        let result = try await APIBenchmark(requests: requests, connections: connections, batch: batch).run(executable: thisProgram)
        try show(result, json: json, unit: "jobs", latency: "from request to answer")
    }
}

func show(_ result: BenchmarkResult, json: Bool, unit: String, latency: String) throws {
    if json { return print(try JSON.text(result)) }
    let limit = result.limitJobsPerSecond.map { "; the same SQL and Lua without Swift: \(Int($0))" } ?? ""
    for (name, value) in result.more.sorted(by: { $0.key < $1.key }) { print("\(name) \(rounded(value))") }
    print(
        """
        \(Int(result.jobsPerSecond)) \(unit)/s\(limit)
        \(latency): p50 \(rounded(result.p50Ms)) ms, p99 \(rounded(result.p99Ms)) ms
        CPU \(rounded(result.cpuUsPerJob)) µs for each of the \(unit): \(result.share.sorted { $0.key < $1.key }.map { "\($0.key) \(Int($0.value * 100)) %" }.joined(separator: ", "))
        settings: \(result.settings.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", "))
        on \(result.machine.processor), \(result.machine.cores) cores, \(result.machine.memoryGiB) GiB; fsync, full_page_writes and synchronous_commit on
        """)
}

struct FaultsBenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "faults",
        abstract: "Break processes, servers and the wires between them while jobs run; then check that each job had its effect once.",
        discussion: "Exit 1 at the first run that is not sound; its seed is printed, and repeats it.")

    @Option(help: "Jobs to be accepted in a run.")
    var jobs = 20_000

    @Option(help: "Worker processes.")
    var workers = 2

    @Option(help: "How often something is broken in a run.")
    var faults = 10

    @Option(help: "Runs, each with the next seed.")
    var runs = 1

    @Option(help: "The same seed breaks the same things in the same order.")
    var seed: UInt64 = 1

    @Option(help: "The workers' lease in seconds.")
    var lease = 30.0

    @Flag(help: "Print one JSON object for each run.")
    var json = false

    func run() async throws {
        let isQuiet = json || runs > 1
        for seed in seed..<seed + UInt64(max(1, runs)) {
            let run = FaultRun(jobs: jobs, workers: workers, faults: faults, seed: seed, lease: .milliseconds(Int(lease * 1000))) {
                if !isQuiet || $0.hasPrefix("logs") { FileHandle.standardError.write(Data(($0 + "\n").utf8)) }
            }
            let report = try await run.run(executable: thisProgram)
            // Written at once, so that a long series can be watched.
            FileHandle.standardOutput.write(Data(((json ? try JSON.text(report) : line(report)) + "\n").utf8))
            if !report.isSound { throw ExitCode.failure }
        }
    }

    private func line(_ report: FaultRun.Report) -> String {
        let counts =
            "accepted \(report.accepted) · completed \(report.completed) · set aside \(report.discarded) · crashes \(report.crashes) · epoch \(report.epoch) · done \(rounded(report.recoveryS)) s after the last fault"
        let faults = report.faults.map(\.rawValue).joined(separator: " ")
        let verdict = report.isSound ? "sound" : "NOT SOUND: " + report.findings.joined(separator: "; ")
        return "seed \(report.seed): \(verdict) · \(counts) · \(faults)"
    }
}

/// The program that is running, to be started again as a worker.
var thisProgram: String { URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().path }

func rounded(_ value: Double) -> String { value.formatted(.number.precision(.fractionLength(1))) }
