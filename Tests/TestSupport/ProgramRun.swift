import Foundation
import Synchronization

/// One run of the built program, started as a user would.
public final class ProgramRun: Sendable {
    /// What a run that is over wrote and how it ended: its exit status, or minus the signal.
    public struct Result: Sendable {
        public let status: Int32
        public let output: String
        public let errors: String
    }

    private let folder: String
    private let process: Process
    private let ended = Mutex<Int32?>(nil)

    public var pid: Int32 { process.processIdentifier }

    /// - Parameter folder: where it is started; its output is kept there.
    public init(_ arguments: [String], in folder: String, environment: [String: String] = [:]) throws {
        self.folder = folder + "/run-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: self.folder, withIntermediateDirectories: false)
        for name in ["out", "err"] { _ = FileManager.default.createFile(atPath: "\(self.folder)/\(name)", contents: nil) }
        process = Process()
        // Otherwise the child would inherit the signals this thread blocks.
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["--default-signal", Self.program] + arguments
        process.currentDirectoryURL = URL(filePath: folder)
        process.environment = ["PATH": "/usr/bin:/bin", "HOME": folder].merging(environment) { $1 }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle(forWritingAtPath: "\(self.folder)/out")
        process.standardError = FileHandle(forWritingAtPath: "\(self.folder)/err")
        process.terminationHandler = { [weak self] process in
            let status = process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus
            self?.ended.withLock { $0 = status }
        }
        try process.run()
    }

    /// The executable that was built with this test.
    public static let program = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent().appending(path: "kiteline").path

    public static func run(_ arguments: [String], in folder: String, environment: [String: String] = [:]) async throws -> Result {
        try await ProgramRun(arguments, in: folder, environment: environment).end()
    }

    public func send(_ signal: Int32) { kill(pid, signal) }

    /// Waits for the end; what has not ended in time is killed.
    public func end(within limit: Duration = .seconds(180)) async throws -> Result {
        let deadline = ContinuousClock.now + limit
        while ContinuousClock.now < deadline {
            if let status = ended.withLock(\.self) { return Result(status: status, output: text("out"), errors: text("err")) }
            try await Task.sleep(for: .milliseconds(10))
        }
        send(SIGKILL)
        throw NotEnded(output: text("out") + text("err"))
    }

    public struct NotEnded: Error {
        public let output: String
    }

    /// Waits until the file is there and ends with a line.
    public func file(_ path: String) async throws -> Data {
        let deadline = ContinuousClock.now + .seconds(180)
        while ContinuousClock.now < deadline, ended.withLock(\.self) == nil {
            if let data = FileManager.default.contents(atPath: path), data.last == UInt8(ascii: "\n") { return data }
            try await Task.sleep(for: .milliseconds(10))
        }
        throw NotEnded(output: text("out") + text("err"))
    }

    private func text(_ name: String) -> String { (try? String(contentsOfFile: "\(folder)/\(name)", encoding: .utf8)) ?? "" }
}
