import Foundation
import PostgresClient
import TestSupport
import Testing

/// What operators turn: the fuse, breakers, pauses, dead letters.
@Suite struct DialPageTests {
    @Test func `the fuse, breakers and pauses are turned with a reason, and only by an operator`() async throws {
        try await House.with { house in
            try await house.call("POST", "/v1/breakers/erp/open", #"{"reason":"on <fire>"}"#, as: house.acme.operatorKey)
            let (operators, tenants) = (Browser(house), Browser(house))
            try await operators.signIn(house.acme.operatorKey)
            try await tenants.signIn(house.acme.tenantKey)
            let page = try await operators.get("/console/breakers")

            let silent = try await operators.submit(page, "/console/fuses/assignment", ["reason": ""])
            let stopped = try await operators.submit(page, "/console/fuses/assignment", ["reason": "wrong map"])
            let closed = try await operators.submit(page, "/console/breakers/erp/close", ["reason": "put out"])
            let held = try await operators.submit(page, "/console/holds", ["what": "kind:probe", "reason": "month end"])
            let after = try await operators.get("/console/breakers")
            let resumed = try await operators.submit(after, "/console/queues/probe/resume", ["reason": "over"])
            let seen = try await tenants.get("/console/breakers")
            let form = try tenants.form(seen, "/console/sign-out").merging(["state": "closed", "reason": "mine"]) { $1 }
            let refused = try await tenants.post("/console/fuses/assignment", form)

            #expect(page.text.contains("on &lt;fire&gt;") && page.text.contains("Opened by hand"))
            #expect(silent.status == 422 && silent.text.contains("<strong>Reason</strong>"))
            #expect(
                [stopped, closed, held, resumed].allSatisfy {
                    $0.status == 303 && $0["location"]?.hasPrefix("/console/breakers?done=") == true
                })
            #expect(after.text.contains("wrong map") && after.text.contains("month end"))
            #expect(!seen.text.contains("/console/fuses/assignment") && seen.text.contains("wrong map"))
            #expect(refused.status == 403)
            #expect(try await house.call("GET", "/v1/fuses/assignment").json["state"] == "open")
            #expect(try await house.count("audit_log WHERE action = 'refused'") == 1)
            #expect(try await house.count("audit_log WHERE reason IN ('wrong map', 'put out', 'month end', 'over')") == 4)
        }
    }

    @Test func `many breakers are shown page by page and found by name, and Now names the latest and how many there are`() async throws {
        try await House.with { house in
            for statement: Statement in [
                """
                INSERT INTO breaker (gate, tenant_id, dependency, state, "limit", openings, reason, changed_at)
                SELECT t.id || '/d:plant-' || n, t.id, 'plant-' || n, 'open', 0, 1, '4 of the last 6 calls failed', now() - n * interval '1 minute'
                FROM tenant t, generate_series(1, 45) n WHERE slug = 'acme'
                """
            ] { _ = try await house.owner.query(statement) }
            let browser = Browser(house)
            try await browser.signIn(house.acme.operatorKey)

            let first = try await browser.get("/console/breakers")
            let last = try await browser.get("/console/breakers?from=40")
            let found = try await browser.get("/console/breakers?q=plant-4")
            let none = try await browser.get("/console/breakers?q=moon")
            let beyond = try await browser.get("/console/breakers?from=\(Int.max)")
            let refused = try await browser.submit(last, "/console/breakers/plant-44/close", ["reason": ""])
            let closed = try await browser.submit(last, "/console/breakers/plant-44/close", ["reason": "mended"])
            let now = try await browser.get("/console/now")

            func names(_ page: Browser.Answer) -> Int { page.text.matches(of: /<h3>plant-/).count }
            #expect(names(first) == 20 && first.text.contains("/console/breakers?from=20"))
            #expect(names(last) == 5 && last.text.contains("plant-45"))
            #expect(names(found) == 7 && found.text.contains("plant-44"), "4, 40 … 45")
            #expect(none.text.contains("No breaker has that in its name") && names(beyond) == 5, "behind the last page is the last page")
            #expect(refused.status == 422 && refused.text.contains("<h3>plant-44"), "on the page it was sent from")
            let nowhere = try await browser.get("/console/breakers?from=x", headers: ["Accept-Language": "zh"])
            #expect(nowhere.status == 422 && nowhere.text.contains("<strong>列表位置</strong>：须是整数，例如 20"))
            #expect(names(nowhere) == 20 && nowhere.text.contains(#"id="breaker-search""#), "the list begins at its beginning")
            #expect(closed.status == 303)
            #expect(now.text.contains("plant-1: 4 of") && now.text.contains("plant-5: 4 of") && !now.text.contains("plant-6: 4 of"))
            #expect(now.text.contains("39 more breakers hold jobs back"))
        }
    }

    @Test func `an alert is ended from the page with a reason, and only by an operator`() async throws {
        try await House.with { house in
            let tenant = house.acme.id.rawValue
            _ = try await house.owner.query(
                "INSERT INTO alert (tenant_id, code, subject) VALUES (\(tenant), 'escalation_failed', 'permanent')")
            let (operators, tenants) = (Browser(house), Browser(house))
            try await operators.signIn(house.acme.operatorKey)
            try await tenants.signIn(house.acme.tenantKey)
            let page = try await operators.get("/console/now")
            let id = try #require(page.text.firstMatch(of: /\/console\/alerts\/(\d+)\/resolve/)).1
            let seen = try await tenants.get("/console/now")

            let silent = try await operators.submit(page, "/console/alerts/\(id)/resolve", ["reason": ""])
            let ended = try await operators.submit(page, "/console/alerts/\(id)/resolve", ["reason": "the form is mended"])
            let after = try await operators.get("/console/now?done=alert_ended")

            #expect(!seen.text.contains("/console/alerts/"))
            #expect(silent.status == 422 && silent.text.contains("<strong>Reason</strong>"))
            #expect(ended.status == 303 && ended["location"] == "/console/now?done=alert_ended")
            #expect(after.text.contains("The alert is over.") && !after.text.contains("/console/alerts/"))
            #expect(try await house.count("audit_log WHERE action = 'alert.resolve' AND reason = 'the form is mended'") == 1)
        }
    }

    @Test func `many alerts of a code are ended at once, but for those that began after the page was read`() async throws {
        try await House.with { house in
            let tenant = house.acme.id.rawValue
            for subject in 1...5 {
                _ = try await house.owner.query(
                    "INSERT INTO alert (tenant_id, code, subject) VALUES (\(tenant), 'schema_drift', \("web/\(subject)"))")
            }
            let browser = Browser(house)
            try await browser.signIn(house.acme.operatorKey)
            let page = try await browser.get("/console/now")
            _ = try await house.owner.query("INSERT INTO alert (tenant_id, code, subject) VALUES (\(tenant), 'schema_drift', 'web/late')")

            let newest = try #require(page.text.firstMatch(of: /name="upTo" value="(\d+)"/)).1
            let path = "/console/alert-codes/schema_drift/resolve"
            let silent = try await browser.submit(page, path, ["upTo": String(newest), "reason": ""])
            let ended = try await browser.submit(page, path, ["upTo": String(newest), "reason": "mapped"])
            let after = try await browser.get("/console/now?done=alerts_ended")

            #expect(page.text.contains("End all 5"))
            #expect(silent.status == 422 && silent.text.contains("<strong>Reason</strong>"))
            #expect(ended.status == 303 && ended["location"] == "/console/now?done=alerts_ended")
            #expect(after.text.contains("These alerts are over.") && after.text.contains("web/late") && !after.text.contains("web/5"))
        }
    }

    @Test func `a dependency that is paused is shown with its reason and resumed from the page, the platform's only shown`() async throws {
        try await House.with { house in
            try await house.call("POST", "/v1/breakers/erp/open", #"{"reason":"on fire"}"#, as: house.acme.operatorKey)
            // Without a tenant a platform key pauses for all.
            let platform = ["Authorization": "Bearer \(house.platformKey)", "Content-Type": "application/json"]
            let shared = try await Browser(house).send(
                "POST", "/v1/dependencies/mail/pause", #"{"reason":"the platform moves"}"#, platform)
            let kind = try await Browser(house).send("POST", "/v1/queues/probe/pause", #"{"reason":"the platform upgrades"}"#, platform)
            #expect(shared.status == 200 && kind.status == 200)
            let browser = Browser(house)
            try await browser.signIn(house.acme.operatorKey)
            let page = try await browser.get("/console/breakers")

            let held = try await browser.submit(page, "/console/holds", ["what": "dependency:erp", "reason": "month <end>"])
            let after = try await browser.get("/console/breakers")
            let now = try await browser.get("/console/now")
            let resumed = try await browser.submit(after, "/console/dependencies/erp/resume", ["reason": "over"])

            #expect(held.status == 303 && resumed.status == 303)
            #expect(after.text.contains("month &lt;end&gt;") && !after.text.contains(#"value="dependency:erp""#))
            #expect(after.text.contains("the platform moves") && !after.text.contains("/console/dependencies/mail/resume"))
            #expect(after.text.contains("the platform upgrades") && !after.text.contains("/console/queues/probe/resume"))
            #expect(now.text.contains("Dependency: erp: month &lt;end&gt;"))
            #expect(try await house.count("gate_limit WHERE source = 'pause'") == 2)
            #expect(try await browser.get("/console/breakers").text.contains("month &lt;end&gt;") == false)
            #expect(try await house.count("audit_log WHERE action = 'dependency.resume' AND reason = 'over'") == 1)
        }
    }

    @Test func `dead letters are previewed and run again, and those of others are not there`() async throws {
        try await House.with { house in
            try await house.working {
                let job = try #require(
                    await house.call("POST", "/v1/jobs", #"{"kind":"probe","args":{"fail_times":1,"error_class":"permanent"}}"#).json["id"])
                try await expectSoon { try await house.call("GET", "/v1/jobs/\(job)").json["state"] == "discarded" }
                let (browser, foreign) = (Browser(house), Browser(house))
                try await browser.signIn(house.acme.tenantKey)
                try await foreign.signIn(house.globex.operatorKey)

                let list = try await browser.get("/console/dead-letters?kind=probe&error_class=permanent")
                let other = try await browser.get("/console/dead-letters?error_class=poison")
                let wrong = try await browser.get("/console/dead-letters?error_class=%3Cb%3E")
                let beyond = try await browser.get("/console/dead-letters?since=300000-01-01T00:00")
                let preview = try await browser.get("/console/dead-letters?kind=probe&preview=true")
                #expect(try await house.call("GET", "/v1/jobs/\(job)").json["state"] == "discarded")
                let begun = try await browser.submit(
                    preview, "/console/dead-letters/redrive", ["per_second": "50", "reason": "mended"])

                #expect(list.text.contains(#"href="/console/jobs/\#(job)""#))
                #expect(other.status == 200 && !other.text.contains("/console/jobs/\(job)"))
                #expect(wrong.status == 422 && !wrong.text.contains("<b>"))
                #expect(beyond.status == 422)
                #expect(preview.text.contains("1 job would run again"))
                #expect(begun.status == 303 && begun["location"] == "/console/dead-letters?done=redriven")
                #expect(try await foreign.get("/console/dead-letters").text.contains("/console/jobs/\(job)") == false)
                try await expectSoon { try await house.call("GET", "/v1/jobs/\(job)").json["state"] == "completed" }
                #expect(try await house.count("audit_log WHERE action = 'dlq.redrive' AND reason = 'mended'") == 1)
            }
        }
    }
}
