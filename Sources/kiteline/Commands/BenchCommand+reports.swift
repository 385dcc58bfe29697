import ArgumentParser
import Benchmarks

// Suites that print something other than jobs a second.

struct IndexBenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "index", abstract: "What claims cost Redis, from ten tenants to very many, with tenants at their cap.")

    @Option(help: "Jobs in the index.")
    var jobs = 1_000_000

    @Option(help: "Numbers of tenants.")
    var tenants = [10, 100, 1_000, 10_000, 100_000]

    @Option(help: "Jobs a claim takes.")
    var batch = 50

    @OptionGroup var output: BenchOptions

    func run() async throws {
        let isQuiet = output.json
        let report = try await IndexBenchmark(jobs: jobs, tenants: tenants, batch: batch).run { step in
            if isQuiet { return }
            print(
                "\(step.tenants) tenants, \(step.capped) at their cap: claim \(rounded(step.claimUsPerJob)) µs, acknowledge \(rounded(step.acknowledgeUsPerJob)) µs, push \(rounded(step.pushUsPerJob)) µs a job; slowest script \(rounded(step.slowestMs)) ms; \(Int(step.redisBytesPerJob)) bytes a job"
            )
        }
        print(
            output.json
                ? try JSON.text(report)
                : """
                claim cost at the most tenants ÷ at the fewest: \(rounded(report.claimCostRatio)) (goal \(rounded(report.claimCostGoal)))
                slowest script: \(rounded(report.steps.map(\.slowestMs).max() ?? 0)) ms (goal \(rounded(report.slowestGoalMs)))
                on \(report.machine.processor), \(report.machine.cores) cores, \(report.machine.memoryGiB) GiB
                """)
    }
}

struct IdleBenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "idle", abstract: "How much memory serve and work take when nothing happens.")

    @Option(help: "Seconds they are left alone before they are looked at.")
    var quiet = 5.0

    @OptionGroup var output: BenchOptions

    func run() async throws {
        let report = try await IdleBenchmark(quiet: .milliseconds(Int(quiet * 1_000))).run(executable: thisProgram)
        if output.json { return print(try JSON.text(report)) }
        for (name, memory) in [("serve", report.serve), ("work", report.work)] {
            print(
                "\(name): \(rounded(memory.rssMiB)) MiB resident (goal \(Int(report.goalMiB))), of which \(rounded(memory.anonymousMiB)) its own, backed by no file"
            )
        }
    }
}
