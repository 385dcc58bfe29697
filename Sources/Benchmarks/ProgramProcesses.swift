import Foundation
import Synchronization

/// Processes of this same program, started and killed at will.
public final class ProgramProcesses: Sendable {
    private let executable: String
    private let arguments: [String]
    private let environment: [String: String]
    private let log: String
    private let running = Mutex<[Int32: Process]>([:])

    /// - Parameters:
    ///   - executable: the `kiteline` program.
    ///   - arguments: the command they run.
    ///   - environment: their settings, on top of this process's own environment.
    ///   - log: the file their output goes to; a child must not hold this process's own.
    public init(executable: String, arguments: [String], environment: [String: String], log: String) {
        self.executable = executable
        self.arguments = arguments
        self.environment = environment
        self.log = log
    }

    public var pids: [Int32] { running.withLock { Array($0.keys).sorted() } }

    /// Starts one.
    @discardableResult
    public func start() throws -> Int32 {
        let process = Process()
        // A child started from a Swift thread inherits its blocked signals, SIGTERM among them; env gives it the usual ones.
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["--default-signal", executable] + arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        if !FileManager.default.fileExists(atPath: log) { _ = FileManager.default.createFile(atPath: log, contents: nil) }
        let output = FileHandle(forWritingAtPath: log)
        _ = try output?.seekToEnd()
        process.standardOutput = output
        process.standardError = output
        process.standardInput = FileHandle.nullDevice
        try process.run()
        let pid = process.processIdentifier
        running.withLock { $0[pid] = process }
        return pid
    }

    /// Kills one without warning.
    public func kill(_ pid: Int32) { signal(pid, SIGKILL) }

    /// Asks one to drain and end.
    public func terminate(_ pid: Int32) { signal(pid, SIGTERM) }

    public func isRunning(_ pid: Int32) -> Bool { running.withLock { $0[pid]?.isRunning ?? false } }

    /// Asks all to end, and kills those that don't within `limit`.
    public func stop(within limit: Duration = .seconds(30)) async {
        let all = running.withLock { $0 }
        for pid in all.keys { terminate(pid) }
        let end = ContinuousClock.now + limit
        while all.values.contains(where: \.isRunning), ContinuousClock.now < end { try? await Task.sleep(for: .milliseconds(20)) }
        for (pid, process) in all where process.isRunning { kill(pid) }
    }

    private func signal(_ pid: Int32, _ number: Int32) {
        guard isRunning(pid) else { return }
        Foundation.kill(pid, number)
        if number == SIGKILL { running.withLock { $0[pid] = nil } }
    }
}
