import FoundationEssentials
import Glibc
import Logging

/// Postgres 15 or later, on a Unix socket only. Whoever can enter the socket's folder is its owner: it is 0700.
struct PostgresServer {
    let server: Server
    let url: String

    /// Prepares the server; creates its data where there are none.
    init(in directory: DataDirectory, _ options: LocalServers.Options, _ logger: Logger) async throws {
        let programs = try Self.programs()
        let data = "\(directory.path)/postgres"
        if !Files.exists(data) { try await Self.create(data, programs, in: directory, durable: options.durable) }
        _ = try directory.folder("postgres")

        let settings = Self.settings(options, sockets: directory.sockets).sorted { $0.key < $1.key }
        let command = ["\(programs)/postgres", "-D", data] + settings.flatMap { ["-c", "\($0.key)=\($0.value)"] }
        self.url = "postgres://kiteline@/kiteline?host=\(directory.sockets)"
        self.server = try Server("postgres", command, stops: [.interrupt, .quit, .kill], in: directory, logger: logger) { pid in
            Self.isReady(data, pid)
        }
    }

    /// The folder of the newest installed version's programs.
    private static func programs() throws -> String {
        let versions = (try? FileManager.default.contentsOfDirectory(atPath: "/usr/lib/postgresql")) ?? []
        let newest = versions.compactMap(Int.init).filter { $0 >= 15 }.max()
        let folders = (newest.map { ["/usr/lib/postgresql/\($0)/bin"] } ?? []) + ["/usr/local/pgsql/bin", "/usr/local/bin", "/usr/bin"]
        let initdb = try Program.find("initdb", package: "postgresql", in: folders)
        return String(initdb.dropLast("/initdb".count))
    }

    /// Creates the cluster and the database beside their place and moves them there when done: there is never half a cluster.
    private static func create(_ data: String, _ programs: String, in directory: DataDirectory, durable: Bool) async throws {
        let draft = "\(data).new"
        Files.remove(draft)
        let folder = try directory.folder("postgres.new")
        let initialise = [
            "\(programs)/initdb", "-D", folder, "--username=kiteline", "--auth-local=trust", "--auth-host=reject", "--encoding=UTF8",
            "--locale=C.UTF-8", "--no-instructions",
        ]
        try await Program.run(initialise + (durable ? [] : ["--no-sync"]), as: directory.user, scratch: directory.log)
        try await Program.run(
            ["\(programs)/postgres", "--single", "-D", folder, "-c", "fsync=\(durable ? "on" : "off")", "postgres"], as: directory.user,
            input: "CREATE DATABASE kiteline\n", scratch: directory.log)
        guard rename(draft, data) == 0 else { throw LocalServersError.system("Moving \(draft)", code: errno) }
    }

    private static func settings(_ options: LocalServers.Options, sockets: String) -> [String: String] {
        let durability = options.durable ? "on" : "off"
        let ours = [
            "listen_addresses": "",
            "unix_socket_directories": sockets,
            "unix_socket_permissions": "0700",
            "fsync": durability,
            "full_page_writes": durability,
            // Also without durability: a commit is handed to the kernel, so that killing the server loses none.
            "synchronous_commit": "on",
            "max_connections": "200",
            "shared_buffers": options.durable ? "256MB" : "128MB",
            "max_wal_size": "4GB",
            "checkpoint_timeout": "15min",
            "jit": "off",  // compiling costs more than our short statements
            "timezone": "UTC",
            "log_timezone": "UTC",
            "log_line_prefix": "%m [%p] %q%a ",
            // Rows and statements hold personal data, which belong in no log.
            "log_error_verbosity": options.durable ? "terse" : "default",
            "log_min_error_statement": options.durable ? "panic" : "error",
        ]
        return ours.merging(options.postgresSettings) { _, given in given }
    }

    /// As `pg_ctl` does it: the first line of postmaster.pid is the process, the eighth its state. One left by a kill has another process.
    private static func isReady(_ data: String, _ pid: pid_t) -> Bool {
        let lines = Files.tail(of: "\(data)/postmaster.pid").split(separator: "\n", omittingEmptySubsequences: false)
        return lines.count >= 8 && Int32(lines[0]) == pid && lines[7].hasPrefix("ready")
    }
}
