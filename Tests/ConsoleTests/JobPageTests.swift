import Foundation
import TestSupport
import Testing

@Suite struct JobPageTests {
    @Test func `a job's page tells its story and why it waits, and its list leads to it`() async throws {
        try await House.with { house in
            let job = try await house.waitingJob(#"{"effect_key":"<b>&"}"#)
            let browser = Browser(house)
            try await browser.signIn(house.acme.tenantKey)

            let list = try await browser.get("/console/jobs?state=scheduled&kind=probe")
            let none = try await browser.get("/console/jobs?state=completed")
            let search = try await browser.get("/console/jobs?id=\(job)")
            let page = try await browser.get("/console/jobs/\(job)")

            #expect(list.text.contains(#"href="/console/jobs/\#(job)""#))
            #expect(!none.text.contains(#"href="/console/jobs/\#(job)""#) && none.text.contains("No job found"))
            #expect(search["location"] == "/console/jobs/\(job)")
            #expect(page.text.contains("It is due at 20") && page.text.contains("Enqueued"))
            #expect(page.text.contains("&lt;b&gt;&amp;") && !page.text.contains("<b>&"))
            #expect(page.text.contains(#"data-events="/console/events""#))
        }
    }

    @Test func `a job's page has a step for each of its attempts, in both languages, as the API tells them`() async throws {
        try await House.with { house in
            try await house.working {
                let sent = try await house.call("POST", "/v1/jobs", #"{"kind":"probe","args":{"fail_times":1,"error_class":"transient"}}"#)
                let job = try #require(sent.json["id"])
                try await expectSoon { try await house.call("GET", "/v1/jobs/\(job)").json["state"] == "completed" }
                let browser = Browser(house)
                try await browser.signIn(house.acme.tenantKey)

                let page = try await browser.get("/console/jobs/\(job)").text
                let chinese = try await browser.get("/console/jobs/\(job)", headers: ["Accept-Language": "zh"]).text
                let told = try await house.call("GET", "/v1/jobs/\(job)").text

                #expect(page.contains("Attempt 1 failed") && page.contains("Attempt 2 succeeded") && page.contains("tried again at 20"))
                #expect(chinese.contains("第 1 次尝试失败") && chinese.contains("第 2 次尝试成功"))
                #expect(told.contains(#""attempts":[{"run":1,"attempt":1,"outcome":"failed","#))
                #expect(told.contains(#""attempt":2,"outcome":"completed","#))
                #expect(try await !house.call("GET", "/v1/jobs").text.contains(#""attempts":"#))
            }
        }
    }

    @Test func `jobs are looked for by more than kind and state, and what was asked for stays in its fields`() async throws {
        try await House.with { house in
            let sent = try await house.call("POST", "/v1/jobs", #"{"kind":"probe","unique_key":"order \"7\""}"#)
            let (job, other) = (try #require(sent.json["id"]), try await house.waitingJob())
            let browser = Browser(house)
            try await browser.signIn(house.acme.tenantKey)

            let all = try await browser.get("/console/jobs")
            let found = try await browser.get(
                "/console/jobs?state=&unique_key=order%20%227%22&lead=&error_class=&since=2020-01-01T08:00&until=")
            let none = try await browser.get("/console/jobs?until=2020-01-01T08:00")
            let odd = try await browser.get("/console/jobs?since=yesterday")

            #expect(all.text.contains("<details class=\"more\"><summary>More to search by"))
            #expect(found.text.contains("/console/jobs/\(job)\"") && !found.text.contains("/console/jobs/\(other)\""))
            #expect(found.text.contains("<details class=\"more\" open>") && found.text.contains(#"value="order &quot;7&quot;""#))
            #expect(found.text.contains(#"value="2020-01-01T08:00""#))
            #expect(none.text.contains("No job found") && none.text.contains("is as asked for"))
            #expect(odd.status == 422)
        }
    }

    @Test func `a job is cancelled and run again from its page, once for each form, with its reason in the log`() async throws {
        try await House.with { house in
            let job = try await house.waitingJob()
            let browser = Browser(house)
            try await browser.signIn(house.acme.tenantKey)
            let path = "/console/jobs/\(job)"
            let page = try await browser.get(path)

            let cancelled = try await browser.submit(page, "\(path)/cancel", ["reason": "not needed"])
            let twice = try await browser.submit(page, "\(path)/cancel", ["reason": "not needed"])
            let after = try await browser.get(cancelled["location"] ?? "")
            let again = try await browser.submit(after, "\(path)/retry", ["reason": "needed after all"])

            #expect(cancelled.status == 303 && cancelled["location"] == "\(path)?done=cancelled")
            #expect(twice.status == 303)
            #expect(after.text.contains("The job was cancelled") && after.text.contains("Cancelled"))
            #expect(again.status == 303)
            let log = try await house.owner.query("SELECT action, actor, reason FROM audit_log WHERE action LIKE 'job.%' ORDER BY id")
            #expect(try log.map { try $0.get("action", as: String.self) } == ["job.cancel", "job.retry"])
            #expect(try log.map { try $0.get("reason", as: String?.self) } == ["not needed", "needed after all"])
            #expect(try log.map { try $0.get("actor", as: String.self) }.allSatisfy { $0.hasPrefix("key:") })
        }
    }

    @Test func `what the API refuses comes back within the page, with its code and what was typed`() async throws {
        try await House.with { house in
            let job = try await house.waitingJob()
            let browser = Browser(house)
            try await browser.signIn(house.acme.tenantKey)
            let page = try await browser.get("/console/jobs/\(job)")
            let long = String(repeating: "x", count: 600)

            let refused = try await browser.submit(page, "/console/jobs/\(job)/cancel", ["reason": long])

            #expect(refused.status == 422 && refused.code == "invalid")
            #expect(refused.text.contains(">\(long)</textarea>"))
            #expect(try await house.call("GET", "/v1/jobs/\(job)").json["state"] == "scheduled")
        }
    }

    @Test func `another tenant's jobs are not there`() async throws {
        try await House.with { house in
            let job = try await house.waitingJob()
            let browser = Browser(house)
            try await browser.signIn(house.globex.operatorKey)
            let form = try browser.form(try await browser.get("/console/now"), "/console/sign-out")

            #expect(try await browser.get("/console/jobs/\(job)").status == 404)
            #expect(try await browser.get("/console/jobs").text.contains("/console/jobs/\(job)") == false)
            #expect(try await browser.post("/console/jobs/\(job)/cancel", form).status == 404)
            #expect(try await house.call("GET", "/v1/jobs/\(job)").json["state"] == "scheduled")
        }
    }

    @Test func `now shows what waits, what ended and what needs somebody`() async throws {
        try await House.with { house in
            try await house.call("POST", "/v1/queues/assign_lead/pause", #"{"reason":"<i>the map is wrong"}"#, as: house.acme.operatorKey)
            try await house.working {
                for args in [#"{}"#, #"{"fail_times":9,"error_class":"permanent"}"#] {
                    let job = try #require(await house.call("POST", "/v1/jobs", #"{"kind":"probe","args":\#(args)}"#).json["id"])
                    try await expectSoon {
                        try await ["completed", "discarded"].contains(house.call("GET", "/v1/jobs/\(job)").json["state"])
                    }
                }
            }
            let browser = Browser(house)
            try await browser.signIn(house.acme.tenantKey)

            let page = try await browser.get("/console/now")

            #expect(page.text.contains("Permanent") && page.text.contains(#"href="/console/dead-letters?error_class=permanent""#))
            #expect(page.text.contains("50\u{A0}%") && page.text.contains("1 completed"))
            #expect(page.text.contains("&lt;i&gt;the map is wrong") && !page.text.contains("<i>"))
            #expect(page.text.contains(#"class="one""#) && page.text.contains("<polyline"))
            let chinese = try await browser.get("/console/now", headers: ["Accept-Language": "zh"])
            #expect(chinese.text.contains("永久") || chinese.text.contains("需要处理"))
        }
    }
}
