import Foundation
import JobKinds
import Jobs
import Records
import Rules
import TestSupport
import Testing

/// `rebuild_forecast` from end to end: told over HTTP, rebuilt by a worker, read over HTTP.
@Suite struct ForecastJobTests {
    private static func with(
        pack: String? = "manufacturing", _ body: @Sendable (ForecastDesk) async throws -> Void
    ) async throws {
        var options = TestAPI.Options()
        options.kinds = [RebuildForecast.definition]
        try await TestAPI.with(options) { api in
            if let pack { try await api.records.install(try #require(RulePack.named(pack)), of: api.acme.id, by: "test") }
            try await api.working([AnyHandler(RebuildForecast(records: ForecastReader(postgres: api.app)))]) {
                try await body(ForecastDesk(api: api))
            }
        }
    }

    /// FC-26, STAGE-14, RPT-03.
    @Test func `of twelve about to sign, seven without an effective action: five are committed, seven at risk with days and reason`()
        async throws
    {
        try await Self.with { desk in
            for number in 1...12 {
                try await desk.tell("o\(number)", "about_to_sign", days: 30, amount: 100)
                if number <= 5 { try await desk.act("o\(number)", "visit", days: 2) }
                if number > 9 { try await desk.act("o\(number)", "visit", days: 11) }
                // Only having been in touch is no action.
                if number == 9 { try await desk.act("o9", "follow_up", days: 1, data: #"{"pain":"已联系","our_action":"待推进"}"#) }
            }

            let forecast = try await desk.rebuild()

            let totals = forecast["forecast"]["totals"][0]
            #expect(totals["committed"]["count"].int == 5 && totals["committed"]["forecast_minor"].int == 500)
            #expect(totals["at_risk"]["count"].int == 7 && totals["at_risk"]["amount_minor"].int == 700)
            #expect(totals["at_risk"]["forecast_minor"].int == 0 && totals["forecast_total_minor"].int == 500)
            let stalled = forecast["forecast"]["stalled"].array ?? []
            #expect(stalled.allSatisfy { $0["external_id"].string?.first == "o" }, "by the names they were told under")
            #expect(stalled.filter { $0["reason"].string == "no_recent_action" && $0["days"].int == 11 }.count == 3)
            #expect(stalled.filter { $0["reason"].string == "no_known_action" && $0["days"].int == 30 }.count == 4)
        }
    }

    @Test func `what was won within the period is told beside the forecast, by currency, of the scope alone`() async throws {
        try await Self.with { desk in
            try await desk.tell("open", "quoted", days: 1, amount: 5)
            for (name, amount, currency, day) in [
                ("a", 100, "CNY", 1), ("b", 20, "CNY", 2), ("c", 7, "USD", 1), ("before", 9_999, "CNY", 40),
            ] {
                try await desk.tell(
                    name, "won", days: 50, amount: amount, currency: currency, more: #","won":true,"closed_at":"\#(desk.day(day))""#)
            }
            try await desk.tell("unsaid", "won", days: 50, amount: nil, more: #","won":true,"closed_at":"\#(desk.day(1))""#)
            try await desk.tell("lost", "lost", days: 50, amount: 1, more: #","won":false,"closed_at":"\#(desk.day(1))""#)

            let (from, to) = (desk.day(10).prefix(10), desk.day(-10).prefix(10))
            func won(_ scope: String = "", _ sellers: String = "") async throws -> JSON {
                let job = try await desk.run(#"{"period":{"from":"\#(from)","to":"\#(to)"}\#(scope)}"#)
                #expect(job["outcome"].string == "published")
                return try await desk.api.send("GET", "/v1/forecasts/latest?from=\(from)&to=\(to)\(sellers)").json["forecast"]["won"]
            }

            let nobodys = try await won(#","scope":{"seller_ids":["nobody"]}"#, "&sellers=nobody")
            let all = try await won()

            #expect(all["count"].int == 4)
            #expect(all["amounts"].array?.map { $0["currency"].string } == ["CNY", "USD"])
            #expect(all["amounts"].array?.map { $0["amount_minor"].int } == [120, 7])
            #expect(all["amounts"].array?.map { $0["count"].int } == [2, 1])
            #expect(nobodys["count"].int == 0 && nobodys["amounts"].array?.isEmpty == true)
        }
    }

    @Test func `every figure is a count of opportunities that can be read`() async throws {
        try await Self.with { desk in
            try await desk.tell("committed", "about_to_sign", days: 1, amount: 100)
            try await desk.tell("weighted", "quoted", days: 1, amount: 1_000_000)
            try await desk.tell("stalled", "quoted", days: 40, amount: 50)
            try await desk.tell("hoped", "quoted", days: 1, amount: 70, more: #","self_entered":true"#)
            try await desk.tell("blank", "quoted", days: 1, amount: nil)
            try await desk.tell("odd", "somewhere", days: 1, amount: 10)
            try await desk.tell("dollars", "about_to_sign", days: 1, amount: 7, currency: "USD")
            try await desk.tell("lost", "lost", days: 5, amount: 9_999, more: #","won":false,"closed_at":"\#(desk.day(1))""#)

            let forecast = try await desk.rebuild()
            let id = try #require(forecast["id"].string)
            let body = forecast["forecast"]

            #expect(body["open"].int == 7, "a lost opportunity contributes nothing, not even a line")
            for (name, standing) in [
                ("committed", "committed"), ("weighted", "weighted"), ("stalled", "at_risk"), ("hoped", "self_entered_expected"),
                ("blank", "amount_missing"), ("odd", "unknown_stage"),
            ] {
                let entries = try await desk.api.send("GET", "/v1/forecasts/\(id)/opportunities?class=\(standing)").json["items"].array
                #expect(entries?.contains { $0["external_id"].string == name } == true, "\(name)")
                let counted = body["totals"].array?.compactMap { $0[standing]["count"].int }.reduce(0, +) ?? 0
                #expect(entries?.count == (body["excluded"][standing].int ?? counted), "\(standing)")
            }
            let currencies = body["totals"].array?.map { ($0["currency"].string, $0["committed"]["forecast_minor"].int) }
            #expect(currencies?.contains { $0 == ("CNY", 100) } == true && currencies?.contains { $0 == ("USD", 7) } == true)
            let sellers = body["by_seller"].array?.compactMap { $0["committed"]["forecast_minor"].int }.reduce(0, +)
            #expect(sellers == 107)
            let paged = try await desk.api.send("GET", "/v1/forecasts/\(id)/opportunities?limit=2").json
            let rest = try await desk.api.send(
                "GET", "/v1/forecasts/\(id)/opportunities?limit=100&cursor=\(paged["next_cursor"].string ?? "")"
            ).json
            #expect(paged["items"].array?.count == 2 && rest["items"].array?.count == 5)

            let path = "/v1/forecasts/\(id)/opportunities?order=largest"
            let large = try await desk.api.send("GET", path + "&limit=3").json
            let smaller = try await desk.api.send("GET", path + "&cursor=\(large["next_cursor"].string ?? "")").json
            let amounts = [large, smaller].flatMap { $0["items"].array ?? [] }.map { $0["amount_minor"].int ?? 0 }
            #expect(amounts.dropLast() == amounts.dropLast().sorted(by: >)[...] && amounts.count == 7)
            #expect(smaller["items"].array?.last?["external_id"].string == "blank", "what has no amount comes last")
            #expect(large["items"][0]["opened_at"].string != nil)
            let weighted = try await desk.api.send("GET", path + "&class=weighted").json["items"].array ?? []
            #expect(!weighted.isEmpty && weighted.allSatisfy { $0["class"].string == "weighted" })
            #expect(try await desk.api.send("GET", path + "x").faults == ["order not_allowed"])
            let crossed = try await desk.api.send("GET", path + "&cursor=\(paged["next_cursor"].string ?? "")")
            #expect(crossed.faults == ["cursor bad_format"], "a place in one order is none in another")
        }
    }

    @Test func `what nobody owns and what stands in no stage of the rules is nobody's and in none`() async throws {
        try await Self.with { desk in
            try await desk.tell("mine", "about_to_sign", days: 1, amount: 100)
            let stray = #"{"stage":"somewhere","opened_at":"\#(desk.day(1))"}"#
            #expect(try await desk.api.send("PUT", "/v1/opportunities/stray", stray).status == 201)

            let id = try #require(try await desk.rebuild()["id"].string)
            let entry = try await desk.api.send("GET", "/v1/forecasts/\(id)/opportunities?class=unknown_stage").json["items"][0]

            #expect(entry["external_id"].string == "stray")
            #expect(entry["seller"].isNull && entry["stage"].string == "somewhere", "as it was told")
        }
    }

    @Test func `the same facts are published once, and a late fact makes another forecast while the first stays as it was`() async throws {
        try await Self.with { desk in
            try await desk.tell("a", "quoted", days: 2, amount: 1_000_000)
            try await desk.tell("b", "about_to_sign", days: 2, amount: 500)
            let first = try await desk.rebuild()
            let again = try await desk.enqueue()
            #expect(again["outcome"].string == "unchanged")
            #expect(try await desk.api.count("forecast") == 1)

            // Told now, happened ten days ago: it had been there for ten days, and is stalled.
            try await desk.tell("c", "about_to_sign", days: 10, amount: 70)
            let second = try await desk.rebuild()

            #expect(second["id"].string != first["id"].string && second["previous"].string == first["id"].string)
            #expect((second["watermark"].int ?? 0) > (first["watermark"].int ?? 0))
            #expect(second["forecast"]["totals"][0]["at_risk"]["count"].int == 1)
            let old = try await desk.api.send("GET", "/v1/forecasts/\(first["id"].string ?? "")").json
            #expect(old["current"].bool == false && old["forecast"]["totals"][0]["at_risk"]["count"].int == 0)
            let list = try await desk.api.send("GET", "/v1/forecasts").json["items"].array
            #expect(list?.map { $0["current"].bool } == [true, false])
        }
    }

    @Test func `what moved is told by its kind and sums to the difference`() async throws {
        try await Self.with { desk in
            for (name, stage) in [("won", "about_to_sign"), ("lost", "about_to_sign"), ("more", "about_to_sign"), ("same", "quoted")] {
                try await desk.tell(name, stage, days: 1, amount: 1_000)
            }
            let first = try await desk.rebuild()
            _ = try await desk.api.send("POST", "/v1/opportunities/lost/transitions", #"{"to":"lost"}"#)
            try await desk.tell("more", "about_to_sign", days: 1, amount: 1_500, status: 200)
            try await desk.tell("new", "about_to_sign", days: 1, amount: 30)
            let second = try await desk.rebuild()

            let moved = second["forecast"]["moved"]
            let changes = moved["changes"][0]
            #expect(moved["since"].string == first["id"].string)
            #expect(changes["lost"]["amount_minor"].int == -1_000 && changes["amount"]["amount_minor"].int == 500)
            #expect(changes["new"]["amount_minor"].int == 30)
            let difference =
                (second["forecast"]["totals"][0]["forecast_total_minor"].int ?? 0)
                - (first["forecast"]["totals"][0]["forecast_total_minor"].int ?? 0)
            #expect(changes["sum_minor"].int == difference)
            #expect(second["forecast"]["totals"][0]["committed"]["amount_minor"].int == 2_530)
        }
    }

    @Test func `when an invariant fails nothing is published, and the old forecast stays in force`() async throws {
        var options = TestAPI.Options()
        options.kinds = [RebuildForecast.definition]
        try await TestAPI.with(options) { api in
            let desk = ForecastDesk(api: api)
            let reader = ForecastReader(postgres: api.app)
            try await desk.tell("a", "about_to_sign", days: 1, amount: 100)
            try await api.working([AnyHandler(RebuildForecast(records: reader))]) { _ = try await desk.rebuild() }
            try await desk.tell("b", "about_to_sign", days: 1, amount: 100)
            let broken = AnyHandler(
                RebuildForecast(records: reader) { book, deals in
                    book.faults(against: deals.dropLast())  // as if an opportunity had been counted that nobody told of
                })

            try await api.working([broken]) {
                let job = try await desk.enqueue()
                #expect(
                    job["state"].string == "discarded" && job["error"]["message"].string?.contains("nothing was published") == true,
                    "\(job.value ?? "")")
            }

            let latest = try await api.send("GET", "/v1/forecasts/latest").json
            #expect(latest["forecast"]["open"].int == 1 && latest["current"].bool == true)
            #expect(try await api.count("forecast") == 1)
            let ofLatest = "forecast_line WHERE job_id IN (SELECT job_id FROM forecast)"
            #expect(try await api.count("forecast_line") == api.count(ofLatest), "what was not published left nothing behind")
        }
    }

    @Test func `a forecast of an earlier day is kept and does not take the place of today's`() async throws {
        try await Self.with { desk in
            try await desk.tell("a", "about_to_sign", days: 20, amount: 100)
            try await desk.act("a", "visit", days: 18)
            let now = try await desk.rebuild()
            let job = try await desk.enqueue(#","as_of":"\#(desk.day(15))""#)
            #expect(job["outcome"].string == "published")

            let latest = try await desk.latest()
            #expect(latest["id"].string == now["id"].string)
            #expect(now["forecast"]["totals"][0]["at_risk"]["count"].int == 1)
            let list = try await desk.api.send("GET", "/v1/forecasts").json["items"].array
            #expect(list?.first?["forecast"]["totals"][0]["committed"]["count"].int == 1, "three days after the visit it moved")
        }
    }

    @Test func `a forecast of an earlier day knows the amount, the owner and the claim of that day, not today's`() async throws {
        try await Self.with { desk in
            let earlier = #","at":"\#(desk.day(20))","self_entered":true"#
            try await desk.tell("a", "about_to_sign", days: 20, amount: 1_000, currency: "USD", more: earlier)
            try await desk.act("a", "visit", days: 18)
            try await desk.tell(
                "a", "about_to_sign", days: 20, amount: 999_000, owner: "s2", more: #","at":"\#(desk.day(1))""#, status: 200)
            // Told of it first a day ago: what was said then is all there is.
            try await desk.tell("b", "about_to_sign", days: 16, amount: 30, owner: "s3", more: #","at":"\#(desk.day(1))""#)

            let job = try await desk.enqueue(#","as_of":"\#(desk.day(15))""#)
            #expect(job["outcome"].string == "published")

            let id = try await desk.api.send("GET", "/v1/forecasts").json["items"][0]["id"].string ?? ""
            let then = try await desk.api.send("GET", "/v1/forecasts/\(id)/opportunities").json["items"].array ?? []
            #expect(then.map { $0["amount_minor"].int } == [1_000, 30])
            #expect(then.map { $0["currency"].string } == ["USD", "CNY"])
            #expect(then.map { $0["seller"].string } == ["s1", "s3"])
            #expect(then.map { $0["class"].string } == ["self_entered_expected", "committed"])
            let now = try await desk.rebuild()["forecast"]
            #expect(now["by_seller"].array?.contains { $0["seller"].string == "s1" } == false)
        }
    }

    @Test func `what stands still is stalled by the hour, as the clock of the same name counts`() async throws {
        try await Self.with { desk in
            func hours(_ hours: Double) -> String { Date(timeIntervalSinceNow: -3_600 * hours).ISO8601Format() }
            for (name, age) in [("just", 119.5), ("over", 120.5)] {
                let body =
                    #"{"owner":"s1","stage":"about_to_sign","opened_at":"\#(hours(age))","amount":{"amount_minor":7,"currency":"CNY"}}"#
                #expect(try await desk.api.send("PUT", "/v1/opportunities/\(name)", body).status == 201)
            }

            let body = try await desk.rebuild()["forecast"]

            #expect(body["totals"][0]["committed"]["count"].int == 1 && body["totals"][0]["at_risk"]["count"].int == 1)
            #expect(body["stalled"][0]["days"].int == 5)
        }
    }

    @Test func `what was lost and taken up again is won once, and lost once before`() async throws {
        try await Self.with(pack: nil) { desk in
            let stages = [("quoted", 40), ("lost", 30), ("quoted", 20), ("won", 10), ("won_confirmed", 9)].map {
                #"{"stage":"\#($0.0)","at":"\#(desk.day($0.1))"}"#
            }.joined(separator: ",")
            try await desk.tell(
                "a", "won_confirmed", days: 40, amount: 100, more: #","won":true,"closed_at":"\#(desk.day(10))","stages":[\#(stages)]"#)

            let stage = try await desk.rebuild()["forecast"]["by_stage"][0]

            #expect(stage["stage"].string == "quoted" && stage["conversion_n"].int == 2 && stage["conversion"].double == 0.5)
        }
    }

    /// The state's notice of 2026: 15 to 23 February are off, and Saturday the 14th is worked.
    @Test func `nothing begins in the holidays of the Spring Festival, and a make-up Saturday is a day of work`() async throws {
        try await Self.with(pack: nil) { desk in
            for back in 0..<40 {
                // The morning of 14 February there, and days before.
                let day = Date(timeIntervalSince1970: 1_771_027_200 - Double(back) * 86_400)
                let weekday = Int((day.timeIntervalSince1970 / 86_400).rounded(.down) + 3) % 7  // 0 is Monday
                guard back == 0 || weekday < 5 else { continue }
                let body =
                    #"{"owner":"s1","stage":"quoted","opened_at":"\#(day.ISO8601Format())","amount":{"amount_minor":7,"currency":"CNY"}}"#
                let status = try await desk.api.send("PUT", "/v1/opportunities/n\(back)", body).status
                #expect(status == 201)
            }
            func new(_ from: String, _ to: String) async throws -> Double? {
                let job = try await desk.run(
                    #"{"period":{"from":"\#(from)","to":"\#(to)"},"as_of":"2026-02-14T15:00:00Z"}"#)
                #expect(job["outcome"].string == "published", "\(job.value ?? "")")
                return try await desk.api.send("GET", "/v1/forecasts/latest?from=\(from)&to=\(to)")
                    .json["forecast"]["outlook"]["wins"]["expected_new"].double
            }

            let (holidays, after) = (try await new("2026-02-15", "2026-02-23"), try await new("2026-02-15", "2026-02-25"))
            #expect(holidays == 0 && (after ?? 0) > 0)
        }
    }

    @Test func `an interval says whether it is learnt`() async throws {
        try await Self.with { desk in
            try await desk.tell("a", "about_to_sign", days: 1, amount: 100)

            let outlook = try await desk.rebuild()["forecast"]["outlook"]

            #expect(outlook["wins"]["interval_basis"].string == "believed" && outlook["errors_learnt"].int == 0)
        }
    }

    @Test func `what is told late has the forecasts in force made again, of every scope, and no other`() async throws {
        try await Self.with { desk in
            try await desk.tell("a", "about_to_sign", days: 0, amount: 100)
            let first = try await desk.rebuild()
            _ = try await desk.enqueue(#","scope":{"seller_ids":["s1"]}"#)
            try await desk.tell("b", "about_to_sign", days: 0, amount: 30)
            #expect(try await desk.api.records.enqueueLateForecasts(now: Date()) == 0, "told at once")

            try await desk.act("a", "visit", days: 1)

            #expect(try await desk.api.records.enqueueLateForecasts(now: Date()) == 2)
            try await expectSoon { try await desk.api.count("forecast WHERE reason = 'event'") == 2 }
            let latest = try await desk.latest()
            #expect(latest["reason"].string == "event" && latest["previous"].string == first["id"].string)
            let own = try await desk.api.send("GET", "/v1/forecasts/latest?sellers=s1").json
            #expect(own["reason"].string == "event" && own["forecast"]["open"].int == 2)
            #expect(try await desk.api.records.enqueueLateForecasts(now: Date()) == 0)
            #expect(try await desk.api.send("GET", "/v1/forecasts/\(first["id"].string ?? "")").json["forecast"]["open"].int == 1)
        }
    }

    @Test func `several at once for one period end with one in force, each following the one before`() async throws {
        try await Self.with { desk in
            for number in 0..<4 { try await desk.tell("o\(number)", "about_to_sign", days: 1, amount: 100) }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<4 {
                    group.addTask {
                        try await desk.tell("o\(number)", "about_to_sign", days: 1, amount: 200 + number, status: 200)
                        let job = try await desk.enqueue()
                        #expect(["published", "unchanged"].contains(job["outcome"].string))
                    }
                }
                try await group.waitForAll()
            }

            #expect(try await desk.latest()["forecast"]["totals"][0]["forecast_total_minor"].int == 806)
            #expect(
                try await desk.api.count(
                    "(SELECT previous FROM forecast WHERE previous IS NOT NULL GROUP BY previous HAVING count(*) > 1) d") == 0)
            #expect(try await desk.api.count("forecast WHERE previous IS NULL") == 1)
        }
    }

    @Test func `a team's forecast counts its sellers' opportunities and no others`() async throws {
        try await Self.with { desk in
            _ = try await desk.api.send("PUT", "/v1/sellers/s2", #"{"name":"李","team":"north","status":"active"}"#)
            try await desk.tell("a", "about_to_sign", days: 1, amount: 100)
            try await desk.tell("b", "about_to_sign", days: 1, amount: 30, owner: "s2")
            let job = try await desk.enqueue(#","scope":{"team_ids":["north"]}"#)
            #expect(job["outcome"].string == "published")

            let north = try await desk.api.send("GET", "/v1/forecasts/latest?teams=north").json
            #expect(north["forecast"]["totals"][0]["forecast_total_minor"].int == 30)
            #expect(try await desk.api.send("GET", "/v1/forecasts/latest").status == 404)
        }
    }

    @Test func `arguments that mean nothing are told, and another tenant sees nothing`() async throws {
        try await Self.with { desk in
            try await desk.tell("a", "about_to_sign", days: 1, amount: 100)
            let forecast = try await desk.rebuild()
            for arguments in [
                #"{"period":{"from":"2026-02-01","to":"2026-01-01"}}"#, #"{"period":{"from":"2020-01-01","to":"2026-01-01"}}"#,
                #"{"rolling":"current_month","period":{"from":"2026-01-01","to":"2026-02-01"}}"#,
                #"{"rolling":"current_month","scope":{"x":1}}"#,
            ] {
                let refused = try await desk.api.send("POST", "/v1/jobs", #"{"kind":"rebuild_forecast","args":\#(arguments)}"#)
                #expect(refused.status == 422, "\(arguments)")
            }
            let id = forecast["id"].string ?? ""
            for path in ["/v1/forecasts/latest", "/v1/forecasts/\(id)", "/v1/forecasts/\(id)/opportunities"] {
                #expect(try await desk.api.send("GET", path, as: desk.api.globex.tenantKey).status == 404)
            }
            #expect(try await desk.api.send("GET", "/v1/forecasts/latest?from=2026-01-01").faults == ["to missing"])
            #expect(try await desk.api.send("GET", "/v1/forecasts/latest?from=x&to=y").faults == ["from bad_format"])
            #expect(try await desk.api.send("GET", "/v1/forecasts/latest?from=2026-02-01&to=2026-01-01").faults == ["to out_of_range"])
            #expect(try await desk.api.send("GET", "/v1/forecasts/\(id)/opportunities?class=zzz").faults == ["class not_allowed"])
        }
    }

    @Test func `a forecast as of a day before 1970 is one like any other, and one of a far period is refused at once`() async throws {
        try await Self.with { desk in
            try await desk.tell("a", "about_to_sign", days: 1, amount: 100)
            let old = try await desk.run(#"{"rolling":"next_28_days","as_of":"1969-12-01T00:00:00Z"}"#)
            let far = try await desk.run(#"{"period":{"from":"9998-01-01","to":"9999-12-31"}}"#)
            let now = try await desk.run(#"{"rolling":"next_28_days"}"#)

            #expect(old["state"].string == "completed")
            #expect(far["state"].string == "discarded")
            #expect(far["error"]["message"].string?.contains("more than ten years") == true)
            #expect(now["outcome"].string == "published")
        }
    }

    @Test func `a schedule rebuilds it for a period that moves on with the day`() async throws {
        try await Self.with { desk in
            func put(_ rolling: String) async throws -> Reply {
                try await desk.api.send(
                    "PUT", "/v1/schedules/forecast",
                    #"{"kind":"rebuild_forecast","args":{"rolling":"\#(rolling)","reason":"scheduled"},"every":"day 06:00"}"#)
            }
            #expect(try await put("whenever").status == 422)
            #expect(try await put("next_28_days").status == 201)
            try await desk.tell("a", "about_to_sign", days: 1, amount: 100)
            _ = try await desk.api.owner.query("UPDATE schedule SET next_at = now() - interval '30 seconds'")
            _ = try await desk.api.records.fireSchedules(now: Date())

            try await expectSoon { try await desk.api.send("GET", "/v1/forecasts/latest").status == 200 }

            let forecast = try await desk.latest()
            #expect(forecast["reason"].string == "scheduled" && forecast["forecast"]["open"].int == 1)
        }
    }

    @Test func `a tenant without gates is forecast by the stages it told of`() async throws {
        try await Self.with(pack: nil) { desk in
            try await desk.tell(
                "a", "negotiation", days: 1, amount: 100,
                more: #","stages":[{"stage":"first talk","at":"\#(desk.day(9))"},{"stage":"negotiation","at":"\#(desk.day(1))"}]"#)
            for number in 0..<40 {
                try await desk.tell(
                    "w\(number)", "won", days: 60, amount: 100,
                    more:
                        #","won":true,"closed_at":"\#(desk.day(number + 1))","stages":[{"stage":"first talk","at":"\#(desk.day(60))"},{"stage":"negotiation","at":"\#(desk.day(55))"}]"#
                )
            }

            let body = try await desk.rebuild()["forecast"]

            #expect(body["stages"].array?.compactMap(\.string) == ["first talk", "negotiation"])
            #expect(body["by_stage"][1]["prior_used"].bool == false && body["by_stage"][1]["conversion_n"].int == 40)
            #expect(body["by_stage"][1]["conversion"].double == 1)
            #expect((body["outlook"]["wins"]["expected_new"].double ?? 0) > 0)
        }
    }
}

/// Tells of opportunities, and asks for forecasts of this month and the next.
struct ForecastDesk: Sendable {
    let api: TestAPI

    /// So many days ago.
    func day(_ days: Int) -> String { Date(timeIntervalSinceNow: -86_400 * Double(days)).ISO8601Format() }

    func tell(
        _ name: String, _ stage: String, days: Int, amount: Int?, currency: String = "CNY", owner: String = "s1", more: String = "",
        status: Int = 201
    ) async throws {
        let money = amount.map { #","amount":{"amount_minor":\#($0),"currency":"\#(currency)"}"# } ?? ""
        let body = #"{"owner":"\#(owner)","stage":"\#(stage)","opened_at":"\#(day(days))"\#(money)\#(more)}"#
        let reply = try await api.send("PUT", "/v1/opportunities/\(name)", body)
        #expect(reply.status == status, "\(reply.text)")
    }

    func act(_ name: String, _ type: String, days: Int, data: String = "{}") async throws {
        let body = #"{"subject":{"type":"opportunity","external_id":"\#(name)"},"type":"\#(type)","at":"\#(day(days))","data":\#(data)}"#
        #expect(try await api.send("POST", "/v1/activities", body).status == 201)
    }

    /// Answers the job at its end.
    func run(_ arguments: String) async throws -> JSON {
        let accepted = try await api.send("POST", "/v1/jobs", #"{"kind":"rebuild_forecast","args":\#(arguments)}"#)
        let id = try #require(try accepted.json["id"].string, "\(accepted.text)")
        try await expectSoon {
            let state = try await api.send("GET", "/v1/jobs/\(id)").json["state"].string
            return ["completed", "discarded", "cancelled"].contains(state)
        }
        return try await api.send("GET", "/v1/jobs/\(id)").json
    }

    func enqueue(_ more: String = "") async throws -> JSON {
        try await run(#"{"rolling":"current_quarter","reason":"manual"\#(more)}"#)
    }

    func rebuild() async throws -> JSON {
        let job = try await enqueue()
        #expect(job["outcome"].string == "published", "\(job.value ?? "")")
        return try await latest()
    }

    func latest() async throws -> JSON { try await api.send("GET", "/v1/forecasts/latest").json }
}
