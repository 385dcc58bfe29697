import Benchmarks
import Foundation
import Jobs
import Ledger
import PostgresClient
import RedisClient
import Synchronization
import Tenancy
import TestSupport
import Testing

@testable import kiteline

/// A fleet to be backed up, and databases to restore into, on the servers all tests share.
final class BackupScene: Sendable {
    struct Place: Sendable {
        let name: String
        let url: String
        let redisURL: String
        let keyPrefix: String
    }

    let engine: Engine
    let tenant: TenantID
    /// The one that is backed up.
    let database: Place
    let scratch: String
    private let fleets = Mutex<[String: ProgramProcesses]>([:])
    private let made = Mutex<[String]>([])

    var backups: String { scratch + "/backups" }
    /// A Postgres user of this test's own, where it needs one.
    var login: String { "login_\(database.name)" }

    static func with(_ body: (BackupScene) async throws -> Void) async throws {
        let scene = try await BackupScene()
        let result: Result<Void, any Error>
        do { result = .success(try await body(scene)) } catch { result = .failure(error) }
        await scene.stop()
        await scene.engine.postgres.close()
        await scene.engine.redis.close()
        for name in scene.made.withLock({ $0 }) + [scene.database.name] {
            try? await scene.administer("DROP DATABASE IF EXISTS \(name) WITH (FORCE)")
        }
        try? FileManager.default.removeItem(atPath: scene.scratch)
        try result.get()
    }

    private init() async throws {
        engine = try await Engine()
        tenant = try await engine.tenant()
        let own = engine.database
        database = Place(name: own.name, url: own.url, redisURL: own.redisURL, keyPrefix: own.keyPrefix)
        scratch = "/tmp/kiteline-backup-test-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: scratch, withIntermediateDirectories: false)
    }

    // MARK: Jobs

    func probe(_ key: String, _ more: String = "", runAt: Date? = nil) -> NewJob {
        NewJob(tenant: tenant, kind: "probe", arguments: Array(#"{"effect_key":"\#(key)"\#(more)}"#.utf8), runAt: runAt)
    }

    func enqueue(_ jobs: [NewJob]) async throws -> [Int64] { try await engine.enqueue(jobs).map(\.rawValue) }

    /// Three jobs that wait, and a backup of them.
    func backup() async throws -> String {
        _ = try await enqueue((0..<3).map { probe("b\($0)") })
        let made = try await run("backup", backups, "--json", on: database)
        try #require(made.status == 0, "\(made.errors)")
        return String(try #require(made.output.firstMatch(of: /"folder":"([^"]+)"/)).1)
    }

    /// Those three, claimed and begun.
    func begun() async throws -> [Attempt] {
        var attempts: [Attempt] = []
        try await expectSoon {
            attempts += try await self.engine.begin()
            return attempts.count == 3
        }
        return attempts
    }

    /// As if the index had had many lives.
    func setIndexEpoch(_ epoch: Int) async throws {
        let key = try await engine.redis.send(["KEYS", RedisArgument("\(database.keyPrefix)*:ep")]).array?.first?.string
        _ = try await engine.redis.send(["SET", RedisArgument(try #require(key)), RedisArgument("\(epoch)")])
    }

    // MARK: Databases

    func emptyDatabase() async throws -> Place {
        let name = "restored_\(UUID().uuidString.prefix(8).lowercased())"
        try await administer("CREATE DATABASE \(name)")
        made.withLock { $0.append(name) }
        return Place(
            name: name, url: database.url.replacing("/\(database.name)", with: "/\(name)"), redisURL: database.redisURL,
            keyPrefix: database.keyPrefix)
    }

    private func administer(_ sql: String) async throws {
        let place = Place(
            name: "postgres", url: database.url.replacing("/\(database.name)", with: "/postgres"), redisURL: "", keyPrefix: "")
        _ = try await query(Statement(sql, []), in: place)
    }

    @discardableResult
    func query(_ statement: Statement, in place: Place) async throws -> Rows {
        let pool = PostgresPool(PostgresConfiguration(url: place.url, applicationName: "test"), size: 1, logger: engine.logger)
        let result: Result<Rows, any Error>
        do { result = .success(try await pool.query(statement)) } catch { result = .failure(error) }
        await pool.close()
        return try result.get()
    }

    func count(_ from: String, in place: Place) async throws -> Int {
        Int(try await query(Statement("SELECT count(*) AS n FROM \(from)", []), in: place).first!.get("n", as: Int64.self))
    }

    func ids(_ table: String, in place: Place) async throws -> [Int64] {
        try await query(Statement("SELECT id FROM \(table) ORDER BY id", []), in: place).map { try $0.get("id") }
    }

    /// What a question about the catalogue answers, line by line.
    func lines(_ question: String, in place: Place) async throws -> [String] {
        try await query(Statement(question, []), in: place).map {
            "\(try $0.get("name", as: String.self)): \(try $0.get("value", as: String?.self) ?? "")"
        }
    }

    // MARK: Programs

    private func settings(_ place: Place) -> [String: String] {
        [
            "KITELINE_POSTGRES_URL": place.url, "KITELINE_REDIS_URL": place.redisURL, "KITELINE_REDIS_NAMESPACE": place.keyPrefix,
            "KITELINE_ENGINE_POOL": "2", "KITELINE_APP_POOL": "1",
        ]
    }

    /// Starts a worker.
    func work(on place: Place? = nil) throws {
        let place = place ?? database
        let fleet = ProgramProcesses(
            executable: ProgramRun.program, arguments: ["work"], environment: settings(place), log: "\(scratch)/work.log")
        try fleet.start()
        fleets.withLock { $0[place.name] = fleet }
    }

    /// Workers stand still, holding what they run.
    func pause() throws { for fleet in fleets.withLock({ $0 }).values { for pid in fleet.pids { kill(pid, SIGSTOP) } } }
    func resume() throws { for fleet in fleets.withLock({ $0 }).values { for pid in fleet.pids { kill(pid, SIGCONT) } } }
    func stop() async { for fleet in fleets.withLock({ $0 }).values { await fleet.stop(within: .zero) } }

    func run(_ arguments: String..., on place: Place, environment: [String: String] = [:]) async throws -> ProgramRun.Result {
        try await ProgramRun(arguments, in: scratch, environment: settings(place).merging(environment) { $1 }).end(within: .seconds(300))
    }

    func start(_ arguments: String..., environment: [String: String] = [:]) throws -> ProgramRun {
        try ProgramRun(arguments, in: scratch, environment: settings(database).merging(environment) { $1 })
    }

    func backupNames() throws -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: backups)) ?? []).filter { !$0.hasPrefix(".") }.sorted()
    }

    // MARK: Tools

    func real(_ name: String) throws -> String { try PostgresTool.find(name, path: "/usr/bin").path }

    /// A program of this name that does something else. Returns a PATH in which it comes first.
    func tool(_ name: String, _ script: String) throws -> String {
        let folder = "\(scratch)/tools-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try "#!/bin/sh\n\(script)\n".write(toFile: "\(folder)/\(name)", atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: "\(folder)/\(name)")
        return "\(folder):/usr/bin:/bin"
    }

    /// Holds `pg_dump` up until it is opened.
    struct Gate: Sendable {
        let path: String
        let folder: String
        var isReached: Bool { FileManager.default.fileExists(atPath: "\(folder)/reached") }
        func open() throws { try "".write(toFile: "\(folder)/open", atomically: true, encoding: .utf8) }
    }

    func gate() throws -> Gate {
        let folder = "\(scratch)/gate-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let path = try tool(
            "pg_dump",
            "touch '\(folder)/reached'; while [ ! -e '\(folder)/open' ]; do sleep 0.02; done; exec '\(try real("pg_dump"))' \"$@\"")
        return Gate(path: path, folder: folder)
    }
}
