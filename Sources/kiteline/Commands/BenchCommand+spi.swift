import ArgumentParser
import Benchmarks

struct ProcessHealthBenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "spi", abstract: "How long it takes to work out process health from facts: half a year, and what is done every hour.")

    @Option(help: "The tenant's sellers.")
    var sellers = 10_000

    @Option(help: "Weeks that are worked out, 1 to 26.")
    var weeks = 26

    @Option(help: "Worker processes.")
    var workers = 2

    @Flag(help: "Print one JSON object.")
    var json = false

    func validate() throws {
        guard (1...26).contains(weeks), (1...100_000).contains(sellers), (1...16).contains(workers) else {
            throw ValidationError("1 to 26 weeks of 1 to 100,000 sellers are worked out by 1 to 16 workers.")
        }
    }

    func run() async throws {
        let report = try await ProcessHealthBenchmark(sellers: sellers, weeks: weeks, workers: workers).run(executable: thisProgram)
        if json { return print(try JSON.text(report)) }
        print(
            """
            \(report.sellerWeeks) weeks of \(report.sellers) sellers from \(report.facts) facts in \(rounded(report.seconds)) s, \(Int(report.sellerWeeksPerSecond)) a second; \(report.withIndex) have an index
            the running week and the last three, as every hour, with nothing new: \(rounded(report.hourlySeconds)) s
            \(report.workers) worker processes on \(report.machine.processor), \(report.machine.cores) cores, \(report.machine.memoryGiB) GiB
            """)
    }
}
