import Foundation
import PostgresClient
import Records
import Schema

/// Looks at Postgres as Kiteline needs it.
struct PostgresCheckUp {
    private let settings: Settings

    init(_ settings: Settings) { self.settings = settings }

    func findings() async -> [Finding] {
        do {
            return try await withOwner(settings) { pool in
                try await server(pool) + roles(pool) + [try await clock(pool), await schema(pool)]
            } + [await liveRules()] + sealedSecrets()
        } catch {
            return [.wrong("postgres", "\(error)", ConnectionAdvice.postgres(error))]
        }
    }

    private func server(_ pool: PostgresPool) async throws -> [Finding] {
        let row = try await pool.query(
            """
            SELECT current_setting('server_version') AS version, current_setting('server_version_num')::int8 AS number,
                current_setting('server_encoding') AS encoding, current_setting('max_connections')::int8 AS connections,
                current_setting('fsync') AS fsync, current_setting('full_page_writes') AS full_page_writes,
                current_setting('synchronous_commit') AS synchronous_commit
            """)[0]
        let version: String = try row.get("version")
        let number: Int = try row.get("number")
        let encoding: String = try row.get("encoding")
        let connections: Int = try row.get("connections")
        let needed = try settings.count(.enginePool) + settings.count(.appPool) + 2
        let durability = try ["fsync", "full_page_writes", "synchronous_commit"].map { name in
            let value: String = try row.get(name)
            let isOn = name == "synchronous_commit" ? ["on", "remote_apply", "remote_write"].contains(value) : value == "on"
            return Finding.judge("postgres \(name)", value, isOn, "an accepted job can be lost: set \(name) = on")
        }
        return [
            .judge("postgres version", version, number >= 150_000, "Kiteline needs 15 or later"),
            .judge("postgres encoding", encoding, encoding == "UTF8", "create the database with ENCODING 'UTF8'"),
            .judge(
                "postgres connections", "\(connections), \(needed) for each process", connections >= 2 * needed, else: .doubtful,
                "raise max_connections, or lower KITELINE_ENGINE_POOL and KITELINE_APP_POOL"),
        ] + durability
    }

    /// The two roles that do all the work must be there and be ours to take, and row security must hold them.
    private func roles(_ pool: PostgresPool) async throws -> [Finding] {
        let rows = try await pool.query(
            """
            SELECT rolname::text AS name, rolsuper OR rolbypassrls AS bypasses, \(unescaped: PostgresConfiguration.mayTakeOn) AS is_ours, current_user::text AS us
            FROM pg_roles WHERE rolname LIKE 'kiteline\\_%'
            """)
        let bypasses = try rows.reduce(into: [:]) { $0[try $1.get("name", as: String.self)] = try $1.get("bypasses", as: Bool.self) }
        let strange = try rows.filter { try !$0.get("is_ours", as: Bool.self) }.map { try $0.get("name", as: String.self) }
        let us = try rows.first?.get("us", as: String.self) ?? ""
        return ["kiteline_engine", "kiteline_app"].map { role in
            switch bypasses[role] {
            case nil: .wrong("role \(role)", "missing", "run: kiteline migrate")
            case _? where strange.contains(role): .wrong("role \(role)", "not granted to \(us)", "GRANT \(role) TO \(us)")
            case true?: .wrong("role \(role)", "can bypass row security", "ALTER ROLE \(role) NOSUPERUSER NOBYPASSRLS")
            case false?: .good("role \(role)", "held by row security")
            }
        }
    }

    /// Due times are compared with the server's clock.
    private func clock(_ pool: PostgresPool) async throws -> Finding {
        let before = Date()
        let theirs: Date = try await pool.query("SELECT clock_timestamp() AS now")[0].get("now")
        let middle = before.addingTimeInterval(Date().timeIntervalSince(before) / 2)
        let apart = abs(theirs.timeIntervalSince(middle))
        return .judge(
            "clock", String(format: "%.0f ms from the database's", apart * 1_000), apart < 1, else: .doubtful,
            "synchronise the clocks of both machines")
    }

    private func schema(_ pool: PostgresPool) async -> Finding {
        do {
            let missing = try await Migrator(pool).migrate(dryRun: true)
            let found = missing.isEmpty ? "this version's" : "\(missing.count) migrations are missing"
            return .judge("schema", found, missing.isEmpty, "run: kiteline migrate")
        } catch {
            return .wrong("schema", "\(error)", "use the version of Kiteline that migrated this database, or a later one")
        }
    }

    /// What is live and no longer read would hold its tenant's leads, what is rolled out would be taken back: to be known before this version
    /// takes over.
    private func liveRules() async -> Finding {
        let check = "live rules"
        do {
            let (unreadable, readable) = try await asEngine { try await $0.readingLiveRules() }
            guard let first = unreadable.first else { return .good(check, "all \(readable) are read by this version") }
            let more = unreadable.count > 1 ? ", and \(unreadable.count - 1) more" : ""
            return .wrong(
                check, "\(first)\(more)",
                "publish them anew before this version takes over: what they decide would wait (rules check tells the faults); what is rolled out "
                    + "would be taken back")
        } catch {
            return .judge(check, "not looked at: \(error)", false, else: .doubtful, "run: kiteline migrate")
        }
    }

    /// What another key sealed, this one does not open: a process with it takes such connectors for broken. None where no key is set, which is
    /// a finding of its own.
    private func sealedSecrets() async -> [Finding] {
        guard let box = settings.secretBox else { return [] }
        let check = "sealed secrets"
        do {
            let (closed, opened) = try await asEngine { try await $0.tryingSealedSecrets(box) }
            guard let first = closed.first else {
                return [.good(check, opened == 0 ? "none is kept" : "all \(opened) are opened by this key")]
            }
            return [
                .wrong(
                    check, "\(closed.count) of \(closed.count + opened) connectors were sealed with another key, such as \(first)",
                    "set the KITELINE_SECRET_KEY they were sealed with, or put them again with their secrets")
            ]
        } catch {
            return [.judge(check, "not looked at: \(error)", false, else: .doubtful, "run: kiteline migrate")]
        }
    }

    /// As the role that sees every tenant once it names it.
    private func asEngine<R>(_ body: (PostgresPool) async throws -> R) async throws -> R {
        let pool = PostgresPool(
            PostgresConfiguration(url: try settings.text(.postgresURL), role: "kiteline_engine"), size: 1,
            logger: settings.logger("kiteline"))
        let result: Result<R, any Error>
        do { result = .success(try await body(pool)) } catch { result = .failure(error) }
        await pool.close()
        return try result.get()
    }
}
