import Foundation
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

            let wrong = try await browser.submit(page, "/console/tenants/acme", ["weight": "many", "rate": "", "time_zone": "Mars/Base"])
            let saved = try await browser.submit(page, "/console/tenants/acme", ["weight": "3", "rate": "12.5", "burst": ""])
            let paused = try await browser.submit(page, "/console/tenants/acme/pause", ["reason": "invoice"])
            let made = try await browser.submit(page, "/console/tenants", ["slug": "initech", "weight": "2", "pack": "saas"])
            let after = try await browser.get("/console/tenants?tenant=initech")

            #expect(wrong.status == 422 && wrong.text.contains(#"value="many""#) && wrong.text.contains("Mars/Base"))
            #expect([saved, paused, made].map(\.status) == [303, 303, 303], "\(saved.code ?? "") \(paused.code ?? "") \(made.code ?? "")")
            #expect(after.text.contains("initech") && after.text.contains("invoice"))
            #expect(try await house.count("tenant WHERE slug = 'acme' AND weight = 3 AND rate = 12.5 AND paused_at IS NOT NULL") == 1)
        }
    }

    @Test func `workers show who is alive and what runs`() async throws {
        try await House.with { house in
            let browser = Browser(house)
            try await browser.signIn(house.platformKey)
            #expect(try await browser.get("/console/workers").text.contains("No worker is alive"))
            try await house.working {
                try await expectSoon { try await house.count("worker WHERE stopped_at IS NULL") == 1 }

                // What was looked at is remembered for two seconds.
                try await expectSoon { try await browser.get("/console/workers").text.contains("pid \(getpid())") }
            }
        }
    }
}
