import Benchmarks
import Foundation
let r = try await QueueBenchmark(jobs: Int(CommandLine.arguments.dropFirst().first ?? "50000")!, workers: 0).run(spawn: { _, _ in 0 })
print(r)
