import Benchmarks
import Foundation
import Testing

/// The whole service under fire, at a smaller size than `kiteline bench faults`, which a reader can run at any size.
@Suite struct FaultTests {
    /// The program lies beside the tests.
    private var program: String {
        URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent().appendingPathComponent("kiteline").path
    }

    @Test(.timeLimit(.minutes(10)), arguments: [1, 2])
    func `killed processes, broken servers and cut wires lose no job, double none, break no promise`(seed: UInt64) async throws {
        let run = FaultRun(jobs: 600, faults: 6, seed: seed, lease: .seconds(2), durable: false)

        let report = try await run.run(executable: program)

        #expect(report.findings == [], "\(report)")
        #expect(report.accepted == 600 + FaultRun.neighbourJobs)
        #expect(report.faults.count == 6)
    }
}
