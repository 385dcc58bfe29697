import Foundation
import TestSupport
import Testing

@testable import LocalServers

@Suite(.serialized, .timeLimit(.minutes(10))) struct LocalServersTests {
    @Test func `a folder that another start takes for abandoned while it is made is made again`() async throws {
        try await withScratch { scratch in
            let user = ServerUser(id: getuid(), group: getgid(), name: "")
            // Each start sweeps away what is empty and held by nobody, such as what the others have just made.
            try await withThrowingTaskGroup(of: Void.self) { starts in
                for start in 0..<4 {
                    starts.addTask {
                        for number in 0..<500 {
                            let folder = try SocketFolder.claim("\(scratch)/kiteline-\(start)-\(number)", for: user)
                            #expect(FileManager.default.fileExists(atPath: folder.path))
                            folder.remove()
                        }
                    }
                }
                try await starts.waitForAll()
            }
        }
    }

    @Test func `a second start finds the data and the addresses of the first`() async throws {
        try await withScratch { scratch in
            let first = try await LocalServers.start(dataDirectory: scratch, options: .test)
            let (postgresURL, redisURL) = (first.postgresURL, first.redisURL)
            _ = try await sql(first, "CREATE TABLE kept (n int); INSERT INTO kept VALUES (42)")
            await first.stop()

            let second = try await LocalServers.start(dataDirectory: scratch, options: .test)
            let kept = try await sql(second, "SELECT n FROM kept")
            await second.stop()

            #expect(kept == "42")
            #expect(second.postgresURL == postgresURL)
            #expect(second.redisURL == redisURL)
        }
    }

    @Test func `stop leaves no process and no socket`() async throws {
        try await withScratch { scratch in
            let servers = try await LocalServers.start(dataDirectory: scratch, options: .test)
            let pids = [servers.postgresPID, servers.redisPID]
            #expect(pids.allSatisfy(isRunning))

            await servers.stop()

            #expect(!pids.contains(where: isRunning))
            #expect(!FileManager.default.fileExists(atPath: socketFolder(servers)))
        }
    }

    @Test func `an empty socket folder that nobody holds is removed at the next start, one that is held stays`() async throws {
        try await withScratch { scratch in
            let first = try await LocalServers.start(dataDirectory: "\(scratch)/a", options: .test)
            await first.stopPostgres()
            await first.stopRedis()
            let parent = String(socketFolder(first).dropLast(socketFolder(first).split(separator: "/").last!.count + 1))
            let abandoned = "\(parent)/kiteline-0-\(UInt32.random(in: 0 ... .max))"
            try FileManager.default.createDirectory(atPath: abandoned, withIntermediateDirectories: false)
            let filled = "\(parent)/kiteline-0-\(UInt32.random(in: 0 ... .max))f"
            try FileManager.default.createDirectory(atPath: filled + "/kept", withIntermediateDirectories: true)

            let second = try await LocalServers.start(dataDirectory: "\(scratch)/b", options: .test)
            let exists = [abandoned, filled, socketFolder(first)].map(FileManager.default.fileExists(atPath:))
            await second.stop()
            await first.stop()
            try FileManager.default.removeItem(atPath: filled)

            #expect(exists == [false, true, true])
        }
    }

    @Test(arguments: [SIGKILL, SIGTERM, SIGABRT])
    func `servers end when their starter is killed, and the next start recovers`(signal: Int32) async throws {
        try await withScratch { scratch in
            await #expect(processExitsWith: .signal(signal)) { [scratch = scratch as String, signal = signal as Int32] in
                let servers = try await LocalServers.start(dataDirectory: scratch, options: .test)
                _ = try await sql(servers, "CREATE TABLE kept AS SELECT 42 AS n")
                try "\(servers.postgresPID) \(servers.redisPID)".write(toFile: scratch + "/pids", atomically: true, encoding: .utf8)
                Foundation.signal(signal, SIG_DFL)
                kill(getpid(), signal)
                try await Task.sleep(for: .seconds(60))
            }
            let pids = try String(contentsOfFile: scratch + "/pids", encoding: .utf8).split(separator: " ").compactMap { Int32($0) }
            try #require(pids.count == 2)

            // Does not wait for the old servers to end: the lock does.
            let next = try await LocalServers.start(dataDirectory: scratch, options: .test)
            #expect(!pids.contains(where: isRunning))
            #expect(try await sql(next, "SELECT n FROM kept") == "42")
            await next.stop()
        }
    }

    @Test func `servers that were killed are started again with their data`() async throws {
        try await withScratch { scratch in
            let servers = try await LocalServers.start(dataDirectory: scratch, options: .test)
            _ = try await sql(servers, "CREATE TABLE kept AS SELECT 42 AS n")
            let before = (servers.postgresPID, servers.redisPID)

            await servers.killPostgres()
            await servers.killRedis()
            try await servers.startPostgres()
            try await servers.startRedis()

            #expect(servers.postgresPID != before.0)
            #expect(servers.redisPID != before.1)
            #expect(try await sql(servers, "SELECT n FROM kept") == "42")
            #expect(try await redis(servers, "PING") == "PONG")
            await servers.stop()
        }
    }

    @Test func `a server that was stopped by a signal is woken and ends cleanly`() async throws {
        try await withScratch { scratch in
            let servers = try await LocalServers.start(dataDirectory: scratch, options: .test)
            kill(servers.postgresPID, SIGSTOP)
            kill(servers.redisPID, SIGSTOP)

            await servers.stop()

            let log = try String(contentsOfFile: scratch + "/log/postgres.log", encoding: .utf8)
            #expect(log.contains("received fast shutdown request"))
            #expect(log.contains("database system is shut down"))
        }
    }

    @Test func `a server that ends by itself is named`() async throws {
        try await withScratch { scratch in
            let servers = try await LocalServers.start(dataDirectory: scratch, options: .test)

            kill(servers.redisPID, SIGTERM)

            #expect(await servers.unexpectedEnd() == "redis")
            await servers.stop()
        }
    }

    @Test func `two folders do not collide`() async throws {
        try await withScratch { scratch in
            async let one = LocalServers.start(dataDirectory: scratch + "/one", options: .test)
            async let two = LocalServers.start(dataDirectory: scratch + "/two", options: .test)
            let servers = [try await one, try await two]

            _ = try await sql(servers[0], "CREATE TABLE mine ()")
            #expect(try await sql(servers[1], "SELECT to_regclass('mine') IS NULL") == "t")
            for server in servers { await server.stop() }
        }
    }

    @Test func `a folder in use is refused by name, and stays in use`() async throws {
        try await withScratch { scratch in
            let servers = try await LocalServers.start(dataDirectory: scratch, options: .test)

            let error = await #expect(throws: LocalServersError.self) {
                try await LocalServers.start(dataDirectory: scratch, options: .test)
            }

            #expect(error?.isSetUp == true)
            #expect(error?.description.contains("\(scratch) is in use by process \(getpid())") == true)
            #expect(try await redis(servers, "PING") == "PONG")
            await servers.stop()
        }
    }

    @Test func `a server that does not start says why, from its log`() async throws {
        try await withScratch { scratch in
            let options = LocalServers.Options(durable: false, postgresSettings: ["max_connections": "lots"])

            let error = await #expect(throws: LocalServersError.self) {
                try await LocalServers.start(dataDirectory: scratch, options: options)
            }

            #expect(error?.description.contains("invalid value for parameter \"max_connections\": \"lots\"") == true)
            // Redis was stopped with it, and the folder let go.
            try await LocalServers.start(dataDirectory: scratch, options: .test).stop()
        }
    }

    @Test(.enabled(if: getuid() == 0, "only root runs the servers as another user"))
    func `a folder the servers' user cannot enter is named`() async throws {
        try await withScratch { scratch in
            let closed = scratch + "/closed"
            try FileManager.default.createDirectory(
                atPath: closed, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])

            let error = await #expect(throws: LocalServersError.self) {
                try await LocalServers.start(dataDirectory: closed + "/data", options: .test)
            }

            guard case .unreachable(_, let folder, _) = error else { return #expect(Bool(false), "\(String(describing: error))") }
            #expect(folder == closed)
        }
    }

    @Test(.enabled(if: getuid() == 0, "only root could run the servers as root"))
    func `the servers never run as root`() async throws {
        try await withScratch { scratch in
            let servers = try await LocalServers.start(dataDirectory: scratch, options: .test)

            for pid in [servers.postgresPID, servers.redisPID] {
                let status = try String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)
                let ids = try #require(status.split(separator: "\n").first { $0.hasPrefix("Uid:") }).split(separator: "\t").dropFirst()
                #expect(!ids.contains("0"))
            }
            await servers.stop()
        }
    }

    @Test func `servers have no descriptor of ours and no blocked signal`() async throws {
        try await withScratch { scratch in
            var blocked = sigset_t()
            sigemptyset(&blocked)
            sigaddset(&blocked, SIGTERM)
            pthread_sigmask(SIG_BLOCK, &blocked, nil)
            defer { pthread_sigmask(SIG_UNBLOCK, &blocked, nil) }
            let servers = try await LocalServers.start(dataDirectory: scratch, options: .test)

            let log = FileManager.default
            for pid in [servers.postgresPID, servers.redisPID] {
                // Postgres blocks signals for the moment in which it starts a process of its own; what was inherited would stay.
                try await expectSoon {
                    try String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8).contains("SigBlk:\t0000000000000000")
                }
                for number in 0...2 {
                    let target = try log.destinationOfSymbolicLink(atPath: "/proc/\(pid)/fd/\(number)")
                    #expect(target == "/dev/null" || target.hasPrefix(scratch + "/log/"))
                }
            }
            await servers.stop()
        }
    }

    @Test func `a durable start really is`() async throws {
        try await withScratch { scratch in
            let servers = try await LocalServers.start(dataDirectory: scratch, options: .init(redis: false))

            let settings = try await sql(
                servers,
                "SELECT string_agg(name || '=' || setting, ' ' ORDER BY name) FROM pg_settings WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit')"
            )
            let listening = try await sql(servers, "SHOW listen_addresses")
            await servers.stop()

            #expect(settings == "fsync=on full_page_writes=on synchronous_commit=on")
            #expect(listening.isEmpty)
        }
    }

    @Test func `redis keeps nothing and evicts nothing`() async throws {
        try await withScratch { scratch in
            let servers = try await LocalServers.start(dataDirectory: scratch, options: .init(postgres: false))
            _ = try await redis(servers, "SET", "a", "1")

            await servers.stopRedis()
            try await servers.startRedis()

            #expect(try await redis(servers, "DBSIZE") == "0")
            #expect(try await redis(servers, "CONFIG", "GET", "maxmemory-policy").hasSuffix("noeviction"))
            await servers.stop()
        }
    }

    @Test func `redis over TCP wants its password`() async throws {
        try await withScratch { scratch in
            let servers = try await LocalServers.start(dataDirectory: scratch, options: .init(postgres: false, redisOverTCP: true))
            let url = try #require(URLComponents(string: servers.redisURL))
            let port = try #require(url.port)

            let without = try await run(["/usr/bin/redis-cli", "-p", "\(port)", "PING"])
            let with = try await run(["/usr/bin/redis-cli", "-u", servers.redisURL, "--no-auth-warning", "PING"])
            await servers.stop()

            #expect(without.contains("NOAUTH"))
            #expect(with == "PONG")
        }
    }

    @Test func `remove refuses data in use and then leaves nothing`() async throws {
        try await withScratch { scratch in
            let data = scratch + "/data"
            let servers = try await LocalServers.start(dataDirectory: data, options: .test)
            await #expect(throws: LocalServersError.self) { try await LocalServers.remove(dataDirectory: data) }
            await servers.stop()

            try await LocalServers.remove(dataDirectory: data)

            #expect(!FileManager.default.fileExists(atPath: data))
        }
    }
}

private func sql(_ servers: LocalServers, _ statement: String) async throws -> String {
    try await run(["/usr/bin/psql", "-XAtq", "-v", "ON_ERROR_STOP=1", servers.postgresURL, "-c", statement])
}

private func redis(_ servers: LocalServers, _ command: String...) async throws -> String {
    let socket = String(servers.redisURL.dropFirst("unix://".count))
    return try await run(["/usr/bin/redis-cli", "-s", socket] + command)
}

private func socketFolder(_ servers: LocalServers) -> String {
    String(servers.postgresURL.split(separator: "=").last ?? "")
}

private func run(_ command: [String]) async throws -> String {
    let user = ServerUser(id: getuid(), group: getgid(), name: "")
    // Two tests may run the same program at once, each in a folder of its own.
    let folder = NSTemporaryDirectory() + UUID().uuidString
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    return try await Program.run(command, as: user, scratch: folder)
}

private func isRunning(_ pid: Int32) -> Bool {
    guard let status = try? String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8) else { return false }
    return !status.contains("State:\tZ")
}
