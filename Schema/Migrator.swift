import COpenSSL
import Logging
import PostgresClient

/// Brings a database to this binary's schema, one transaction a migration.
///
/// Several may run at once: each step is taken under an advisory lock that ends with its transaction, and only if nobody took it before.
public struct Migrator: Sendable {
    private let pool: PostgresPool
    private let migrations: [Migration]
    private let logger: Logger?

    /// The pool's role must own the schema.
    public init(_ pool: PostgresPool, _ migrations: [Migration] = Migration.all, logger: Logger? = nil) {
        self.pool = pool
        self.migrations = migrations
        self.logger = logger
    }

    /// Applies what is missing, up to number `target` or to the last. Returns what was applied, or with `dryRun` what would be.
    @discardableResult
    public func migrate(to target: Int? = nil, dryRun: Bool = false) async throws -> [Migration] {
        let wanted = migrations.filter { $0.number <= target ?? .max }
        let recorded = try await recorded()
        try check(recorded)
        let missing = wanted.filter { recorded[$0.number] == nil }
        guard !dryRun else { return missing }
        var applied: [Migration] = []
        for migration in missing where try await apply(migration) { applied.append(migration) }
        if let first = applied.first, let last = applied.last {
            logger?.info("Schema brought up to date", metadata: ["from": "\(first.number - 1)", "to": "\(last.number)"])
        }
        return applied
    }
}

/// Why a database cannot be migrated.
public enum MigrationError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The migration was edited after it was applied.
    case changed(number: Int, name: String)
    /// The database has had a migration this binary does not know: it was migrated by a newer one.
    case unknown(number: Int, name: String)

    public var description: String {
        switch self {
        case .changed(let number, let name): "migration \(number) (\(name)) is not the one that was applied"
        case .unknown(let number, let name): "the database has had migration \(number) (\(name)), which this version does not know"
        }
    }
}

extension Migrator {
    private struct Record: Sendable {
        let name: String
        let checksum: String
    }

    /// "kiteline" in ASCII: any number nobody else uses.
    private static let lock: Int64 = 0x6b69_7465_6c69_6e65

    private func recorded() async throws -> [Int: Record] {
        let exists = try await pool.query("SELECT to_regclass('schema_migration') IS NOT NULL")[0].get(0, as: Bool.self)
        guard exists else { return [:] }
        return try Self.records(await pool.query("SELECT number, name, checksum FROM schema_migration"))
    }

    private static func records(_ rows: Rows) throws -> [Int: Record] {
        try rows.reduce(into: [:]) { records, row in
            records[try row.get("number")] = Record(name: try row.get("name"), checksum: try row.get("checksum"))
        }
    }

    private func check(_ records: [Int: Record]) throws {
        let known = Dictionary(uniqueKeysWithValues: migrations.map { ($0.number, $0) })
        for (number, record) in records.sorted(by: { $0.key < $1.key }) {
            guard let migration = known[number] else { throw MigrationError.unknown(number: number, name: record.name) }
            guard migration.checksum == record.checksum else { throw MigrationError.changed(number: number, name: record.name) }
        }
    }

    /// False when somebody else applied it while we waited for the lock.
    private func apply(_ migration: Migration) async throws -> Bool {
        let isApplied = try await pool.transaction(deadline: .seconds(3_600)) { transaction in
            try transaction.execute("SET LOCAL statement_timeout = 0")
            _ = try transaction.query("SELECT pg_advisory_xact_lock(\(Self.lock))")
            try transaction.execute(
                """
                CREATE TABLE IF NOT EXISTS schema_migration (
                    number     integer PRIMARY KEY,
                    name       text NOT NULL,
                    checksum   text NOT NULL,
                    applied_at timestamptz NOT NULL DEFAULT now()
                )
                """)
            let records = try Self.records(transaction.query("SELECT number, name, checksum FROM schema_migration"))
            try check(records)
            guard records[migration.number] == nil else { return false }
            try transaction.execute(migration.sql)
            _ = try transaction.query(
                "INSERT INTO schema_migration (number, name, checksum) VALUES (\(Int32(migration.number)), \(migration.name), \(migration.checksum))"
            )
            return true
        }
        if isApplied { logger?.debug("Migration applied", metadata: ["number": "\(migration.number)", "name": "\(migration.name)"]) }
        return isApplied
    }
}

extension Migration {
    /// SHA-256 of the text, in hexadecimal.
    public var checksum: String {
        let text = Array(sql.utf8)
        var digest = [UInt8](repeating: 0, count: Int(SHA256_DIGEST_LENGTH))
        SHA256(text, text.count, &digest)
        return digest.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    }
}
