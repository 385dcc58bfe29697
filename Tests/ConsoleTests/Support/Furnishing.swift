import Foundation
import TestSupport
import Testing

/// What a tenant has that uses everything: something for each page to show, names as long as they come.
struct Furnishing {
    /// Not due before tomorrow.
    let waiting: String
    /// Among the dead letters; it succeeds when it is run again.
    let dead: String
    let lead: String
    let rollout: String
    /// A replay of the version that is rolled out.
    let round: String
    let forecast: String

    static let breaker = "erp-of-the-east-china-plant"

    /// Each page, under a name of its own, with something on it.
    var pages: [(name: String, path: String)] {
        let lists = [
            "now", "jobs", "rollouts", "breakers", "dead-letters", "leads", "sellers", "sellers/s2", "overdue", "forecast",
            "process-health",
            "rules",
            "rules/route/default", "packs/manufacturing", "permissions", "audit",
        ]
        return lists.map { ($0.replacing("/", with: "-"), $0) } + [
            ("job-waiting", "jobs/\(waiting)"), ("job-dead", "jobs/\(dead)"), ("lead", "leads/\(lead)"),
            ("rollout", "rollouts/\(rollout)"), ("round", "rounds/\(round)"), ("forecast-deals", "forecast/\(forecast)/deals"),
            ("dead-letters-preview", "dead-letters?preview=true"),
            ("rule-of-a-pack", "rules/route/default?pack=saas"),
            ("permissions-of-one", "permissions?user=s1&city=%E6%88%90%E9%83%BD"),
        ]
    }

    /// Furnishes acme's.
    init(_ house: House) async throws {
        let api = House.Account(house)
        try await api.put("/v1/teams/north", #"{"name":"North","manager":"wang"}"#)
        for (id, name) in [("s1", "Chen Wei"), ("s2", "欧阳娜娜（大客户三组·新能源汽车行业专家）")] {
            try await api.put("/v1/sellers/\(id)", #"{"name":"\#(name)","team":"north","regions":["成都"],"status":"active","capacity":9}"#)
        }
        for rules in ["rules: [{ id: all, to: everyone }]", "rules: [{ id: all, to: everyone, by: round_robin }]"] {
            try await api.post("/v1/rulesets/route/default/versions", rules, type: "application/yaml")
        }
        rollout = try #require(
            try await api.post("/v1/rollouts", #"{"kind":"route","name":"default","version":2,"percent":5}"#)["id"])
        try await api.post("/v1/breakers/\(Self.breaker)/open", #"{"reason":"it is being mended until Thursday"}"#)
        var leads: [String] = []
        for number in 0..<12 {
            let company = "江苏新能源汽车动力电池结构件有限公司（常州分公司）\(number)"
            let fields = #"{"\#(String(repeating: "f", count: 100))":"7","source_channel":"fair","company":"\#(company)"}"#
            let body = #"{"external_id":"L-\#(number)","source":"website","fields":\#(fields)}"#
            leads.append(try #require(try await api.post("/v1/leads", body)["lead_id"]))
        }
        lead = leads[3]
        for (id, amount, stage) in [("d-1", 123_456_00, "quoted"), ("d-2", 98_000_000_00, "demo"), ("d-3", 7_200_000_00, "quoted")] {
            let money = #"{"amount_minor":\#(amount),"currency":"CNY"}"#
            try await api.put("/v1/opportunities/\(id)", #"{"stage":"\#(stage)","owner":"s1","amount":\#(money)}"#)
        }
        waiting = try await house.waitingJob()
        let ending = [
            #"{"kind":"probe"}"#, #"{"kind":"rebuild_forecast","args":{"rolling":"current_quarter","reason":"manual"}}"#,
            #"{"kind":"probe","args":{"fail_times":1,"error_class":"permanent"}}"#,
        ]
        var jobs: [String] = []
        for job in ending { jobs.append(try #require(try await api.post("/v1/jobs", job)["id"])) }
        dead = jobs[2]
        var begun: String?
        try await house.working {
            for job in jobs {
                try await expectSoon { try await ["completed", "discarded"].contains(house.call("GET", "/v1/jobs/\(job)").json["state"]) }
            }
            try await expectSoon { try await house.count("lead WHERE state = 'assigned'") == 12 }
            let days = [-1.0, 1].map { Date().addingTimeInterval($0 * 86_400).ISO8601Format() }
            let span = #"{"from":"\#(days[0])","to":"\#(days[1])"}"#
            let id = try #require(await api.post("/v1/rulesets/route/default/versions/2/replay", span)["round_id"])
            try await expectSoon { try await house.call("GET", "/v1/rounds/\(id)").json["state"] != "running" }
            begun = id
        }
        round = try #require(begun)
        forecast = try #require(try await house.call("GET", "/v1/forecasts/latest").json["id"])
        try await house.lateTouches()
        try await house.healthWeeks()
    }
}

extension House {
    /// Runs a worker beside `body` that is busy with one of acme's jobs.
    func busy(_ body: (String) async throws -> Void) async throws {
        try await working {
            let job = try #require(await call("POST", "/v1/jobs", #"{"kind":"probe","args":{"sleep_ms":600000}}"#).json["id"])
            try await expectSoon { try await call("GET", "/v1/jobs/\(job)").json["state"] == "running" }
            let result: Result<Void, any Error>
            do { result = .success(try await body(job)) } catch { result = .failure(error) }
            // Otherwise the worker would wait for it.
            try await call("POST", "/v1/jobs/\(job)/cancel", "{}")
            try result.get()
        }
    }

    /// Asks the API as acme's operator, and insists on being answered well.
    fileprivate struct Account {
        let house: House

        init(_ house: House) { self.house = house }

        @discardableResult
        func post(_ path: String, _ body: String, type: String = "application/json") async throws -> [String: String] {
            try await ask("POST", path, body, type)
        }

        func put(_ path: String, _ body: String) async throws { _ = try await ask("PUT", path, body, "application/json") }

        private func ask(_ method: String, _ path: String, _ body: String, _ type: String) async throws -> [String: String] {
            let answer = try await house.call(method, path, body, as: house.acme.operatorKey, type: type)
            try #require(answer.status < 300, "\(method) \(path): \(answer.text)")
            return answer.json
        }
    }

    /// Some leads whose first touch is overdue, as their clocks would have written it down after an hour.
    fileprivate func lateTouches() async throws {
        _ = try await owner.query(
            """
            INSERT INTO escalation (tenant_id, subject_type, subject_id, clock, level, episode, started_at, due_at, recorded_at, late_by, action,
                acted, told, told_at, urgency, recipients, channels, owner, team, reason, job_id)
            SELECT l.tenant_id, 'lead', l.id, 'lead_first_touch', 'manager', '-infinity', now() - interval '2 hours', now() - interval '1 hour', now(),
                3600, 'notify', true, 'told', now(), 'urgent', ARRAY['wang', s.external_id], ARRAY['log'], s.external_id, s.team,
                CASE WHEN l.external_id = 'L-5' THEN 'busy' END, l.id
            FROM lead l JOIN seller s ON s.tenant_id = l.tenant_id AND s.id = l.owner_id
            WHERE l.external_id IN ('L-3', 'L-4', 'L-5', 'L-6')
            """)
    }

    /// Eight weeks of two sellers, one of them below the base line, diagnosed and warned of.
    fileprivate func healthWeeks() async throws {
        let week = Int32((Date().timeIntervalSince1970 / 86_400 - 4) / 7)
        let day = Date().addingTimeInterval(-14 * 86_400).formatted(.iso8601)
        let later = Date().addingTimeInterval(-9 * 86_400).formatted(.iso8601)
        let nodes = """
            [{"kind":"late_follow_up","customer":"江苏新能源汽车动力电池结构件有限公司","stage":"demo","at":"\(later)","hours":96,"limit_hours":48},
             {"kind":"missing_evidence","customer":"Acme","stage":"quoted","at":"\(later)","hours":0,"limit_hours":0}]
            """
        let steps = #"[{"at":"\#(day)","what":"visit"},{"at":"\#(later)","what":"call"}]"#
        let report = #"{"abnormal_nodes":\#(nodes),"timelines":[{"customer":"江苏新能源汽车动力电池结构件有限公司","steps":\#(steps)}]}"#
        let detail =
            #"{"contributions":[{"feature":"rhythm","weight":0.8},{"feature":"silence","weight":0.4}],"suggestion":{"with_seller_id":"s1"}}"#
        _ = try await owner.query(
            """
            INSERT INTO health_week (tenant_id, seller_id, week, version, as_of, complete, status, spi, below, counts, streak, since, job_id)
            SELECT tenant_id, id, w, 1, now(), true, 'ok', CASE external_id WHEN 's1' THEN 94 - w % 4 ELSE 61 + w % 3 END, external_id = 's2',
                ARRAY[8, CASE external_id WHEN 's1' THEN 8 ELSE 4 END, 12, 11, 6, 6, 9, 9, 40, 1, 2, 0, 0, 1, 0, 10],
                CASE external_id WHEN 's1' THEN 0 ELSE 3 END, CASE external_id WHEN 's2' THEN \(week - 3) END, 1
            FROM seller, generate_series(\(week - 8), \(week - 1)) w WHERE external_id IN ('s1', 's2')
            """)
        _ = try await owner.query(
            """
            INSERT INTO health_diagnosis (tenant_id, seller_id, week, since, as_of, body, job_id)
            SELECT tenant_id, id, \(week - 1), \(week - 3), now(), \(report)::jsonb, 1 FROM seller WHERE external_id = 's2'
            """)
        _ = try await owner.query(
            """
            INSERT INTO health_prediction (tenant_id, seller_id, week, as_of, probability, warned, state, body, job_id)
            SELECT tenant_id, id, \(week - 1), now(), 0.72, true, 'none', \(detail)::jsonb, 1 FROM seller WHERE external_id = 's2'
            """)
    }
}
