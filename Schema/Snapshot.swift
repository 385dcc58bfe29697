import Foundation
import PostgresClient

/// What a database held at one moment.
public struct Snapshot: Sendable {
    public let takenAt: Date
    /// The last migration it has had.
    public let migration: Int
    /// Postgres' own version.
    public let server: String
    /// Of every table, by its name.
    public let rows: [String: Int]
}

extension Snapshot {
    /// Holds one moment of the database while `dump` copies it under the snapshot's number, then counts what it held.
    ///
    /// Nobody waits for it: whoever writes meanwhile writes, and nothing of that is in the snapshot. Dead rows are not removed before it
    /// ends. `dump` runs on the link's own thread and may block it.
    ///
    /// - Parameter pool: of the schema's owner, who must be able to see every tenant's rows; without a limit on statements.
    public static func hold<R: Sendable>(
        _ pool: PostgresPool, _ dump: @Sendable @escaping (_ number: String) throws -> R
    ) async throws -> (snapshot: Snapshot, dumped: R) {
        try await pool.transaction { transaction in
            try transaction.execute(
                """
                SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY;
                SET LOCAL idle_in_transaction_session_timeout = 0
                """)
            let head = try transaction.query(
                """
                SELECT pg_export_snapshot() AS number, clock_timestamp() AS taken_at, current_setting('server_version') AS server,
                    to_regclass('public.schema_migration') IS NOT NULL AS is_ours,
                    (SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user) AS sees_all, current_user::text AS name
                """
            ).first!
            guard try head.get("is_ours", as: Bool.self) else { throw BackupError.notOurs }
            guard try head.get("sees_all", as: Bool.self) else { throw BackupError.blind(user: try head.get("name")) }
            let migration = try transaction.query("SELECT COALESCE(max(number), 0) AS number FROM schema_migration").first!
            let dumped = try dump(try head.get("number"))
            let snapshot = Snapshot(
                takenAt: try head.get("taken_at"), migration: Int(try migration.get("number", as: Int32.self)),
                server: try head.get("server"),
                rows: try transaction.rowCounts())
            return (snapshot, dumped)
        }
    }
}

extension PostgresTransaction {
    /// The rows of every table of ours, partitions each on their own.
    func rowCounts() throws -> [String: Int] {
        let tables = try query(
            "SELECT oid::regclass::text AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' ORDER BY 1")
        return try tables.reduce(into: [:]) { counts, row in
            let name: String = try row.get("name")
            counts[name] = Int(try query("SELECT count(*) AS n FROM \(unescaped: name)").first!.get("n", as: Int64.self))
        }
    }
}

/// Why a database cannot be backed up or restored into.
public enum BackupError: Error, Sendable, Hashable, CustomStringConvertible {
    case notOurs
    case blind(user: String)
    case cannotCount(user: String)
    case notEmpty(tables: Int)
    case inUse(sessions: Int)
    case encoding(String)
    case rolesNotGranted([String], user: String)

    public var description: String {
        switch self {
        case .notOurs: "the database has never been migrated by Kiteline: there is nothing to back up"
        case .blind(let user):
            "the Postgres user \(user) is held back by row security and would copy an empty ledger: name another, or let a superuser run "
                + "ALTER ROLE \(user) BYPASSRLS"
        case .cannotCount(let user):
            "the Postgres user \(user) is held back by row security and could not count what it restored: name another, or let a superuser run "
                + "ALTER ROLE \(user) BYPASSRLS"
        case .notEmpty(let tables):
            "the database is not empty, it has \(tables) tables. A backup goes into a new one: createdb kiteline_restored, and name it with "
                + "--postgres-url; point serve and work to it afterwards"
        case .inUse(let sessions):
            "\(sessions) connections of Kiteline stand on this database: stop serve and work, restore, then start them again"
        case .encoding(let encoding): "the database's encoding is \(encoding): create it with createdb --encoding=UTF8 --template=template0"
        case .rolesNotGranted(let roles, let user):
            "the Postgres user \(user) may not take on \(roles.joined(separator: " and ")), nothing was restored: let a superuser run GRANT "
                + "\(roles.joined(separator: ", ")) TO \(user)"
        }
    }
}
