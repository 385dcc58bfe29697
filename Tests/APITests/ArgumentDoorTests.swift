import JobKinds
import Jobs
import Records
import TestSupport
import Testing

/// What a handler would refuse is refused before there is a job.
@Suite struct ArgumentDoorTests {
    static let refused: [(kind: String, args: String, faults: [String])] = [
        ("rebuild_forecast", #"{"period":{"from":"2026-01-01"}}"#, ["args.period.to invalid"]),
        ("rebuild_forecast", #"{"period":{"from":"2026-05-01","to":"2026-04-01"}}"#, ["args.period.from invalid"]),
        (
            "rebuild_forecast", #"{"period":{"from":"2026-05-01","to":"soon"},"scope":{"team":[]}}"#,
            ["args.period.to invalid", "args.scope.team invalid"]
        ),
        ("rebuild_forecast", #"{"period":{"from":"2026-01-01","to":"2026-02-01"},"rolling":"current_month"}"#, ["args.rolling invalid"]),
        ("rebuild_forecast", #"{"as_of":"yesterday"}"#, ["args.as_of invalid"]),
        (
            "rebuild_forecast", #"{"period":{"from":"99999-1-01","to":"0000-01-01"}}"#,
            ["args.period.from invalid", "args.period.to invalid"]
        ),
        ("rebuild_forecast", #"{"scope":{"team_ids":["a\nteam:b"]}}"#, ["args.scope invalid"]),
        ("run_spi_model", #"{"mode":"guess"}"#, ["args.mode not_allowed"]),
        ("run_spi_model", #"{"mode":"score","as_of":"yesterday"}"#, ["args.as_of invalid"]),
        ("run_spi_model", #"{"seller_ids":"s1"}"#, ["args.seller_ids invalid"]),
        ("generate_report", #"{"report":"assignment_effectiveness","from":"2026-01-01T00:00:00Z"}"#, ["args.to invalid"]),
        ("generate_report", "null", ["args.report missing"]),
        ("escalate_overdue", #"{"as_of":"now"}"#, ["args.as_of invalid"]),
        ("run_spi_model", #"{"as_of":"0001-01-01T00:00:00Z"}"#, ["args.as_of invalid"]),
        ("rebalance_leads", #"{"lead_id":"abc"}"#, ["args.lead_id invalid"]),
        ("rebalance_leads", #"{"lead_id":"0"}"#, ["args.lead_id invalid"]),
        ("rebalance_leads", #"{"after":"zz"}"#, ["args.after invalid"]),
        ("evaluate_seller_breaker", #"{"seller":"anna"}"#, ["kind not_allowed"]),
        ("diagnose_spi", "{}", ["kind not_allowed"]),
    ]

    private static func with(_ body: @Sendable (TestAPI) async throws -> Void) async throws {
        var options = TestAPI.Options()
        options.kinds = [
            RebuildForecast.definition, RunProcessHealth.definition, DiagnoseProcessHealth.definition, GenerateReport.definition,
            EscalateOverdue.definition, RebalanceLeads.definition, EvaluateSellerBreaker.definition,
        ]
        try await TestAPI.with(options, body)
    }

    @Test(arguments: refused)
    func `arguments no handler can read are refused at each door, by field`(_ kind: String, _ args: String, _ faults: [String]) async throws
    {
        try await Self.with { api in
            let job = #"{"kind":"\#(kind)","args":\#(args)}"#
            let single = try await api.send("POST", "/v1/jobs", job)
            let batch = try await api.send("POST", "/v1/jobs:batch", #"{"jobs":[\#(job)],"completion":\#(job)}"#)
            let schedule = try await api.send(
                "PUT", "/v1/schedules/s1", #"{"kind":"\#(kind)","args":\#(args),"every":"day 06:00"}"#)

            #expect([single, batch, schedule].map(\.status) == [422, 422, 422])
            #expect(single.faults.sorted() == faults)
            #expect(batch.faults.sorted() == (faults.map { "completion." + $0 } + faults.map { "jobs[0]." + $0 }))
            #expect(schedule.faults.sorted() == faults)
            #expect(try await api.count("job") == 0)
            #expect(try await api.count("schedule") == 0)
        }
    }

    @Test(arguments: ["rebuild_forecast", "run_spi_model", "rebalance_leads"])
    func `a job of which nothing is said runs by its defaults`(_ kind: String) async throws {
        try await Self.with { api in
            let handlers = [
                AnyHandler(RebuildForecast(records: ForecastReader(postgres: api.app))),
                AnyHandler(RunProcessHealth(records: HealthReader(postgres: api.app))),
                AnyHandler(RebalanceLeads(records: RoutingReader(postgres: api.app))),
            ]
            try await api.working(handlers) {
                let schedule = try await api.send("PUT", "/v1/schedules/s1", #"{"kind":"\#(kind)","every":"day 06:00"}"#)
                for body in [#"{"kind":"\#(kind)"}"#, #"{"kind":"\#(kind)","args":{}}"#] {
                    let reply = try await api.send("POST", "/v1/jobs", body)
                    #expect(reply.status == 202)
                }
                try await expectSoon { try await api.count("job_history WHERE kind = '\(kind)'") == 2 }

                #expect(schedule.status == 201)
                #expect(try await api.count("job_history WHERE state = 'completed'") == 2)
            }
        }
    }
}
