import Glibc
import Logging

/// Redis 7 that keeps nothing: whatever it holds can be rebuilt. It listens in a folder only its user can enter; over TCP it wants a password.
struct RedisServer {
    let server: Server
    let url: String

    init(in directory: DataDirectory, _ options: LocalServers.Options, _ logger: Logger) throws {
        let program = try Program.find("redis-server", package: "redis-server")
        let socket = "\(directory.sockets)/redis.sock"
        var settings = [
            "--dir", try directory.folder("redis"),
            "--unixsocket", socket, "--unixsocketperm", "700",
            "--save", "", "--appendonly", "no",
            "--maxmemory-policy", "noeviction",
            "--daemonize", "no",
        ]
        if options.redisOverTCP {
            let (port, password) = (try Self.freePort(), Self.password())
            settings += ["--port", "\(port)", "--bind", "127.0.0.1", "--requirepass", password]
            self.url = "redis://default:\(password)@127.0.0.1:\(port)"
        } else {
            settings += ["--port", "0"]
            self.url = "unix://\(socket)"
        }
        self.server = try Server(
            "redis", [program] + settings + options.redisArguments, stops: [.terminate, .kill], in: directory, logger: logger
        ) { _ in Self.isReady(socket) }
    }

    /// Whether it answers at all; "a password is needed" is an answer, "still loading" is none. Blocks up to 100 ms.
    private static func isReady(_ path: String) -> Bool {
        let connection = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
        guard connection >= 0 else { return false }
        defer { close(connection) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8.prefix($0.count - 1)) }
        let connected = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(connection, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0 }
        }
        guard connected else { return false }
        let ping = Array("PING\r\n".utf8)
        guard send(connection, ping, ping.count, Int32(MSG_NOSIGNAL)) == ping.count else { return false }
        var readable = pollfd(fd: connection, events: Int16(POLLIN), revents: 0)
        guard poll(&readable, 1, 100) == 1 else { return false }
        var answer = [UInt8](repeating: 0, count: 64)
        let count = recv(connection, &answer, answer.count, 0)
        return count > 0 && !answer.starts(with: Array("-LOADING".utf8))
    }

    private static func freePort() throws -> UInt16 {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        defer { close(listener) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, length) == 0 && getsockname(listener, $0, &length) == 0
            }
        }
        guard bound else { throw LocalServersError.system("Finding a free port", code: errno) }
        return UInt16(bigEndian: address.sin_port)
    }

    private static func password() -> String {
        (0..<4).map { _ in String(UInt64.random(in: .min ... .max), radix: 36) }.joined()
    }
}
