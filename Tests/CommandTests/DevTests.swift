import Foundation
import TestSupport
import Testing

@testable import kiteline

/// `kiteline dev`, started and ended in every way. One after another: each has a Postgres and a Redis of its own.
@Suite(.serialized, .timeLimit(.minutes(10)))
struct DevTests {
    @Test func `a job runs, and SIGTERM stops all that was started`() async throws {
        try await withScratch { scratch in
            let dev = try ProgramRun(["dev", "--port", "0"], in: scratch)
            let ready = try await ready(dev, scratch)

            #expect(try await ProgramRun.run(["tenant", "create", "acme"], in: scratch).status == 0)
            let job = try await ProgramRun.run(["job", "enqueue", "probe", "--tenant", "acme", "--json"], in: scratch)
            let id = try #require(job.output.firstMatch(of: /"id":"(\d+)"/)).1
            var state = ""
            for _ in 0..<200 where !state.contains(#""state":"completed""#) {
                state = try await ProgramRun.run(["job", "get", String(id), "--tenant", "acme"], in: scratch).output
            }
            dev.send(SIGTERM)
            let end = try await dev.end()

            #expect(state.contains(#""state":"completed""#))
            #expect(end.status == 0)
            #expect(end.output.contains(ready.url) && end.output.contains(ready.platformKey))
            #expect(![ready.pids.postgres, ready.pids.redis, ready.pids.kiteline].contains(where: isRunning))
            #expect(!FileManager.default.fileExists(atPath: scratch + "/.kiteline/ready.json"))
        }
    }

    @Test func `a worker started beside it shares its key, and says when it works and when it has drained`() async throws {
        try await withScratch { scratch in
            let dev = try ProgramRun(["dev", "--port", "0", "--no-worker"], in: scratch)
            let ready = try await ready(dev, scratch)
            let rights = try FileManager.default.attributesOfItem(atPath: scratch + "/.kiteline/ready.json")[.posixPermissions] as? Int
            #expect(try await ProgramRun.run(["tenant", "create", "acme"], in: scratch).status == 0)
            let beside = try ProgramRun(["work"], in: scratch)
            let enqueued = try await ProgramRun.run(["job", "enqueue", "probe", "--tenant", "acme", "--json"], in: scratch)
            let id = String(try #require(enqueued.output.firstMatch(of: /"id":"(\d+)"/)).1)
            var state = ""
            for _ in 0..<200 where !state.contains(#""state":"completed""#) {
                state = try await ProgramRun.run(["job", "get", id, "--tenant", "acme"], in: scratch).output
            }
            beside.send(SIGTERM)
            let end = try await beside.end()
            dev.send(SIGTERM)
            _ = try await dev.end()

            #expect(rights == 0o600)
            #expect(ready.secretKey?.isEmpty == false)
            #expect(state.contains(#""state":"completed""#))
            #expect(end.status == 0)
            #expect(["at work", "draining", "drained"].allSatisfy(end.errors.contains), "\(end.errors)")
            #expect(end.errors.contains(/running=\d+ .*draining/) && end.errors.contains(/settled=\d+ .*drained/), "\(end.errors)")
            #expect(!end.errors.contains("KITELINE_SECRET_KEY"))
        }
    }

    @Test func `leads, alerts, tenants and drafts are looked at and turned from the command line, in its own words`() async throws {
        try await withScratch { scratch in
            let dev = try ProgramRun(["dev", "--port", "0"], in: scratch)
            _ = try await ready(dev, scratch)
            func run(_ arguments: String...) async throws -> ProgramRun.Result { try await ProgramRun.run(arguments, in: scratch) }
            #expect(try await run("tenant", "create", "acme").status == 0)
            try "id;company\nL1;Kite\n".write(toFile: scratch + "/semicolons.csv", atomically: true, encoding: .utf8)
            try "id,company\nL1,Kite\n".write(toFile: scratch + "/leads.csv", atomically: true, encoding: .utf8)
            try "rules: [{ id: gone, to: { team: dissolved } }]".write(
                toFile: scratch + "/route.yaml", atomically: true, encoding: .utf8)

            let draft = try await run("rules", "publish", "route.yaml", "--kind", "route", "--draft", "--tenant", "acme")
            let none = try await run("rules", "show", "--kind", "route", "--tenant", "acme", "--json")
            let live = try await run("rules", "publish", "route.yaml", "--kind", "route", "--reason", "first", "--tenant", "acme")
            let audited = try await run("audit", "list", "--action", "ruleset.save", "--tenant", "acme")
            let separated = try await run(
                "import", "leads", "semicolons.csv", "--source", "web", "--external-id", "id", "--tenant", "acme")
            let imported = try await run("import", "leads", "leads.csv", "--source", "web", "--external-id", "id", "--tenant", "acme")
            var list = ""
            for _ in 0..<200 where !list.contains("waits for a person") {
                list = try await run("lead", "list", "--state", "manual_queue", "--tenant", "acme").output
            }
            let shown = try await run("lead", "show", "L1", "--source", "web", "--tenant", "acme")
            let inChinese = try await run("lead", "show", "L1", "--source", "web", "--tenant", "acme", "--language", "zh")
            let alerts = try await run("alert", "list", "--tenant", "acme", "--json")
            let named = try await run("alert", "list", "--tenant", "acme")
            let letters = try await run("dlq", "list", "--tenant", "acme")
            let alert = String(try #require(alerts.output.firstMatch(of: /"id":"(\d+)","code":"manual_queue"/)).1)
            let resolved = try await run("alert", "resolve", alert, "--reason", "seen", "--tenant", "acme")
            let unended = try await run("alert", "resolve", "--code", "manual_queue", "--reason", "seen", "--tenant", "acme")
            let both = try await run("alert", "resolve", alert, "--code", "manual_queue", "--reason", "seen", "--tenant", "acme")
            let again = try await run("import", "leads", "leads.csv", "--source", "web", "--external-id", "id", "--tenant", "acme")
            let looked = try await run(
                "import", "leads", "leads.csv", "--source", "web", "--external-id", "id", "--preview", "--tenant", "acme")
            let lookedInChinese = try await run(
                "import", "leads", "leads.csv", "--source", "web", "--external-id", "id", "--preview", "--tenant", "acme", "--language",
                "zh")
            let sheet = try await run("import", "leads", "leads.xlsx", "--source", "web", "--external-id", "id", "--tenant", "acme")
            let paused = try await run("tenant", "pause", "acme", "--reason", "they moved")
            let tenants = try await run("tenant", "list")
            let resumed = try await run("tenant", "resume", "acme", "--reason", "they are back")
            let unnamed = try await run("lead", "list")
            let nobodys = try await run("lead", "list", "--owner", "nobody", "--tenant", "acme")
            let found = try await run("lead", "list", "--text", "kIT", "--tenant", "acme")
            let taken = try await run("lead", "list", "--csv", "--field", "company", "--text", "kIT", "--tenant", "acme")
            let nobody = try await run("queue", "list", "--tenant", "nobody")
            dev.send(SIGTERM)
            _ = try await dev.end()

            #expect(draft.status == 1 && draft.errors.contains("there is no route/default yet"))
            #expect(none.status == 1 && none.errors.contains("this tenant has no rule set route/default; "), "a route was kept: \(none)")
            #expect(live.status == 0 && live.output.contains("version 1 is live"))
            #expect(audited.output.contains("first"), "why the first version is live is kept: \(audited.output)")
            #expect(separated.status == 1 && separated.errors.contains("Columns must be separated by commas"))
            #expect(imported.status == 0 && list.contains("L1"))
            #expect(shown.output.contains("(web/L1, Kite): waits for a person, with nobody") && shown.output.contains("rule gone"))
            #expect(
                named.output.contains("manual_queue  Leads are left to a person  gone")
                    && named.output.contains("a person has to assign it"), "\(named.output)")
            #expect(letters.status == 0 && letters.errors.contains("There are none."), "\(letters)")
            #expect(resolved.output == "alert \(alert) (manual_queue of gone) is over\n")
            #expect(unended.output.hasPrefix("no alert of manual_queue lasts") && both.status == 2 && both.errors.contains("--code"))
            #expect(again.output.contains("1 accepted (1 of them known before: their fields were updated)"), "\(again)")
            #expect(
                looked.output.contains("no map speaks of: “") && looked.output.contains("None of the file's columns is known"), "\(looked)")
            #expect(inChinese.output.contains("（web/L1，Kite）：待人工派发，暂无负责人"), "\(inChinese)")
            #expect(
                lookedInChinese.output.contains("前 1 行中，映射没有提到的列：“") && lookedInChinese.output.contains("未存储任何数据"),
                "\(lookedInChinese)")
            #expect(sheet.status == 2 && sheet.errors.contains("save it as CSV"), "\(sheet)")
            #expect(paused.output == "acme is paused\n" && resumed.output == "acme goes on\n")
            #expect(tenants.output.contains("they moved") && tenants.output.contains("no limit"))
            #expect(nobodys.status == 1 && nobodys.errors.contains("no seller has the id nobody"), "\(nobodys)")
            #expect(found.output.contains("Kite") && !found.output.contains("more:"), "\(found)")
            let rows = taken.output.split(separator: "\r\n")
            #expect(rows.count == 2 && rows[0].hasSuffix(#""touched_at","company""#) && rows[1].hasSuffix(#","Kite""#), "\(taken)")
            #expect(unnamed.status == 1 && unnamed.errors.contains("--tenant SLUG") && !unnamed.errors.contains("Kiteline-Tenant"))
            #expect(nobody.errors.contains("GET /v1/queues") && nobody.errors.contains("nobody"))
        }
    }

    @Test func `a change of rules is shadowed, promoted and gone back on from the command line`() async throws {
        try await withScratch { scratch in
            let dev = try ProgramRun(["dev", "--port", "0"], in: scratch)
            _ = try await ready(dev, scratch)
            func run(_ arguments: String...) async throws -> ProgramRun.Result {
                try await ProgramRun.run(arguments + ["--tenant", "acme"], in: scratch)
            }
            #expect(try await ProgramRun.run(["tenant", "create", "acme"], in: scratch).status == 0)
            for pool in ["east", "west"] {
                try "rules: [{ id: all, to: { pool: \(pool) } }]".write(
                    toFile: scratch + "/\(pool).yaml", atomically: true, encoding: .utf8)
            }
            try "id,company\nL1,Kite\n".write(toFile: scratch + "/leads.csv", atomically: true, encoding: .utf8)

            #expect(try await run("rules", "publish", "east.yaml", "--kind", "route", "--reason", "first").status == 0)
            let repeated = try await run("rules", "publish", "east.yaml", "--kind", "route", "--reason", "again")
            let draft = try await run("rules", "publish", "west.yaml", "--kind", "route", "--draft")
            let started = try await run("rollout", "start", "--kind", "route", "--version", "2", "--percent", "0", "--json")
            let rollout = String(try #require(started.output.firstMatch(of: /"id":"(\d+)"/), "\(started)").1)
            let toNothing = try await run("rules", "back", "--kind", "route", "--reason", "too early")
            let toDraft = try await run("rules", "back", "--kind", "route", "--version", "2", "--reason", "too early")
            let toMissing = try await run("rules", "back", "--kind", "route", "--version", "7", "--reason", "too early")
            let toUnknown = try await run("rules", "back", "--kind", "route", "--name", "x", "--version", "7", "--reason", "too early")
            let ofUnknown = try await run("rules", "back", "--kind", "score", "--reason", "too early")
            let unreplayed = try await run("rules", "replay", "--kind", "score", "--version", "1")
            let undiffered = try await run("rules", "diff", "--kind", "score", "--to", "2")
            _ = try await run("import", "leads", "leads.csv", "--source", "web", "--external-id", "id")
            var shown = ""
            for _ in 0..<200 where !shown.contains("in the shadow") { shown = try await run("rollout", "show", rollout).output }
            #expect(try await run("rollout", "list").output == run("rollout", "show").output)
            let promoted = try await run("rollout", "promote", rollout, "--reason", "good")
            let again = try await run("rollout", "abort", rollout, "--reason", "not so good")
            let back = try await run("rules", "back", "--kind", "route", "--reason", "complaints")
            let further = try await run("rules", "back", "--kind", "route", "--reason", "complaints")
            let still = try await run("rules", "back", "--kind", "route", "--version", "1", "--reason", "to be sure")
            let written = try await run("audit", "list", "--action", "ruleset.publish")
            let replaced = try await run("rollout", "list")
            let versions = try await run("rules", "show", "--kind", "route")
            let numbers = try await run("rules", "diff", "1", "2", "--kind", "route")
            dev.send(SIGTERM)
            _ = try await dev.end()

            #expect(repeated.output == "route/default version 1 is live already: it says the same\n", "\(repeated)")
            #expect(draft.output.contains("next: kiteline rollout start --kind route --name default --version 2 --percent 0"), "\(draft)")
            #expect(shown.contains("in the shadow: 1 leads decided beside, 1 otherwise, 0 held or failed under it"), "\(shown)")
            #expect(shown.contains("pooled") && shown.contains("otherwise"), "\(shown)")
            #expect(promoted.status == 0)
            #expect(again.status == 1 && again.errors.contains("kiteline rules back"), "\(again)")
            #expect(back.output == "route/default version 1 is live\n", "\(back)")
            #expect(further.status == 1 && further.errors.contains("version 2 was live before it: name it with --version 2"), "\(further)")
            #expect(still.output == "route/default version 1 is live already\n" && !written.output.contains("to be sure"), "\(written)")
            #expect(toNothing.status == 1 && toNothing.errors.contains("no earlier version of route/default was live"), "\(toNothing)")
            #expect(toDraft.status == 1 && toDraft.errors.contains("version 2 was never live"), "\(toDraft)")
            #expect(toMissing.status == 1 && toMissing.errors.contains("there is no version 7 of route/default. Live now or before: 1; "))
            #expect(toMissing.errors.contains("kiteline rules show --kind route --name default --tenant acme"), "\(toMissing)")
            #expect(toUnknown.status == 1 && toUnknown.errors.contains("has no rule set route/x; kiteline rules show --tenant acme"))
            #expect(ofUnknown.status == 1 && ofUnknown.errors.contains("this tenant has no rule set score/default; "), "\(ofUnknown)")
            #expect(unreplayed.status == 1 && unreplayed.errors.contains("this tenant has no rule set score/default; "), "\(unreplayed)")
            #expect(undiffered.status == 1 && undiffered.errors.contains("this tenant has no rule set score/default; "), "\(undiffered)")
            #expect(replaced.output.contains("promoted; version 1 is live by now"), "\(replaced)")
            #expect(versions.output.split(separator: "\n").contains { $0.hasPrefix("1 ") && $0.contains(" live ") }, "\(versions)")
            #expect(numbers.status == 2 && numbers.errors.contains("--from 1 --to 2"), "\(numbers)")
        }
    }

    @Test func `queues are paused and breakers opened from the command line`() async throws {
        try await withScratch { scratch in
            let dev = try ProgramRun(["dev", "--port", "0"], in: scratch)
            _ = try await ready(dev, scratch)
            let acme = ["--tenant", "acme"]
            #expect(try await ProgramRun.run(["tenant", "create", "acme"], in: scratch).status == 0)

            let unreasoned = try await ProgramRun.run(["queue", "pause", "probe"] + acme, in: scratch)
            let paused = try await ProgramRun.run(["queue", "pause", "probe", "--reason", "wrong rules"] + acme, in: scratch)
            let queues = try await ProgramRun.run(["queue", "list"] + acme, in: scratch)
            let resumed = try await ProgramRun.run(["queue", "resume", "probe", "--reason", "mended"] + acme, in: scratch)
            let unbroken = try await ProgramRun.run(["fuse", "close", "--reason", "to be sure"] + acme, in: scratch)
            let nobody = try await ProgramRun.run(["dlq", "redrive", "--kind", "probe"] + acme, in: scratch)
            let unknown = try await ProgramRun.run(["queue", "pause", "nothing", "--reason", "x"], in: scratch)
            let workers = try await ProgramRun.run(["worker", "list"], in: scratch)
            let absent = try await ProgramRun.run(["worker", "drain", "987654", "--reason", "x"], in: scratch)
            let set = try await ProgramRun.run(
                ["schedule", "set", "brief", "probe", "--every", "monday 10:00", "--time-zone", "Asia/Shanghai"] + acme, in: scratch)
            let urgent = try await ProgramRun.run(
                ["schedule", "set", "brief", "probe", "--every", "monday 10:00", "--priority", "8", "--max-attempts", "2", "--json"] + acme,
                in: scratch)
            let unsaid = try await ProgramRun.run(["schedule", "set", "brief", "probe"] + acme, in: scratch)
            let schedules = try await ProgramRun.run(["schedule", "list"] + acme, in: scratch)
            let removed = try await ProgramRun.run(["schedule", "remove", "brief"] + acme, in: scratch)
            let unscheduled = try await ProgramRun.run(["schedule", "list"] + acme, in: scratch)
            let opened = try await ProgramRun.run(["breaker", "open", "erp", "--reason", "on fire"], in: scratch)
            let breakers = try await ProgramRun.run(["breaker", "list"], in: scratch)
            let closed = try await ProgramRun.run(["breaker", "close", "erp", "--reason", "put out", "--json"], in: scratch)
            dev.send(SIGTERM)
            _ = try await dev.end()

            #expect(unbroken.output.hasPrefix("It was closed already, and stays as it was"), "\(unbroken)")
            #expect(nobody.output.hasPrefix("No dead letter is like that"), "\(nobody)")
            #expect(unreasoned.status == 2 && unreasoned.errors.contains("--reason"))
            #expect(paused.output == "probe is paused for the tenant\n")
            #expect(
                queues.output.split(separator: "\n").contains { $0.hasPrefix("probe ") && $0.contains(/key:\d+ +wrong rules$/) },
                "\(queues)")
            #expect(queues.output.hasPrefix("kind ") && queues.output.contains("deferred  gone in"), "\(queues)")
            #expect(resumed.output == "probe goes on for the tenant\n")
            #expect(unknown.status == 1 && unknown.errors.contains("There are") && unknown.errors.contains("probe"))
            #expect(workers.output.split(separator: "\n").count == 2, "\(workers)")
            #expect(absent.status == 1 && absent.errors.contains("there is no worker 987654; kiteline worker list shows them"), "\(absent)")
            #expect(set.output.contains("brief: probe, monday 10:00 (Asia/Shanghai); next at "), "\(set)")
            #expect(urgent.output.contains(#""priority":8,"max_attempts":2"#), "\(urgent)")
            #expect(unsaid.status == 2 && unsaid.errors.contains("--every or --cron"))
            #expect(schedules.output.split(separator: "\n").last?.hasPrefix("brief  probe") == true, "\(schedules)")
            #expect(removed.output == "brief is removed\n" && unscheduled.output.contains("Nothing is scheduled"))
            #expect(opened.output == "the breaker of erp is open for everybody\n")
            #expect(breakers.output.contains("everybody") && breakers.output.contains("on fire"))
            #expect(breakers.output.contains(/open by hand  \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/), "\(breakers)")
            #expect(closed.output.contains(#""state":"closed""#))
        }
    }

    @Test func `killed, it leaves nothing running, and the next start finds everything again`() async throws {
        try await withScratch { scratch in
            let first = try ProgramRun(["dev", "--port", "0"], in: scratch)
            let before = try await ready(first, scratch)
            #expect(try await ProgramRun.run(["tenant", "create", "acme"], in: scratch).status == 0)

            first.send(SIGKILL)
            #expect(try await first.end().status == -SIGKILL)
            #expect(try await soon { ![before.pids.postgres, before.pids.redis].contains(where: isRunning) })

            let second = try ProgramRun(["dev", "--port", "0"], in: scratch)
            let after = try await ready(second, scratch, not: before)
            let tenants = try await ProgramRun.run(["tenant", "list", "--json"], in: scratch)
            second.send(SIGINT)

            #expect(try await second.end().status == 0)
            #expect(after.platformKey == before.platformKey)
            #expect(after.postgresURL == before.postgresURL)
            #expect(tenants.output.contains(#""slug":"acme""#))
        }
    }

    @Test func `a second one in the same folder, or on the same port, is refused and harms nothing`() async throws {
        try await withScratch { scratch in
            let dev = try ProgramRun(["dev", "--port", "0"], in: scratch)
            let ready = try await ready(dev, scratch)
            let port = try #require(URL(string: ready.url)?.port)

            let sameFolder = try await ProgramRun.run(["dev", "--port", "0"], in: scratch)
            let samePort = try await ProgramRun.run(["dev", "--data-dir", "other", "--port", "\(port)"], in: scratch)

            #expect(sameFolder.status == 2)
            #expect(sameFolder.errors.contains("is in use by process \(dev.pid)"))
            #expect(samePort.status == 2)
            #expect(samePort.errors.contains("cannot listen on 127.0.0.1 port \(port)"))
            #expect(try await ProgramRun.run(["doctor"], in: scratch).status == 0)
            dev.send(SIGTERM)
            #expect(try await dev.end().status == 0)
        }
    }

    @Test func `a server that ends is started again, and ready_json says so`() async throws {
        try await withScratch { scratch in
            let dev = try ProgramRun(["dev", "--port", "0"], in: scratch)
            let before = try await ready(dev, scratch)

            kill(before.pids.postgres, SIGKILL)
            kill(before.pids.redis, SIGKILL)

            #expect(
                try await soon {
                    guard let now = ReadyFile.running(in: scratch + "/.kiteline") else { return false }
                    return now.pids.postgres != before.pids.postgres && now.pids.redis != before.pids.redis
                })
            #expect(try await ProgramRun.run(["doctor"], in: scratch).status == 0)
            dev.send(SIGTERM)
            #expect(try await dev.end().status == 0)
        }
    }

    private func ready(_ dev: ProgramRun, _ scratch: String, not old: ReadyFile? = nil) async throws -> ReadyFile {
        while true {
            let file = try JSONDecoder().decode(ReadyFile.self, from: try await dev.file(scratch + "/.kiteline/ready.json"))
            if file.pids.kiteline != old?.pids.kiteline { return file }
            try await Task.sleep(for: .milliseconds(10))
        }
    }
}
