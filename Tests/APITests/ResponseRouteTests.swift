import Foundation
import PostgresClient
import Records
import Testing

@Suite struct ResponseRouteTests {
    /// Leads of 16 November 2026, a Monday, at these minutes of Shanghai's day; the late ones are anna's, untouched, with a level missed.
    private func leads(_ api: TestAPI, at minutes: [Int], late: Bool, reason: String? = nil) async throws {
        let tenant = api.acme.id.rawValue
        for minute in minutes {
            let id: Int64 = try await api.owner.query(
                """
                INSERT INTO lead (tenant_id, external_id, source, received_at, fields, state, owner_id, touched_at)
                SELECT \(tenant), gen_random_uuid()::text, 'web', timestamp '2026-11-16' AT TIME ZONE 'Asia/Shanghai' + make_interval(mins => \(Int32(minute))),
                    '{}', 'assigned', (SELECT id FROM seller WHERE tenant_id = \(tenant) AND external_id = 'anna'), CASE WHEN \(late) THEN NULL ELSE now() END
                RETURNING id
                """
            ).first!.get("id")
            guard late else { continue }
            _ = try await api.owner.query(
                """
                INSERT INTO escalation (tenant_id, subject_type, subject_id, clock, level, episode, started_at, due_at, recorded_at, late_by, action, acted, told,
                    urgency, owner, team, job_id, reason)
                SELECT \(tenant), 'lead', id, 'lead_first_touch', 'reminder', '-infinity', received_at, received_at + interval '4 minutes', received_at + interval '4 minutes',
                    0, 'notify', true, 'told', 'urgent', 'anna', 'north', 1, \(reason)
                FROM lead WHERE tenant_id = \(tenant) AND id = \(id)
                """)
        }
    }

    private func fill(_ api: TestAPI) async throws {
        _ = try await api.send("PUT", "/v1/sellers/anna", #"{"name":"Anna","status":"active","team":"north"}"#)
        // Lunch: nobody answers from 12:30 to 13:45 (FC-43).
        try await leads(api, at: (0..<6).map { 12 * 60 + 30 + $0 }, late: true, reason: "busy")
        try await leads(api, at: (0..<5).map { 13 * 60 + 31 + $0 }, late: true, reason: "not_answered")
        try await leads(api, at: [13 * 60 + 50], late: true)
        try await leads(api, at: (0..<6).map { 10 * 60 + $0 }, late: false)
    }

    @Test func `leads that came at lunch are the hottest of the month, with the reasons that were given`() async throws {
        try await TestAPI.with { api in
            try await fill(api)

            let map = try await api.send("GET", "/v1/sla/heat-map?month=2026-11").json

            let cells = map["cells"].array ?? []
            #expect(map["time_zone"].string == "Asia/Shanghai")
            #expect(
                cells.map { "\($0["weekday"].int ?? 0) \($0["slot"].string ?? "") \($0["late"].int ?? 0)/\($0["leads"].int ?? 0)" }
                    == ["1 10:00 0/6", "1 12:30 6/6", "1 13:30 5/5", "1 13:45 1/1"])
            #expect(cells.map { $0["greyed"].bool ?? false } == [false, false, false, true])
            #expect(cells.map { $0["open"].int } == [0, 0, 0, 0])
            _ = try await api.owner.query(
                "UPDATE lead SET touched_at = NULL WHERE extract(hour FROM received_at AT TIME ZONE 'Asia/Shanghai') = 10")
            let untouched = try await api.send("GET", "/v1/sla/heat-map?month=2026-11").json["cells"].array ?? []
            #expect(untouched.map { $0["open"].int } == [6, 0, 0, 0], "neither touched nor late")
            #expect(untouched.map { $0["greyed"].bool ?? false } == [true, false, false, true], "of six leads nothing is known yet")
            #expect(map["reasons"].array?.map { $0["reason"].string } == ["busy", "not_answered"])
            #expect(map["reasons"].array?.map { $0["count"].int } == [6, 5])
            #expect(map["unspecified"].int == 1)
            #expect(try await api.send("GET", "/v1/sla/heat-map?month=2026-10").json["cells"].array?.isEmpty == true)
            #expect(try await api.send("GET", "/v1/sla/heat-map?month=2026-13").faults == ["month bad_format"])
        }
    }

    /// Ben of the south has the leads that were not answered.
    private func giveToSouth(_ api: TestAPI) async throws {
        _ = try await api.send("PUT", "/v1/sellers/ben", #"{"name":"Ben","status":"active","team":"south"}"#)
        _ = try await api.owner.query(
            """
            UPDATE lead SET owner_id = (SELECT id FROM seller WHERE external_id = 'ben')
            WHERE id IN (SELECT subject_id FROM escalation WHERE reason = 'not_answered')
            """)
    }

    @Test func `a month is counted for a team alone, by whoever has its leads now`() async throws {
        try await TestAPI.with { api in
            try await fill(api)
            try await giveToSouth(api)

            func map(_ team: String) async throws -> String {
                let map = try await api.send("GET", "/v1/sla/heat-map?month=2026-11&team=\(team)").json
                let cells = (map["cells"].array ?? []).map { "\($0["slot"].string ?? "") \($0["late"].int ?? 0)/\($0["leads"].int ?? 0)" }
                return (cells + (map["reasons"].array ?? []).compactMap { $0["reason"].string }).joined(separator: ", ")
            }

            #expect(try await map("north") == "10:00 0/6, 12:30 6/6, 13:45 1/1, busy")
            #expect(try await map("south") == "13:30 5/5, not_answered")
            #expect(try await map("west").isEmpty)
            #expect(try await map("") == "10:00 0/6, 12:30 6/6, 13:30 5/5, 13:45 1/1, busy, not_answered")
        }
    }

    @Test func `a board is of a team alone, with its leads whose time was over when they came`() async throws {
        try await TestAPI.with { api in
            try await fill(api)
            try await giveToSouth(api)
            _ = try await api.owner.query(
                """
                UPDATE escalation SET history = true
                WHERE reason = 'not_answered' AND subject_id > (SELECT min(subject_id) FROM escalation WHERE reason = 'not_answered')
                """)

            func board(_ team: String) async throws -> String {
                let board = try await api.send("GET", "/v1/sla/first-touch?team=\(team)").json
                let people = (board["people"].array ?? []).map { "\($0["owner"].string ?? "") \($0["late"].int ?? 0)" }
                let teams = (board["teams"].array ?? []).compactMap { $0["team"].string }
                let reasons = (board["reasons"].array ?? []).compactMap { $0["reason"].string }
                let sums = "\(board["late"].int ?? -1) late, \(board["history"].int ?? -1) before"
                return ([sums] + people + teams + reasons).joined(separator: ", ")
            }

            #expect(try await board("north") == "7 late, 0 before, anna 7, north, busy")
            #expect(try await board("south") == "1 late, 4 before, ben 1, south, not_answered")
            #expect(try await board("west") == "0 late, 0 before")
            #expect(try await board("") == "8 late, 4 before, anna 7, ben 1, north, south, busy, not_answered")
        }
    }

    @Test func `untouched leads whose clock does not run are told apart from those whose time is running`() async throws {
        try await TestAPI.with { api in
            try await fill(api)
            _ = try await api.owner.query(
                "UPDATE lead SET touched_at = NULL WHERE extract(hour FROM received_at AT TIME ZONE 'Asia/Shanghai') = 10")
            // By their minutes: one runs, one is met, one has another clock alone, and of three nothing is kept.
            _ = try await api.owner.query(
                """
                INSERT INTO clock_subject (tenant_id, subject_type, subject_id, clocks)
                SELECT l.tenant_id, 'lead', l.id, c.clocks
                FROM lead l JOIN (VALUES
                    (0, '[{"clock":"lead_grade_response","state":"met"},{"clock":"lead_first_touch","state":"running","levels":[]}]'::jsonb),
                    (1, '[{"clock":"lead_first_touch","state":"met"},{"clock":"lead_grade_response","state":"running"}]'),
                    (2, '[{"clock":"lead_grade_response","state":"running"}]')) AS c(minute, clocks)
                    ON l.received_at = timestamp '2026-11-16 10:00' AT TIME ZONE 'Asia/Shanghai' + make_interval(mins => c.minute)
                """)

            let cells = try await api.send("GET", "/v1/sla/heat-map?month=2026-11").json["cells"].array ?? []
            let others = try await api.send("GET", "/v1/sla/heat-map?month=2026-11&clock=lead_grade_response").json["cells"].array ?? []

            #expect(cells.map { $0["open"].int } == [6, 0, 0, 0])
            #expect(cells.map { $0["unclocked"].int } == [5, 0, 0, 0])
            #expect(others.map { $0["unclocked"].int } == [4, 6, 5, 1], "of the late ones no other clock is kept")
        }
    }

    @Test func `leads are listed by how it stands with their first touch`() async throws {
        try await TestAPI.with { api in
            try await fill(api)
            func found(_ query: String) async throws -> [String?] {
                try await api.send("GET", "/v1/leads?\(query)").json["items"].array?.map { $0["touched_at"].string } ?? ["refused"]
            }

            let (late, untouched, touched) = (
                try await found("touch=late"), try await found("touch=untouched"), try await found("touch=touched")
            )
            #expect(late.count == 12 && late.allSatisfy { $0 == nil })
            #expect(untouched == late)
            #expect(touched.count == 6 && touched.allSatisfy { $0 != nil })
            #expect(try await found("touch=late&state=held").isEmpty)
            _ = try await api.owner.query("UPDATE escalation SET history = true WHERE due_at < '2026-11-16 13:00+8'")
            #expect(try await found("touch=late").count == 6, "the time of the others was over before they came here")
            _ = try await api.owner.query("UPDATE escalation SET met_at = now()")
            #expect(try await found("touch=late").isEmpty)
            #expect(try await found("touch=untouched").count == 12)
            #expect(try await api.send("GET", "/v1/leads?touch=never").faults == ["touch not_allowed"])
        }
    }

    @Test func `the board counts every late lead, though it names but the thousand who have most`() async throws {
        try await TestAPI.with { api in
            for statement: Statement in [
                """
                INSERT INTO seller (tenant_id, external_id, name, team, status)
                SELECT id, 's' || n, 'S', 'team-' || n % 2, 'active' FROM tenant, generate_series(1, 1002) n WHERE slug = 'acme'
                """,
                """
                INSERT INTO lead (tenant_id, external_id, source, received_at, fields, state, owner_id)
                SELECT tenant_id, external_id, 'web', now(), '{}', 'assigned', id FROM seller
                """,
                """
                INSERT INTO escalation (tenant_id, subject_type, subject_id, clock, level, episode, started_at, due_at, recorded_at, late_by, action, acted, told,
                    urgency, job_id)
                SELECT tenant_id, 'lead', id, 'lead_first_touch', 'reminder', '-infinity', now(), now() - interval '1 minute' * (CASE external_id WHEN 's1002' THEN 99 ELSE 1 END),
                    now(), 0, 'notify', true, 'told', 'urgent', 1
                FROM lead
                """,
            ] { _ = try await api.owner.query(statement) }

            let board = try await api.send("GET", "/v1/sla/first-touch").json

            #expect(board["late"].int == 1002 && board["people"].array?.count == 1000)
            #expect(board["teams"].array?.map { $0["late"].int } == [501, 501])
            #expect(board["latest_by"].int ?? 0 >= 99 * 60)
        }
    }

    @Test func `the board counts who has late leads now, and a touch at once`() async throws {
        try await TestAPI.with { api in
            try await fill(api)

            let board = try await api.send("GET", "/v1/sla/first-touch").json
            _ = try await api.owner.query("UPDATE lead SET touched_at = now() WHERE id = (SELECT max(subject_id) FROM escalation)")
            let touched = try await api.send("GET", "/v1/sla/first-touch").json

            #expect(board["late"].int == 12)
            #expect(board["people"].array?.map { $0["owner"].string } == ["anna"])
            #expect(board["teams"][0]["late"].int == 12)
            #expect(board["reasons"].array?.map { $0["reason"].string } == ["busy", "not_answered"])
            #expect(board["unspecified"].int == 1)
            #expect(touched["late"].int == 11)
        }
    }

    @Test func `a touch counts for its month though the lead was given to somebody else since`() async throws {
        try await TestAPI.with { api in
            try await fill(api)
            _ = try await api.send("PUT", "/v1/sellers/ben", #"{"name":"Ben","status":"active"}"#)
            let morning = "extract(hour FROM received_at AT TIME ZONE 'Asia/Shanghai') = 10"
            _ = try await api.owner.query("UPDATE lead SET touched_at = NULL WHERE \(unescaped: morning)")
            let leads = try await api.owner.query("SELECT id, external_id FROM lead WHERE \(unescaped: morning) ORDER BY id")
            for lead in leads {
                let subject = try lead.get("external_id", as: String.self)
                let touch = #"{"subject":{"type":"lead","external_id":"\#(subject)"},"type":"touch"}"#
                #expect(try await api.send("POST", "/v1/activities", touch).status == 201)
            }

            let ids = try leads.prefix(2).map { try $0.get("id", as: Int64.self) }
            // As it was of leads that were touched before first touches were kept.
            _ = try await api.owner.query("UPDATE lead SET first_touched_at = NULL WHERE id = \(ids[1])")
            for id in ids {
                let given = try await api.send(
                    "POST", "/v1/leads/\(id)/assign", #"{"seller":"ben","reason":"asked for","override":true}"#, as: api.acme.operatorKey)
                #expect(given.status == 200, "\(given.text)")
                #expect(try await api.send("GET", "/v1/leads/\(id)").json["touched_at"].string == nil, "ben has not touched it")
            }
            let cells = try await api.send("GET", "/v1/sla/heat-map?month=2026-11").json["cells"].array ?? []
            #expect(cells.map { $0["open"].int } == [0, 0, 0, 0])
        }
    }

    @Test func `a reason given for a delay is in the next board and the next map`() async throws {
        var options = TestAPI.Options()
        options.countsAge = .seconds(3_600)
        try await TestAPI.with(options) { api in
            try await fill(api)
            let escalations = try await api.send("GET", "/v1/escalations?limit=500").json["items"].array ?? []
            let id = try #require(escalations.first { $0["reason"].isNull }?["id"].string)
            let paths = ["/v1/sla/first-touch", "/v1/sla/heat-map?month=2026-11"]
            func reasons(_ path: String) async throws -> String {
                let answer = try await api.send("GET", path).json
                let counted = (answer["reasons"].array ?? []).map { "\($0["reason"].string ?? "") \($0["count"].int ?? 0)" }
                return (counted + ["none \(answer["unspecified"].int ?? 0)"]).joined(separator: ", ")
            }
            for path in paths { #expect(try await reasons(path) == "busy 6, not_answered 5, none 1", "\(path)") }

            let explained = try await api.send("POST", "/v1/escalations/\(id)/reason", #"{"reason":"busy"}"#)

            #expect(explained.status == 200, "\(explained.text)")
            for path in paths { #expect(try await reasons(path) == "busy 7, not_answered 5, none 0", "\(path)") }
        }
    }

    @Test func `escalations are listed, filtered and explained; another tenant's are not there`() async throws {
        try await TestAPI.with { api in
            try await fill(api)
            let all = try await api.send("GET", "/v1/escalations?limit=5").json
            let rest = try await api.send("GET", "/v1/escalations?limit=500&cursor=\(all["next_cursor"].string ?? "")").json
            let id = try #require(all["items"][0]["id"].string)

            let explained = try await api.send(
                "POST", "/v1/escalations/\(id)/reason", #"{"reason":"transferred"}"#, headers: ["Idempotency-Key": "k1"])
            let again = try await api.send(
                "POST", "/v1/escalations/\(id)/reason", #"{"reason":"transferred"}"#, headers: ["Idempotency-Key": "k1"])

            #expect(all["items"].array?.count == 5)
            #expect(rest["items"].array?.count == 7)
            #expect([explained, again].map(\.status) == [200, 200])
            #expect(try explained.json["reason"].string == "transferred")
            #expect(again.headers["idempotency-replayed"] == "true")
            #expect(try await api.send("GET", "/v1/escalations?state=met").json["items"].array?.isEmpty == true)
            #expect(try await api.send("GET", "/v1/escalations?owner=anna&state=open").json["items"].array?.count == 12)
            _ = try await api.owner.query("UPDATE escalation SET history = true WHERE due_at < '2026-11-16 13:00+8'")
            #expect(try await api.send("GET", "/v1/escalations?history=true").json["items"].array?.count == 6)
            #expect(try await api.send("GET", "/v1/escalations?history=false").json["items"].array?.count == 6)
            #expect(try await api.send("GET", "/v1/escalations?history=perhaps").faults.count == 1)
            #expect(try await api.send("GET", "/v1/escalations?subject_type=lead").faults == ["subject_type not_allowed"])
            #expect(try await api.send("GET", "/v1/escalations", as: api.globex.tenantKey).json["items"].array?.isEmpty == true)
            #expect(
                try await api.send(
                    "POST", "/v1/escalations/\(id)/reason", #"{"reason":"busy"}"#, as: api.globex.tenantKey,
                    headers: ["Idempotency-Key": "k2"]
                ).status == 404)
            #expect(try await api.count("audit_log WHERE action = 'escalation.explain'") == 1)
        }
    }

    @Test func `who holds an office is said by an operator, and teams name their managers`() async throws {
        try await TestAPI.with { api in
            let refused = try await api.send("PUT", "/v1/offices/cto", #"{"people":["li"]}"#)
            let put = try await api.send("PUT", "/v1/offices/cto", #"{"people":["li"]}"#, as: api.acme.operatorKey)
            let unknown = try await api.send("PUT", "/v1/offices/owner", #"{"people":["li"]}"#, as: api.acme.operatorKey)
            let missing = try await api.send("PUT", "/v1/offices/cto", "{}", as: api.acme.operatorKey)
            let null = try await api.send("PUT", "/v1/offices/cto", #"{"people":null}"#, as: api.acme.operatorKey)
            let team = try await api.send("PUT", "/v1/teams/north", #"{"name":"North","manager":"wang","superior":"china"}"#)

            #expect([refused, put, unknown, missing, null, team].map(\.status) == [403, 200, 404, 422, 422, 201])
            #expect(try await api.send("GET", "/v1/offices").json["items"][0]["people"][0].string == "li")
            #expect(try team.json["superior"].string == "china")
            _ = try await api.send("PUT", "/v1/offices/cto", #"{"people":[]}"#, as: api.acme.operatorKey)
            #expect(try await api.count("office_holder") == 0)
            #expect(
                try await api.count("audit_log WHERE action = 'office.put' AND before->'people' = '[\"li\"]' AND after->'people' = '[]'")
                    == 1)
        }
    }
}
