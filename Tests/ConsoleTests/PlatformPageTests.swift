import Foundation
import TestSupport
import Testing

@Suite struct PlatformPageTests {
    @Test func `tenants and workers are the platform's, and a refusal is written down`() async throws {
        try await House.with { house in
            let browser = Browser(house)
            try await browser.signIn(house.acme.operatorKey)

            for path in ["/console/tenants", "/console/workers"] {
                let answer = try await browser.get(path)
                #expect(answer.status == 403 && answer.code == "forbidden" && !answer.text.contains("globex"))
            }
            let form = try browser.form(try await browser.get("/console/now"), "/console/sign-out")
            #expect(try await browser.post("/console/tenants/globex", form.merging(["weight": "9"]) { $1 }).status == 403)
            #expect(try await browser.post("/console/tenant", form.merging(["tenant": "globex"]) { $1 }).status == 404)
            #expect(try await house.count("audit_log WHERE action = 'refused'") >= 3)
            #expect(try await house.count("tenant WHERE slug = 'globex' AND weight = 1") == 1)
        }
    }

    @Test func `the platform sets, pauses and makes tenants, and what is wrong comes back with what was typed`() async throws {
        try await House.with { house in
            let browser = Browser(house)
            try await browser.signIn(house.platformKey)
            let page = try await browser.get("/console/tenants?tenant=acme")

            let wrong = try await browser.submit(
                page, "/console/tenants/acme", ["weight": "many", "rate": "", "time_zone": "Mars/Base", "reason": "x"])
            let saved = try await browser.submit(
                page, "/console/tenants/acme", ["weight": "3", "rate": "12.5", "burst": "", "reason": "x"])
            let unexplained = try await browser.submit(page, "/console/tenants/acme", ["weight": "4", "reason": " "])
            let paused = try await browser.submit(page, "/console/tenants/acme/pause", ["reason": "invoice"])
            let made = try await browser.submit(page, "/console/tenants", ["slug": "initech", "weight": "2", "pack": "saas"])
            let after = try await browser.get("/console/tenants?tenant=initech")

            #expect(wrong.status == 422 && wrong.text.contains(#"value="many""#) && wrong.text.contains("Mars/Base"))
            #expect(unexplained.status == 422)
            #expect([saved, paused, made].map(\.status) == [303, 303, 303], "\(saved.code ?? "") \(paused.code ?? "") \(made.code ?? "")")
            #expect(after.text.contains("initech") && after.text.contains("invoice"))
            #expect(try await house.count("tenant WHERE slug = 'acme' AND weight = 3 AND rate = 12.5 AND paused_at IS NOT NULL") == 1)
        }
    }

    @Test func `who opens a page of one tenant without having chosen is told to choose, and comes to that page`() async throws {
        try await House.with { house in
            let browser = Browser(house)
            try await browser.signIn(house.platformKey)

            let asked = try await browser.get("/console/leads?state=held")
            #expect(asked.status == 303 && asked["location"] == "/console/tenants?next=%2Fconsole%2Fleads%3Fstate%3Dheld")
            let choice = try await browser.get(asked["location"] ?? "")
            #expect(choice.text.contains("The page you opened shows one tenant. Choose which."))
            let found = try await browser.get("/console/tenants?next=%2Fconsole%2Fleads%3Fstate%3Dheld&q=glo")
            let token = try browser.form(found, "/console/tenant")
            let chosen = try await browser.post(
                "/console/tenant", token.merging(["tenant": "globex", "next": "/console/leads?state=held"]) { $1 })

            #expect(found.text.contains(#"name="next" value="/console/leads?state=held""#) && !found.text.contains(">acme</button>"))
            #expect(chosen.status == 303 && chosen["location"] == "/console/leads?state=held")
            #expect(try await browser.get("/console/leads?state=held").status == 200)
            let elsewhere = try await browser.post(
                "/console/tenant", token.merging(["tenant": "acme", "next": "https://evil.example/"]) { $1 })
            #expect(elsewhere["location"] == "/console/now")
        }
    }

    @Test func `a tenant that is there is not changed by making one of its name`() async throws {
        try await House.with { house in
            let browser = Browser(house)
            try await browser.signIn(house.platformKey)
            let page = try await browser.get("/console/tenants")

            let again = try await browser.submit(page, "/console/tenants", ["slug": "acme", "weight": "7", "pack": "saas"])

            #expect(again.status == 412 && again.code == "tenant_exists")
            #expect(again.text.contains(#"value="acme""#) && again.text.contains(#"value="7""#))
            #expect(try await house.count("tenant WHERE slug = 'acme' AND weight = 1") == 1)
            #expect(try await house.count("ruleset_version") == 0)
        }
    }

    @Test func `a comma groups thousands and is no decimal point`() async throws {
        try await House.with { house in
            let browser = Browser(house)
            try await browser.signIn(house.platformKey)
            let page = try await browser.get("/console/tenants?tenant=acme")

            let half = try await browser.submit(page, "/console/tenants/acme", ["rate": "0,5", "reason": "x"])
            let more = try await browser.submit(page, "/console/tenants/acme", ["cap": "1,5", "reason": "x"])
            let grouped = try await browser.submit(page, "/console/tenants/acme", ["cap": "1,250", "rate": "2 000.5", "reason": "x"])

            #expect(half.status == 422 && half.text.contains("<strong>Rate</strong>") && half.text.contains(#"value="0,5""#))
            #expect(more.status == 422 && more.text.contains("<strong>Cap</strong>"))
            #expect(grouped.status == 303)
            #expect(try await house.count("tenant WHERE slug = 'acme' AND cap = 1250 AND rate = 2000.5") == 1)
        }
    }

    @Test func `beyond a page of tenants the newest is found, shown, changed and acted for`() async throws {
        try await House.with { house in
            _ = try await house.owner.query(
                """
                WITH made AS (INSERT INTO tenant (slug) SELECT 'branch-' || n FROM generate_series(1, 510) n RETURNING id)
                INSERT INTO routing_state (tenant_id) SELECT id FROM made
                """)
            let browser = Browser(house)
            try await browser.signIn(house.platformKey)

            let found = try await browser.get("/console/tenants?q=branch-510")
            let nobody = try await browser.get("/console/tenants?q=branch-x")
            let page = try await browser.get("/console/tenants?tenant=branch-510")
            let saved = try await browser.submit(page, "/console/tenants/branch-510", ["weight": "5", "reason": "x"])
            let after = try await browser.get(saved["location"] ?? "")
            let chosen = try await browser.submit(page, "/console/tenant", ["tenant": "branch-510"])
            let now = try await browser.get("/console/now")

            #expect(found.text.contains(#"tenant=branch-510#tenant""#) && !found.text.contains("tenant=branch-1#"))
            #expect(nobody.text.contains("No tenant found"))
            #expect(page.text.contains(#"action="/console/tenants/branch-510/keys""#))
            #expect(saved.status == 303 && after.text.contains(#"id="set-weight" name="weight" inputmode="decimal" value="5""#))
            #expect(chosen.status == 303 && now.text.contains(#"<option value="branch-510" selected>"#))
            #expect(now.text.contains(#"name="tenant" title="branch-510">"#), "whole, however little of it the list shows")
        }
    }

    @Test func `a key is made, shown once, signs somebody in, and its end ends their session`() async throws {
        try await House.with { house in
            let (platform, person) = (Browser(house), Browser(house))
            try await platform.signIn(house.platformKey)
            let page = try await platform.get("/console/tenants?tenant=acme")

            let made = try await platform.submit(
                page, "/console/tenants/acme/keys", ["role": "operator", "name": "Lin at night", "reason": "x"])
            let wrong = try await platform.submit(page, "/console/tenants/acme/keys", ["role": "platform", "reason": "x"])
            let key = try #require(made.text.firstMatch(of: /kl_o_[A-Za-z0-9_-]{43}/)).0
            try await person.signIn(String(key))
            #expect(try await person.get("/console/now").status == 200)
            let after = try await platform.get("/console/tenants?tenant=acme")
            let revoke = try #require(after.text.firstMatch(of: /action="(\/console\/tenants\/acme\/keys\/\d+\/revoke)"/)).1
            let revoked = try await platform.submit(after, String(revoke), ["reason": "it is over"])

            #expect(made.status == 200 && made["cache-control"] == "no-store" && !after.text.contains(key))
            #expect(wrong.status == 422 && wrong.code == "invalid")
            #expect(revoked.status == 303 && after.text.contains("· Lin at night"))
            #expect(try await person.get("/console/now").status == 303)
            #expect(try await house.count("audit_log WHERE action IN ('key.create', 'key.revoke') AND actor LIKE 'key:%'") == 2)
        }
    }

    @Test func `workers show who is alive and what runs, and the platform asks one to drain`() async throws {
        try await House.with { house in
            let browser = Browser(house)
            try await browser.signIn(house.platformKey)
            #expect(try await browser.get("/console/workers").text.contains("No worker is alive"))
            try await house.working {
                try await expectSoon { try await house.count("worker WHERE stopped_at IS NULL") == 1 }

                // What was looked at is remembered for two seconds.
                try await expectSoon { try await browser.get("/console/workers").text.contains("pid \(getpid())") }

                let page = try await browser.get("/console/workers")
                let id = try #require(page.text.firstMatch(of: /<option value="(\d+)"/)).1
                let unexplained = try await browser.submit(page, "/console/workers/drain", ["worker": String(id)])
                let asked = try await browser.submit(
                    page, "/console/workers/drain", ["worker": String(id), "reason": "its machine is old"])

                #expect(unexplained.status == 422)
                #expect(asked.status == 303)
                try await expectSoon { try await house.count("worker WHERE stopped_at IS NOT NULL") == 1 }
                #expect(try await house.count("audit_log WHERE action = 'worker.drain' AND reason = 'its machine is old'") == 1)
            }
        }
    }
}
