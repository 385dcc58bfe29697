import Foundation
import Tenancy

/// How much memory `serve` and `work` take when nothing happens.
public struct IdleBenchmark: Sendable {
    /// How long they are left alone before they are looked at.
    public var quiet: Duration

    public init(quiet: Duration = .seconds(5)) { self.quiet = quiet }

    /// MiB of memory of one process.
    public struct Memory: Codable, Sendable {
        /// All that is resident: the program's own pages and those of libraries too.
        public var rssMiB: Double
        /// Of that, what is this process's alone and backed by no file.
        public var anonymousMiB: Double

        enum CodingKeys: String, CodingKey {
            case rssMiB = "rss_mib"
            case anonymousMiB = "anonymous_mib"
        }
    }

    public struct Report: Codable, Sendable {
        public var suite = "idle"
        public var serve: Memory
        public var work: Memory
        /// What an idle process should stay under, MiB resident.
        public var goalMiB = 40.0
        public var machine: Machine

        enum CodingKeys: String, CodingKey {
            case suite, serve, work, machine
            case goalMiB = "goal_mib"
        }
    }

    /// - Parameter executable: the `kiteline` program.
    public func run(executable: String) async throws -> Report {
        try await BenchServers.with { bench in
            let server = bench.processes(executable, ["serve", "--port", "0"])
            let worker = bench.workers(executable)
            let (serving, working) = (try server.start(), try worker.start())
            try await Task.sleep(for: quiet)
            guard server.isRunning(serving), worker.isRunning(working) else { throw BenchmarkError.wrong("a process ended by itself") }
            let report = Report(serve: try memory(of: serving), work: try memory(of: working), machine: .this)
            await server.stop()
            await worker.stop()
            return report
        }
    }

    private func memory(of pid: Int32) throws -> Memory {
        let lines = try String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8).split(separator: "\n")
        func mebibytes(_ name: String) throws -> Double {
            guard let line = lines.first(where: { $0.hasPrefix("\(name):") }),
                let kibibytes = line.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap({ Double($0) })
            else { throw BenchmarkError.wrong("the kernel does not tell \(name)") }
            return kibibytes / 1_024
        }
        return Memory(rssMiB: try mebibytes("VmRSS"), anonymousMiB: try mebibytes("RssAnon"))
    }
}
