import ArgumentParser
import Benchmarks

struct ReplayBenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay", abstract: "How long it takes to decide assigned leads again, live and under a candidate, beside the goal.")

    @Option(help: "Leads to be assigned and then replayed.")
    var leads = 100_000

    @Option(help: "The tenant's sellers.")
    var sellers = 50

    @Flag(help: "Print one JSON object.")
    var json = false

    func run() async throws {
        let report = try await ReplayBenchmark(leads: leads, sellers: sellers).run(executable: thisProgram)
        if json { return print(try JSON.text(report)) }
        print(
            """
            \(report.leads) leads replayed in \(rounded(report.seconds)) s, \(Int(report.leadsPerSecond)) a second; the goal is 100000 in \(rounded(report.goalSeconds)) s
            \(report.reproduced) decisions as they were made, byte for byte; \(report.differing) would differ under the candidate
            on \(report.machine.processor), \(report.machine.cores) cores, \(report.machine.memoryGiB) GiB
            """)
    }
}
