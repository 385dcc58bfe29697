import API
import ConsoleServer
import Foundation
import Records
import Tenancy
import Testing

@Suite struct SignInTests {
    @Test func `a key is exchanged for a session, and stays out of the browser and the pages`() async throws {
        try await House.with { house in
            let browser = Browser(house)
            let first = try await browser.get("/console/jobs?state=running")
            #expect(first.status == 303 && first["location"] == "/console/sign-in?next=%2Fconsole%2Fjobs%3Fstate%3Drunning")
            let form = try await browser.get(first["location"] ?? "")

            let entered = try await browser.submit(form, "/console/sign-in", ["key": house.acme.operatorKey])
            let page = try await browser.get(entered["location"] ?? "")

            #expect(entered.status == 303 && entered["location"] == "/console/jobs?state=running")
            #expect(page.status == 200 && page.text.contains("Jobs"))
            let cookie = try #require(entered.cookies.first { $0.hasPrefix("kl_session=") })
            #expect(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict") && cookie.contains("Path=/console"))
            #expect(!cookie.contains("Secure") && !cookie.contains(house.acme.operatorKey))
            #expect(!page.text.contains(house.acme.operatorKey) && !page.text.contains(browser.cookies["kl_session"] ?? "none"))
            let stored = try await house.owner.query("SELECT row_to_json(s)::text AS row FROM console_session s").first
            let row = try #require(try stored?.get("row", as: String.self))
            #expect(!row.contains(browser.cookies["kl_session"] ?? "none"))
            #expect(try await house.count("audit_log WHERE action = 'console.sign_in'") == 1)
        }
    }

    @Test func `what is no key signs nobody in, and trying has a bound`() async throws {
        try await House.with { house in
            let browser = Browser(house)
            let form = try await browser.get("/console/sign-in")
            let wrong = ["", "x", "kl_t_" + String(repeating: "A", count: 43), house.acme.tenantKey + "x", "<script>"]

            for key in wrong {
                let answer = try await browser.submit(form, "/console/sign-in", ["key": key])
                #expect(answer.status == 401 && answer.code == "wrong_key")
                #expect(!answer.text.contains("<script>") && answer.cookies.isEmpty)
            }
            // One more is let in every five seconds, which on a busy machine one of these may take.
            let isRefused = { (key: String) in try await browser.submit(form, "/console/sign-in", ["key": key]).status == 429 }
            var isBounded = false
            for _ in 0..<200 where !isBounded {
                if try await isRefused("x") { isBounded = try await isRefused(house.acme.operatorKey) }
            }

            #expect(isBounded)
            house.advance(600)
            #expect(try await browser.submit(form, "/console/sign-in", ["key": house.acme.operatorKey]).status == 303)
        }
    }

    @Test func `a session ends with its key, with its time, and by signing out`() async throws {
        try await House.with { house in
            let (revoked, late, leaving) = (Browser(house), Browser(house), Browser(house))
            try await revoked.signIn(house.acme.operatorKey)
            try await late.signIn(house.acme.tenantKey)
            try await leaving.signIn(house.acme.tenantKey)
            let kept = leaving.cookies
            let page = try await leaving.get("/console/now")

            _ = try await house.records.revokeKey(house.acme.operatorKeyID, by: "test")
            let left = try await leaving.submit(page, "/console/sign-out")
            leaving.cookies = kept

            #expect(try await revoked.get("/console/now").status == 303)
            #expect(left.status == 303 && left["location"] == "/console/sign-in")
            #expect(left.cookies.contains { $0.hasPrefix("kl_session=;") && $0.contains("Max-Age=0") })
            #expect(try await leaving.get("/console/now").status == 303)
            #expect(try await late.get("/console/now").status == 200)
            house.advance(13 * 3_600)
            #expect(try await late.get("/console/now").status == 303)
        }
    }

    @Test func `a forged cookie is nobody's`() async throws {
        try await House.with { house in
            let browser = Browser(house)
            for token in [
                "x", String(repeating: "A", count: 43), "' OR 1=1 --", SessionToken(chance: .init(repeating: 7, count: 32)).secret,
            ] {
                browser.cookies = ["kl_session": token]
                let page = try await browser.get("/console/now")
                let form = try await browser.post("/console/jobs/1/cancel", ["csrf": "x"])
                #expect(page.status == 303 && form.status == 401)
            }
        }
    }

    @Test func `a link signs in once, not after its time, and not by being looked at`() async throws {
        try await House.with { house in
            let key = try #require(APIKey(house.platformKey))
            let platform = try #require(await KeyRing(house.records).principal(key))
            let soon = Date().addingTimeInterval(600)
            let link = try await SignInLink.make(house.records, for: platform, at: "", until: soon)
            let old = try await SignInLink.make(house.records, for: platform, at: "", until: Date().addingTimeInterval(-1))
            let slashed = try await SignInLink.make(house.records, for: platform, at: house.url + "/", until: soon)
            let browser = Browser(house)

            let looked = try await browser.send("HEAD", link, nil, [:])
            let first = try await browser.get(link)
            let second = try await Browser(house).get(link)

            #expect(looked.status == 200 && looked.cookies.isEmpty)
            #expect(first.status == 200 && first["refresh"] == "0; url=/console/now")
            #expect(try await browser.get("/console/tenants").text.contains(house.platformKey) == false)
            #expect(browser.cookies["kl_session"] != nil)
            #expect(second.status == 401 && second.code == "link_used" && second.cookies.isEmpty)
            #expect(try await Browser(house).get(old).status == 401)
            #expect(slashed.hasPrefix("\(house.url)/console/link/"))
            #expect(try await Browser(house).get(String(slashed.dropFirst(house.url.count))).status == 200)
            #expect(try await house.count("console_link") == 0)
            #expect(!link.contains(house.platformKey))
        }
    }

    @Test func `who is signed in already is told so on the page to sign in and by a used link, and nobody else is`() async throws {
        try await House.with { house in
            let key = try #require(APIKey(house.acme.operatorKey))
            let bearer = try #require(await KeyRing(house.records).principal(key))
            let link = try await SignInLink.make(house.records, for: bearer, at: "", until: Date().addingTimeInterval(600))
            let (browser, stranger) = (Browser(house), Browser(house))
            let told = "You are signed in as Operator · acme."

            let opened = try await browser.get(link)
            let again = try await browser.get(link)
            let page = try await browser.get("/console/sign-in?next=%2Fconsole%2Fjobs")
            let wrong = try await browser.submit(page, "/console/sign-in", ["key": "x"])
            let strangers = [try await stranger.get(link), try await stranger.get("/console/sign-in")]
            let left = try await browser.submit(page, "/console/sign-out")
            let after = try await browser.get("/console/sign-in")

            #expect(opened.status == 200)
            #expect(again.status == 401 && again.code == "link_used" && again.text.contains(told))
            #expect(page.status == 200 && page.text.contains(told) && page.text.contains(#"href="/console/jobs""#))
            #expect(page.text.contains("Another key") && !page.text.contains(house.acme.operatorKey))
            #expect(wrong.status == 401 && wrong.text.contains(told))
            #expect(strangers.allSatisfy { !$0.text.contains("You are signed in as") && !$0.text.contains("acme") })
            #expect(left.status == 303 && !after.text.contains("You are signed in as"))
        }
    }

    @Test func `a platform key's link may open with a tenant, another key's only with its own`() async throws {
        try await House.with { house in
            _ = try await house.call("POST", "/v1/leads", #"{"external_id":"L-acme","source":"web"}"#)
            let keys = KeyRing(house.records)
            func opened(_ key: String, with tenant: String?) async throws -> Browser {
                let known = try #require(APIKey(key))
                let bearer = try #require(await keys.principal(known))
                let link = try await SignInLink.make(
                    house.records, for: bearer, actingFor: tenant.flatMap { Slug($0) }, at: "", until: Date().addingTimeInterval(600))
                let browser = Browser(house)
                try #require(await browser.get(link).status == 200)
                return browser
            }

            let acme = try await opened(house.platformKey, with: "acme").get("/console/leads")
            let nobody = try await opened(house.platformKey, with: "no-such-tenant").get("/console/leads")
            let own = try await opened(house.acme.operatorKey, with: "globex").get("/console/leads")

            #expect(acme.status == 200 && acme.text.contains("L-acme"))
            #expect(nobody.status == 303 && nobody["location"] == "/console/tenants?next=%2Fconsole%2Fleads")
            #expect(own.status == 200 && own.text.contains("L-acme"))
        }
    }

    @Test func `a platform key chooses for whom it acts`() async throws {
        try await House.with { house in
            _ = try await house.call("POST", "/v1/leads", #"{"external_id":"L-acme","source":"web"}"#)
            let browser = Browser(house)
            try await browser.signIn(house.platformKey)

            let all = try await browser.get("/console/now")
            let lost = try await browser.get("/console/jobs")
            let tenants = try await browser.get("/console/tenants")
            let chosen = try await browser.submit(tenants, "/console/tenant", ["tenant": "acme"])
            let leads = try await browser.get("/console/leads")
            let unknown = try await browser.submit(leads, "/console/tenant", ["tenant": "nobody"])
            _ = try await browser.submit(leads, "/console/tenant", ["tenant": "globex"])
            let others = try await browser.get("/console/leads")
            let nobody = try await browser.submit(leads, "/console/tenant", ["tenant": ""])

            #expect(nobody.status == 303 && nobody["location"] == "/console/now")
            #expect(all.status == 200 && all.text.contains("Busiest tenants") && all.text.contains(#"name="tenant" value="acme""#))
            #expect(lost.status == 303 && lost["location"] == "/console/tenants?next=%2Fconsole%2Fjobs")
            #expect(tenants.text.contains("globex"))
            #expect(chosen.status == 303 && chosen["location"] == "/console/now")
            #expect(leads.text.contains("L-acme"))
            #expect(unknown.status == 404)
            #expect(others.status == 200 && !others.text.contains("L-acme"))
        }
    }

    @Test func `a form of one tenant's page is not acted upon for another that was chosen since, nor for all`() async throws {
        try await House.with { house in
            let browser = Browser(house)
            try await browser.signIn(house.platformKey)
            let choose = { (slug: String) in
                let page = try await browser.get("/console/tenants")
                return try await browser.submit(page, "/console/tenant", ["tenant": slug]).status
            }
            #expect(try await choose("acme") == 303)
            let page = try await browser.get("/console/breakers")
            let stop = ["reason": "wrong map"]

            for other in ["globex", ""] {
                #expect(try await choose(other) == 303)
                let refused = try await browser.submit(page, "/console/fuses/assignment", stop)
                let held = try await browser.submit(page, "/console/holds", ["what": "kind:probe", "reason": "x"])
                #expect(refused.status == 409 && refused.code == "tenant_changed" && held.code == "tenant_changed", "\(other)")
            }
            #expect(try await choose("acme") == 303)
            var old = try browser.form(page, "/console/fuses/assignment").merging(stop) { $1 }
            old["for"] = nil
            let unsaid = try await browser.post("/console/fuses/assignment", old)
            #expect(try await house.count("audit_log WHERE action LIKE 'fuse.%' OR action LIKE 'queue.%'") == 0)
            #expect(try await house.count("gate_limit") == 0)
            let done = try await browser.submit(page, "/console/fuses/assignment", stop)

            #expect(unsaid.code == "tenant_changed" && done.status == 303)
            #expect(page.text.contains(#"data-for="acme""#))
            #expect(try await house.call("GET", "/v1/fuses/assignment").json["state"] == "open")
            #expect(try await house.call("GET", "/v1/fuses/assignment", as: house.globex.tenantKey).json["state"] == "closed")
            // Who leaves need not say for whom.
            #expect(try await browser.submit(page, "/console/sign-out").status == 303)
        }
    }
}
