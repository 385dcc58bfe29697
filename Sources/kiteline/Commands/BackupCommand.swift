import ArgumentParser
import Foundation
import PostgresClient
import Schema

struct BackupCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup",
        abstract: "Back everything up as it is at one moment, while work goes on.",
        discussion: """
            Makes FOLDER/kiteline-TIME with the data, as pg_dump writes them, and a manifest: version, migration, time, SHA-256, rows of \
            each table. It is of one moment: what was accepted before is in it. Nobody waits for it. It appears under its name when \
            it is whole and on the disk.

            Not in it: Redis, which is rebuilt; roles, which restore makes; and KITELINE_SECRET_KEY, without which connectors' \
            secrets are lost: keep that apart. The Postgres user must see every tenant's rows (a superuser, or BYPASSRLS).
            """)

    @Argument(help: ArgumentHelp("Where backups are kept; made when it is not there.", valueName: "folder"))
    var folder: String

    @Option(help: ArgumentHelp("Afterwards, remove all but the newest n backups (default: remove none).", valueName: "n"))
    var keep: Int?

    @OptionGroup var options: ServerOptions

    @Flag(help: "Print JSON.")
    var json = false

    func validate() throws {
        guard keep ?? 1 > 0 else { throw ValidationError("--keep is 1 at least") }
    }

    private struct Answer: Encodable {
        let folder: String
        let takenAt: String
        let migration: Int
        let bytes: Int
        let sha256: String
        let rows: [String: Int]
        let removed: [String]
    }

    func run() async throws {
        let settings = try options.settings()
        let configuration = PostgresConfiguration(url: try settings.text(.postgresURL))
        let (dump, restore) = (try PostgresTool.find("pg_dump"), try PostgresTool.find("pg_restore"))
        let backup = try await Backup.make(in: folder, at: Date()) { draft in
            let snapshot = try await withOwner(settings, as: "kiteline backup", statementTimeout: .zero) { pool in
                let database: String = try await pool.query("SELECT current_database()::text")[0].get(0)
                let server = try configuration.toolEnvironment(database: database)
                return try await Snapshot.hold(pool) { number in
                    try dump.run(
                        ["--format=custom", "--no-password", "--snapshot=\(number)", "--dbname=\(server.connection)"], server.variables,
                        take: draft.write)
                }.snapshot
            }
            // What pg_restore cannot read is no backup.
            try restore.run(["--list", draft.path], [:])
            return snapshot
        }
        let removed = try keep.map { try Backup.prune(in: folder, keeping: $0) } ?? []
        show(backup, removed)
    }

    private func show(_ backup: Backup, _ removed: [String]) {
        let manifest = backup.manifest
        if json {
            let answer = Answer(
                folder: backup.folder, takenAt: manifest.takenAt, migration: manifest.migration, bytes: manifest.bytes,
                sha256: manifest.sha256, rows: manifest.rows, removed: removed)
            return printJSON(answer)
        }
        let rows = manifest.rows.values.reduce(0, +)
        print("\(backup.folder): \(manifest.bytes) bytes, \(rows) rows of \(manifest.rows.count) tables, as of \(manifest.takenAt)")
        for folder in removed { print("removed \(folder)") }
        print("KITELINE_SECRET_KEY is not in it: keep it apart.")
    }
}
