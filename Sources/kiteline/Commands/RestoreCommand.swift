import ArgumentParser
import DispatchIndex
import Foundation
import Maintenance
import PostgresClient
import Schema

struct RestoreCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore",
        abstract: "Bring a backup back into an empty database.",
        discussion: """
            Checks the backup's SHA-256, makes the roles, copies everything in one transaction with grants and row security as they were, counts \
            every table, applies the migrations this version has beyond it, and begins a new life: jobs that ran wait again, their \
            attempt not counted; claims and outcomes of the old life are refused; numbers go on a million further, those of jobs by 2,000 more for each second since the backup, 500 million at most.

            Stop serve and work first. With KITELINE_REDIS_URL the index is rebuilt from what was restored; name the Redis of this \
            database, whose old content is given up. Without it, the first process that starts rebuilds it.
            """)

    @Argument(help: ArgumentHelp("The backup: a folder that kiteline backup made.", valueName: "backup"))
    var path: String

    @OptionGroup var options: ServerOptions

    @Flag(help: "Print JSON.")
    var json = false

    private struct Answer: Encodable {
        let backup: String
        let takenAt: String
        let tables: Int
        let rows: Int
        let migrated: [Int]
        let liveJobs: Int
        let takenBack: Int
        let epoch: Int64
        let index: String
    }

    func run() async throws {
        let settings = try options.settings()
        let backup = try Backup(in: path)
        guard let takenAt = try? Date(backup.manifest.takenAt, strategy: .iso8601) else {
            throw SetUpError("\(path) does not say of when it is: \(backup.manifest.takenAt)")
        }
        let tool = try PostgresTool.find("pg_restore")
        let usesRedis = isRedisOfTheSame(settings)
        // Asked for first: a Redis that does not answer is better known before than after.
        let known = usesRedis ? try await index(settings) : 0
        let (migrated, beginning) = try await withOwner(settings, as: "kiteline restore", statementTimeout: .zero) { pool in
            let restoring = Restoring(pool)
            try await restoring.check()
            try backup.verify()
            try await restoring.makeRoles()
            try await copy(backup, tool, PostgresConfiguration(url: try settings.text(.postgresURL)), pool)
            try compare(backup.manifest.rows, try await restoring.rows())
            let migrated = try await Migrator(pool).migrate()
            let beginning = try await restoring.begin(
                beyond: known, since: takenAt, chance: .random(in: 0..<1_000), by: commandLine,
                note: "backup of \(backup.manifest.takenAt), SHA-256 \(backup.manifest.sha256)")
            return (migrated.map(\.number), beginning)
        }
        if usesRedis { try await rebuild(settings) }
        show(backup, migrated, beginning, hasIndex: usesRedis)
    }

    /// All of it, or nothing. In a thread of its own, which it may block.
    private func copy(_ backup: Backup, _ tool: PostgresTool, _ configuration: PostgresConfiguration, _ pool: PostgresPool) async throws {
        let database: String = try await pool.query("SELECT current_database()::text")[0].get(0)
        let server = try configuration.toolEnvironment(database: database)
        let arguments = [
            "--single-transaction", "--exit-on-error", "--no-owner", "--no-password", "--dbname=\(server.connection)", backup.data,
        ]
        try await withCheckedThrowingContinuation { (done: CheckedContinuation<Void, any Error>) in
            DispatchQueue(label: "kiteline.restore").async {
                done.resume(with: Result { try tool.run(arguments, server.variables) })
            }
        }
    }

    private func compare(_ kept: [String: Int], _ found: [String: Int]) throws {
        let different = Set(kept.keys).union(found.keys).filter { kept[$0] != found[$0] }.sorted()
        guard different.isEmpty else {
            let first = different.prefix(3).map { "\($0) has \(found[$0] ?? 0) rows instead of \(kept[$0] ?? 0)" }
            throw Failure("what was restored is not what was kept: " + first.joined(separator: "; ") + ". Use none of it: dropdb")
        }
    }

    /// The Redis of a `kiteline dev` that runs here belongs to that one's database.
    private func isRedisOfTheSame(_ settings: Settings) -> Bool {
        guard let redis = settings.value(of: .redisURL) else { return false }
        if case .dev = redis.source { return settings.value(of: .postgresURL)?.source == redis.source }
        return true
    }

    /// The epoch of the index there is.
    private func index(_ settings: Settings) async throws -> Int64 {
        try await Engine.with(settings) { engine in
            switch try await engine.dispatch.life().life {
            case .missing: 0
            case .building(let epoch), .open(let epoch): epoch
            }
        }
    }

    private func rebuild(_ settings: Settings) async throws {
        try await Engine.with(settings) { engine in
            try await IndexKeeper(ledger: engine.ledger, dispatch: engine.dispatch, patience: .seconds(30), logger: engine.logger).run()
        }
    }

    private func show(_ backup: Backup, _ migrated: [Int], _ beginning: Restoring.Beginning, hasIndex: Bool) {
        let manifest = backup.manifest
        let rows = manifest.rows.values.reduce(0, +)
        if json {
            return printJSON(
                Answer(
                    backup: backup.folder, takenAt: manifest.takenAt, tables: manifest.rows.count, rows: rows, migrated: migrated,
                    liveJobs: beginning.live, takenBack: beginning.takenBack, epoch: beginning.epoch,
                    index: hasIndex ? "rebuilt" : "missing"))
        }
        print("restored \(backup.folder), as of \(manifest.takenAt): \(rows) rows of \(manifest.rows.count) tables, every table counted")
        for number in migrated { print("applied migration \(number)") }
        print("\(beginning.live) jobs have not ended; \(beginning.takenBack) of them were running and wait again")
        print(
            hasIndex
                ? "The index in Redis is rebuilt. Start serve and work."
                : "The index in Redis is not: it is derived, and the first serve or work that starts rebuilds it.")
        print("Check the audit log with kiteline audit verify. Connectors need the KITELINE_SECRET_KEY of the backup's time.")
    }
}

/// The answer of a command that was asked for JSON.
func printJSON(_ answer: some Encodable) {
    do { print(try JSON.text(answer)) } catch { preconditionFailure("what commands answer can be encoded: \(error)") }
}
