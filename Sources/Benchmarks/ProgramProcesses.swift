import Foundation
import Synchronization

/// Processes of this same program, started and killed at will.
public final class ProgramProcesses: Sendable {
    private let executable: String
    private let arguments: [String]
    private let environment: [String: String]
    private let log: String
    private let processes = Mutex<[Int32: Process]>([:])

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

    public var pids: [Int32] { processes.withLock { $0.filter(\.value.isRunning).keys.sorted() } }

    /// How many are running.
    public var running: Int { processes.withLock { $0.values.count(where: \.isRunning) } }

    /// Starts one.
    ///
    /// - Parameter settings: its own, instead of those of all.
    @discardableResult
    public func start(with settings: [String: String] = [:]) throws -> Int32 {
        let process = Process()
        // A child started from a Swift thread inherits its blocked signals, SIGTERM among them; env gives it the usual ones.
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["--default-signal", executable] + arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }.merging(settings) { $1 }
        // Appended, so that what one writes does not cover what another wrote.
        let descriptor = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw CocoaError(.fileWriteUnknown) }
        let output = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        process.standardOutput = output
        process.standardError = output
        process.standardInput = FileHandle.nullDevice
        try process.run()
        let pid = process.processIdentifier
        processes.withLock { $0[pid] = process }
        return pid
    }

    /// Kills one without warning.
    public func kill(_ pid: Int32) { signal(pid, SIGKILL) }

    /// Asks one to drain and end.
    public func terminate(_ pid: Int32) { signal(pid, SIGTERM) }

    public func isRunning(_ pid: Int32) -> Bool { processes.withLock { $0[pid]?.isRunning ?? false } }

    /// Asks all to end, and kills those that don't within `limit`.
    public func stop(within limit: Duration = .seconds(30)) async {
        let all = processes.withLock { $0 }
        for pid in all.keys { terminate(pid) }
        let end = ContinuousClock.now + limit
        while all.values.contains(where: \.isRunning), ContinuousClock.now < end { try? await Task.sleep(for: .milliseconds(20)) }
        for (pid, process) in all where process.isRunning { kill(pid) }
    }

    private func signal(_ pid: Int32, _ number: Int32) {
        guard isRunning(pid) else { return }
        Foundation.kill(pid, number)
        if number == SIGKILL { processes.withLock { $0[pid] = nil } }
    }
}
