import Foundation
import PostgresClient
import Schema
import TestSupport
import Testing

@Suite struct MigratorTests {
    private static let first = Migration(1, "first", "CREATE TABLE first (n int8); INSERT INTO first VALUES (1)")
    private static let second = Migration(2, "second", "ALTER TABLE first ADD m int8; CREATE TABLE second (n int8)")

    @Test func `every file of a migration is one that is applied, under its own number and name`() throws {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../Schema")
        let files = try FileManager.default.contentsOfDirectory(atPath: folder.path(percentEncoded: false)).filter { $0.hasSuffix(".sql") }

        let names = Migration.all.map { "\(String($0.number + 10_000).dropFirst())_\($0.name).sql" }

        #expect(names.sorted() == files.sorted() && names == names.sorted())
    }

    @Test func `migrations are applied once, in order, and recorded`() async throws {
        try await withEmptyDatabase { (pool) async throws in
            let migrator = Migrator(pool, [Self.first, Self.second])

            let applied = try await migrator.migrate()
            let again = try await migrator.migrate()

            #expect(applied.map(\.number) == [1, 2])
            #expect(again.isEmpty)
            let rows = try await pool.query(
                "SELECT number, name, checksum, applied_at <= now() AS past FROM schema_migration ORDER BY number")
            let names: [String] = try rows.map { try $0.get("name") }
            #expect(names == ["first", "second"])
            #expect(try rows[0].get("checksum", as: String.self).count == 64)
            #expect(try rows[1].get("past", as: Bool.self))
        }
    }

    @Test func `a target stops there`() async throws {
        try await withEmptyDatabase { (pool) async throws in
            let migrator = Migrator(pool, [Self.first, Self.second])

            #expect(try await migrator.migrate(to: 1).map(\.number) == [1])
            #expect(try await exists(pool, "second") == false)
            #expect(try await migrator.migrate(to: 2).map(\.number) == [2])
            #expect(try await migrator.migrate(to: 1).isEmpty, "there is no way back")
        }
    }

    @Test func `a dry run says what it would do and does nothing`() async throws {
        try await withEmptyDatabase { (pool) async throws in
            let planned = try await Migrator(pool, [Self.first, Self.second]).migrate(dryRun: true)

            #expect(planned.map(\.name) == ["first", "second"])
            #expect(try await exists(pool, "schema_migration") == false)
            #expect(try await exists(pool, "first") == false)
        }
    }

    @Test func `a migration edited afterwards is an error`() async throws {
        try await withEmptyDatabase { (pool) async throws in
            try await Migrator(pool, [Self.first]).migrate()
            let edited = Migration(1, "first", Self.first.sql + " ")

            await #expect(throws: MigrationError.changed(number: 1, name: "first")) {
                try await Migrator(pool, [edited, Self.second]).migrate()
            }
            await #expect(throws: MigrationError.changed(number: 1, name: "first")) {
                try await Migrator(pool, [edited]).migrate(dryRun: true)
            }

            #expect(try await exists(pool, "second") == false)
        }
    }

    @Test func `a database migrated by a newer version is left alone`() async throws {
        try await withEmptyDatabase { (pool) async throws in
            try await Migrator(pool, [Self.first, Self.second]).migrate()

            await #expect(throws: MigrationError.unknown(number: 2, name: "second")) { try await Migrator(pool, [Self.first]).migrate() }
        }
    }

    @Test func `a migration that fails leaves nothing of itself`() async throws {
        try await withEmptyDatabase { (pool) async throws in
            let broken = Migration(2, "broken", "CREATE TABLE second (n int8); SELECT 1 / 0")

            await #expect(throws: PostgresError.self) { try await Migrator(pool, [Self.first, broken]).migrate() }

            #expect(try await exists(pool, "first"), "those before it stay")
            #expect(try await exists(pool, "second") == false)
            #expect(try await Migrator(pool, [Self.first, Self.second]).migrate().map(\.number) == [2])
        }
    }

    @Test func `several at once apply each migration once`() async throws {
        try await withEmptyDatabase(size: 5) { (pool) async throws in
            let applied = try await withThrowingTaskGroup(of: [Migration].self) { group in
                for _ in 0..<5 { group.addTask { try await Migrator(pool, [Self.first, Self.second]).migrate() } }
                return try await group.reduce(into: [Int]()) { $0 += $1.map(\.number) }
            }

            #expect(applied.sorted() == [1, 2])
        }
    }

    @Test func `a migration may take longer than a statement may`() async throws {
        try await withEmptyDatabase(statementTimeout: .milliseconds(100)) { (pool) async throws in
            let slow = Migration(1, "slow", "SELECT pg_sleep(0.3)")

            #expect(try await Migrator(pool, [slow]).migrate().count == 1)
        }
    }

    @Test func `the real schema goes in, and knows itself again`() async throws {
        try await withEmptyDatabase { (pool) async throws in
            #expect(try await Migrator(pool).migrate().count == Migration.all.count)
            #expect(try await Migrator(pool).migrate(dryRun: true).isEmpty)
        }
    }

    @Test func `readings of guards are the engine's to keep, and a rollout that had ended by then still gets its last`() async throws {
        try await withEmptyDatabase { (pool) async throws in
            try await Migrator(pool).migrate(to: 61)
            _ = try await pool.query("INSERT INTO tenant (slug) VALUES ('acme')")
            _ = try await pool.query(
                """
                INSERT INTO ruleset_version (tenant_id, kind, name, version, hash, source, state, actor)
                SELECT id, 'route', 'main', n, 'h', 's', 'draft', 'a' FROM tenant, generate_series(1, 2) n
                """)
            _ = try await pool.query(
                """
                INSERT INTO rollout (tenant_id, kind, name, version, stable_version, state, plan, before_n, before_failures, started_by, ended_at)
                SELECT id, 'route', 'main', 2, 1, 'aborted', '{}', 0, 0, 'a', now() FROM tenant
                """)

            try await Migrator(pool).migrate()

            func says(_ condition: String) async throws -> Bool { try await pool.query("SELECT \(unescaped: condition)")[0].get(0) }
            #expect(try await says("NOT bool_or(read_out) FROM rollout"))
            for (role, right, has) in [
                ("kiteline_app", "SELECT", true), ("kiteline_app", "INSERT", false), ("kiteline_app", "DELETE", false),
                ("kiteline_engine", "INSERT", true), ("kiteline_engine", "DELETE", true), ("kiteline_engine", "UPDATE", false),
            ] {
                #expect(try await says("has_table_privilege('\(role)', 'guard_reading', '\(right)')") == has, "\(role) \(right)")
            }
            #expect(try await says("relforcerowsecurity FROM pg_class WHERE relname = 'guard_reading'"))
            _ = try await pool.query(
                """
                INSERT INTO guard_reading (tenant_id, rollout_id, guard, at, log_evidence, threshold, percent, stable_n, canary_n)
                SELECT tenant_id, id, 'technical', now(), 0, 333, 500, 0, 0 FROM rollout
                """)
            _ = try await pool.query("DELETE FROM rollout")
            #expect(try await says("count(*) = 0 FROM guard_reading"))
        }
    }

    @Test func `what was over before it came in is called so in the clocks that were kept before`() async throws {
        try await withEmptyDatabase { (pool) async throws in
            try await Migrator(pool).migrate(to: 72)
            _ = try await pool.query("INSERT INTO tenant (slug) VALUES ('acme')")
            let clocks = #"[{"clock":"first","levels":[{"level":"a","late_by":9},{"level":"b"}]},{"clock":"quote","levels":[]}]"#
            _ = try await pool.query(
                """
                INSERT INTO clock_subject (tenant_id, subject_type, subject_id, clocks)
                SELECT id, 'lead', n, \(clocks)::text::jsonb FROM tenant, generate_series(1, 2) n
                """)
            _ = try await pool.query(
                """
                INSERT INTO escalation (tenant_id, subject_type, subject_id, clock, level, episode, started_at, due_at, recorded_at, late_by,
                    action, acted, history, told, urgency, job_id)
                SELECT id, 'lead', 1, 'first', 'a', '-infinity', now(), now(), now(), 9, 'notify', false, true, 'untold', 'digest', 1 FROM tenant
                """)

            try await Migrator(pool).migrate()

            func kept(of lead: Int64) async throws -> String {
                try await pool.query("SELECT clocks::text FROM clock_subject WHERE subject_id = \(lead)")[0].get(0)
            }
            let late = #"{"level": "a", "history": true, "late_by": 9}"#
            let first = try await kept(of: 1)
            #expect(first.contains(late), "\(first)")
            #expect(first.replacing(late, with: #"{"level": "a", "late_by": 9}"#) == (try await kept(of: 2)))
        }
    }

    private func exists(_ pool: PostgresPool, _ table: String) async throws -> Bool {
        try await pool.query("SELECT to_regclass(\(table)) IS NOT NULL")[0].get(0)
    }

    private func withEmptyDatabase(
        size: Int = 1, statementTimeout: Duration = .seconds(30), _ body: (PostgresPool) async throws -> Void
    ) async throws {
        let owner = try await Server.pool()
        let name = "empty_\(UInt64.random(in: 0 ... .max))"
        _ = try await owner.query("CREATE DATABASE \(unescaped: name)")
        let url = try await Server.url().replacing("/kiteline?", with: "/\(name)?")
        let pool = PostgresPool(PostgresConfiguration(url: url, statementTimeout: statementTimeout), size: size, logger: Server.logger)
        try await body(pool)
        await pool.close()
        _ = try await owner.query("DROP DATABASE \(unescaped: name) WITH (FORCE)")
        await owner.close()
    }
}
