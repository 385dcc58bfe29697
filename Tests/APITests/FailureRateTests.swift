import Foundation
import PostgresClient
import Records
import Testing

@Suite struct FailureRateTests {
    private let now = Date(timeIntervalSince1970: 1_769_817_600)

    @Test func `a kind that fails too often is alarmed, once while it lasts, until it recovers`() async throws {
        try await TestAPI.with { api in
            try await api.end(16, of: "assign_lead", "completed", outcome: "assigned", at: now - 60)
            try await api.end(2, of: "assign_lead", "completed", outcome: "held_mapping_error", at: now - 60)
            try await api.end(1, of: "assign_lead", "completed", outcome: "manual_queue_fallback", at: now - 60)
            try await api.end(1, of: "assign_lead", "discarded", outcome: nil, at: now - 60)

            try await api.records.watchFailureRates(now: now)
            try await api.records.watchFailureRates(now: now + 30)

            let alert = try #require(await api.send("GET", "/v1/alerts?open=true").json["items"].array?.first)
            #expect(alert["code"].string == "failure_rate")
            #expect(alert["subject"].string == "assign_lead")
            #expect(alert["count"].int == 2)
            #expect([alert["detail"]["failed"].int, alert["detail"]["ended"].int] == [4, 20])
            try await api.records.watchFailureRates(now: now + 600)
            #expect(try await api.send("GET", "/v1/alerts?open=true").json["items"].array?.isEmpty == true)
            #expect(try await api.send("GET", "/v1/alerts?open=false").json["items"].array?.count == 1)
            #expect(try await api.send("GET", "/v1/alerts", as: api.globex.tenantKey).json["items"].array?.isEmpty == true)
        }
    }

    @Test func `too few jobs, too small a share, too long ago or cancelled are no alarm`() async throws {
        try await TestAPI.with { api in
            try await api.end(19, of: "few", "discarded", outcome: nil, at: now - 1)
            try await api.end(81, of: "rare", "completed", outcome: "done", at: now - 1)
            try await api.end(19, of: "rare", "discarded", outcome: nil, at: now - 1)
            try await api.end(50, of: "old", "discarded", outcome: nil, at: now - 301)
            try await api.end(50, of: "cancelled", "cancelled", outcome: nil, at: now - 1)

            try await api.records.watchFailureRates(now: now)

            #expect(try await api.count("alert") == 0)
            #expect(try await api.records.failureRates(now: now).map(\.kind) == ["few", "rare"])
        }
    }

    @Test func `metrics tell how each kind is doing`() async throws {
        try await TestAPI.with { api in
            try await api.end(3, of: "probe", "completed", outcome: "done", at: Date() - 10)
            try await api.end(1, of: "probe", "discarded", outcome: nil, at: Date() - 10)
            _ = try await api.send("POST", "/v1/jobs", #"{"kind":"probe"}"#)

            let lines = try await api.send("GET", "/metrics", as: nil).text.split(separator: "\n").map(String.init)

            let name = #"tenant="\#(api.acme.id)",kind="probe""#
            #expect(lines.contains(#"kiteline_jobs_ended{\#(name),state="completed"} 3"#))
            #expect(lines.contains(#"kiteline_job_failures{\#(name),class="permanent"} 1"#))
            #expect(lines.contains(#"kiteline_job_failure_share{\#(name)} 0.25"#))
            #expect(lines.contains(#"kiteline_job_queue_seconds{\#(name),quantile="0.5"} 2"#))
            #expect(lines.contains("# TYPE kiteline_job_queue_seconds summary"))
            #expect(lines.contains(#"kiteline_jobs_waiting{\#(name),state="available"} 1"#))
        }
    }
}

extension TestAPI {
    /// Acme's jobs as they stand in the history after their end.
    fileprivate func end(_ count: Int, of kind: String, _ state: String, outcome: String?, at: Date) async throws {
        let errorClass = state == "discarded" ? "permanent" : nil
        _ = try await engine.query(
            """
            INSERT INTO job_history (id, run, tenant_id, kind, state, outcome, error_class, attempt, lost, fence, enqueued_at, started_at, finished_at)
            SELECT (SELECT COALESCE(max(id), 0) FROM job_history) + n, 1, \(acme.id.rawValue), \(kind), \(state)::job_end, \(outcome), \(errorClass), 1, 0, 1,
                \(at - 3), \(at - 1), \(at)
            FROM generate_series(1, \(count)) AS n
            """)
    }
}
