import Foundation
import TestSupport
import Testing

@Suite struct LeadPageTests {
    /// Two sellers and a route that takes every lead.
    private func sales(_ house: House) async throws {
        for (id, name) in [("s1", "Chen <b>Wei</b>"), ("s2", "Li Fang")] {
            let body = #"{"name":"\#(name)","status":"active","capacity":5}"#
            try #require(await house.call("PUT", "/v1/sellers/\(id)", body).status < 300)
        }
        let rules = try await house.call(
            "POST", "/v1/rulesets/route/default/versions", "rules: [{ id: all, to: everyone }]", type: "application/yaml")
        try #require(rules.status == 201, "\(rules.text)")
    }

    private func lead(_ house: House, _ id: String, _ company: String) async throws -> String {
        let body = #"{"external_id":"\#(id)","source":"web","fields":{"company":"\#(company)","note":"</dd><script>x"}}"#
        return try #require(await house.call("POST", "/v1/leads", body).json["lead_id"])
    }

    @Test func `a lead's page says who has it and why, in both languages, and escapes what the lead says`() async throws {
        try await House.with { house in
            try await sales(house)
            let id = try await lead(house, "L-1", "<script>alert(1)</script>")
            try await house.working {
                try await expectSoon { try await house.call("GET", "/v1/leads/\(id)").json["state"] == "assigned" }
            }
            let browser = Browser(house)
            try await browser.signIn(house.acme.tenantKey)

            let list = try await browser.get("/console/leads?state=assigned&source=web")
            let page = try await browser.get("/console/leads/\(id)")
            let chinese = try await browser.get("/console/leads/\(id)", headers: ["Accept-Language": "zh"])

            for answer in [list, page, chinese] {
                #expect(answer.status == 200 && !answer.text.contains("<script>") && !answer.text.contains("<b>Wei"))
                #expect(answer.text.contains("&lt;script&gt;alert(1)&lt;/script&gt;"))
            }
            #expect(list.text.contains(#"href="/console/leads/\#(id)""#))
            #expect(page.text.contains("Rule “all” applies.") && page.text.contains("route/default@1"))
            #expect(page.text.contains("Chen &lt;b&gt;Wei") || page.text.contains("Li Fang"))
            #expect(chinese.text.contains("规则“all”"))
            #expect(try await browser.get("/console/leads?text=\(id)")["location"] == "/console/leads/\(id)")
            #expect(try await browser.get("/console/leads?text=L-1").text.contains(#"href="/console/leads/\#(id)""#))
            #expect(try await browser.get("/console/leads?text=L-2").text.contains("No lead found"))
            #expect(try await browser.get("/console/leads?text=ALERT(1)&owner=Li%20Fang&state=held").text.contains("No lead found"))
            #expect(try await browser.get("/console/leads?text=ALERT(1)").text.contains(#"href="/console/leads/\#(id)""#))
            #expect(try await browser.get("/console/leads?text=x&cursor=1").text.contains("Nothing further back"))
        }
    }

    @Test func `what the list finds is taken out for a spreadsheet, and nothing where its filter cannot be read`() async throws {
        try await House.with { house in
            try await sales(house)
            _ = try await lead(house, "L-1", "=1+1, Ltd")
            let other = #"{"external_id":"L-2","source":"fair","fields":{"company":"Kite"}}"#
            try #require(await house.call("POST", "/v1/leads", other).status == 202)
            let browser = Browser(house)
            try await browser.signIn(house.acme.tenantKey)

            let list = try await browser.get("/console/leads?source=web")
            let table = try await browser.get("/console/leads.csv?source=web")
            let all = try await browser.get("/console/leads.csv")

            #expect(list.text.contains(#"<a href="/console/leads.csv?source=web">Download as CSV"#))
            #expect(table.status == 200 && table["content-type"] == "text/csv; charset=utf-8")
            #expect(table["content-disposition"]?.wholeMatch(of: /attachment; filename="leads-acme-\d{4}-\d\d-\d\d\.csv"/) != nil)
            #expect(table.text.contains(#""web","L-1""#) && !table.text.contains("L-2") && all.text.contains(#""fair","L-2""#))
            #expect(table.text.contains(#""'=1+1, Ltd""#), "\(table.text)")
            for wrong in ["state=zzz", "source=%FF", "month=2026-01"] {
                let led = try await browser.get("/console/leads.csv?\(wrong)")
                #expect(led.status == 303 && led["location"] == "/console/leads?\(wrong)", "its page says what is wrong")
            }
            #expect(try await Browser(house).get("/console/leads.csv").status == 303, "nobody takes them without signing in")
        }
    }

    @Test func `the leads of a tenant are not taken from a page of another`() async throws {
        try await House.with { house in
            try #require(await house.call("POST", "/v1/leads", #"{"external_id":"L-1","source":"web","fields":{}}"#).status == 202)
            let browser = Browser(house)
            try await browser.signIn(house.platformKey)
            let tenants = try await browser.get("/console/tenants")
            #expect(try await browser.submit(tenants, "/console/tenant", ["tenant": "acme"]).status == 303)

            let list = try await browser.get("/console/leads")

            #expect(list.text.contains(#"<a href="/console/leads.csv?for=acme">"#))
            #expect(try await browser.get("/console/leads.csv?for=acme").status == 200)
            for other in ["?for=globex", ""] {
                let refused = try await browser.get("/console/leads.csv\(other)")
                #expect(refused.status == 409 && refused.code == "tenant_changed", "\(refused.status)")
            }
        }
    }

    @Test func `where two sellers have the name that leads are looked for by, the person chooses whose`() async throws {
        try await House.with { house in
            for id in ["w1", "w2"] { try await house.call("PUT", "/v1/sellers/\(id)", #"{"name":"Li Wei","status":"active"}"#) }
            let browser = Browser(house)
            try await browser.signIn(house.acme.tenantKey)

            let several = try await browser.get("/console/leads?owner=Li%20Wei&state=held")
            let one = try await browser.get("/console/leads?owner=w1")

            #expect(several.text.contains("2 sellers are called Li Wei. Whose leads?"))
            for id in ["w1", "w2"] { #expect(several.text.contains(#"<a href="/console/leads?owner=\#(id)&amp;state=held">\#(id)</a>"#)) }
            #expect(one.text.contains("No lead found") && !one.text.contains("Whose leads?"))
        }
    }

    @Test func `who is held to cities lands on the leads of those, and is offered nothing that would be refused`() async throws {
        try await House.with { house in
            try await sales(house)
            for (id, city) in [("L-sh", "上海"), ("L-bj", "北京")] {
                let body = #"{"external_id":"\#(id)","source":"web","fields":{"city":"\#(city)"}}"#
                try #require(await house.call("POST", "/v1/leads", body).status == 202)
            }
            let policies = #"[{"id":"sh","to":{"role":"seller"},"effect":"allow","actions":["lead.query"],"cities":["上海"]}]"#
            let check = try await house.call("POST", "/v1/access/check", #"{"policies":\#(policies)}"#, as: house.acme.operatorKey)
            let typed = check.json["confirmation"].map { #","confirmation":"\#($0)""# } ?? ""
            let version = try await house.call(
                "POST", "/v1/access/versions", #"{"policies":\#(policies),"reason":"test"\#(typed)}"#, as: house.acme.operatorKey)
            try #require(version.status == 201, "\(version.text)")
            let made = try await house.call("POST", "/v1/tenants/acme/keys", #"{"role":"tenant","user":"s1"}"#, as: house.platformKey)
            let browser = Browser(house)
            try await browser.signIn(try #require(made.json["key"]))

            let now = try await browser.get("/console/now")
            let list = try await browser.get("/console/leads")
            let found = try #require(list.text.firstMatch(of: /href="\/console\/leads\/(\d+)"/)).1
            let lead = try await browser.get("/console/leads/\(found)")
            let table = try await browser.get("/console/leads.csv")

            #expect(table.status == 200 && table.text.contains("L-sh") && !table.text.contains("L-bj"), "nor are others' leads taken out")
            #expect(now.status == 303 && now["location"] == "/console/leads")
            #expect(list.status == 200 && list.text.contains("L-sh") && !list.text.contains("L-bj"))
            #expect(lead.status == 200 && lead.text.contains("L-sh"))
            for area in ["now", "jobs", "rules", "rollouts", "overdue", "forecast"] {
                #expect(!list.text.contains(#"href="/console/\#(area)""#), "\(area)")
            }
            #expect(try await house.count("audit_log WHERE action = 'refused'") == 0)
        }
    }

    @Test func `a person's key is shown no door to rules, neither on Now nor on a lead`() async throws {
        try await House.with { house in
            try await sales(house)
            let other = "rules: [{ id: all, to: everyone, by: round_robin }]"
            _ = try await house.call("POST", "/v1/rulesets/route/default/versions", other, type: "application/yaml")
            let published = try await house.call(
                "POST", "/v1/rulesets/route/default/versions/2/publish", #"{"reason":"test"}"#, as: house.acme.operatorKey)
            try #require(published.status == 200, "\(published.text)")
            _ = try await house.owner.query(
                """
                INSERT INTO alert (tenant_id, code, subject)
                SELECT \(house.acme.id.rawValue), code, '7' FROM unnest(ARRAY['schema_drift', 'mapping_error', 'rollout_aborted']) code
                """)
            let id = try await lead(house, "L-1", "Acme")
            try await house.working {
                try await expectSoon { try await house.call("GET", "/v1/leads/\(id)").json["state"] == "assigned" }
            }
            let made = try await house.call("POST", "/v1/tenants/acme/keys", #"{"role":"tenant","user":"s1"}"#, as: house.platformKey)
            let (person, nobodys) = (Browser(house), Browser(house))
            try await person.signIn(try #require(made.json["key"]))
            try await nobodys.signIn(house.acme.tenantKey)

            for path in ["/console/now", "/console/leads/\(id)"] {
                let (theirs, all) = (try await person.get(path), try await nobodys.get(path))
                #expect(theirs.status == 200 && all.text.contains("/console/rules/route/default"), "\(path)")
                for area in ["rules", "rollouts", "permissions"] { #expect(!theirs.text.contains("/console/\(area)"), "\(path)") }
            }
            #expect(try await person.get("/console/now").text.contains("The rules have changed"), "told, without a way there")
        }
    }

    @Test func `who may not ask for leads sees who is late with what, without what the leads are called`() async throws {
        try await House.with { house in
            try await sales(house)
            let id = try await lead(house, "L-1", "Acme Pumps")
            try await house.working {
                try await expectSoon { try await house.call("GET", "/v1/leads/\(id)").json["state"] == "assigned" }
            }
            _ = try await house.owner.query(
                """
                INSERT INTO escalation (tenant_id, subject_type, subject_id, clock, level, episode, started_at, due_at, recorded_at, late_by, action,
                    acted, told, told_at, urgency, recipients, channels, owner, team, reason, job_id)
                SELECT l.tenant_id, 'lead', l.id, 'lead_first_touch', 'manager', '-infinity', now() - interval '2 hours', now() - interval '1 hour', now(),
                    3600, 'notify', true, 'told', now(), 'urgent', ARRAY['wang'], ARRAY['log'], s.external_id, s.team, NULL, l.id
                FROM lead l JOIN seller s ON s.tenant_id = l.tenant_id AND s.id = l.owner_id
                """)
            try await house.call("PUT", "/v1/sellers/boss", #"{"name":"Boss","status":"inactive"}"#)
            let policies = #"[{"id":"no","to":{"user":"boss"},"effect":"deny","actions":["lead.query"]}]"#
            let version = try await house.call(
                "POST", "/v1/access/versions", #"{"policies":\#(policies),"reason":"test"}"#, as: house.acme.operatorKey)
            try #require(version.status == 201, "\(version.text)")
            let made = try await house.call("POST", "/v1/tenants/acme/keys", #"{"role":"tenant","user":"boss"}"#, as: house.platformKey)
            let (boss, other) = (Browser(house), Browser(house))
            try await boss.signIn(try #require(made.json["key"]))
            try await other.signIn(house.acme.tenantKey)

            let board = try await boss.get("/console/overdue")

            #expect(
                board.status == 200 && board.text.contains("/console/leads/\(id)") && !board.text.contains("Acme Pumps"), "\(board.text)")
            #expect(try await other.get("/console/overdue").text.contains("Acme Pumps"))
        }
    }

    @Test func `however many sellers a tenant has, those a page speaks of have their names`() async throws {
        try await House.with { house in
            _ = try await house.owner.query(
                """
                INSERT INTO seller (tenant_id, external_id, name, status)
                SELECT \(house.acme.id.rawValue), 'early-' || n, 'Early', 'inactive' FROM generate_series(1, 600) n
                """)
            _ = try await house.owner.query("INSERT INTO seller_load (tenant_id, seller_id) SELECT tenant_id, id FROM seller")
            try await sales(house)
            let id = try await lead(house, "L-1", "Acme")
            try await house.working {
                try await expectSoon { try await house.call("GET", "/v1/leads/\(id)").json["state"] == "assigned" }
            }
            let owner = try await house.call("GET", "/v1/leads/\(id)").json["owner"] == "s1" ? "Chen &lt;b&gt;Wei" : "Li Fang"
            let browser = Browser(house)
            try await browser.signIn(house.acme.tenantKey)

            #expect(try await browser.get("/console/leads").text.contains(owner))
            #expect(try await browser.get("/console/leads/\(id)").text.contains(owner))
            let some = try await house.call("GET", "/v1/sellers?ids=s2,early-7,nobody,%20")
            #expect(some.status == 200 && some.text.contains(#""external_id":"s2""#) && some.text.contains(#""external_id":"early-7""#))
            #expect(!some.text.contains(#""external_id":"s1""#))
        }
    }

    @Test func `sellers whose ids are as long as they may be, or have commas in them, keep no page from being shown`() async throws {
        try await House.with { house in
            _ = try await house.owner.query(
                """
                INSERT INTO seller (tenant_id, external_id, name, status)
                SELECT \(house.acme.id.rawValue), CASE WHEN n <= 501 THEN 'early-' || n WHEN n = 502 THEN 'li,wei' ELSE rpad('late-' || n || '-', 200, 'x') END,
                    'Seller ' || n, 'inactive' FROM generate_series(1, 560) n
                """)
            for number in 0..<59 { _ = try await lead(house, "L-\(number)", "Acme") }
            _ = try await house.owner.query(
                """
                UPDATE lead l SET state = 'assigned', owner_id = s.id
                FROM (SELECT id, row_number() OVER (ORDER BY id) AS n FROM lead) o, (SELECT id, row_number() OVER (ORDER BY id DESC) AS n FROM seller) s
                WHERE o.id = l.id AND s.n = o.n
                """)
            let browser = Browser(house)
            try await browser.signIn(house.acme.tenantKey)

            let page = try await browser.get("/console/leads")

            #expect(page.status == 200 && page.text.contains("Seller 515"), "\(page.code ?? "")")
            let last = try await house.call("GET", "/v1/leads?limit=100").text
            #expect(last.contains("li,wei"), "the one with a comma has a lead as well")
        }
    }

    @Test func `an operator gives a lead to another by hand, a tenant's key may not`() async throws {
        try await House.with { house in
            try await sales(house)
            let id = try await lead(house, "L-1", "Acme")
            try await house.working {
                try await expectSoon { try await house.call("GET", "/v1/leads/\(id)").json["state"] == "assigned" }
            }
            let owner = try #require(await house.call("GET", "/v1/leads/\(id)").json["owner"])
            let other = owner == "s1" ? "s2" : "s1"
            let (operators, tenants, foreign) = (Browser(house), Browser(house), Browser(house))
            try await operators.signIn(house.acme.operatorKey)
            try await tenants.signIn(house.acme.tenantKey)
            try await foreign.signIn(house.globex.operatorKey)
            let path = "/console/leads/\(id)/assign"
            let seen = try await tenants.get("/console/leads/\(id)")
            let wish = ["seller": other, "override": "true", "reason": "knows them"]

            let refused = try await tenants.post(path, try tenants.form(seen, "/console/sign-out").merging(wish) { $1 })
            let page = try await operators.get("/console/leads/\(id)")
            let unconfirmed = try await operators.submit(page, path, ["seller": other, "reason": "knows them"])
            let given = try await operators.submit(page, path, wish)

            #expect(!seen.text.contains(path) && seen.text.contains("needs an operator&#39;s key"))
            #expect(refused.status == 403 && refused.code == "forbidden")
            #expect(unconfirmed.status == 409 && unconfirmed.text.contains(">knows them</textarea>"))
            #expect(given.status == 303)
            let lead = try await house.call("GET", "/v1/leads/\(id)").json
            #expect(lead["owner"] == other)
            let after = try await operators.get("/console/leads/\(id)").text
            let told = "By hand, by key\u{A0}\(house.acme.operatorKeyID): knows them"
            #expect(after.contains(told), "who, when and why, where its story is told")
            #expect(after.firstMatch(of: /Decided before: Assigned/) != nil)
            let then = try await operators.get("/console/leads/\(id)?decision=1").text
            #expect(then.contains(owner == "s1" ? "Why Chen" : "Why Li Fang"), "the decision before, whole")
            #expect(then.contains("To the decision that holds now") && !after.contains("To the decision that holds now"))
            #expect(try await operators.get("/console/leads/\(id)?decision=2").text.contains("By hand"))
            #expect(try await operators.get("/console/leads/\(id)?decision=3").status == 404)
            let unnumbered = try await operators.get("/console/leads/\(id)?decision=x")
            #expect(unnumbered.status == 422)
            #expect(unnumbered.text.contains("<strong>The decision</strong> must be named by its number, such as 1"))
            #expect(unnumbered.text.contains("By hand") && unnumbered.text.contains("The page shows the decision that holds now."))
            let anew = try await operators.get("/console/leads/\(id)")
            let stale = try await operators.submit(anew, path, ["seller": owner, "override": "true", "reason": "back", "epoch": "0"])
            #expect(stale.status == 409 && stale.code == "lead_reassigned", "of a page that was made before: \(stale.code ?? "")")
            #expect(try await foreign.get("/console/leads/\(id)").status == 404)
        }
    }
}
