import NIOPosix
import TestSupport
import Testing

@testable import kiteline

/// What scripts build on: exit status, where things are written, and JSON.
@Suite struct CommandLineTests {
    @Test(arguments: [["--help"], ["help", "dev"], ["--version"], ["tenant", "create", "--help"]])
    func `help is printed and is no failure`(arguments: [String]) async throws {
        try await withScratch { scratch in
            let result = try await ProgramRun.run(arguments, in: scratch)
            #expect(result.status == 0)
            #expect(!result.output.isEmpty)
            #expect(result.errors.isEmpty)
        }
    }

    @Test(arguments: [["worker", "list"], ["worker", "drain"], ["tenant", "pause"], ["tenant", "resume"]])
    func `what is no tenant's, or names one itself, offers no tenant`(arguments: [String]) async throws {
        try await withScratch { scratch in
            let result = try await ProgramRun.run(arguments + ["--help"], in: scratch)

            #expect(result.status == 0 && result.output.contains("--url") && !result.output.contains("--tenant"))
        }
    }

    @Test(arguments: [
        (["tennant"], "tennant"), (["tenant", "create"], "<slug>"), (["tenant", "create", "A B"], "\"A B\" is no slug"),
        (["tenant", "create", "acme", "--pack", "retail"], "there are manufacturing, medical, education, store, saas"),
        (["dev", "--port", "x"], "KITELINE_PORT (flag) is \"x\"; expected a number from 0 to 65535"),
        (["serve"], "KITELINE_POSTGRES_URL is not set"), (["migrate", "--config", "nowhere"], "the settings file nowhere cannot be read"),
        (["key", "create", "--role", "operator"], "whose key?"), (["job", "list"], "and no `kiteline dev` runs in this folder"),
        (["job", "list", "--url", "not-a-url", "--key", "k"], "KITELINE_URL is no address of an API: not-a-url"),
        (["job", "list", "--url", "http://localhost", "--key", "a\nb"], "KITELINE_KEY holds a space"),
        (["identity", "measure", "--companies", "100", "--data", "nowhere"], "There is no"),
        (["forecast", "backtest", "--data", "nowhere"], "There is no"),
        (
            ["import", "leads", "nowhere.csv", "--source", "web", "--external-id", "id", "--url", "http://localhost", "--key", "k"],
            "there is no file nowhere.csv"
        ),
        (["rules", "publish", "nowhere.yaml", "--kind", "route", "--draft"], "there is no file nowhere.yaml"),
        (["lead", "list", "--csv", "--limit", "9"], "--csv writes all of them"), (["lead", "list", "--field", "phone"], "--csv"),
        (["lead", "list", "--language", "de"], "--language is en or zh"), (["lead", "show", "L-1"], "for its id at a source add --source"),
        // With a `--version` of its own a wrong command line is not a question after ours.
        (["rules", "back", "--kind", "route", "--version", "2"], "--reason"), (["rules", "show", "--version", "2"], "--kind"),
        (["rules", "diff", "--kind", "route", "--from", "1"], "--to"), (["rules", "diff", "one.yaml", "--kind", "route"], "two files"),
        (["alert", "resolve", "--reason", "x"], "--code"), (["schedule", "set", "brief", "probe"], "--every or --cron"),
        (["rollout", "set", "1", "nan", "--reason", "x"], "A percentage is from 0 to 100"),
    ])
    func `what the user can put right ends with 2 and says what`(arguments: [String], message: String) async throws {
        try await withScratch { scratch in
            let result = try await ProgramRun.run(arguments, in: scratch)
            #expect(result.status == 2)
            #expect(result.errors.contains(message))
            #expect(result.output.isEmpty)
        }
    }

    @Test func `where nobody listens it is said at once`() async throws {
        try await withScratch { scratch in
            // A port of this machine that was free a moment ago.
            let free = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup).bind(host: "127.0.0.1", port: 0).get()
            let port = try #require(free.localAddress?.port)
            try await free.close()

            let result = try await ProgramRun.run(
                ["job", "list", "--url", "http://127.0.0.1:\(port)", "--key", "secret-key"], in: scratch)

            #expect(result.status == 1)
            #expect(result.errors.contains("nobody answers at http://127.0.0.1:\(port)"))
            #expect(!result.errors.contains("secret-key"))
        }
    }

    @Test func `a tenant is made with two keys, and only once`() async throws {
        try await withDatabase { database, environment, scratch in
            let made = try await ProgramRun.run(
                ["tenant", "create", "acme", "--weight", "3", "--pack", "medical", "--json"], in: scratch, environment: environment)
            let again = try await ProgramRun.run(["tenant", "create", "acme", "--json"], in: scratch, environment: environment)
            let list = try await ProgramRun.run(["tenant", "list", "--json"], in: scratch, environment: environment)

            #expect(made.status == 0)
            #expect(
                made.output.contains(
                    /^\{"keys":\{"operator":"kl_o_[\w-]{43}","tenant":"kl_t_[\w-]{43}"\},"slug":"acme","tenant_id":"\d+"\}\n$/))
            #expect(again.status == 1)
            #expect(again.errors == "Error: there is a tenant acme already\n")
            #expect(list.output.contains(#""slug":"acme","tenant_id":"#))
            #expect(list.output.contains(#""weight":3"#))
            let rules = try await database.pool().query(
                "SELECT kind FROM ruleset_version WHERE state = 'live' AND name = 'default' ORDER BY 1")
            #expect(
                try rules.map { try $0.get("kind", as: String.self) } == [
                    "clock", "gate", "map", "match", "measure", "message", "route", "score",
                ])
        }
    }

    @Test func `a key that is made stands alone on standard output`() async throws {
        try await withDatabase { _, environment, scratch in
            let made = try await ProgramRun.run(["key", "create", "--role", "platform"], in: scratch, environment: environment)

            #expect(made.status == 0)
            #expect(made.output.wholeMatch(of: /kl_p_[\w-]{43}\n/) != nil)
            #expect(made.errors.contains("It is not shown again."))
        }
    }

    @Test func `a key of one person is made for somebody the tenant has, and is listed as theirs`() async throws {
        try await withDatabase { database, environment, scratch in
            func create(_ role: String, _ user: String) async throws -> ProgramRun.Result {
                try await ProgramRun.run(
                    ["key", "create", "--tenant", "acme", "--role", role, "--user", user], in: scratch, environment: environment)
            }
            let tenant = try await ProgramRun.run(["tenant", "create", "acme"], in: scratch, environment: environment)
            #expect(tenant.status == 0, "\(tenant.errors)")
            let owner = database.pool(size: 1)
            _ = try await owner.query("INSERT INTO seller (tenant_id, external_id, name) SELECT id, 'anna', 'Anna' FROM tenant")
            await owner.close()

            let made = try await create("tenant", "anna")
            let stranger = try await create("tenant", "nobody")
            let operators = try await create("operator", "anna")
            let list = try await ProgramRun.run(["key", "list", "--tenant", "acme", "--json"], in: scratch, environment: environment)

            #expect(made.output.wholeMatch(of: /kl_t_[\w-]{43}\n/) != nil, "\(made.errors)")
            #expect(stranger.status == 1)
            #expect(stranger.errors == "Error: nobody is no seller of acme and leads no team there\n")
            #expect(operators.status == 2)
            #expect(operators.errors.contains("--user is for a key of the role tenant"))
            #expect(list.output.components(separatedBy: #""user":"anna""#).count == 2, "\(list.output)")
        }
    }

    @Test func `a process without the key of connectors' secrets knows of messages and leaves them to others`() async throws {
        try await withDatabase { _, environment, scratch in
            let key = ["KITELINE_SECRET_KEY": String(repeating: "A", count: 43) + "="]
            func kinds(_ environment: [String: String]) async throws -> (known: Bool, run: Bool, asked: Set<String>?) {
                try await Engine.with(Settings(environment: environment)) { engine in
                    let (known, run) = (engine.kinds.map(\.name), engine.handlers.map(\.kind.name))
                    return (known.contains("send_notification"), run.contains("send_notification"), try engine.kinds(named: nil))
                }
            }

            let with = try await kinds(environment.merging(key) { $1 })
            let without = try await kinds(environment)
            let doctor = try await ProgramRun.run(["doctor", "--json"], in: scratch, environment: environment)
            let asked = try await ProgramRun.run(["work", "--kinds", "send_notification"], in: scratch, environment: environment)

            #expect(with.known && with.run && with.asked == nil)
            #expect(without.known && !without.run)
            #expect(without.asked?.contains("probe") == true && without.asked?.contains("send_notification") == false)
            #expect(doctor.output.contains(#""check":"secret key","found":"not set","verdict":"doubtful""#))
            #expect(asked.status == 2 && asked.errors.contains("KITELINE_SECRET_KEY is not set"))
        }
    }

    @Test func `a key that is revoked is listed as such`() async throws {
        try await withDatabase { database, environment, scratch in
            let made = try await ProgramRun.run(["key", "create", "--role", "platform", "--json"], in: scratch, environment: environment)
            let id = try #require(made.output.firstMatch(of: /"id":"(\d+)"/)).1

            let tenant = try await ProgramRun.run(["tenant", "create", "acme"], in: scratch, environment: environment)
            let strange = try await ProgramRun.run(
                ["key", "revoke", String(id), "--tenant", "acme"], in: scratch, environment: environment)
            let acmes = try await ProgramRun.run(
                ["key", "create", "--role", "tenant", "--tenant", "acme", "--json"], in: scratch, environment: environment)
            let own = String(try #require(acmes.output.firstMatch(of: /"id":"(\d+)"/)).1)
            let named = try await ProgramRun.run(["key", "revoke", own, "--tenant", "acme"], in: scratch, environment: environment)
            let revoked = try await ProgramRun.run(["key", "revoke", String(id)], in: scratch, environment: environment)
            let again = try await ProgramRun.run(["key", "revoke", String(id)], in: scratch, environment: environment)
            let list = try await ProgramRun.run(["key", "list", "--json"], in: scratch, environment: environment)

            #expect(tenant.status == 0 && strange.status == 1 && strange.errors.contains("there is no key \(id) of acme that works"))
            #expect(revoked.status == 0 && named.status == 0, "\(named.errors)")
            #expect(again.status == 1)
            #expect(list.output.contains("\"revoked_at\":\""))
            #expect(!list.output.contains("kl_p_\(made.output.firstMatch(of: /kl_p_([\w-]{43})/)!.1)"))
        }
    }

    @Test func `migrate does nothing twice, and says what it would do`() async throws {
        try await withDatabase { database, environment, scratch in
            let dry = try await ProgramRun.run(["migrate", "--dry-run", "--json"], in: scratch, environment: environment)
            #expect(dry.output == #"{"applied":[],"dry_run":true}"# + "\n")
            #expect(dry.status == 0)
        }
    }

    @Test(arguments: [
        ("probe,nothing", "there is no kind nothing; there are assign_lead, "),
        (",", "--kinds names none"),
    ])
    func `a worker of kinds there are not is not started, and says which there are`(kinds: String, message: String) async throws {
        try await withDatabase { _, environment, scratch in
            let result = try await ProgramRun.run(["work", "--kinds", kinds], in: scratch, environment: environment)
            #expect(result.status == 2)
            #expect(result.errors.contains(message))
        }
    }

    @Test func `the doctor finds servers good, and says where they are not durable`() async throws {
        try await withDatabase { database, environment, scratch in
            let result = try await ProgramRun.run(["doctor", "--json"], in: scratch, environment: environment)
            // The servers of tests do without fsync.
            #expect(result.status == 1)
            #expect(result.output.contains(#""check":"postgres fsync","found":"off","verdict":"wrong""#))
            #expect(result.output.contains(#"{"check":"schema","found":"this version's","verdict":"good"}"#))
            #expect(result.output.contains(#"{"check":"redis maxmemory-policy","found":"noeviction","verdict":"good"}"#))
            #expect(result.output.contains(#"{"check":"redis appendonly","found":"no","verdict":"good"}"#))
        }
    }

    @Test func `the doctor names rules, live or rolled out, that this version does not read`() async throws {
        try await withDatabase { database, environment, scratch in
            let made = try await ProgramRun.run(
                ["tenant", "create", "acme", "--pack", "saas"], in: scratch, environment: environment)
            #expect(made.status == 0, "\(made.errors)")
            let before = try await ProgramRun.run(["doctor", "--json"], in: scratch, environment: environment)
            #expect(before.output.contains(/"check":"live rules","found":"all \d+ are read by this version","verdict":"good"/))

            // As an earlier version may have let it in.
            let owner = database.pool(size: 1)
            let rows = try await owner.query(
                "UPDATE ruleset_version SET source = 'rules: [{ id: a, to: everyone, by: chance }]' WHERE kind = 'route' AND state = 'live' RETURNING name"
            )
            await owner.close()
            let after = try await ProgramRun.run(["doctor", "--json"], in: scratch, environment: environment)

            // Live rules are read again; a candidate that is rolled out is not.
            let again = database.pool(size: 1)
            _ = try await again.query("UPDATE ruleset_version SET state = 'retired' WHERE kind = 'route' AND version = 1")
            _ = try await again.query(
                """
                INSERT INTO rollout (tenant_id, kind, name, version, stable_version, state, plan, before_n, before_failures, started_by)
                SELECT tenant_id, kind, name, version, version, 'canary', '{}', 0, 0, 'test' FROM ruleset_version WHERE kind = 'route'
                """)
            await again.close()
            let rolledOut = try await ProgramRun.run(["doctor", "--json"], in: scratch, environment: environment)

            #expect(rows.count == 1)
            #expect(
                rolledOut.output.contains(/"found":"tenant \d+: route\/default@1, rolled out: [^"]+","verdict":"wrong"/), "\(rolledOut)")
            #expect(after.status == 1)
            #expect(
                after.output.contains(/"check":"live rules","found":"tenant \d+: route\/default@1: [^"]+","verdict":"wrong"/),
                "\(after.output)")
        }
    }

    @Test(arguments: [
        ["tenant", "create", "acme"], ["tenant", "list"], ["key", "create", "--role", "platform"], ["key", "list"], ["key", "revoke", "1"],
    ])
    func `a command on a database that is not migrated does nothing and says what to do`(command: [String]) async throws {
        try await withDatabase { database, environment, scratch in
            let owner = database.pool(size: 1)
            _ = try await owner.query("DELETE FROM schema_migration WHERE number > 60")

            let refused = try await ProgramRun.run(command, in: scratch, environment: environment)

            let tenants = try await owner.query("SELECT FROM tenant")
            await owner.close()
            #expect(refused.status == 2 && refused.errors.contains("Run: kiteline migrate"), "\(refused.errors)")
            #expect(tenants.isEmpty)
        }
    }

    @Test func `log lines for a collector want a collector`() async throws {
        try await withDatabase { _, environment, scratch in
            let result = try await ProgramRun.run(
                ["key", "list"], in: scratch, environment: environment.merging(["KITELINE_OTLP_LOGS": "yes"]) { $1 })
            #expect(result.status == 2)
            #expect(result.errors.contains("KITELINE_OTLP_ENDPOINT is not set"))
        }
    }

    @Test(arguments: ["KITELINE_POSTGRES_URL", "KITELINE_REDIS_URL"])
    func `the doctor says which server is away`(name: String) async throws {
        try await withDatabase { database, environment, scratch in
            var environment = environment
            environment[name] = name.contains("REDIS") ? "unix:///nowhere/redis" : "postgres://me:hidden-word@/db?host=/nowhere"
            let result = try await ProgramRun.run(["doctor", "--json"], in: scratch, environment: environment)
            #expect(result.status == 1)
            #expect(result.output.contains("\(name) must name a server that answers"))
            #expect(!(result.output + result.errors).contains("hidden-word"))
        }
    }

    @Test func `the doctor shows every setting that cannot be used, and goes on`() async throws {
        try await withDatabase { _, environment, scratch in
            let result = try await ProgramRun.run(
                ["doctor", "--json"], in: scratch,
                environment: environment.merging(["KITELINE_SECRET_KEY": "", "KITELINE_CONCURRENCY": "abc"]) { $1 })

            #expect(result.status == 1)
            #expect(result.output.contains(#""check":"setting KITELINE_CONCURRENCY","found":"\"abc\" (environment)","verdict":"wrong""#))
            #expect(result.output.contains(#""check":"setting KITELINE_SECRET_KEY","found":"empty (environment)","verdict":"wrong""#))
            #expect(result.output.contains(#""check":"schema""#))
        }
    }

    @Test func `the doctor's advice fits what is wrong with the way to a server`() async throws {
        try await withDatabase { database, environment, scratch in
            let wrong = environment.merging([
                "KITELINE_POSTGRES_URL": database.url.replacing(database.name, with: "nowhere"),
                "KITELINE_REDIS_URL": "http://127.0.0.1:6379",
            ]) { $1 }
            let result = try await ProgramRun.run(["doctor", "--json"], in: scratch, environment: wrong)

            #expect(result.status == 1)
            #expect(result.output.contains("make the database: createdb --owner"), "\(result.output)")
            #expect(result.output.contains("write KITELINE_REDIS_URL as redis://"), "\(result.output)")
        }
    }
}

private func withDatabase(_ body: (TestDatabase, [String: String], String) async throws -> Void) async throws {
    try await withScratch { scratch in
        try await TestDatabase.with { database in
            try await body(database, ["KITELINE_POSTGRES_URL": database.url, "KITELINE_REDIS_URL": database.redisURL], scratch)
        }
    }
}
