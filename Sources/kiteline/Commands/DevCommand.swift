import ArgumentParser
import Foundation
import LocalServers
import Logging
import Schema
import ServiceLifecycle
import Worker

struct DevCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dev",
        abstract: "Run everything in one process, with a private Postgres and Redis.",
        discussion: """
            Starts the servers as child processes with their data under the folder, migrates, serves and works. Writes FOLDER/ready.json \
            when ready; other commands started beside the folder find it there. Ctrl-C or SIGTERM stops everything it started; \
            so does its own death, however it dies. A second start finds all data again.
            """)

    @Option(help: ArgumentHelp("The folder the data is kept in.", valueName: "folder"))
    var dataDir = ".kiteline"

    @OptionGroup var listening: ListenOptions

    @Option(help: ArgumentHelp("Workers in this process (1 to 64).", valueName: "k"))
    var workers = 1

    @Flag(help: "Serve only; jobs wait for `kiteline work`.")
    var noWorker = false

    @Flag(help: "Make three companies with sellers, rules and a stream of leads, show who gets them and why, and tell two stories.")
    var demo = false

    @Flag(help: "With --demo: end when its stories are told.")
    var once = false

    @OptionGroup var common: CommonOptions

    func validate() throws {
        guard !dataDir.isEmpty else { throw ValidationError("--data-dir is empty; name a folder, such as .kiteline") }
        guard (1...64).contains(workers) else { throw ValidationError("--workers is from 1 to 64") }
        guard !once || demo else { throw ValidationError("--once ends the demo; add --demo") }
        guard !demo || !noWorker else { throw ValidationError("--demo needs a worker; leave --no-worker out") }
    }

    func run() async throws {
        var settings = try common.settings(listening.flags)
        let logger = settings.logger("kiteline")
        let servers = try await LocalServers.start(dataDirectory: dataDir, logger: logger)
        // One left by a crash would send others to servers that are gone.
        ReadyFile.remove(in: dataDir)
        let result: Result<Void, any Error>
        do {
            try settings.set(.postgresURL, to: servers.postgresURL, from: .dev(dataDir))
            try settings.set(.redisURL, to: servers.redisURL, from: .dev(dataDir))
            if settings.optional(.secretKey) == nil { try settings.set(.secretKey, to: SecretKey.find(in: dataDir), from: .dev(dataDir)) }
            try await withOwner(settings) { _ = try await Migrator($0, logger: logger).migrate() }
            result = .success(try await run(on: servers, settings))
        } catch { result = .failure(error) }
        ReadyFile.remove(in: dataDir)
        await servers.stop()
        try result.get()
    }

    private func run(on servers: LocalServers, _ settings: Settings) async throws {
        try await Engine.with(settings, role: "dev") { engine in
            let key = try await PlatformKey.find(in: dataDir, engine.records)
            let announcement = Announcement(dataDir, servers, platformKey: key, settings)
            let host = try settings.text(.host)
            let (addresses, address) = AsyncStream.makeStream(of: String.self)
            let server = try engine.server { port in
                let url = localURL(host: host, port: port)
                let link = try? await ConsoleLink.make(engine.records, key: key, at: url, for: ConsoleLink.aDay)
                announcement.publish(url: url, console: link, engine.logger)
                address.yield(url)
            }
            let needed: [any Service] =
                engine.exporting
                + [ServerKeeper(servers, announcement, engine.logger), try engine.maintenance(noWorker ? .pushing : .full)]
            // They are stopped from the last to the first: no new requests, then the running jobs, then what they need.
            var group = needed.map { ServiceGroupConfiguration.ServiceConfiguration(service: $0) }
            for _ in 0..<(noWorker ? 0 : workers) {
                let kinds = try engine.kinds(named: nil)
                group.append(.init(service: WorkerKeeper { try engine.worker(kinds: kinds) }))
            }
            group.append(.init(service: server))
            if demo {
                let demo = DemoService(addresses: addresses) {
                    Demo(remote: Remote(url: $0, key: key, tenant: nil), records: engine.records)
                } afterwards: { [once] url in
                    guard !once else { return }
                    // The first link has scrolled away, and may have been used.
                    let link = try? await ConsoleLink.make(engine.records, key: key, tenant: Demo.first, at: url, for: ConsoleLink.aDay)
                    print("\nThe demo is over; Kiteline runs until Ctrl-C. See for yourself; on top are the other companies:")
                    print("\n  \(link ?? url + "/console/")\n")
                    fflush(nil)
                }
                group.append(
                    .init(
                        service: demo, successTerminationBehavior: once ? .gracefullyShutdownGroup : .ignore,
                        failureTerminationBehavior: .gracefullyShutdownGroup))
            }
            try await listening.explaining(settings) { [group] in
                try await ServiceGroup(
                    configuration: .init(services: group, gracefulShutdownSignals: [.sigterm, .sigint], logger: engine.logger)
                ).run()
            }
        }
    }
}

/// Starts a worker anew that ended because somebody asked it to drain, as a service manager does with a process of its own.
private struct WorkerKeeper: Service {
    let start: @Sendable () throws -> Worker

    func run() async throws {
        repeat { try await start().run() } while !Task.isShuttingDownGracefully && !Task.isCancelled
    }
}

/// Under which address this machine finds what listens on `host`.
func localURL(host: String, port: Int) -> String {
    // Who listens on every address is not called there.
    let called = ["0.0.0.0": "127.0.0.1", "::": "::1"][host] ?? host
    return "http://\(called.contains(":") ? "[\(called)]" : called):\(port)"
}
