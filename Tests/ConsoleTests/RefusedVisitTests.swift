import Testing

@Suite struct RefusedVisitTests {
    @Test func `a visit to what is not the visitor's is written down once`() async throws {
        try await House.with { house in
            let policies = #"[{"id":"sh","to":{"role":"seller"},"effect":"allow","actions":["lead.query"],"cities":["上海"]}]"#
            try #require(await house.call("PUT", "/v1/sellers/s1", #"{"name":"Li Wei","status":"active"}"#).status < 300)
            let check = try await house.call("POST", "/v1/access/check", #"{"policies":\#(policies)}"#, as: house.acme.operatorKey)
            let typed = check.json["confirmation"].map { #","confirmation":"\#($0)""# } ?? ""
            let version = try await house.call(
                "POST", "/v1/access/versions", #"{"policies":\#(policies),"reason":"test"\#(typed)}"#, as: house.acme.operatorKey)
            try #require(version.status == 201, "\(version.text)")
            let made = try await house.call("POST", "/v1/tenants/acme/keys", #"{"role":"tenant","user":"s1"}"#, as: house.platformKey)
            let browser = Browser(house)
            try await browser.signIn(try #require(made.json["key"]))

            let areas = [
                "jobs", "dead-letters", "breakers", "rules", "rollouts", "permissions", "overdue", "forecast", "process-health", "tenants",
            ]
            for area in areas {
                let before = try await house.count("audit_log WHERE action = 'refused'")
                let page = try await browser.get("/console/\(area)")

                #expect(page.status == 403, "\(area)")
                #expect(try await house.count("audit_log WHERE action = 'refused'") == before + 1, "\(area)")
            }
        }
    }
}
