import ArgumentParser
import Benchmarks

struct ForecastBenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "forecast", abstract: "How long it takes to rebuild the forecast of a large tenant, beside the goal.")

    @Option(help: "Opportunities; a fifth of them is open.")
    var opportunities = 1_000_000

    @Flag(help: "Print one JSON object.")
    var json = false

    func run() async throws {
        let report = try await ForecastBenchmark(opportunities: opportunities).run(executable: thisProgram)
        if json { return print(try JSON.text(report)) }
        print(
            """
            \(report.opportunities) opportunities (\(report.open) open, \(report.transitions) stages entered) forecast in \(rounded(report.seconds)) s; \
            the goal is 1000000 in \(rounded(report.goalSeconds)) s
            CPU time of the first: \(rounded(report.workerCpuSeconds)) s of the worker, \(rounded(report.postgresCpuSeconds)) s of Postgres
            again after a hundredth of the open ones had ended, with what moved: \(rounded(report.againSeconds)) s
            on \(report.machine.processor), \(report.machine.cores) cores, \(report.machine.memoryGiB) GiB
            """)
    }
}
