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
            IndexBenchCommand.self, SnapshotBenchCommand.self, PagesBenchCommand.self, ReplayBenchCommand.self, ForecastBenchCommand.self,
            ProcessHealthBenchCommand.self, RebuildBenchCommand.self, DrainBenchCommand.self, IdleBenchCommand.self,
            ClocksBenchCommand.self, MessagesBenchCommand.self, FaultsBenchCommand.self,
        ])
}

/// What every suite takes.
struct BenchOptions: ParsableArguments {
    @Flag(help: "Print one JSON object.")
    var json = false
}

/// A suite with one result: measures, and prints it.
protocol BenchSuite: AsyncParsableCommand {
    /// What is counted.
    static var unit: String { get }
    /// What the percentiles are of.
    static var latency: String { get }
    var output: BenchOptions { get }

    func measure() async throws -> BenchmarkResult
}

extension BenchSuite {
    static var unit: String { "jobs" }
    static var latency: String { "from grant to end" }

    func run() async throws {
        let result = try await measure()
        print(output.json ? try JSON.text(result) : text(of: result))
    }

    private func text(of result: BenchmarkResult) -> String {
        func goal(_ name: String) -> String { result.goals[name].map { " (goal \(rounded($0)))" } ?? "" }
        let more = result.more.sorted { $0.key < $1.key }.map { "\($0.key) \(rounded($0.value))\(goal($0.key))\n" }.joined()
        let limit = result.limitJobsPerSecond.map {
            "; the same SQL and Lua without Swift: \(Int($0)), of which it is \(Int(result.jobsPerSecond / $0 * 100)) %"
        }
        let share = result.share.sorted { $0.key < $1.key }.map { "\($0.key) \(Int($0.value * 100)) %" }.joined(separator: ", ")
        let settings = result.settings.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
        return """
            \(more)\(Int(result.jobsPerSecond)) \(Self.unit)/s\(goal("jobs_per_second"))\(limit ?? "")
            \(Self.latency): p50 \(rounded(result.p50Ms)) ms\(goal("p50_ms")), p99 \(rounded(result.p99Ms)) ms\(goal("p99_ms"))
            CPU \(rounded(result.cpuUsPerJob)) µs for each of the \(Self.unit): \(share)
            settings: \(settings)
            on \(result.machine.processor), \(result.machine.cores) cores, \(result.machine.memoryGiB) GiB; fsync, full_page_writes and synchronous_commit on
            """
    }
}

/// The program that is running, to be started again as a worker.
var thisProgram: String { URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().path }

func rounded(_ value: Double) -> String { value.formatted(.number.precision(.fractionLength(1))) }
