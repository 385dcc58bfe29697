import Foundation
import TestSupport
import Testing

/// What comes of an address that asks for what cannot be.
@Suite struct AddressTests {
    @Test(arguments: [
        ("dead-letters?since=2026-02-30", "dead-since", "Set aside since"),
        ("dead-letters?error_class=nothing&preview=true", "dead-class", "Class"),
        ("dead-letters?kind=zzz", "dead-kind", "Kind"), ("dead-letters?kind=zzz&preview=true", "dead-kind", "Kind"),
        ("jobs?kind=zzz", "job-kind", "Kind"),
        ("overdue?month=2026-13", "month", "Month"),
        ("jobs?lead=abc", "job-lead", "Lead"),
        ("jobs?since=2026-02-30T08:00", "job-lead", "Enqueued from"), ("audit?until=2026-04-31", "audit-subject", "Until"),
        ("audit?action=zzz", "audit-action", "Action"), ("sellers?team=zzz", "seller-team", "Team"),
        ("process-health?team=zzz", "team", "Team"),
    ])
    func `what cannot be looked for is said on the page that was asked, which keeps its form`(
        address: String, field: String, fault: String
    ) async throws {
        try await House.with { house in
            let browser = Browser(house)
            try await browser.signIn(house.acme.operatorKey)

            let page = try await browser.get("/console/\(address)")

            #expect(page.status == 422 && page.text.contains(#"id="\#(field)""#) && page.text.contains("data-problem"), "\(page.status)")
            #expect(page.text.contains("<strong>\(fault)</strong>"))
        }
    }

    @Test(
        arguments: [
            ("month=2026-13", "月份", nil), ("clock=zzz", "时限", "没有该时限，或尚无超时记录"), ("team=zzz", "团队", "没有该团队，或团队中没有销售"),
        ] as [(String, String, String?)])
    func `what is overdue is not counted for another month, clock or team than was asked for`(
        asked: String, field: String, why: String?
    ) async throws {
        try await House.with { house in
            let seller = #"{"name":"Li Wei","status":"active","team":"east"}"#
            try #require(await house.call("PUT", "/v1/sellers/s1", seller).status < 300)
            let browser = Browser(house)
            try await browser.signIn(house.acme.tenantKey)

            let page = try await browser.get("/console/overdue?\(asked)", headers: ["Accept-Language": "zh"])
            let right = try await browser.get("/console/overdue?month=2026-01&team=east&clock=lead_first_touch")

            #expect(page.status == 422 && page.text.contains(#"id="clock""#) && page.text.contains("<strong>\(field)</strong>"))
            #expect(why.map { page.text.contains($0) } ?? true)
            #expect(!page.text.contains(#"id="overdue-numbers""#) && !page.text.contains(#"class="empty""#))
            #expect(!page.text.contains(#"value="zzz""#))
            #expect(right.status == 200 && right.text.contains(#"id="overdue-numbers""#), "what there is counts")
            #expect(right.text.contains(#"<option value="2026-01" selected>"#), "and the form names its month")
        }
    }

    @Test(arguments: ["sellers", "process-health"])
    func `a team there is none of is not offered to choose again, and one there is has its page`(page: String) async throws {
        try await House.with { house in
            let seller = #"{"name":"Li Wei","status":"active","team":"east"}"#
            try #require(await house.call("PUT", "/v1/sellers/s1", seller).status < 300)
            let browser = Browser(house)
            try await browser.signIn(house.acme.tenantKey)

            let wrong = try await browser.get("/console/\(page)?team=zzz", headers: ["Accept-Language": "zh"])
            let right = try await browser.get("/console/\(page)?team=east")

            #expect(wrong.status == 422 && wrong.text.contains("没有该团队，或团队中没有销售") && !wrong.text.contains(#"value="zzz""#))
            #expect(right.status == 200 && right.text.contains(#"<option value="east" selected>"#))
        }
    }

    @Test(arguments: ["forecast?month=abc", "audit?from=abc&action=job.cancel", "now?q=1", "jobs?kind=probe&team=north"])
    func `what a page knows nothing of is not passed over: it is shown without, and says so`(address: String) async throws {
        try await House.with { house in
            let browser = Browser(house)
            try await browser.signIn(house.acme.operatorKey)
            let name = try #require(["month", "from", "q", "team"].first { address.contains("\($0)=") })

            let page = try await browser.get("/console/\(address)")
            let chinese = try await browser.get("/console/\(address)", headers: ["Accept-Language": "zh"])

            #expect(page.status == 400 && page.text.contains("The address asks for “\(name)”, which this page knows nothing of"))
            #expect(page.text.contains(#"class="page-head""#) && page.text.contains(#"aria-current="page""#), "it is in its place")
            #expect(chinese.text.contains("网址中的“\(name)”不是本页的参数"))
        }
    }

    @Test(arguments: [
        "now?done=cancelled", "rollouts?version=route/default@5&cursor=1", "breakers?q=a&from=0",
        "leads?text=a&owner=b&state=held&source=c&touch=late&cursor=1", "leads/1?decision=1",
        "forecast?currency=CNY&rebuild=1", "overdue?clock=lead_first_touch&month=2026-01&team=a&history=true&cursor=1",
        "permissions?user=a&city=b", "rules/route/default?from=1&pack=saas", "rules/route/new?from=1",
        "process-health?week=2026-W03&team=a&cursor=1", "sellers?text=a&team=b&state=active&cursor=1",
        "jobs?state=running&kind=probe&unique_key=a&lead=1&error_class=timeout&since=2026-01-01T08:00&until=2026-01-02T08:00&cursor=1",
        "dead-letters?kind=probe&error_class=timeout&since=2026-01-01&cursor=1&preview=true",
        "audit?action=job.cancel&subject=a&actor=b&since=2026-01-01T08:00&until=2026-01-02T08:00&cursor=1",
        "tenants?tenant=acme&cursor=a&q=b&next=/console/now",
    ])
    func `a page knows all that its own forms and links ask for`(address: String) async throws {
        try await House.with { house in
            let saved = try await house.call(
                "POST", "/v1/rulesets/route/default/versions", "rules: [{ id: all, to: everyone }]", type: "application/yaml")
            let lead = try await house.call("POST", "/v1/leads", #"{"external_id":"L-1","source":"web","fields":{}}"#)
            try #require(saved.status == 201 && lead.status == 202)
            let browser = Browser(house)
            try await browser.signIn(address.hasPrefix("tenants") ? house.platformKey : house.acme.operatorKey)

            let page = try await browser.get("/console/\(address)")

            // Some of what is asked for is not there, which is another matter.
            #expect([200, 422].contains(page.status) && page.text.contains("<h1>"), "\(page.status)")
            #expect(!page.text.contains("knows nothing of"))
        }
    }

    @Test(arguments: [
        "tenants", "rollouts", "leads", "sellers", "jobs", "dead-letters", "audit", "overdue", "process-health",
    ])
    func `a page there is none of is said to be none in its list, which leads to the first`(list: String) async throws {
        try await House.with { house in
            let browser = Browser(house)
            try await browser.signIn(list == "tenants" ? house.platformKey : house.acme.operatorKey)

            let page = try await browser.get("/console/\(list)?cursor=zzz")
            let chinese = try await browser.get("/console/\(list)?cursor=zzz", headers: ["Accept-Language": "zh"])

            #expect(page.status == 422 && page.text.contains(#"aria-current="page""#), "it is in its place: \(page.status)")
            #expect(page.text.contains("There is no such page in this list") && !page.text.contains("next_cursor"))
            #expect(page.text.contains(#"<a href="/console/\#(list)">First page</a>"#))
            #expect(chinese.text.contains("列表中没有这一页") && chinese.text.contains(#"<a href="/console/\#(list)">首页</a>"#))
        }
    }

    @Test(arguments: [
        (
            "rollouts?version=abc", "<strong>The address</strong> asks for “abc”, which is no draft that can be rolled out now",
            "<strong>网址</strong>：所指的“abc”不是当前可以灰度的草稿"
        ),
        (
            "permissions?user=zzz", "<strong>Person</strong> is not known: nobody of this name is a seller, leads a team or has a role",
            "<strong>人员</strong>：没有此人"
        ),
    ])
    func `a draft or a person there is none of is said to be none, in the words of the page`(
        address: String, english: String, chinese: String
    ) async throws {
        try await House.with { house in
            let browser = Browser(house)
            try await browser.signIn(house.acme.operatorKey)

            let page = try await browser.get("/console/\(address)")
            let other = try await browser.get("/console/\(address)", headers: ["Accept-Language": "zh"])

            #expect(page.status == 422 && page.text.contains(english), "\(page.status)")
            #expect(other.status == 422 && other.text.contains(chinese), "\(other.status)")
        }
    }

    @Test func `a tenant there is none of is not shown in silence`() async throws {
        try await House.with { house in
            let browser = Browser(house)
            try await browser.signIn(house.platformKey)

            let page = try await browser.get("/console/tenants?tenant=zzz")

            #expect(page.status == 422 && page.text.contains("<strong>Tenant</strong> is the short name of no tenant"))
            #expect(try await browser.get("/console/tenants?tenant=acme").status == 200)
        }
    }

    @Test(arguments: ["overdue?month=%FF", "dead-letters?kind=a%00b", "jobs?state=running&state=running"])
    func `an address that cannot be read behind its question mark shows its page without that, and says so`(address: String) async throws {
        try await House.with { house in
            let browser = Browser(house)
            try await browser.signIn(house.acme.operatorKey)

            let page = try await browser.get("/console/\(address)")
            let chinese = try await browser.get("/console/\(address)", headers: ["Accept-Language": "zh"])

            #expect(page.status == 400 && page.text.contains("this is the page without it") && page.text.contains(#"class="page-head""#))
            #expect(page.text.contains("<h1>") && page.text.contains(#"aria-current="page""#), "it is in its place")
            #expect(chinese.text.contains("以下是不带这部分的页面"))
        }
    }

    @Test(arguments: ["abc", "0", "99", "99999999999"])
    func `a version that is to be held against one there is none of is shown without it, and the page says so`(from: String) async throws {
        try await House.with { house in
            for rules in ["rules: [{ id: all, to: everyone }]", "rules: [{ id: all, to: everyone, by: round_robin }]"] {
                let saved = try await house.call("POST", "/v1/rulesets/route/default/versions", rules, type: "application/yaml")
                try #require(saved.status == 201, "\(saved.text)")
            }
            let browser = Browser(house)
            try await browser.signIn(house.acme.operatorKey)

            let page = try await browser.get("/console/rules/route/default?version=2&from=\(from)")
            let chinese = try await browser.get("/console/rules/route/default?from=\(from)", headers: ["Accept-Language": "zh"])
            let right = try await browser.get("/console/rules/route/default?version=2&from=1")

            #expect(page.status == 422 && page.text.contains("data-problem") && page.text.contains(#"id="rule-text""#))
            #expect(page.text.contains("<strong>Compare</strong> must be the number of a version of this rule set"))
            #expect(page.text.contains("The version is shown without a comparison.") && !page.text.contains("beside version"))
            #expect(chinese.text.contains("<strong>对比</strong>：必须是该规则集已有的版本号"))
            #expect(right.status == 200 && right.text.contains("Version 2 beside version 1") && !right.text.contains("data-problem"))
        }
    }

    @Test func `a form whose address cannot be read behind its question mark does nothing`() async throws {
        try await House.with { house in
            let job = try await house.waitingJob()
            let browser = Browser(house)
            try await browser.signIn(house.acme.operatorKey)
            let path = "/console/jobs/\(job)/cancel"
            let form = try browser.form(try await browser.get("/console/jobs/\(job)"), path).merging(["reason": "not needed"]) { $1 }

            let refused = try await browser.post(path + "?x=%FF", form)
            let cancelled = try await browser.post(path, form)

            #expect(refused.status == 400 && cancelled.status == 303)
            #expect(try await house.count("audit_log WHERE action = 'job.cancel'") == 1)
        }
    }

    @Test func `deals of a class there is none of are not looked for, and the page keeps its form`() async throws {
        try await House.with { house in
            let body = #"{"kind":"rebuild_forecast","args":{"rolling":"current_quarter","reason":"manual"}}"#
            try #require(await house.call("POST", "/v1/jobs", body).status == 202)
            try await house.working {
                try await expectSoon { try await house.call("GET", "/v1/forecasts/latest").status == 200 }
            }
            let forecast = try #require(try await house.call("GET", "/v1/forecasts/latest").json["id"])
            let browser = Browser(house)
            try await browser.signIn(house.acme.tenantKey)

            let page = try await browser.get("/console/forecast/\(forecast)/deals?class=nothing")

            #expect(page.status == 422 && page.text.contains(#"id="deals-class""#) && page.text.contains("data-problem"))
        }
    }

    @Test func `a number of a lead that is none is told in both languages, with what one looks like`() async throws {
        try await House.with { house in
            let browser = Browser(house)
            try await browser.signIn(house.acme.tenantKey)

            let english = try await browser.get("/console/jobs?lead=abc")
            let chinese = try await browser.get("/console/jobs?lead=abc", headers: ["Accept-Language": "zh"])

            #expect(english.text.contains("<strong>Lead</strong> must be a lead") && english.text.contains("s number, such as 4711"))
            #expect(chinese.text.contains("<strong>线索</strong>：须是线索编号，例如 4711"))
        }
    }
}
