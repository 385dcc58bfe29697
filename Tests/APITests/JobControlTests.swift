import Foundation
import Jobs
import Ledger
import PostgresClient
import Testing

@Suite struct JobControlTests {
    @Test func `a waiting job is cancelled once, with its reason, and written down`() async throws {
        try await TestAPI.with { api in
            let id = try #require(await api.send("POST", "/v1/jobs", #"{"kind":"probe"}"#).json["id"].string)

            let first = try await api.send(
                "POST", "/v1/jobs/\(id)/cancel", #"{"reason":"sent twice"}"#, headers: ["Idempotency-Key": "c1"])
            let replayed = try await api.send(
                "POST", "/v1/jobs/\(id)/cancel", #"{"reason":"sent twice"}"#, headers: ["Idempotency-Key": "c1"])
            let again = try await api.send("POST", "/v1/jobs/\(id)/cancel")
            let read = try await api.send("GET", "/v1/jobs/\(id)").json

            #expect([first, replayed, again].map(\.status) == [200, 200, 200])
            #expect(try first.json["state"].string == "cancelled")
            #expect(replayed.headers["idempotency-replayed"] == "true")
            #expect(read["state"].string == "cancelled")
            #expect(read["error"]["class"].string == "cancelled")
            #expect(read["error"]["message"].string == "sent twice")
            #expect(try await api.count("audit_log WHERE action = 'job.cancel' AND reason = 'sent twice'") == 1)
            #expect(try await api.count("audit_log WHERE action = 'job.cancel'") == 1)
        }
    }

    @Test func `a running job is asked to stop, which its reader sees`() async throws {
        try await TestAPI.with { api in
            let id = try #require(await api.send("POST", "/v1/jobs", #"{"kind":"probe"}"#).json["id"].string)
            try await api.begin(id)

            let reply = try await api.send("POST", "/v1/jobs/\(id)/cancel", "{}")
            let read = try await api.send("GET", "/v1/jobs/\(id)").json

            #expect(reply.status == 202)
            #expect(try reply.json["state"].string == "running")
            #expect(read["state"].string == "running")
            #expect(read["cancel_requested_at"].string == (try reply.json["cancel_requested_at"].string))
            #expect(try await api.send("POST", "/v1/jobs/\(id)/retry").code == "job_running")
        }
    }

    @Test func `a job that has ended is not cancelled, and the answer names its end`() async throws {
        try await TestAPI.with { api in
            let done = try await api.ended(.completed("done"))
            let dead = try await api.ended(.failed(.permanent, "no"))

            let replies = [
                try await api.send("POST", "/v1/jobs/\(done)/cancel"), try await api.send("POST", "/v1/jobs/\(dead)/cancel"),
                try await api.send("POST", "/v1/jobs/\(done)/retry"),
            ]

            #expect(replies.map(\.status) == [409, 409, 409])
            #expect(replies.map(\.code) == ["job_completed", "job_discarded", "job_completed"])
            #expect(try await api.count("audit_log WHERE action LIKE 'job.%'") == 0)
        }
    }

    @Test func `a discarded job is retried under its id`() async throws {
        try await TestAPI.with { api in
            let id = try await api.ended(.failed(.permanent, "no"))

            let reply = try await api.send("POST", "/v1/jobs/\(id)/retry", #"{"reason":"mended"}"#)
            let read = try await api.send("GET", "/v1/jobs/\(id)").json

            #expect(reply.status == 202)
            #expect(try reply.json["run"].int == 2)
            #expect(read["state"].string == "available")
            #expect(read["run"].int == 2)
            #expect(read["attempt"].int == 0)
            #expect(try await api.send("GET", "/v1/dlq").json["items"].array?.isEmpty == true)
            #expect(try await api.count("audit_log WHERE action = 'job.retry' AND reason = 'mended'") == 1)
        }
    }

    @Test func `dead letters are listed by what is asked, previewed and redriven`() async throws {
        try await TestAPI.with { api in
            let permanent = try await api.ended(.failed(.permanent, "no"))
            let poison = try await api.ended(.failed(.poison, "killed"))

            let all = try await api.send("GET", "/v1/dlq?limit=1").json
            let rest = try await api.send("GET", "/v1/dlq?cursor=\(all["next_cursor"].string ?? "")").json
            let some = try await api.send("GET", "/v1/dlq?error_class=poison&kind=probe&since=2020-01-01T00:00:00Z").json
            let none = try await api.send("GET", "/v1/dlq?since=2099-01-01T00:00:00Z").json
            let preview = try await api.send("POST", "/v1/dlq:redrive", #"{"error_class":"permanent","dry_run":true}"#)
            let redrive = try await api.send("POST", "/v1/dlq:redrive", #"{"error_class":"permanent","reason":"mended","per_second":100}"#)
            let id = try #require(try redrive.json["redrive_id"].string)
            _ = try await api.owner.query("UPDATE redrive SET fed_at = now() - interval '1 second'")
            try await api.ledger.feedRedrives()
            let progress = try await api.send("GET", "/v1/redrives/\(id)").json

            #expect(all["items"][0]["id"].string == "\(poison)")
            #expect(rest["items"][0]["id"].string == "\(permanent)")
            #expect(some["items"].array?.map(\.["id"].string) == ["\(poison)"])
            #expect(none["items"].array?.isEmpty == true)
            #expect(preview.status == 200)
            #expect(try preview.json["count"].int == 1)
            #expect(try preview.json["first"][0]["id"].string == "\(permanent)")
            #expect(redrive.status == 202)
            #expect(try redrive.json["count"].int == 1)
            #expect(progress["state"].string == "completed")
            #expect(progress["done"].int == 1)
            #expect(try await api.send("GET", "/v1/jobs/\(permanent)").json["state"].string == "available")
            #expect(try await api.send("GET", "/v1/dlq").json["items"].array?.count == 1)
            let counted = try await api.records.jobStatistics(now: Date())
            #expect(counted.reduce(0) { $0 + $1.deadLetters } == 1, "as many as are listed")
            #expect(try await api.count("audit_log WHERE action = 'dlq.redrive' AND reason = 'mended' AND (after->>'count')::int = 1") == 1)
        }
    }

    @Test func `nothing of another tenant is cancelled, retried, listed or redriven`() async throws {
        try await TestAPI.with { api in
            let dead = try await api.ended(.failed(.permanent, "no"))
            let redrive = try #require(await api.send("POST", "/v1/dlq:redrive", "{}").json["redrive_id"].string)
            let waiting = try #require(await api.send("POST", "/v1/jobs", #"{"kind":"probe"}"#).json["id"].string)
            let foreign = api.globex.operatorKey

            for path in ["/v1/jobs/\(waiting)/cancel", "/v1/jobs/\(waiting)/retry", "/v1/jobs/\(dead)/retry", "/v1/jobs/\(dead)/cancel"] {
                #expect(try await api.send("POST", path, as: foreign).status == 404, "\(path)")
            }
            #expect(try await api.send("GET", "/v1/redrives/\(redrive)", as: foreign).status == 404)
            #expect(try await api.send("GET", "/v1/dlq", as: foreign).json["items"].array?.isEmpty == true)
            #expect(try await api.send("POST", "/v1/dlq:redrive", #"{"ids":["\#(dead)"]}"#, as: foreign).json["count"].int == 0)
            #expect(try await api.send("GET", "/v1/jobs/\(waiting)").json["state"].string == "available")
        }
    }

    @Test func `bad wishes are refused with what is wrong`() async throws {
        try await TestAPI.with { api in
            let wrong = try await api.send(
                "POST", "/v1/dlq:redrive", #"{"error_class":"bad","ids":["x"],"per_second":0,"dry_run":1,"since":"soon","extra":1}"#)
            let reason = try await api.send("POST", "/v1/jobs/1/cancel", #"{"reason":""}"#)

            #expect(wrong.status == 422)
            #expect(
                Set(wrong.faults.map { $0.split(separator: " ")[0] }) == ["error_class", "ids", "per_second", "dry_run", "since", "extra"])
            #expect(reason.status == 422)
            #expect(try await api.send("POST", "/v1/jobs/1/cancel", "[").status == 400)
            #expect(try await api.send("POST", "/v1/jobs/x/retry").status == 404)
            #expect(try await api.send("GET", "/v1/dlq?error_class=bad&since=soon").status == 422)
        }
    }
}

extension TestAPI {
    /// Grants a job as a worker would be granted it.
    @discardableResult
    func begin(_ id: String) async throws -> Attempt {
        let job = try #require(JobID(text: id))
        let grants = try await ledger.begin([ClaimedJob(id: job, token: 1 << 40)], worker: 1, epoch: try #require(dispatch.epoch))
        return try #require(grants.attempts.first)
    }

    /// A probe of acme that has ended like this.
    func ended(_ outcome: Outcome) async throws -> JobID {
        let attempt = try await begin(try #require(await send("POST", "/v1/jobs", #"{"kind":"probe"}"#).json["id"].string))
        let disposition = outcome.disposition(of: attempt, policy: RetryPolicy(), now: attempt.startedAt, chance: 0)
        _ = try await ledger.settle([Settlement(attempt: attempt, outcome: outcome, disposition: disposition)])
        return attempt.id
    }
}
