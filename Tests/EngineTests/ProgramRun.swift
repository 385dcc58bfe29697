import Foundation
import Synchronization

/// One run of the built program, and what it wrote.
final class ProgramRun: Sendable {
    struct Result: Sendable {
        /// Its exit status, or minus the signal.
        let status: Int32
        let output: String
        let errors: String
    }

    struct NotEnded: Error {
        let output: String
    }

    /// The executable that was built with this test.
    static let program = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
        .appendingPathComponent("kiteline").path

    private let process = Process()
    private let files: String
    private let ended = Mutex<Int32?>(nil)

    init(_ arguments: [String], in folder: String, environment: [String: String]) throws {
        files = "\(folder)/run-\(UUID().uuidString.prefix(8))"
        for name in ["out", "err"] { _ = FileManager.default.createFile(atPath: "\(files).\(name)", contents: nil) }
        // Otherwise the child would inherit the signals this thread blocks.
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["--default-signal", Self.program] + arguments
        process.currentDirectoryURL = URL(fileURLWithPath: folder)
        process.environment = ["PATH": "/usr/bin:/bin", "HOME": folder].merging(environment) { $1 }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle(forWritingAtPath: "\(files).out")
        process.standardError = FileHandle(forWritingAtPath: "\(files).err")
        process.terminationHandler = { [weak self] process in
            self?.ended.withLock { $0 = process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus }
        }
        try process.run()
    }

    func send(_ signal: Int32) { kill(process.processIdentifier, signal) }

    /// Waits for the end, for two minutes at most.
    func end() async throws -> Result {
        let deadline = ContinuousClock.now + .seconds(120)
        while ContinuousClock.now < deadline {
            if let status = ended.withLock(\.self) { return Result(status: status, output: text("out"), errors: text("err")) }
            try await Task.sleep(for: .milliseconds(10))
        }
        send(SIGKILL)
        throw NotEnded(output: text("out") + text("err"))
    }

    private func text(_ name: String) -> String { (try? String(contentsOfFile: "\(files).\(name)", encoding: .utf8)) ?? "" }
}
