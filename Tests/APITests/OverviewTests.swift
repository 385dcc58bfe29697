import Foundation
import Tenancy
import TestSupport
import Testing

@testable import API
@testable import Records

@Suite struct OverviewTests {
    private func some(_ tenant: Int64, _ kind: String, ready: Int = 0, ended: Int = 0, failures: [String: Int] = [:], letters: Int = 0)
        -> JobStatistics
    {
        var one = JobStatistics(tenant: TenantID(tenant), kind: kind)
        one.waiting = ["available": ready, "scheduled": 900]
        one.due = ready
        one.ended = [.completed: ended, .cancelled: ended]
        one.failures = failures
        one.deadLetters = letters
        return one
    }

    @Test func `all tenants' jobs add up, by kind, by the busiest tenants and by what failed`() {
        let many = (1...30).map { some($0, "probe", ready: Int($0)) }
        let overview = Overview(
            many + [
                some(3, "assign_lead", ended: 40, failures: ["permanent": 2, "dependency": 3]),
                some(9, "assign_lead", ended: 1, failures: ["permanent": 4]), some(31, "probe", letters: 5),
            ], most: 20)

        #expect(overview.all.ready == 465 && overview.all.running == 0 && overview.all.ended == 82)
        #expect(overview.all.failed == 9 && overview.all.deadLetters == 5)
        // Nobody's fault is what was cancelled.
        #expect(overview.all.failureShare == 9.0 / 41)
        #expect(Overview([], most: 20).all.failureShare == nil)
        #expect(overview.kinds.map(\.kind) == ["assign_lead", "probe"])
        #expect(overview.kinds.map(\.sums.jobs) == [82, 465])
        #expect(overview.busiest.count == 20)
        #expect(overview.busiest.map(\.tenant.rawValue).prefix(3) == [3, 30, 29])
        // Whose dead letters lie still has no jobs.
        #expect(overview.tenantsWithJobs == 30)
        #expect(overview.failures.map(\.cause) == ["permanent", "dependency"])
        #expect(overview.failures.map(\.count) == [6, 3])
    }

    @Test func `the platform sees whose alerts last, those with the newest first`() async throws {
        try await TestAPI.with { api in
            _ = try await api.owner.query(
                """
                INSERT INTO alert (tenant_id, code, subject, detail, first_at, resolved_at)
                VALUES (\(api.acme.id.rawValue), 'failure_rate', 'probe', '{}', now() - interval '2 hours', NULL),
                    (\(api.acme.id.rawValue), 'mapping_error', 'web/n', '{}', now() - interval '3 hours', NULL),
                    (\(api.acme.id.rawValue), 'mapping_error', 'web/m', '{}', now() - interval '3 hours', NULL),
                    (\(api.acme.id.rawValue), 'manual_queue', 'all', '{}', now(), now()),
                    (\(api.globex.id.rawValue), 'schema_drift', 'web/x', '{}', now() - interval '1 hour', NULL)
                """)

            let json = try await api.send("GET", "/v1/overview", as: api.platformKey).json

            let alerts = json["alerts"].array ?? []
            #expect(alerts.map { $0["slug"].string } == ["globex", "acme"])
            #expect(alerts.map { $0["codes"].array?.map { $0["code"].string } } == [["schema_drift"], ["mapping_error", "failure_rate"]])
            #expect(alerts.map { $0["codes"].array?.map { $0["open"].int } } == [[1], [2, 1]])
            #expect(json["tenants_with_alerts"].int == 2)
            let own = try await api.send("GET", "/v1/alerts?open=true&limit=1", as: api.acme.tenantKey).json
            #expect(own["items"].array?.map { $0["code"].string } == ["mapping_error"] && own["next_cursor"].string != nil)
            // However many are on the page.
            #expect(own["codes"].array?.map { $0["code"].string } == ["mapping_error", "failure_rate"])
            #expect(own["codes"].array?.map { $0["open"].int } == [2, 1])
        }
    }

    @Test func `of more than twenty tenants with alerts those with the newest are named, and all are counted`() async throws {
        try await TestAPI.with { api in
            _ = try await api.owner.query(
                """
                WITH made AS (INSERT INTO tenant (slug) SELECT 'branch-' || n FROM generate_series(1, 25) n RETURNING id, slug)
                INSERT INTO alert (tenant_id, code, subject) SELECT id, 'schema_drift', 'web/' || n
                FROM made, generate_series(1, 2) n ORDER BY n, length(slug), slug
                """)

            let json = try await api.send("GET", "/v1/overview", as: api.platformKey).json

            #expect(json["alerts"].array?.map { $0["slug"].string } == (6...25).reversed().map { "branch-\($0)" })
            #expect(json["tenants_with_alerts"].int == 25)
        }
    }

    @Test func `the platform sees what every tenant has waiting, got done and was entitled to, and a tenant does not`() async throws {
        try await TestAPI.with { api in
            let job = try #require(try await api.send("POST", "/v1/jobs", #"{"kind":"probe"}"#, as: api.acme.tenantKey).json["id"].string)
            try await api.working {
                try await expectSoon {
                    try await api.send("GET", "/v1/jobs/\(job)", as: api.acme.tenantKey).json["state"].string == "completed"
                }
                // What was looked at is remembered for two seconds, and what a worker tells comes with its next beat.
                try await expectSoon {
                    try await api.send("GET", "/v1/workers", as: api.platformKey).json["items"].array?.first?["concurrency"].int == 400
                }
            }
            let waits = try #require(await api.send("POST", "/v1/jobs", #"{"kind":"probe"}"#, as: api.globex.tenantKey).json["id"].string)
            try await expectSoon { try await api.waiting(waits, as: api.globex.tenantKey).code != "not_indexed" }
            // A retry keeps its state when its time has come.
            _ = try await api.owner.query(
                """
                INSERT INTO job_live (id, tenant_id, kind, flow, priority, state, run_at, enqueued_at, max_attempts)
                SELECT n + 2, \(api.globex.id.rawValue), 'probe', 'probe', 5, 'retryable', now() + n * interval '1 hour', now(), 5
                FROM unnest(ARRAY[-1, 1]) n
                """)

            let answer = try await api.send("GET", "/v1/overview", as: api.platformKey)
            let json = try answer.json
            let tenants = Dictionary(uniqueKeysWithValues: (json["tenants"].array ?? []).map { ($0["slug"].string ?? "", $0) })

            #expect(answer.status == 200)
            #expect(json["ready"].int == 2 && json["ended"].int == 1 && json["failed"].int == 0)
            #expect(json["tenants_with_jobs"].int == 2)
            #expect(json["kinds"].array?.count == 1)
            #expect(tenants["acme"]?["ended"].int == 1 && tenants["acme"]?["ready"].int == 0)
            #expect(tenants["globex"]?["ready"].int == 2 && tenants["globex"]?["weight"].int == 1)
            #expect(try #require(tenants["globex"]?["oldest_claimable_ms"].double) >= 0)
            #expect(tenants["globex"]?["share_entitled"].int == 1)
            #expect(json["index"].string == "up")
            _ = try await api.send("POST", "/v1/tenants/globex/pause", #"{"reason":"unpaid"}"#, as: api.platformKey)
            let after = try await api.send("GET", "/v1/overview", as: api.platformKey)
            let paused = try after.json["tenants"].array?.first { $0["slug"].string == "globex" }
            #expect(paused?["paused"].bool == true)
            #expect(paused?["oldest_claimable_ms"].isNull == true, "none of its jobs may run")
            for key in [api.acme.tenantKey, api.acme.operatorKey] {
                #expect(try await api.send("GET", "/v1/overview", as: key).status == 403)
            }
        }
    }
}
