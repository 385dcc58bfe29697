import Foundation
import TestSupport
import Testing

/// What `deploy/run` shows a stranger, run as they would. In one process with servers of its own, so alone.
@Suite(.serialized, .timeLimit(.minutes(10)))
struct DemoTests {
    @Test func `the demo ends well, with a lead that closes and a seller who was warned of`() async throws {
        try await withScratch { scratch in
            let demo = try ProgramRun(["dev", "--demo", "--once", "--port", "0"], in: scratch)

            let end = try await demo.end(within: .seconds(480))

            #expect(end.status == 0, "\(end.output.suffix(2_000))\n\(end.errors.suffix(2_000))")
            let told = end.output.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
            /// The stories' steps, each in its order.
            func steps(_ names: [String]) -> [String] {
                told.compactMap { line in names.first { line.hasPrefix($0 + " ") } }.reduce(into: []) { if $0.last != $1 { $0.append($1) } }
            }
            let lead = steps(["arrives", "is matched", "is scored", "is assigned", "is late", "is touched", "becomes a deal", "closes"])
            #expect(
                lead == ["arrives", "is matched", "is scored", "is assigned", "is late", "is touched", "becomes a deal", "closes"],
                "\(end.output)")
            #expect(
                steps(["warns", "is diagnosed", "is judged"]) == ["warns", "is diagnosed", "is judged"], "\(end.output.suffix(3_000))")
        }
    }
}
