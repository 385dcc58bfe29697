import Foundation
import TestSupport
import Testing

/// What the scripts under deploy/ share.
@Suite struct ScriptTests {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    @Test func `a script writes words into a file, and no colours`() async throws {
        try await withScratch { scratch in
            let status = try await bash("source deploy/setup.sh && step Words >\(scratch)/said")

            #expect(status == 0)
            #expect(try String(contentsOfFile: scratch + "/said", encoding: .utf8) == "\n==> Words\n")
        }
    }

    private func bash(_ command: String) async throws -> Int32 {
        let process = Process()
        process.executableURL = URL(filePath: "/bin/bash")
        process.arguments = ["-c", command]
        process.currentDirectoryURL = Self.root
        return try await withCheckedThrowingContinuation { continuation in
            process.terminationHandler = { continuation.resume(returning: $0.terminationStatus) }
            do { try process.run() } catch { continuation.resume(throwing: error) }
        }
    }
}
