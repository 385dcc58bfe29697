import Foundation
import PostgresClient
import ProcessHealth
import Rules
import SalesModel
import TestSupport
import Testing

@testable import Console

/// Pages of sales managers: each is there with nothing to show, and with something.
@Suite struct SalesPageTests {
    @Test(arguments: ["overdue", "forecast", "process-health", "rules", "leads", "rollouts", "breakers", "dead-letters", "jobs", "now"])
    func `a tenant that has nothing yet sees why, in both languages`(page: String) async throws {
        try await House.with { house in
            let browser = Browser(house)
            try await browser.signIn(house.acme.tenantKey)

            for language in ["en", "zh"] {
                let answer = try await browser.get("/console/\(page)", headers: ["Accept-Language": language])
                #expect(answer.status == 200, "\(page): \(answer.code ?? "")")
                #expect(answer.text.contains(#"class="empty""#) || page == "rules" || page == "now")
                #expect(answer.text.firstMatch(of: /\[[a-z]+(_[a-z0-9]+)+\]/) == nil)
            }
        }
    }

    @Test(
        arguments: [
            ("jobs?lead=abc", "word_lead", #"value="abc""#), ("jobs?state=asleep&unique_key=k-1", "word_state", #"value="k-1""#),
            ("leads?touch=never&source=web", "leads_touch", #"value="web""#),
            ("audit?since=yesterday&subject=s-1", "audit_since", #"value="s-1""#),
            ("sellers?state=tired&text=Ann", "word_state", #"value="Ann""#),
            ("process-health?week=last", "health_week", #"<option value="last" selected>"#),
        ], Language.allCases)
    func `a search that is refused shows its form as it was sent, and what is wrong in the form's words`(
        search: (path: String, label: String, typed: String), language: Language
    ) async throws {
        try await House.with { house in
            let browser = Browser(house)
            try await browser.signIn(house.acme.operatorKey)

            let answer = try await browser.get("/console/\(search.path)", headers: ["Accept-Language": language.rawValue])

            #expect(answer.status == 422 && answer.code == "invalid")
            #expect(answer.text.contains(/<form class="(panel )?filters"/) && answer.text.contains(search.typed))
            #expect(answer.text.contains("<li><strong>\(Words.of(language)[search.label])</strong>"))
            #expect(!answer.text.contains("<li><code>"))
            // What was not looked for is not said to be missing; process health goes on with what is of no week.
            #expect(!answer.text.contains(#"class="empty""#) || search.path.hasPrefix("process-health"))
            #expect(!answer.text.contains(Words.of(language)["health_none"]))
        }
    }

    @Test func `a reason that is noted on Overdue leads back to the list it was noted in`() async throws {
        try await House.with { house in
            try await house.call("PUT", "/v1/sellers/ann", #"{"name":"Ann","status":"active","team":"south"}"#)
            _ = try await house.owner.query(
                """
                INSERT INTO lead (tenant_id, external_id, source, received_at, fields, state, owner_id)
                SELECT tenant_id, 'L-1', 'web', now() - interval '2 hours', '{}', 'assigned', id FROM seller WHERE external_id = 'ann'
                """)
            let rows = try await house.owner.query(
                """
                INSERT INTO escalation (tenant_id, subject_type, subject_id, clock, level, episode, started_at, due_at, recorded_at, late_by, action,
                    acted, told, urgency, owner, team, job_id)
                SELECT tenant_id, 'lead', id, 'lead_first_touch', 'manager', '-infinity', received_at, now() - interval '1 hour', now(), 3600, 'notify',
                    true, 'told', 'urgent', 'ann', 'south', 1
                FROM lead
                RETURNING id
                """)
            let id = try #require(rows.first).get("id", as: Int64.self)
            let action = "/console/escalations/\(id)/reason"
            let place = "/console/overdue?clock=lead_first_touch&month=2026-01&team=south&history=true"
            let browser = Browser(house)
            try await browser.signIn(house.acme.tenantKey)
            let page = try await browser.get(place)
            // A browser reads the address out of the page's marks.
            let form = try browser.form(page, action).merging(["at": place]) { $1 }

            let refused = try await browser.post(action, form.merging(["reason": ""]) { $1 })
            let noted = try await browser.post(action, form.merging(["reason": "busy"]) { $1 })
            let again = try await browser.post(action, form.merging(["reason": "busy", "at": "\(place)&done=explained"]) { $1 })

            #expect(refused.status == 422 && refused.text.contains(#"<option value="south" selected>"#))
            #expect(noted.status == 303 && noted["location"] == "\(place)&done=explained")
            #expect(again["location"] == noted["location"], "what was done before is not told twice")
        }
    }

    @Test(arguments: [("active", "seller_thawed"), ("leave", "seller_thawed_away")])
    func `whoever is thawed is said to get leads now, or once they are at work again`(status: String, done: String) async throws {
        try await House.with { house in
            let key = house.acme.operatorKey
            try await house.call("PUT", "/v1/sellers/ann", #"{"name":"Ann","status":"\#(status)"}"#, as: key)
            try await house.call("PUT", "/v1/sellers/ann/freeze", #"{"frozen":true,"reason":"on leave"}"#, as: key)
            let browser = Browser(house)
            try await browser.signIn(key)
            let path = "/console/sellers/ann"

            let thawed = try await browser.submit(try await browser.get(path), "\(path)/freeze", ["reason": "back"])

            #expect(thawed.status == 303 && thawed["location"] == "\(path)?done=\(done)")
            #expect(try await browser.get("\(path)?done=\(done)").text.contains(Words.of(.english)["done_\(done)"]))
        }
    }

    @Test func `a rule set is checked, saved as a draft, compared and made live from its page`() async throws {
        try await House.with { house in
            let browser = Browser(house)
            try await browser.signIn(house.acme.operatorKey)
            let path = "/console/rules/route/default"
            let new = try await browser.get(path)

            let first = try await browser.submit(new, path, ["source": "rules: [{ id: all, to: everyone }]\n"])
            let page = try await browser.get(path)
            let wrong = "rules:\n  - { id: all, to: everyone, by: magic }\n"
            let fields = try browser.form(page, path)
            let checked = try await browser.post("\(path)/check", fields.merging(["source": wrong]) { $1 })
            let refused = try await browser.submit(page, path, ["source": wrong])
            let sound = try await browser.post(
                "\(path)/check", fields.merging(["source": "rules: [{ id: all, to: everyone, by: round_robin }]\n"]) { $1 })
            #expect(try await house.count("ruleset_version") == 1)
            let saved = try await browser.submit(page, path, ["source": "rules: [{ id: all, to: everyone, by: round_robin }]\n"])
            let draft = try await browser.get(saved["location"] ?? "")
            let live = try await browser.submit(draft, "\(path)/versions/2/publish", ["reason": "agreed"])

            #expect(first["location"] == "\(path)?version=1&done=rule_saved" && page.text.contains("Live"))
            #expect(checked.status == 200 && checked.text.contains("<code>rules[0].by</code>") && checked.text.contains("by: magic"))
            #expect(refused.status == 422 && refused.code == "invalid" && refused.text.contains("by: magic"))
            #expect(refused.text.ranges(of: "<code>rules[0].by</code>").count == 1, "what is wrong is told once")
            #expect(sound.text.contains("No fault and no warning.") || sound.text.contains("Probably not meant"))
            #expect(draft.text.contains("Draft") && draft.text.contains("title=\"rules[0]"))
            #expect(live.status == 303)
            #expect(try await house.count("ruleset_version WHERE version = 2 AND state = 'live'") == 1)
            #expect(try await browser.get("/console/rules").text.contains("/console/rules/route/default"))
            #expect(try await browser.get("/console/rules/nonsense/default").status == 404)
            #expect(try await browser.get("\(path)?version=9").status == 404)
        }
    }

    @Test func `a rule set that differs in nothing but comments is said to be the version there is`() async throws {
        try await House.with { house in
            let browser = Browser(house)
            try await browser.signIn(house.acme.operatorKey)
            let path = "/console/rules/route/default"
            let text = "rules: [{ id: all, to: everyone }]\n"
            let first = try await browser.submit(try await browser.get(path), path, ["source": text])

            let commented = try await browser.submit(try await browser.get(path), path, ["source": "# For everybody.\n\(text)"])
            let page = try await browser.get(commented["location"] ?? "")

            #expect(first["location"] == "\(path)?version=1&done=rule_saved")
            #expect(commented["location"] == "\(path)?version=1&done=rule_same")
            #expect(page.text.contains("Nothing but layout or comments is different from this version"))
            #expect(try await house.count("ruleset_version") == 1)
        }
    }

    @Test func `a pack is read, and taken set by set into the editor, where nothing is saved before it is`() async throws {
        try await House.with { house in
            let browser = Browser(house)
            try await browser.signIn(house.acme.operatorKey)
            let sources = RulePack.manufacturing.sources
            let (map, text) = (try #require(sources[.map]), try #require(sources[.route]))
            let known = try await house.call("POST", "/v1/rulesets/map/main/versions", map, type: "application/yaml")
            try #require(known.status == 201, "\(known.text)")

            let list = try await browser.get("/console/rules")
            let pack = try await browser.get("/console/packs/manufacturing")
            let path = "/console/rules/route/default"
            let editor = try await browser.get("\(path)?pack=manufacturing")
            #expect(try await house.count("ruleset_version WHERE kind = 'route'") == 0)
            let taken = try await browser.submit(editor, path, ["source": text])

            #expect(list.text.contains("/console/packs/manufacturing"))
            #expect(pack.text.contains("\(path)?pack=manufacturing") && pack.text.contains("Manufacturing"))
            #expect(pack.text.contains("/console/rules/map/main?pack=manufacturing"), "under the name there is")
            #expect(editor.text.contains("From the pack “Manufacturing”, not saved yet"))
            #expect(editor.text.contains("- id: fair-new-energy") && pack.text.contains("- id: fair-new-energy"))
            #expect(taken.status == 303)
            #expect(try await house.count("ruleset_version WHERE kind = 'route' AND source LIKE '%rules:%'") == 1)
            #expect(try await browser.get("/console/packs/none").status == 404)
            #expect(try await browser.get("\(path)?pack=none").status == 404)
        }
    }

    @Test func `a tenant that has nothing yet is shown how to begin, until a lead is there`() async throws {
        try await House.with { house in
            let browser = Browser(house)
            try await browser.signIn(house.acme.tenantKey)
            let empty = try await browser.get("/console/now")
            try #require(await house.call("PUT", "/v1/sellers/s1", #"{"name":"Ann","status":"active"}"#).status < 300)
            let begun = try await browser.get("/console/now")
            let rules = try await house.call(
                "POST", "/v1/rulesets/route/default/versions", "rules: [{ id: all, to: everyone }]", type: "application/yaml")
            try #require(rules.status == 201)
            try #require(await house.call("POST", "/v1/leads", #"{"external_id":"L1","source":"web"}"#).status == 202)

            let done = try await browser.get("/console/now")

            func count(_ page: String) -> Int { page.matches(of: />To do</).count }
            #expect(empty.text.contains("First steps") && count(empty.text) == 3)
            #expect(count(begun.text) == 2)
            #expect(!done.text.contains("First steps"))
        }
    }

    @Test func `process health begins with the worst of all sellers, goes on behind the first fifty, and counts all of them`() async throws
    {
        try await House.with { house in
            let week = Week(containing: Date(), in: .gmt) - 1
            for statement: Statement in [
                """
                INSERT INTO seller (tenant_id, external_id, name, team, status)
                SELECT id, 's' || n, 'Seller <' || n || '>', 'north', 'active' FROM tenant, generate_series(1, 51) n WHERE slug = 'acme'
                """,
                """
                INSERT INTO health_week (tenant_id, seller_id, week, version, as_of, complete, status, spi, below, counts, streak, job_id)
                SELECT tenant_id, id, \(Int32(week.number)), 1, now(), true, 'ok', CASE external_id WHEN 's51' THEN 40 ELSE 60 END, true,
                    '{10,6,25,20,4,4,0,0,0,0,0,0,0,0,0,10}', 2, 0 FROM seller
                """,
            ] { _ = try await house.owner.query(statement) }
            let browser = Browser(house)
            try await browser.signIn(house.acme.tenantKey)

            let first = try await browser.get("/console/process-health?week=\(week)&team=north")
            let next = try #require(first.text.firstMatch(of: /href="([^"]*cursor=[^"]*)" rel="next"/)).1
            let second = try await browser.get(String(next).replacing("&amp;", with: "&"))

            #expect(first.text.contains("Seller &lt;51&gt;") && !first.text.contains("Seller &lt;50&gt;"))
            #expect(first.text.contains("51 for two weeks or more"))
            #expect(second.text.contains("Seller &lt;50&gt;") && !second.text.contains("Seller &lt;51&gt;"))
            #expect(second.text.contains("team=north") && !second.text.contains("rel=\"next\""))
        }
    }

    @Test func `a forecast is asked for and shown, to the last cent`() async throws {
        try await House.with { house in
            for (id, amount) in [("d-1", 123_456), ("d-2", 1_000_000)] {
                let body = #"{"stage":"quoted","amount":{"amount_minor":\#(amount),"currency":"CNY"}}"#
                let told = try await house.call("PUT", "/v1/opportunities/\(id)", body)
                try #require(told.status < 300, "\(told.text)")
            }
            let browser = Browser(house)
            try await browser.signIn(house.acme.tenantKey)
            let empty = try await browser.get("/console/forecast")
            let asked = try await browser.submit(empty, "/console/forecast/rebuild")
            let waiting = try await browser.get(asked["location"] ?? "")
            try await house.working {
                try await expectSoon { try await house.call("GET", "/v1/forecasts/latest").status == 200 }
            }

            let page = try await browser.get("/console/forecast")

            #expect(empty.text.contains("No forecast yet"))
            #expect(asked.status == 303 && asked["location"]?.hasPrefix("/console/forecast?rebuild=") == true)
            #expect(waiting.text.contains("The forecast is being rebuilt") && waiting.text.contains(#"id="figures" data-live-on="job""#))
            let rebuilt = try await browser.get(asked["location"] ?? "")
            #expect(rebuilt.text.contains("this is the first of the period, "))
            #expect(!rebuilt.text.contains("data-live-on"), "what is over is not waited for")
            #expect(!page.text.contains("this is the first"), "only who asked is told")
            #expect(page.text.contains("11,234.56") || page.text.contains("1,234.56"))
            #expect(!page.text.contains("No forecast yet") && page.text.contains("Quoted"))
        }
    }
}
