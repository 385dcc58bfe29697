import ArgumentParser
import Benchmarks
import Foundation

struct FaultsBenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "faults",
        abstract: "Break processes, servers and the wires between them while jobs run; then check that each job had its effect once.",
        discussion: "Exits 1 at the first run that is not sound; it prints the seed, which repeats it.")

    @Option(help: "Jobs to be accepted in a run.")
    var jobs = 20_000

    @Option(help: "Worker processes.")
    var workers = 2

    @Option(help: "How often something is broken in a run.")
    var faults = 10

    @Option(help: "Runs, each with the next seed.")
    var runs = 1

    @Option(help: "Seed of the first run; the same seed breaks the same things in the same order.")
    var seed: UInt64 = 1

    @Option(help: "The workers' lease, in seconds.")
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
            "accepted \(report.accepted) · completed \(report.completed) · set aside \(report.discarded) · crashes \(report.crashes) · webhooks \(report.webhooks) · epoch \(report.epoch) · done \(rounded(report.recoveryS)) s after the last fault"
        let faults = report.faults.map(\.rawValue).joined(separator: " ")
        let verdict = report.isSound ? "sound" : "NOT SOUND: " + report.findings.joined(separator: "; ")
        return "seed \(report.seed): \(verdict) · \(counts) · \(faults)"
    }
}
