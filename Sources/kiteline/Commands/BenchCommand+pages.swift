import ArgumentParser
import Benchmarks

struct PagesBenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pages", abstract: "How soon the console's pages answer with many leads, jobs and missed deadlines behind them.")

    @Option(help: "Leads to be assigned, each with a deadline that passes.")
    var leads = 100_000

    @Option(help: "How often each page is asked for after the first time.")
    var requests = 40

    @Flag(help: "Print one JSON object.")
    var json = false

    func run() async throws {
        let report = try await PagesBenchmark(leads: leads, requests: requests).run(executable: thisProgram)
        if json { return print(try JSON.text(report)) }
        print("\(report.leads) leads and \(report.jobs) ended jobs of one tenant; the goal is \(Int(report.goalMs)) ms for each page")
        for page in report.pages {
            let verdict = max(page.firstMs, page.p99Ms) > report.goalMs ? ": missed" : ""
            print(
                "\(page.path): first \(rounded(page.firstMs)), p50 \(rounded(page.p50Ms)), p99 \(rounded(page.p99Ms)) ms\(verdict)")
        }
        for count in report.counts { print("\(count.path), asked by nobody before: \(rounded(count.ms)) ms") }
        print("on \(report.machine.processor), \(report.machine.cores) cores, \(report.machine.memoryGiB) GiB")
    }
}
