import ArgumentParser
import Benchmarks

struct LatencyBenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "latency", abstract: "How long a job waits at light load, from its enqueue to its grant.")

    @Option(help: "Jobs to be measured.")
    var jobs = 2_000

    @Option(help: "Jobs enqueued a second.")
    var rate = 200

    @Flag(help: "Print one JSON object.")
    var json = false

    func run() async throws {
        let result = try await LatencyBenchmark(jobs: jobs, perSecond: rate).run(executable: thisProgram)
        try show(result, json: json, unit: "jobs", latency: "from enqueue to grant")
    }
}

struct FairnessBenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fairness", abstract: "The same for a quiet tenant while another has very many jobs queued.")

    @Option(help: "Jobs to be measured.")
    var jobs = 500

    @Option(help: "Jobs the quiet tenant enqueues a second.")
    var rate = 50

    @Option(help: "Jobs the other tenant has queued.")
    var neighbour = 1_000_000

    @Flag(help: "Print one JSON object.")
    var json = false

    func run() async throws {
        let result = try await LatencyBenchmark(jobs: jobs, perSecond: rate, neighbour: neighbour).run(executable: thisProgram)
        try show(result, json: json, unit: "jobs", latency: "from enqueue to grant")
    }
}

struct IndexBenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "index", abstract: "What claims cost Redis, from ten tenants to very many, with tenants at their cap.")

    @Option(help: "Jobs in the index.")
    var jobs = 1_000_000

    @Option(help: "Numbers of tenants.")
    var tenants = [10, 100, 1_000, 10_000, 100_000]

    @Option(help: "Jobs a claim takes.")
    var batch = 50

    @Flag(help: "Print one JSON object.")
    var json = false

    func run() async throws {
        let isQuiet = json
        let report = try await IndexBenchmark(jobs: jobs, tenants: tenants, batch: batch).run { step in
            if isQuiet { return }
            print(
                "\(step.tenants) tenants, \(step.capped) at their cap: claim \(rounded(step.claimUsPerJob)) µs, acknowledge \(rounded(step.acknowledgeUsPerJob)) µs, push \(rounded(step.pushUsPerJob)) µs a job; slowest script \(rounded(step.slowestMs)) ms; \(Int(step.redisBytesPerJob)) bytes a job"
            )
        }
        if json {
            print(try JSON.text(report))
        } else {
            print("claim cost at the most tenants ÷ at the fewest: \(rounded(report.claimCostRatio))")
        }
    }
}

struct SnapshotBenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "snapshot", abstract: "How fast the queue is while a report holds a Postgres snapshot.")

    @Option(help: "Jobs to be carried out.")
    var jobs = 200_000

    @Flag(help: "Print one JSON object.")
    var json = false

    func run() async throws {
        let result = try await DisturbanceBenchmark(.heldSnapshot, jobs: jobs).run(executable: thisProgram)
        try show(result, json: json, unit: "jobs", latency: "from grant to end")
    }
}

struct RebuildBenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rebuild", abstract: "How long dispatch pauses when all of Redis is lost while jobs wait.")

    @Option(help: "Jobs waiting.")
    var jobs = 1_000_000

    @Flag(help: "Print one JSON object.")
    var json = false

    func run() async throws {
        let result = try await DisturbanceBenchmark(.lostRedis, jobs: jobs).run(executable: thisProgram)
        try show(result, json: json, unit: "jobs", latency: "from grant to end")
    }
}

struct DrainBenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drain", abstract: "What becomes of jobs when a loaded worker is asked to stop.")

    @Option(help: "Jobs to be carried out.")
    var jobs = 200_000

    @Flag(help: "Print one JSON object.")
    var json = false

    func run() async throws {
        let result = try await DisturbanceBenchmark(.drain, jobs: jobs).run(executable: thisProgram)
        try show(result, json: json, unit: "jobs", latency: "from grant to end")
    }
}
