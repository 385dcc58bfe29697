import Foundation
import Testing

@Suite struct RolloutPageTests {
    /// A live route, and a draft of another.
    private func draft(_ house: House) async throws {
        for rules in ["rules: [{ id: all, to: everyone }]", "rules: [{ id: all, to: everyone, by: round_robin }]"] {
            let saved = try await house.call("POST", "/v1/rulesets/route/default/versions", rules, type: "application/yaml")
            try #require(saved.status == 201, "\(saved.text)")
        }
    }

    @Test func `a rollout is started, turned, promoted and aborted from its page, each with its reason`() async throws {
        try await House.with { house in
            try await draft(house)
            let browser = Browser(house)
            try await browser.signIn(house.acme.operatorKey)
            let list = try await browser.get("/console/rollouts")
            #expect(list.text.contains("route/default@2"))
            #expect(try await browser.get("/console/rollouts?version=route/default@2").status == 200, "it is there to be chosen")
            #expect(try await browser.get("/console/rollouts?version=route/default@1").status == 422, "it is live")
            _ = try await house.owner.query("UPDATE api_key SET name = 'Sales operations' WHERE id = \(house.acme.operatorKeyID)")

            let wish = [
                "version": "route/default@2", "percent": "0", "first_touch_minutes": "4", "least_leads": "700", "promotion": "manual",
            ]
            let bare = try await browser.submit(list, "/console/rollouts", wish.merging(["reason": " "]) { $1 })
            #expect(try await house.count("rollout") == 0)
            let started = try await browser.submit(list, "/console/rollouts", wish.merging(["reason": "try"]) { $1 })
            let path = try #require(started["location"]?.split(separator: "?").first.map(String.init))
            let page = try await browser.get(path)
            #expect(started.status == 303 && page.status == 200)
            #expect(page.text.contains("Shadow") && page.text.contains("title=\"rules[0]"))

            let refused = try await browser.submit(page, "\(path)/percent", ["percent": "other", "otherPercent": "250", "reason": "much"])
            for none in ["abc", "33,5", ""] {
                let bad = try await browser.submit(page, "\(path)/percent", ["percent": "other", "otherPercent": none, "reason": "x"])
                let said = "<strong>Customers in percent</strong> must be a number from 0 to 100, such as 2.5"
                #expect(bad.status == 422 && bad.text.contains(said), "\(none)")
            }
            let unreasoned = try await browser.submit(page, "\(path)/percent", ["percent": "5", "reason": " "])
            let turned = try await browser.submit(page, "\(path)/percent", ["percent": "5", "reason": "nothing odd"])
            let canary = try await browser.get(path)
            let same = try await browser.submit(canary, "\(path)/percent", ["percent": "5", "reason": "to be sure"])
            let told = try await browser.get(try #require(same["location"]))
            let aborted = try await browser.submit(canary, "\(path)/abort", ["reason": "complaints"])
            let after = try await browser.get(path)

            let tenants = Browser(house)
            try await tenants.signIn(house.acme.tenantKey)
            let seen = try await tenants.get(path)
            #expect(seen.text.contains("key\u{A0}\(house.acme.operatorKeyID)"))
            #expect(!seen.text.contains("Sales operations"), "names are for operators")
            #expect(after.text.contains("Sales operations (key\u{A0}\(house.acme.operatorKeyID))"), "a key is called by its name")
            #expect(refused.status == 422 && refused.code == "invalid" && refused.text.contains("<strong>Customers in percent</strong>"))
            #expect(refused.text.contains(#"value="250""#) && refused.text.contains(">much</textarea>"))
            #expect(bare.status == 422 && bare.text.contains("<strong>Reason</strong>") && bare.text.contains(#"value="700""#))
            #expect(bare.text.contains(#"aria-describedby="start-reason-hint" aria-invalid="true""#), "where it is missing")
            #expect(unreasoned.status == 422 && unreasoned.text.contains("<strong>Reason</strong>"))
            #expect(turned.status == 303 && canary.text.contains("Canary 5\u{A0}%"))
            #expect(turned["location"]?.hasSuffix("done=percent") == true && same["location"]?.hasSuffix("done=percent_unchanged") == true)
            #expect(told.text.contains("The share was that already and stays as it is."))
            #expect(aborted.status == 303 && after.text.contains("Taken back") && after.text.contains("complaints"))
            #expect(!after.text.contains("\(path)/promote"))
            let log = try await house.owner.query("SELECT action, reason FROM audit_log WHERE action LIKE 'rollout.%' ORDER BY id")
            #expect(
                try log.map { try $0.get("action", as: String.self) } == [
                    "rollout.start", "rollout.canary", "rollout.percent", "rollout.abort",
                ])
            #expect(try log.map { try $0.get("reason", as: String?.self) } == ["try", "nothing odd", "to be sure", "complaints"])
        }
    }

    @Test(arguments: ["5", "0"])
    func `a share that is sent twice is set once and told so twice, be it the one that takes the change back`(percent: String) async throws
    {
        try await House.with { house in
            try await draft(house)
            let rollout = try await house.call(
                "POST", "/v1/rollouts", #"{"kind":"route","name":"default","version":2,"percent":20}"#, as: house.acme.operatorKey)
            let id = try #require(rollout.json["id"])
            let (path, wish) = ("/console/rollouts/\(id)", ["percent": percent, "reason": "pressed twice"])
            let browser = Browser(house)
            try await browser.signIn(house.acme.operatorKey)
            let page = try await browser.get(path)

            let first = try await browser.submit(page, "\(path)/percent", wish)
            let second = try await browser.submit(page, "\(path)/percent", wish)

            #expect([first, second].allSatisfy { $0.status == 303 && $0["location"] == "\(path)?done=percent" })
            #expect(try await house.count("audit_log WHERE reason = 'pressed twice'") == 1)
        }
    }

    @Test func `a share that is sent again after somebody else has set another is not told as set`() async throws {
        try await House.with { house in
            try await draft(house)
            let rollout = try await house.call(
                "POST", "/v1/rollouts", #"{"kind":"route","name":"default","version":2,"percent":20}"#, as: house.acme.operatorKey)
            let path = "/console/rollouts/\(try #require(rollout.json["id"]))"
            let browser = Browser(house)
            try await browser.signIn(house.acme.operatorKey)
            let (page, another) = (try await browser.get(path), try await browser.get(path))
            let wish = ["percent": "5", "reason": "mine"]
            try #require(try await browser.submit(page, "\(path)/percent", wish).status == 303)
            try #require(try await browser.submit(another, "\(path)/percent", ["percent": "50", "reason": "another's"]).status == 303)

            let again = try await browser.submit(page, "\(path)/percent", wish)

            #expect(again.status == 303 && again["location"] == path)
            #expect(try await house.call("GET", path.replacing("/console", with: "/v1")).text.contains(#""percent":50"#))
        }
    }

    @Test func `a tenant's key sees a rollout and is refused its dials, in writing`() async throws {
        try await House.with { house in
            try await draft(house)
            let rollout = try await house.call(
                "POST", "/v1/rollouts", #"{"kind":"route","name":"default","version":2,"percent":5}"#, as: house.acme.operatorKey)
            let id = try #require(rollout.json["id"])
            let (browser, foreign) = (Browser(house), Browser(house))
            try await browser.signIn(house.acme.tenantKey)
            try await foreign.signIn(house.globex.operatorKey)

            let page = try await browser.get("/console/rollouts/\(id)")
            let form = try browser.form(page, "/console/sign-out")
            let tried = try await browser.post("/console/rollouts/\(id)/promote", form.merging(["reason": "mine"]) { $1 })

            #expect(page.status == 200 && !page.text.contains("/console/rollouts/\(id)/"))
            #expect(page.text.contains("need an operator&#39;s key"))
            #expect(tried.status == 403 && tried.code == "forbidden")
            #expect(try await house.count("audit_log WHERE action = 'refused' AND subject = 'POST /v1/rollouts/{id}/promote'") == 1)
            #expect(try await house.call("GET", "/v1/rollouts/\(id)").json["state"] == "canary")
            #expect(try await foreign.get("/console/rollouts/\(id)").status == 404)
            let theirs = try foreign.form(try await foreign.get("/console/rollouts"), "/console/sign-out")
            #expect(try await foreign.post("/console/rollouts/\(id)/abort", theirs.merging(["reason": "x"]) { $1 }).status == 404)
            #expect(try await house.call("GET", "/v1/rollouts/\(id)").json["state"] == "canary")
        }
    }

    @Test(arguments: [("en", "chance alone gives such numbers, from", "Readings"), ("zh", "仅凭偶然出现这种数据的可能性：", "历次读数")])
    func `a guard's evidence is drawn over time against its threshold, and stands in a table below`(
        language: String, words: String, table: String
    ) async throws {
        try await House.with { house in
            try await draft(house)
            let rollout = try await house.call(
                "POST", "/v1/rollouts", #"{"kind":"route","name":"default","version":2,"percent":5}"#, as: house.acme.operatorKey)
            let id = try #require(rollout.json["id"])
            try await house.records.keepGuardReadings(now: Date())
            let browser = Browser(house)
            try await browser.signIn(house.acme.tenantKey)

            let page = try await browser.get("/console/rollouts/\(id)", headers: ["Accept-Language": language]).text
            let readings = try await house.call("GET", "/v1/rollouts/\(id)/readings")

            #expect(page.contains("<line class=\"limit\"") && page.contains("<polyline class=\"line\" points=\"0,100"))
            #expect(page.contains(words) && page.contains("<summary>\(table)</summary>"))
            #expect(readings.status == 200 && readings.text.contains(#""name":"first_touch","threshold":"#))
            #expect(try await house.call("GET", "/v1/rollouts/\(id)/readings", as: house.globex.operatorKey).status == 404)
        }
    }
}
