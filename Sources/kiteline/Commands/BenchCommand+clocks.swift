import ArgumentParser
import Benchmarks

struct ClocksBenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "clocks",
        abstract: "How late armed clocks fire, what they cost while nothing is due, and how soon a changed calendar is followed.")

    @Option(help: "Clocks that are armed.")
    var armed = 1_000_000

    @Option(help: "Of these, how many fall due over half a minute.")
    var firing = 10_000

    @Option(help: "Clocks that follow a changed calendar.")
    var replanned = 100_000

    @Flag(help: "Print one JSON object.")
    var json = false

    func run() async throws {
        let report = try await ClocksBenchmark(armed: armed, firing: firing, replanned: replanned).run(executable: thisProgram)
        if json { return print(try JSON.text(report)) }
        print(
            """
            \(report.armed) clocks armed, \(report.fired) fired: lag p50 \(rounded(report.lagP50Ms)) ms, p99 \(rounded(report.lagP99Ms)) ms, at most \(rounded(report.lagMaxMs)) ms
            early \(report.early), doubled \(report.doubled), missed \(report.missed)
            a second in which nothing is due: \(rounded(report.idleCPUMsPerSecond)) ms of CPU; with no clock armed \(rounded(report.emptyCPUMsPerSecond)) ms
            \(report.replanned) clocks followed a changed calendar in \(rounded(report.replanSeconds)) s
            \(Int(report.deadlinesPerSecond)) deadlines a second on one core
            on \(report.machine.processor), \(report.machine.cores) cores, \(report.machine.memoryGiB) GiB; fsync, full_page_writes and synchronous_commit on
            """)
    }
}
