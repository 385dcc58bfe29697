import Foundation
import Synchronization

/// The built executable, run as a user would.
final class Command: Sendable {
    /// What a run that is over wrote and how it ended: its exit status, or minus the signal.
    struct Result: Sendable {
        let status: Int32
        let output: String
        let errors: String
    }

    private let folder: String
    private let process: Process
    private let ended = Mutex<Int32?>(nil)

    var pid: Int32 { process.processIdentifier }

    /// - Parameter folder: where it is started; its output is kept there.
    init(_ arguments: [String], in folder: String, environment: [String: String] = [:]) throws {
        self.folder = folder + "/run-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: self.folder, withIntermediateDirectories: false)
        for name in ["out", "err"] { _ = FileManager.default.createFile(atPath: "\(self.folder)/\(name)", contents: nil) }
        process = Process()
        // Otherwise the child would inherit the signals this thread blocks.
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["--default-signal", Self.executable] + arguments
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
    static let executable = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent().appending(path: "kiteline").path

    static func run(_ arguments: [String], in folder: String, environment: [String: String] = [:]) async throws -> Result {
        try await Command(arguments, in: folder, environment: environment).end()
    }

    func send(_ signal: Int32) { kill(pid, signal) }

    /// Waits for the end, for a minute at most.
    func end() async throws -> Result {
        let deadline = ContinuousClock.now + .seconds(60)
        while ContinuousClock.now < deadline {
            if let status = ended.withLock(\.self) { return Result(status: status, output: text("out"), errors: text("err")) }
            try await Task.sleep(for: .milliseconds(10))
        }
        send(SIGKILL)
        throw NotEnded(output: text("out") + text("err"))
    }

    struct NotEnded: Error {
        let output: String
    }

    /// Waits until the file is there and ends with a line.
    func file(_ path: String) async throws -> Data {
        let deadline = ContinuousClock.now + .seconds(60)
        while ContinuousClock.now < deadline, ended.withLock(\.self) == nil {
            if let data = FileManager.default.contents(atPath: path), data.last == UInt8(ascii: "\n") { return data }
            try await Task.sleep(for: .milliseconds(10))
        }
        throw NotEnded(output: text("out") + text("err"))
    }

    private func text(_ name: String) -> String { (try? String(contentsOfFile: "\(folder)/\(name)", encoding: .utf8)) ?? "" }
}

/// A folder for one test, which the servers' user can enter.
func withScratch(_ body: (String) async throws -> Void) async throws {
    let scratch = "/tmp/kiteline-command-test-\(UUID().uuidString.prefix(8))"
    try FileManager.default.createDirectory(atPath: scratch, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o755])
    defer { try? FileManager.default.removeItem(atPath: scratch) }
    try await body(scratch)
}

func isRunning(_ pid: Int32) -> Bool {
    guard let status = try? String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8) else { return false }
    return !status.contains("State:\tZ")
}

/// Asks again and again until the condition holds, for at most a minute; says whether it did.
func soon(_ condition: () -> Bool) async throws -> Bool {
    let deadline = ContinuousClock.now + .seconds(60)
    while ContinuousClock.now < deadline {
        if condition() { return true }
        try await Task.sleep(for: .milliseconds(10))
    }
    return false
}
