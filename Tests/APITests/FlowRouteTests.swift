import Foundation
import Testing

/// `GET /v1/flow`: what ended minute by minute.
@Suite struct FlowRouteTests {
    @Test func `what ended is told by kind and minute, and what failed by its cause`() async throws {
        try await TestAPI.with { api in
            try await end(api, 3, minutesAgo: 30)
            try await end(api, 2, minutesAgo: 0)
            try await end(api, 1, kind: "assign_lead", state: "discarded", minutesAgo: 40)
            try await end(api, 5, minutesAgo: 90)

            let flow = try await api.send("GET", "/v1/flow?minutes=60").json

            #expect(try kinds(flow) == ["assign_lead: 0/1", "probe: 5/0"])
            #expect(flow["failures"].array?.map { "\($0["cause"].string ?? "") \($0["count"].int ?? 0)" } == ["permanent 1"])
            #expect(try kinds(try await api.send("GET", "/v1/flow?minutes=120").json) == ["assign_lead: 0/1", "probe: 10/0"])
        }
    }

    @Test func `minutes that are over are counted once, and the last ones each time`() async throws {
        try await TestAPI.with { api in
            try await end(api, 3, minutesAgo: 30)
            try await end(api, 2, state: "discarded", minutesAgo: 30)
            let first = try await api.send("GET", "/v1/flow").json
            #expect(try kinds(first) == ["probe: 3/2"])
            #expect(failures(first) == ["permanent 2: the 5th"])

            // Nothing ends half an hour ago any more; were it so, nobody would look there.
            try await end(api, 4, minutesAgo: 20)
            try await end(api, 2, minutesAgo: 1)
            try await end(api, 1, minutesAgo: 0)
            try await end(api, 1, kind: "assign_lead", state: "discarded", minutesAgo: 1)

            let next = try await api.send("GET", "/v1/flow").json
            #expect(try kinds(next) == ["assign_lead: 0/1", "probe: 6/2"])
            #expect(failures(next) == ["permanent 3: the 13th"])
            let short = try await api.send("GET", "/v1/flow?minutes=10").json
            #expect(try kinds(short) == ["assign_lead: 0/1", "probe: 3/0"])
            #expect(failures(short) == ["permanent 1: the 13th"])
            // A wider window than was counted is counted whole.
            #expect(try kinds(try await api.send("GET", "/v1/flow?minutes=90").json) == ["assign_lead: 0/1", "probe: 10/2"])
        }
    }

    @Test func `a lead that is held again is no new failure`() async throws {
        try await TestAPI.with { api in
            _ = try await api.send("POST", "/v1/leads", #"{"external_id":"L1","source":"web"}"#)
            _ = try await api.send("POST", "/v1/leads", #"{"external_id":"L2","source":"web"}"#)
            // The first is held three times, the second once; then the job of the first is given up.
            try await held(
                api,
                [
                    ("L1", 1_000_001, 30, "held_missing_data"), ("L1", 1_000_002, 20, "held_missing_data"),
                    ("L1", 1_000_003, 10, "held_missing_data"), ("L2", 1_000_004, 10, "held_missing_data"),
                    ("L1", 1_000_005, 5, "held_failed"),
                ])

            let flow = try await api.send("GET", "/v1/flow").json

            #expect(try kinds(flow) == ["assign_lead: 0/3"])
            #expect(
                flow["failures"].array?.map { "\($0["cause"].string ?? "") \($0["count"].int ?? 0)" } == [
                    "held_missing_data 2", "permanent 1",
                ])
        }
    }

    @Test func `the platform counts a lead that is held again, and a job that is run again, as the company does`() async throws {
        try await TestAPI.with { api in
            _ = try await api.send("POST", "/v1/leads", #"{"external_id":"L1","source":"web"}"#)
            try await held(api, [("L1", 1_000_001, 4, "held_missing_data"), ("L1", 1_000_002, 3, "held_missing_data")])
            try await end(api, 3, state: "discarded", minutesAgo: 4)
            try await runAgain(api, jobs: [1_000_003, 1_000_004], "completed", minutesAgo: 2)
            try await runAgain(api, jobs: [1_000_005], "discarded", minutesAgo: 2)

            let flow = try await api.send("GET", "/v1/flow").json
            let overview = try await api.send("GET", "/v1/overview", as: api.platformKey).json

            #expect(try kinds(flow) == ["assign_lead: 0/1", "probe: 2/1"])
            #expect(overview["ended"].int == 8, "whatever ended")
            #expect(overview["failed"].int == 2)
            #expect(
                overview["failures"].array?.map { "\($0["cause"].string ?? "") \($0["count"].int ?? 0)" } == [
                    "held_missing_data 1", "permanent 1",
                ])
        }
    }

    @Test func `what failed and was run again is no failure any more, however long ago it was counted`() async throws {
        try await TestAPI.with { api in
            try await end(api, 3, state: "discarded", minutesAgo: 30)
            #expect(try kinds(try await api.send("GET", "/v1/flow").json) == ["probe: 0/3"])
            try await runAgain(api, jobs: [1], "completed", minutesAgo: 1)
            try await runAgain(api, jobs: [2], "discarded", minutesAgo: 1)
            try await runAgain(api, jobs: [3], "cancelled", minutesAgo: 1)

            let now = Date()
            for seconds in stride(from: 1.0, through: 240, by: 30) {
                let flow = try await api.records.jobFlow(of: api.acme.id, minutes: 60, now: now + seconds)
                #expect(flow.lines.map { "\($0.completed.reduce(0, +))/\($0.failed.reduce(0, +))" } == ["1/2"], "\(seconds)")
                #expect(flow.failures.map(\.count) == [2])
            }
            // Once more, and well.
            try await runAgain(api, jobs: [2, 3], run: 3, "completed", minutesAgo: 0)
            let last = try await api.records.jobFlow(of: api.acme.id, minutes: 60, now: Date() + 1)
            #expect(last.lines.map { "\($0.completed.reduce(0, +))/\($0.failed.reduce(0, +))" } == ["3/0"])
            #expect(last.failures == [])
        }
    }

    @Test func `a failure that was mended lends its words to no other`() async throws {
        try await TestAPI.with { api in
            try await end(api, 1, state: "discarded", minutesAgo: 30)
            try await end(api, 1, state: "discarded", minutesAgo: 10)
            #expect(failures(try await api.send("GET", "/v1/flow").json) == ["permanent 2: the 2th"])

            try await runAgain(api, jobs: [2], "completed", minutesAgo: 1)

            #expect(failures(try await api.send("GET", "/v1/flow").json) == ["permanent 1: the 1th"])
        }
    }

    @Test func `what settled in two parts of a minute is counted once`() async throws {
        try await TestAPI.with { api in
            let now = Date()
            func total(_ seconds: Double) async throws -> Int {
                try await api.records.jobFlow(of: api.acme.id, minutes: 60, now: now + seconds).lines.map { $0.completed.reduce(0, +) }
                    .reduce(0, +)
            }
            try await end(api, 2, minutesAgo: 2)
            #expect(try await total(0) == 2)
            try await end(api, 3, minutesAgo: 1)
            try await end(api, 4, minutesAgo: 0)

            for seconds in stride(from: 1.0, through: 240, by: 7) { #expect(try await total(seconds) == 9) }
        }
    }

    @Test func `a clock that steps back is told no minutes that are yet to come`() async throws {
        try await TestAPI.with { api in
            try await end(api, 3, minutesAgo: 30)
            try await end(api, 2, minutesAgo: 10)
            let now = Date()
            _ = try await api.records.jobFlow(of: api.acme.id, minutes: 60, now: now)

            let flow = try await api.records.jobFlow(of: api.acme.id, minutes: 15, now: now - 20 * 60)

            #expect(flow.lines.map { $0.completed.reduce(0, +) } == [3])
            try await end(api, 4, minutesAgo: 15)
            let later = try await api.records.jobFlow(of: api.acme.id, minutes: 60, now: now - 5 * 60)
            #expect(later.lines.map { $0.completed.reduce(0, +) } == [9], "what ended where the clock had been already")
        }
    }

    /// `cause count: the newest's words`
    private func failures(_ flow: JSON) -> [String]? {
        flow["failures"].array?.map { "\($0["cause"].string ?? "") \($0["count"].int ?? 0): \($0["error"].string ?? "")" }
    }

    /// Leads whose decisions failed: each with its job, how long ago, and the outcome.
    private func held(_ api: TestAPI, _ decisions: [(lead: String, job: Int64, minutesAgo: Int, outcome: String)]) async throws {
        for (lead, job, minutes, outcome) in decisions {
            _ = try await api.owner.query(
                """
                WITH lead AS (SELECT id, now() - \(Int32(minutes)) * interval '1 minute' AS at FROM lead WHERE external_id = \(lead)),
                job AS (
                    INSERT INTO job (tenant_id, id, kind, args, created_at) SELECT \(api.acme.id.rawValue), \(job), 'assign_lead', jsonb_build_object('lead_id', id::text), at FROM lead),
                decision AS (
                    INSERT INTO decision_log (tenant_id, lead_id, epoch, job_id, outcome, decided_at, body)
                    SELECT \(api.acme.id.rawValue), id, 0, \(job), \(outcome), at, '{}' FROM lead)
                INSERT INTO job_history (id, run, tenant_id, kind, state, outcome, error_class, attempt, lost, fence, enqueued_at, finished_at)
                SELECT \(job), 1, \(api.acme.id.rawValue), 'assign_lead', CASE WHEN \(outcome) = 'held_failed' THEN 'discarded' ELSE 'completed' END::text::job_end,
                    \(outcome), CASE WHEN \(outcome) = 'held_failed' THEN 'permanent' END, 1, 0, 1, at, at FROM lead
                """)
        }
    }

    /// Another run of jobs that ended before.
    private func runAgain(_ api: TestAPI, jobs: [Int64], run: Int = 2, _ state: String, minutesAgo: Int) async throws {
        _ = try await api.owner.query(
            """
            INSERT INTO job_history (id, run, tenant_id, kind, state, error_class, error, attempt, lost, fence, enqueued_at, finished_at)
            SELECT id, \(Int32(run)), \(api.acme.id.rawValue), 'probe', \(state)::text::job_end,
                CASE WHEN \(state)::text = 'discarded' THEN 'permanent' END, NULL, 1, 0, 1, at, at
            FROM unnest(\(jobs)::bigint[]) AS id, (SELECT now() - \(Int32(minutesAgo)) * interval '1 minute' AS at) t
            """)
    }

    private func end(
        _ api: TestAPI, _ jobs: Int, kind: String = "probe", state: String = "completed", minutesAgo: Int
    ) async throws {
        _ = try await api.owner.query(
            """
            INSERT INTO job_history (id, run, tenant_id, kind, state, error_class, error, attempt, lost, fence, enqueued_at, finished_at)
            SELECT last + n, 1, \(api.acme.id.rawValue), \(kind), \(state)::text::job_end,
                CASE WHEN \(state)::text = 'discarded' THEN 'permanent' END, 'the ' || last + n || 'th', 1, 0, 1, at, at
            FROM generate_series(1, \(Int32(jobs))) n, (SELECT COALESCE(max(id), 0) AS last FROM job_history) l, (SELECT now() - \(Int32(minutesAgo)) * interval '1 minute' AS at) t
            """)
    }

    /// `kind: completed/failed` over all minutes.
    private func kinds(_ flow: JSON) throws -> [String] {
        try #require(flow["kinds"].array).map { line in
            func sum(_ name: String) -> Int { line[name].array?.compactMap(\.int).reduce(0, +) ?? 0 }
            return "\(line["kind"].string ?? ""): \(sum("completed"))/\(sum("failed"))"
        }
    }
}
