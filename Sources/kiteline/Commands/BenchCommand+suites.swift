import ArgumentParser
import Benchmarks

struct QueueBenchCommand: BenchSuite {
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

    @OptionGroup var output: BenchOptions

    func measure() async throws -> BenchmarkResult {
        try await QueueBenchmark(jobs: jobs, workers: workers, tenants: tenants, payloadBytes: payload, capacity: readyCapacity).run(
            executable: thisProgram)
    }
}

struct AssignBenchCommand: BenchSuite {
    static let configuration = CommandConfiguration(
        commandName: "assign", abstract: "How fast leads are assigned: mapped, scored, routed, with their receipts.")
    static let unit = "leads"

    @Option(help: "Leads to be assigned.")
    var leads = 30_000

    @Option(help: "Worker processes.")
    var workers = 1

    @Option(help: "Tenants the leads belong to.")
    var tenants = 3

    @Option(help: "Sellers of each tenant.")
    var sellers = 50

    @OptionGroup var output: BenchOptions

    func measure() async throws -> BenchmarkResult {
        try await AssignBenchmark(leads: leads, workers: workers, tenants: tenants, sellers: sellers).run(executable: thisProgram)
    }
}

struct APIBenchCommand: BenchSuite {
    static let configuration = CommandConfiguration(
        commandName: "api", abstract: "How fast jobs are accepted over HTTP, each answered after its commit.")
    static let latency = "from request to answer"

    @Option(help: "Requests to be sent.")
    var requests = 100_000

    @Option(help: "Connections they are sent over.")
    var connections = 64

    @Option(help: "Jobs in one request.")
    var batch = 1

    @OptionGroup var output: BenchOptions

    func measure() async throws -> BenchmarkResult {
        try await APIBenchmark(requests: requests, connections: connections, batch: batch).run(executable: thisProgram)
    }
}

struct LatencyBenchCommand: BenchSuite {
    static let configuration = CommandConfiguration(
        commandName: "latency", abstract: "How long a job waits at light load, from its enqueue to its grant.")
    static let latency = "from enqueue to grant"

    @Option(help: "Jobs to be measured.")
    var jobs = 2_000

    @Option(help: "Jobs enqueued a second.")
    var rate = 200

    @OptionGroup var output: BenchOptions

    func measure() async throws -> BenchmarkResult {
        try await LatencyBenchmark(jobs: jobs, perSecond: rate).run(executable: thisProgram)
    }
}

struct FairnessBenchCommand: BenchSuite {
    static let configuration = CommandConfiguration(
        commandName: "fairness",
        abstract: "How long a quiet tenant's job waits while another has very many queued, from its enqueue to its grant.")
    static let latency = "from enqueue to grant"

    @Option(help: "Jobs to be measured.")
    var jobs = 500

    @Option(help: "Jobs the quiet tenant enqueues a second.")
    var rate = 50

    @Option(help: "Jobs the other tenant has queued.")
    var neighbour = 1_000_000

    @OptionGroup var output: BenchOptions

    func measure() async throws -> BenchmarkResult {
        try await LatencyBenchmark(jobs: jobs, perSecond: rate, neighbour: neighbour).run(executable: thisProgram)
    }
}

struct SnapshotBenchCommand: BenchSuite {
    static let configuration = CommandConfiguration(
        commandName: "snapshot", abstract: "How fast the queue is while a report holds a Postgres snapshot.")

    @Option(help: "Jobs to be carried out.")
    var jobs = 200_000

    @OptionGroup var output: BenchOptions

    func measure() async throws -> BenchmarkResult {
        try await DisturbanceBenchmark(.heldSnapshot, jobs: jobs).run(executable: thisProgram)
    }
}

struct RebuildBenchCommand: BenchSuite {
    static let configuration = CommandConfiguration(
        commandName: "rebuild", abstract: "How long dispatch pauses when all of Redis is lost while jobs wait.")

    @Option(help: "Jobs waiting.")
    var jobs = 1_000_000

    @OptionGroup var output: BenchOptions

    func measure() async throws -> BenchmarkResult {
        try await DisturbanceBenchmark(.lostRedis, jobs: jobs).run(executable: thisProgram)
    }
}

struct DrainBenchCommand: BenchSuite {
    static let configuration = CommandConfiguration(
        commandName: "drain", abstract: "What becomes of jobs when a loaded worker is asked to stop.")

    @Option(help: "Jobs to be carried out.")
    var jobs = 200_000

    @OptionGroup var output: BenchOptions

    func measure() async throws -> BenchmarkResult {
        try await DisturbanceBenchmark(.drain, jobs: jobs).run(executable: thisProgram)
    }
}
