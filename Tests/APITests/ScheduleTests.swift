import Foundation
import Jobs
import PostgresClient
import Records
import Testing

@Suite struct ScheduleTests {
    @Test func `a schedule is put, read, listed, replaced and removed, each change written down`() async throws {
        try await TestAPI.with { api in
            let body = #"{"kind":"probe","args":{"effect_key":"brief"},"every":"monday 10:00","missed":"skip"}"#
            let created = try await api.send("PUT", "/v1/schedules/brief", body)
            let read = try await api.send("GET", "/v1/schedules/brief").json
            let replaced = try await api.send(
                "PUT", "/v1/schedules/brief", #"{"kind":"probe","cron":"0 10 * * 1","time_zone":"Europe/Paris","max_attempts":2}"#)
            let list = try await api.send("GET", "/v1/schedules").json
            let removed = try await api.send("DELETE", "/v1/schedules/brief")

            #expect([created, replaced, removed].map(\.status) == [201, 200, 204])
            #expect(read["time_zone"].string == "Asia/Shanghai", "the tenant's own")
            #expect(read["missed"].string == "skip")
            #expect(read["args"]["effect_key"].string == "brief")
            let next = try Date(#require(read["next_at"].string), strategy: .iso8601)
            #expect(
                next.timeIntervalSince1970.truncatingRemainder(dividingBy: 604_800) == 4 * 86_400 + 2 * 3_600, "Monday 10:00 in Shanghai")
            #expect(read["then"].array?.count == 3)
            #expect(list["items"].array?.map(\.["cron"].string) == ["0 10 * * 1"])
            #expect(list["items"][0]["missed"].string == "one")
            #expect(try await api.send("GET", "/v1/schedules/brief").status == 404)
            #expect(try await api.send("DELETE", "/v1/schedules/brief").status == 404)
            #expect(try await api.count("audit_log WHERE action = 'schedule.put' AND after->>'kind' = 'probe'") == 2)
            #expect(try await api.count("audit_log WHERE action = 'schedule.put' AND before->>'every' = 'monday 10:00'") == 1)
            #expect(try await api.count("audit_log WHERE action = 'schedule.delete' AND before->>'cron' = '0 10 * * 1'") == 1)
        }
    }

    @Test func `a time that is null is no time, and is named`() async throws {
        try await TestAPI.with { api in
            let cases = [
                (#""cron":null"#, ["cron missing"]), (#""every":null"#, ["cron missing"]), (#""cron":null,"every":"day 09:00""#, []),
                (#""cron":5"#, ["cron wrong_type"]), ("", ["cron missing"]),
            ]
            for (times, faults) in cases {
                let reply = try await api.send("PUT", "/v1/schedules/s1", #"{"kind":"probe"\#(times.isEmpty ? "" : ","+times)}"#)
                #expect(reply.faults == faults, "\(times)")
            }
        }
    }

    @Test func `a time is fired once, however many processes fire`() async throws {
        try await TestAPI.with { api in
            for n in 0..<10 {
                _ = try await api.send("PUT", "/v1/schedules/s\(n)", #"{"kind":"probe","args":{"effect_key":"x"},"cron":"* * * * *"}"#)
            }
            let now = Date(timeIntervalSinceNow: 61)

            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<16 { group.addTask { while try await api.records.fireSchedules(now: now) {} } }
                try await group.waitForAll()
            }
            // Even a process that reads an old row fires nothing twice.
            _ = try await api.owner.query("UPDATE schedule SET next_at = (SELECT max(fire_at) FROM schedule_fire)")
            _ = try await api.records.fireSchedules(now: now)

            let fires = try await api.count("schedule_fire")
            #expect(10...20 ~= fires, "one or two minutes have begun")
            #expect(try await api.count("job_live") == fires)
            #expect(try await api.count("schedule_fire f JOIN job j ON j.id = f.job_id AND j.args = '{\"effect_key\":\"x\"}'") == fires)
            #expect(try await api.count("schedule WHERE next_at <= now() + interval '61 seconds'") == 0)
            #expect(try await api.count("outbox") >= 0)
        }
    }

    @Test(arguments: [("skip", 0), ("one", 1), ("all", 5)])
    func `after an outage missed times are skipped, made up for once, or all`(_ missed: String, _ jobs: Int) async throws {
        try await TestAPI.with { api in
            _ = try await api.send(
                "PUT", "/v1/schedules/daily", #"{"kind":"probe","every":"day 10:00","time_zone":"UTC","missed":"\#(missed)"}"#)
            let first: Date = try await api.owner.query("SELECT next_at FROM schedule").first!.get("next_at")
            let back = first.addingTimeInterval(4 * 86_400 + 3 * 3_600)

            while try await api.records.fireSchedules(now: back) {}
            let afterwards = try await api.records.fireSchedules(now: back)
            let fires = try await api.send("GET", "/v1/schedules/daily").json["fires"]

            #expect(afterwards == false)
            #expect(try await api.count("job_live") == jobs)
            #expect(fires[0]["late_by"].int == 3 * 3_600)
            #expect(fires[0]["job_id"].isNull == (jobs == 0))
            let next: Date = try await api.owner.query("SELECT next_at FROM schedule").first!.get("next_at")
            #expect(next == first.addingTimeInterval(5 * 86_400))
            if missed == "all" {
                #expect(try await api.count("schedule_fire WHERE job_id IS NOT NULL AND late_by >= interval '3 hours'") == 5)
            }
        }
    }

    @Test func `what is only a little late is not missed`() async throws {
        try await TestAPI.with { api in
            _ = try await api.send("PUT", "/v1/schedules/daily", #"{"kind":"probe","every":"day 10:00","missed":"skip"}"#)
            let first: Date = try await api.owner.query("SELECT next_at FROM schedule").first!.get("next_at")

            #expect(try await api.records.fireSchedules(now: first.addingTimeInterval(-1)) == false)
            #expect(try await api.count("job_live") == 0)
            _ = try await api.records.fireSchedules(now: first.addingTimeInterval(5))

            #expect(try await api.count("job_live") == 1)
        }
    }

    @Test func `many missed times are made up for in rounds`() async throws {
        try await TestAPI.with { api in
            _ = try await api.send("PUT", "/v1/schedules/often", #"{"kind":"probe","cron":"* * * * *","missed":"all"}"#)
            let first: Date = try await api.owner.query("SELECT next_at FROM schedule").first!.get("next_at")
            var rounds = 0
            while try await api.records.fireSchedules(now: first.addingTimeInterval(59 * 60)), rounds < 100 { rounds += 1 }

            #expect(rounds > 1)
            #expect(try await api.count("schedule_fire") == 60)
            #expect(try await api.count("job_live") == 60)
        }
    }

    @Test func `a schedule that can no longer be read does not hold up the others`() async throws {
        try await TestAPI.with { api in
            for name in ["good", "bad"] { _ = try await api.send("PUT", "/v1/schedules/\(name)", #"{"kind":"probe","cron":"* * * * *"}"#) }
            _ = try await api.owner.query(
                "UPDATE schedule SET time_zone = 'Atlantis/Capital', next_at = next_at - interval '1 hour' WHERE name = 'bad'")

            var rounds = 0
            while try await api.records.fireSchedules(now: Date(timeIntervalSinceNow: 61)), rounds < 10 { rounds += 1 }

            #expect(rounds < 10)
            #expect(try await api.count("schedule_fire WHERE name = 'good'") >= 1)
            #expect(try await api.count("schedule_fire WHERE name = 'bad'") == 0)
        }
    }

    @Test func `another tenant's schedule is neither seen nor touched`() async throws {
        try await TestAPI.with { api in
            let body = #"{"kind":"probe","every":"day 10:00"}"#
            _ = try await api.send("PUT", "/v1/schedules/mine", body)
            let foreign = api.globex.operatorKey

            #expect(try await api.send("GET", "/v1/schedules/mine", as: foreign).status == 404)
            #expect(try await api.send("DELETE", "/v1/schedules/mine", as: foreign).status == 404)
            #expect(try await api.send("GET", "/v1/schedules", as: foreign).json["items"].array?.isEmpty == true)
            #expect(try await api.send("PUT", "/v1/schedules/mine", body, as: foreign).status == 201, "a name is each tenant's own")
            #expect(try await api.count("schedule") == 2)
        }
    }

    @Test(arguments: [
        (#"{"kind":"probe"}"#, "cron"), (#"{"kind":"probe","cron":"* * * * *","every":"day 10:00"}"#, "every"),
        (#"{"kind":"probe","cron":"* * * *"}"#, "cron"), (#"{"kind":"probe","every":"someday 10:00"}"#, "every"),
        (#"{"kind":"probe","cron":"0 0 30 2 *"}"#, "cron"), (#"{"kind":"probe","cron":"* * * * *","time_zone":"Mars/Base"}"#, "time_zone"),
        (#"{"kind":"nothing","cron":"* * * * *"}"#, "kind"), (#"{"kind":"probe","cron":"* * * * *","missed":"some"}"#, "missed"),
        (#"{"kind":"probe","args":{"sleep_ms":-1},"cron":"* * * * *"}"#, "args.sleep_ms"),
        (#"{"kind":"probe","cron":"* * * * *","run_at":"2026-01-01T00:00:00Z"}"#, "run_at"), (#"{"kind":"probe","cron":7}"#, "cron"),
    ])
    func `a schedule that means nothing is refused`(_ body: String, _ field: String) async throws {
        try await TestAPI.with { api in
            let reply = try await api.send("PUT", "/v1/schedules/s", body)

            #expect(reply.status == 422)
            #expect(reply.faults.map { $0.split(separator: " ")[0] } == [Substring(field)], "\(reply.text)")
            #expect(try await api.send("PUT", "/v1/schedules/Bad%20Name", #"{"kind":"probe","cron":"* * * * *"}"#).status == 422)
            #expect(try await api.count("schedule") == 0)
        }
    }
}
