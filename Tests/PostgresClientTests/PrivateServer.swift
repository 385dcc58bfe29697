import Foundation

/// A Postgres of the test's own, to be stopped, killed and cut off at will. It ends with this process, however that ends.
final class PrivateServer: Sendable {
    let directory: String
    let port: Int
    private let process = Locked<Process?>(nil)
    private static let binaries = "/usr/lib/postgresql/15/bin"

    /// A superuser `postgres` without password on the unix socket; over TCP whatever `hba` says.
    init(hba: String = "", settings: [String: String] = [:]) async throws {
        directory = "/tmp/kl-pg-\(UUID().uuidString.prefix(8).lowercased())"
        port = Int.random(in: 20_000..<30_000)
        try await Self.run("mkdir -p \(directory) && chown postgres \(directory)")
        try await Self.run("\(Self.asPostgres) \(Self.binaries)/initdb -D \(directory)/data -U postgres -A trust -N -E UTF8 --locale=C")
        var lines = [
            "fsync = off", "port = \(port)", "listen_addresses = '127.0.0.1'", "unix_socket_directories = '\(directory)'",
            "max_connections = 60",
        ]
        lines += settings.map { "\($0) = '\($1)'" }
        try lines.joined(separator: "\n").write(toFile: "\(directory)/data/conf", atomically: true, encoding: .utf8)
        try await Self.run("echo \"include 'conf'\" >> \(directory)/data/postgresql.conf")
        try "local all all trust\n\(hba)\n".write(toFile: "\(directory)/data/pg_hba.conf", atomically: true, encoding: .utf8)
        try await start()
    }

    deinit {
        process.value = nil
        try? FileManager.default.removeItem(atPath: directory)
    }

    var url: String { "postgres://postgres@/postgres?host=\(directory)&port=\(port)" }

    func start() async throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        let serve = "\(Self.asPostgres) \(Self.binaries)/postgres -D \(directory)/data"
        // The shell holds our pipe: when we are gone, `cat` ends and the server is told to go too.
        process.arguments = ["--default-signal", "sh", "-c", "\(serve) <&- & p=$!; cat; kill -QUIT $p; wait; rm -rf \(directory)"]
        process.standardInput = Pipe()
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle(forWritingAtPath: "/dev/null")
        try process.run()
        self.process.value = process
        try await Self.run(
            "for i in $(seq 100); do \(Self.binaries)/pg_isready -q -h \(directory) -p \(port) && exit 0; sleep 0.05; done; exit 1")
    }

    /// `mode`: fast or immediate.
    func stop(_ mode: String) async throws {
        try await Self.run("\(Self.asPostgres) \(Self.binaries)/pg_ctl -D \(directory)/data -m \(mode) -w stop")
    }

    /// Sends a signal to the postmaster.
    func signal(_ signal: Int32) throws {
        let first = try String(contentsOfFile: "\(directory)/data/postmaster.pid", encoding: .utf8).split(separator: "\n")[0]
        kill(pid_t(first)!, signal)
    }

    private static let asPostgres = getuid() == 0 ? "setpriv --reuid=postgres --regid=postgres --clear-groups" : ""

    /// Runs a command without holding up Swift's own threads.
    static func run(_ command: String) async throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["--default-signal", "sh", "-c", command]
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        let errors = Pipe()
        process.standardError = errors
        let status: Int32 = try await withCheckedThrowingContinuation { continuation in
            process.terminationHandler = { continuation.resume(returning: $0.terminationStatus) }
            do { try process.run() } catch { continuation.resume(throwing: error) }
        }
        guard status == 0 else { throw CommandFailed(command: command, status: status) }
    }
}

struct CommandFailed: Error {
    let command: String
    let status: Int32
}

/// A value behind a lock.
final class Locked<Value: Sendable>: @unchecked Sendable {
    // `@unchecked Sendable`: `stored` is only touched under `lock`.
    private let lock = NSLock()
    private var stored: Value
    init(_ value: Value) { stored = value }
    var value: Value {
        get { lock.withLock { stored } }
        set { lock.withLock { stored = newValue } }
    }
    func update<R>(_ body: (inout Value) -> R) -> R { lock.withLock { body(&stored) } }
}
