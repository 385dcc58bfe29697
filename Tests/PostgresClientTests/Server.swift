import Foundation
import Logging
import PostgresClient
import Synchronization
import TestSupport

/// The server most tests share. Tests keep to temporary tables, on pools of one link, or to names of their own.
enum Server {
    static let logger: Logger = {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        return logger
    }()

    static func url() async throws -> String { try await TestServers.shared.postgresURL }

    static func pool(size: Int = 1, waiting: Int = 10_000) async throws -> PostgresPool {
        PostgresPool(PostgresConfiguration(url: try await url()), size: size, waiting: waiting, logger: logger)
    }

    /// What `body` answers with a pool whose links live through it. Where a cancel takes half a second to arrive, as on a machine that has too
    /// much to do, its link is dropped by right: then it is tried again, a few times.
    static func withLastingLinks<R>(size: Int = 1, _ body: (PostgresPool) async throws -> R) async throws -> R {
        for _ in 0..<5 {
            let pool = try await pool(size: size)
            let result: Result<R, any Error>
            do { result = .success(try await body(pool)) } catch { result = .failure(error) }
            let dropped = pool.statistics.reconnects
            await pool.close()
            if dropped == 0 { return try result.get() }
        }
        throw LinksDropped()
    }

    struct LinksDropped: Error {}
}

/// Waits until something is so, without holding up a thread.
func eventually(within limit: Duration = .seconds(180), _ condition: () async throws -> Bool) async throws {
    let end = ContinuousClock.now + limit
    while try await !condition() {
        guard ContinuousClock.now < end else { throw NeverHappened() }
        try await Task.sleep(for: .milliseconds(5))
    }
}

struct NeverHappened: Error {}

/// A value behind a lock.
final class Locked<Value: Sendable>: Sendable {
    private let stored: Mutex<Value>
    init(_ value: Value) { stored = Mutex(value) }
    var value: Value {
        get { stored.withLock { $0 } }
        set { stored.withLock { $0 = newValue } }
    }
    func update<R: Sendable>(_ body: @Sendable (inout Value) -> R) -> R { stored.withLock { body(&$0) } }
}

/// Holds a pool's only link, so that what is asked meanwhile goes out together.
struct Gate {
    private let isOpen = Locked(false)
    private let holder: Task<Bool, any Error>

    init(_ pool: PostgresPool) async throws {
        let isOpen = isOpen
        holder = Task {
            try await pool.transaction { transaction in
                while !isOpen.value { _ = try transaction.query("SELECT pg_sleep(0.001)") }
                return true
            }
        }
        try await eventually { pool.statistics.busy == 1 && pool.statistics.waiting == 0 }
    }

    func open() { isOpen.value = true }

    /// True once the holding transaction was committed.
    func outcome() async throws -> Bool { try await holder.value }
}

/// A shell command, run without holding up Swift's own threads.
enum Command {
    struct Failed: Error {
        let status: Int32
    }

    static func run(_ script: String) async throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["--default-signal", "sh", "-ec", script]
        // Inherited, they would keep whoever runs the tests waiting.
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        let status = try await withCheckedThrowingContinuation { continuation in
            process.terminationHandler = { continuation.resume(returning: $0.terminationStatus) }
            do { try process.run() } catch { continuation.resume(throwing: error) }
        }
        guard status == 0 else { throw Failed(status: status) }
    }
}

/// Keeps what is logged.
struct Recorder: LogHandler {
    let lines = Locked<[String]>([])
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.trace

    var logger: Logger { Logger(label: "recorded") { _ in self } }

    subscript(metadataKey key: String) -> Logger.MetadataValue? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        lines.update { $0.append("\(event.message) \(event.metadata ?? [:])") }
    }
}
