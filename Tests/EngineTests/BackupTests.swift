import Foundation
import Jobs
import Ledger
import PostgresClient
import Records
import TestSupport
import Testing

@testable import kiteline

/// `kiteline backup` and `kiteline restore`, as somebody runs them whose fleet is at work.
@Suite(.timeLimit(.minutes(10)))
struct BackupTests {
    @Test func `what was accepted before a backup is in it once, what came later is not, and the restored fleet goes on`() async throws {
        try await BackupScene.with { scene in
            // As of the backup: jobs that ended, one that runs and would for long, jobs that wait, one set aside, one due next year.
            let ended = try await scene.enqueue((0..<40).map { scene.probe("done\($0)") })
            try scene.work()
            try await expectSoon { try await scene.count("job_history", in: scene.database) == 40 }
            let running = try await scene.enqueue([scene.probe("running", #","sleep_ms":600000"#)])
            try await expectSoon { try await scene.count("job_live WHERE state = 'running'", in: scene.database) == 1 }
            try scene.pause()
            let waiting = try await scene.enqueue((0..<200).map { scene.probe("waits\($0)") })
            let later = try await scene.enqueue([scene.probe("later", runAt: Date().addingTimeInterval(365 * 86_400))])
            let accepted = ended + running + waiting + later

            // pg_dump is held up when the moment has been taken, while others go on enqueueing and working.
            let gate = try scene.gate()
            let backup = try scene.start("backup", scene.backups, "--json", environment: ["PATH": gate.path])
            try await expectSoon { gate.isReached }
            try scene.resume()
            let after = try await scene.enqueue((0..<100).map { scene.probe("after\($0)") })
            try await expectSoon {
                try await scene.count("probe_effect WHERE effect_key LIKE 'after%' OR effect_key LIKE 'waits%'", in: scene.database) == 300
            }
            try gate.open()
            let made = try await backup.end(within: .seconds(300))
            try #require(made.status == 0, "\(made.errors)")
            let folder = try #require(made.output.firstMatch(of: /"folder":"([^"]+)"/)).1
            await scene.stop()

            let restored = try await scene.emptyDatabase()
            let result = try await scene.run("restore", String(folder), "--json", on: restored)
            try #require(result.status == 0, "\(result.errors)")
            #expect(result.output.contains(#""index":"rebuilt""#) && result.output.contains(#""taken_back":1"#))
            #expect(result.output.contains(#""live_jobs":202"#))

            // Once each, and nothing of what came later.
            let jobs = try await scene.ids("job", in: restored)
            #expect(jobs == accepted.sorted())
            #expect(try await (scene.ids("job_live", in: restored) + scene.ids("job_history", in: restored)).sorted() == jobs)
            #expect(Set(after).isDisjoint(with: jobs))
            #expect(try await scene.count("probe_effect", in: restored) == 40)

            // The fleet resumes on the restored data: what ran runs again, what waited is done, each once.
            _ = try await scene.query("UPDATE job SET args = args - 'sleep_ms'", in: restored)
            try scene.work(on: restored)
            try await expectSoon { try await scene.count("job_live", in: restored) == 1 }
            let effects = try await scene.query(
                "SELECT count(*) AS n, count(DISTINCT effect_key) AS keys, count(DISTINCT job_id) AS jobs FROM probe_effect", in: restored)
            #expect(try effects.first!.get("n", as: Int64.self) == 241)
            #expect(try effects.first!.get("keys", as: Int64.self) == 241)
            #expect(try effects.first!.get("jobs", as: Int64.self) == 241)
            let history = "SELECT attempt FROM job_history WHERE id = \(running[0])"
            #expect(
                try await scene.query(.init(history), in: restored).first!.get("attempt", as: Int32.self) == 1, "no attempt was charged")

            let audit = try await scene.run("audit", "verify", "--json", on: restored)
            #expect(audit.status == 0 && audit.output.contains(#""sound":true"#), "\(audit.output)")
        }
    }

    @Test func `grants, row security, policies and functions are as migrations make them`() async throws {
        try await BackupScene.with { scene in
            let backup = try await scene.backup()
            let restored = try await scene.emptyDatabase()
            try #require(try await scene.run("restore", backup, on: restored).status == 0)

            let questions = [
                """
                SELECT relname::text AS name, concat_ws(' ', relkind, relrowsecurity, relforcerowsecurity, relacl::text, reloptions::text) AS value
                FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY 1
                """,
                "SELECT concat_ws(' ', tablename, policyname) AS name, concat_ws(' ', cmd, roles::text, qual, with_check) AS value FROM pg_policies ORDER BY 1",
                """
                SELECT oid::regprocedure::text AS name, concat_ws(' ', prosecdef, proconfig::text, proacl::text, md5(prosrc)) AS value
                FROM pg_proc WHERE pronamespace = 'public'::regnamespace ORDER BY 1
                """,
                """
                SELECT tgrelid::regclass::text || ' ' || tgname AS name, pg_get_triggerdef(oid) AS value
                FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1
                """,
                "SELECT conrelid::regclass::text || ' ' || conname AS name, pg_get_constraintdef(oid) AS value FROM pg_constraint WHERE connamespace = 'public'::regnamespace ORDER BY 1",
                "SELECT indexname::text AS name, indexdef AS value FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1",
            ]
            for question in questions {
                let (old, new) = (try await scene.lines(question, in: scene.database), try await scene.lines(question, in: restored))
                #expect(old.count > 5)
                #expect(old == new)
            }
            // And they hold: without a tenant the application sees nothing.
            let application = PostgresPool(
                PostgresConfiguration(url: restored.url, role: "kiteline_app"), size: 1, logger: scene.engine.logger)
            let seen = try await application.query("SELECT count(*) AS n FROM job").first!.get("n", as: Int64.self)
            await application.close()
            #expect(seen == 0)
            #expect(try await scene.count("job", in: restored) == 3)
        }
    }

    @Test func `what was claimed, numbered or indexed in the life after the backup means nothing in the restored one`() async throws {
        try await BackupScene.with { scene in
            let backup = try await scene.backup()
            // In the life that is given up: a job is claimed and would be settled, another is accepted, the index begins two lives.
            let attempts = try await scene.begun()
            let accepted = try await scene.enqueue([scene.probe("lost")])
            try await scene.setIndexEpoch(5_000)

            let restored = try await scene.emptyDatabase()
            try #require(try await scene.run("restore", backup, "--redis-url", scene.database.redisURL, on: restored).status == 0)
            let pool = PostgresPool(PostgresConfiguration(url: restored.url, role: "kiteline_engine"), size: 2, logger: scene.engine.logger)
            let ledger = Ledger(postgres: pool, effects: RecordsEffectWriter(), logger: scene.engine.logger)

            // The same numbers, under the same fences, were the fences what they were.
            _ = try await pool.query("UPDATE job_live SET state = 'running', attempt = 1, fence = fence + 1")
            let settled = try await ledger.settle(
                attempts.map { scene.engine.settlement($0, .completed("done", [ProbeEffect(key: "old")])) })
            #expect(settled.done.isEmpty && settled.lost.count == attempts.count)
            let next = try await ledger.enqueue([scene.probe("new")])
            #expect(next[0].rawValue > accepted[0] + 900_000)
            #expect(try await ledger.epoch().epoch > 5_000)
            await pool.close()
        }
    }

    @Test func `events and webhooks go on from where they stood, whatever the numbers of the old server's transactions`() async throws {
        try await BackupScene.with { scene in
            // A server that had seen many more transactions than the one that is restored to.
            for statement in [
                "INSERT INTO event_listener (tenant_id, until, since_tx, since_id) SELECT id, now() + interval '1 day', '9000000000000', 0 FROM tenant",
                "INSERT INTO event (tenant_id, type, body, tx) SELECT id, 'test', '{}', ('900000000000' || n)::xid8 FROM tenant, generate_series(1, 3) n",
                """
                INSERT INTO connector (tenant_id, name, kind, place, enabled, settings, secrets, secret_names, dependency, seen_tx, seen_id)
                SELECT e.tenant_id, 'hook', 'webhook', 1, true, '{}', '', '{}', 'webhook/hook', e.tx::text::bigint, e.id FROM event e WHERE e.type = 'test' ORDER BY e.id LIMIT 1
                """,
                "INSERT INTO api_key (role, hint, hash) VALUES ('platform', 'test', '\\x01')",
                "INSERT INTO console_session (key_id, hash, expires_at) SELECT id, '\\x01', now() + interval '1 day' FROM api_key LIMIT 1",
            ] { try await scene.query(Statement(statement, []), in: scene.database) }
            let backup = try await scene.backup()
            let restored = try await scene.emptyDatabase()

            try #require(try await scene.run("restore", backup, "--redis-url", scene.database.redisURL, on: restored).status == 0)
            try await scene.query("INSERT INTO event (tenant_id, type, body) SELECT id, 'test', '{}' FROM tenant", in: restored)

            // Those the webhook had not seen, and the new one; none that no listener is kept for.
            let unseen =
                "event e JOIN connector c USING (tenant_id) WHERE (e.tx, e.id) > (c.seen_tx::text::xid8, c.seen_id) AND e.type = 'test'"
            #expect(try await scene.count(unseen, in: restored) == 3)
            let kept = "event e JOIN event_listener l USING (tenant_id) WHERE (e.tx, e.id) > (l.since_tx, l.since_id) AND e.type = 'test'"
            #expect(try await scene.count(kept, in: restored) == 4)
            #expect(try await scene.count("event WHERE tx >= '900000000000'::xid8", in: restored) == 0)
            #expect(try await scene.count("console_session", in: restored) == 0)
        }
    }

    @Test func `a restore goes into an empty database only, and only a whole backup of a known version`() async throws {
        try await BackupScene.with { scene in
            let backup = try await scene.backup()
            let full = try await scene.run("restore", backup, on: scene.database)
            #expect(full.status == 2 && full.errors.contains("not empty") && full.errors.contains("createdb"), "\(full.errors)")

            let none = try await scene.run("restore", scene.scratch, on: scene.database)
            #expect(none.status == 2 && none.errors.contains("is no backup"))

            let restored = try await scene.emptyDatabase()
            let data = URL(filePath: "\(backup)/data.dump")
            let whole = try Data(contentsOf: data)
            for damaged in [
                whole.dropLast(1), whole.prefix(whole.count / 2) + [whole[whole.count / 2] ^ 1] + whole.dropFirst(whole.count / 2 + 1),
            ] {
                try Data(damaged).write(to: data)
                let result = try await scene.run("restore", backup, on: restored)
                #expect(result.status == 1 && result.errors.contains("data.dump"), "\(result.errors)")
            }
            try whole.write(to: data)
            let manifest = try String(contentsOfFile: "\(backup)/manifest.json", encoding: .utf8)
            try manifest.replacing(/"migration":\d+/, with: #""migration":9999"#).write(
                toFile: "\(backup)/manifest.json", atomically: true, encoding: .utf8)
            let newer = try await scene.run("restore", backup, on: restored)
            #expect(newer.status == 2 && newer.errors.contains("migration 9999"))
            try manifest.replacing(/"job_live":\d+/, with: "\"job_live\":77").write(
                toFile: "\(backup)/manifest.json", atomically: true, encoding: .utf8)
            // None of the refusals left anything behind: the database is still empty. What does not count up is said.
            let counted = try await scene.run("restore", backup, on: restored)
            #expect(counted.status == 1 && counted.errors.contains("is not what was kept"), "\(counted.errors)")
        }
    }

    @Test func `a half-made backup has no name, old ones go, and the tools are named where they are missing`() async throws {
        try await BackupScene.with { scene in
            let gate = try scene.gate()
            let killed = try scene.start("backup", scene.backups, environment: ["PATH": gate.path])
            try await expectSoon { gate.isReached }
            killed.send(SIGKILL)
            _ = try await killed.end(within: .seconds(300))
            try gate.open()
            #expect(try scene.backupNames().isEmpty)

            let broken = try scene.tool("pg_dump", "echo 'no space' >&2; exit 1")
            let failed = try await scene.run("backup", scene.backups, on: scene.database, environment: ["PATH": broken])
            #expect(failed.status == 1 && failed.errors.contains("no space"))
            #expect(try scene.backupNames().isEmpty)

            for name in ["kiteline-20200101T000000Z", "kiteline-20210101T000000Z"] {
                let folder = "\(scene.backups)/\(name)"
                try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
                try "{}".write(toFile: "\(folder)/manifest.json", atomically: true, encoding: .utf8)
            }
            try FileManager.default.createDirectory(atPath: "\(scene.backups)/kiteline-mine", withIntermediateDirectories: true)
            let kept = try await scene.run("backup", scene.backups, "--keep", "2", on: scene.database)
            #expect(kept.status == 0, "\(kept.errors)")
            let names = try scene.backupNames()
            #expect(names.count == 3 && names.contains("kiteline-mine") && !names.contains("kiteline-20200101T000000Z"))

            let missing = #expect(throws: SetUpError.self) { try PostgresTool.find("pg_nothing") }
            #expect(missing?.description.contains("apt-get install postgresql-client") == true)
        }
    }

    @Test func `a password is in no command line, in no output and in no file of a backup`() async throws {
        try await BackupScene.with { scene in
            let secret = "pa55word-of-the-ledger"
            _ = try await scene.query(
                "CREATE ROLE \(unescaped: scene.login) LOGIN SUPERUSER PASSWORD '\(unescaped: secret)'", in: scene.database)
            let url = scene.database.url.replacing("kiteline@", with: "\(scene.login):\(secret)@")
            let path = try scene.tool(
                "pg_dump",
                "tr '\\0' ' ' < /proc/$$/cmdline >> '\(scene.scratch)/seen'; echo \"$@\" >> '\(scene.scratch)/seen'; "
                    + "test -n \"$PGPASSWORD\" && echo told >> '\(scene.scratch)/seen'; exec \(try scene.real("pg_dump")) \"$@\"")
            let made = try await scene.run(
                "backup", scene.backups, "--json", on: scene.database, environment: ["PATH": path, "KITELINE_POSTGRES_URL": url])
            try #require(made.status == 0, "\(made.errors)")
            let wrong = try await scene.run(
                "backup", scene.backups, on: scene.database,
                environment: ["KITELINE_POSTGRES_URL": url.replacing("/\(scene.database.name)", with: "/nowhere")])
            let seen = try String(contentsOfFile: "\(scene.scratch)/seen", encoding: .utf8)
            _ = try await scene.query("DROP ROLE \(unescaped: scene.login)", in: scene.database)

            #expect(wrong.status != 0)
            #expect(seen.contains("--snapshot=") && seen.contains("told"))
            let folder = String(try #require(made.output.firstMatch(of: /"folder":"([^"]+)"/)).1)
            let manifest = try String(contentsOfFile: "\(folder)/manifest.json", encoding: .utf8)
            let words = [seen, made.output, made.errors, wrong.output, wrong.errors, manifest]
            #expect(words.allSatisfy { !$0.contains(secret) })
            #expect(try Data(contentsOf: URL(filePath: "\(folder)/data.dump")).range(of: Data(secret.utf8)) == nil)
            let rights = try FileManager.default.attributesOfItem(atPath: folder)[.posixPermissions] as? Int
            #expect(rights == 0o700)
        }
    }

    @Test
    func `a user whom row security holds back makes no empty backup, and restores none it cannot count or whose roles are not its own`()
        async throws
    {
        try await BackupScene.with { scene in
            _ = try await scene.query("CREATE ROLE \(unescaped: scene.login) LOGIN IN ROLE kiteline_engine", in: scene.database)
            let url = scene.database.url.replacing("kiteline@", with: "\(scene.login)@")
            _ = try await scene.query("GRANT SELECT ON schema_migration TO \(unescaped: scene.login)", in: scene.database)
            let result = try await scene.run("backup", scene.backups, on: scene.database, environment: ["KITELINE_POSTGRES_URL": url])
            let made = try await scene.run("backup", scene.backups, "--json", on: scene.database)
            let folder = String(try #require(made.output.firstMatch(of: /"folder":"([^"]+)"/), "\(made.errors)").1)
            let empty = try await scene.emptyDatabase()
            let other = empty.url.replacing("kiteline@", with: "\(scene.login)@")
            let restored = try await scene.run("restore", folder, on: empty, environment: ["KITELINE_POSTGRES_URL": other])
            _ = try await scene.query("ALTER ROLE \(unescaped: scene.login) BYPASSRLS", in: scene.database)
            let strange = try await scene.run("restore", folder, on: empty, environment: ["KITELINE_POSTGRES_URL": other])
            _ = try await scene.query("DROP OWNED BY \(unescaped: scene.login)", in: scene.database)
            _ = try await scene.query("DROP ROLE \(unescaped: scene.login)", in: scene.database)
            #expect(result.status == 2 && result.errors.contains("BYPASSRLS"), "\(result.errors)")
            #expect(restored.status == 2 && restored.errors.contains("could not count what it restored"), "\(restored)")
            #expect(strange.status == 2 && strange.errors.contains("GRANT kiteline_app TO \(scene.login)"), "\(strange)")
        }
    }
}
