import Foundation
import JSONEnvelope
import SalesModel
import Testing

@testable import Console

/// Who changed what, when and why, as a page.
@Suite struct AuditPageTests {
    @Test func `the log shows what was done, what it changed and why, is searched, and is an operator's to see`() async throws {
        try await House.with { house in
            let key = house.acme.operatorKey
            try await house.call("POST", "/v1/breakers/erp/open", #"{"reason":"on <fire>"}"#, as: key)
            try await house.call("POST", "/v1/queues/probe/pause", #"{"reason":"too many"}"#, as: key)
            try await house.call("POST", "/v1/breakers/crm/open", #"{"reason":"of another"}"#, as: house.globex.operatorKey)
            let (operators, tenants, platform) = (Browser(house), Browser(house), Browser(house))
            try await operators.signIn(key)
            try await tenants.signIn(house.acme.tenantKey)
            try await platform.signIn(house.platformKey)

            let all = try await operators.get("/console/audit")
            let some = try await operators.get("/console/audit?action=breaker.open&subject=erp")
            let none = try await operators.get("/console/audit?subject=no-such-thing")
            let nobodys = try await operators.get("/console/audit?actor=key:0")
            #expect(try await operators.get("/console/audit?since=2020-01-31").status == 200, "a day begins at midnight")
            #expect(try await operators.get("/console/audit?since=yesterday").status == 422)
            let lately = try await operators.get("/console/audit?actor=key:\(house.acme.operatorKeyID)&since=2020-01-31T08:00")
            let before = try await operators.get("/console/audit?until=2020-01-31T08:00&action=breaker.open")
            let behind = try await operators.get("/console/audit?action=breaker.open&cursor=1")
            let long = try await operators.get("/console/audit?subject=\(String(repeating: "x", count: 201))")
            let broken = try await operators.get("/console/audit?subject=a%00b")
            let everybodys = try await platform.get("/console/audit?action=breaker.open")
            let jobs = try await tenants.get("/console/jobs")

            #expect(all.text.contains("on &lt;fire&gt;") && all.text.contains("too many") && !all.text.contains("of another"))
            #expect(all.text.contains("Breaker opened") && all.text.contains("breaker.open"))
            #expect(some.text.contains("on &lt;fire&gt;") && !some.text.contains("too many"))
            #expect(none.text.contains("Nothing that was done is like that") && none.text.contains(#"value="no-such-thing""#))
            #expect(nobodys.text.contains("Nothing that was done") && !lately.text.contains("Nothing that was done"))
            #expect(before.text.contains("Nothing that was done") && before.text.contains(#"value="2020-01-31T08:00""#))
            #expect(behind.text.contains("Nothing earlier") && behind.text.contains("/console/audit?action=breaker.open\""))
            #expect(
                long.status == 422 && long.text.contains("has more than 200 characters"), "what cannot be looked for is not passed over")
            #expect(broken.status == 400 && broken.text.contains("The address cannot be read"))
            #expect(
                everybodys.text.contains("on &lt;fire&gt;") && everybodys.text.contains("of another") && everybodys.text.contains("globex"))
            #expect(try await tenants.get("/console/audit").status == 403)
            #expect(!jobs.text.contains("/console/audit"))
        }
    }

    @Test func `what changed is told member by member, what did not is left out, and what is long is cut`() throws {
        func changes(_ before: String, _ after: String) throws -> [AuditChange] {
            AuditChange.all(from: try node(before), to: try node(after))
        }

        #expect(
            try changes(#"{"a":1,"b":"x","c":true}"#, #"{"b":"y","c":true,"d":[1,2]}"#) == [
                AuditChange(member: "b", before: "x", after: "y"), AuditChange(member: "d", before: nil, after: "[1,2]"),
                AuditChange(member: "a", before: "1", after: nil),
            ])
        #expect(try changes("null", #"{"limit":3}"#) == [AuditChange(member: "limit", before: nil, after: "3")])
        #expect(try changes(#"{"limit":3}"#, #"{"limit":null}"#) == [AuditChange(member: "limit", before: "3", after: nil)])
        #expect(try changes("3", "4") == [AuditChange(member: "", before: "3", after: "4")])
        #expect(try changes("null", "null") == [])
        #expect(
            try changes(#"{"to":["a"]}"#, #"{"to":["a","b"],"of":[]}"#) == [AuditChange(member: "to", before: "a", after: "a, b")],
            "what is in a list, and nothing of an empty one")
        let long = String(repeating: "长", count: 500)
        #expect(try changes("null", #"{"a":"\#(long)"}"#).first?.after?.count == AuditChange.length + 1)
    }

    @Test func `what changed and to what is said in words, and what has none as it is written`() {
        func said(_ action: String, _ change: AuditChange) -> [View?] {
            let view = change.view(of: action, frame(.chinese).1)
            return ["memberName", "member", "was", "became"].map { view[$0] }
        }

        #expect(
            said("alert.resolve", AuditChange(member: "state", before: "open", after: "resolved"))
                == [.text("状态"), .nothing, .text("未结束"), .text("已结束")])
        #expect(
            said("breaker.close", AuditChange(member: "state", before: "open", after: "half_open"))
                == [.text("状态"), .nothing, .text("断开"), .text("试探")])
        #expect(
            said("worker.drain", AuditChange(member: "draining", before: "false", after: "true"))
                == [.text("退出中"), .nothing, .text("否"), .text("是")])
        #expect(
            said("tenant.update", AuditChange(member: "weight", before: nil, after: "7"))
                == [.text("权重"), .nothing, .text("无"), .text("7")])
        #expect(
            said("seller.put", AuditChange(member: "team", before: "east", after: nil))
                == [.text("团队"), .nothing, .text("east"), .text("无")])
        #expect(
            said("refused", AuditChange(member: "needed", before: nil, after: "operator"))
                == [.text("所需角色"), .nothing, .text("无"), .text("操作员")])
        #expect(
            said("refused", AuditChange(member: "code", before: nil, after: "data_domain"))
                == [.text("拒绝原因"), .nothing, .text("无"), .text("超出数据域")])
        #expect(
            said("refused", AuditChange(member: "policy", before: nil, after: "east"))
                == [.text("策略"), .nothing, .text("无"), .text("east")])
        #expect(
            said("moon.landing", AuditChange(member: "moon", before: nil, after: "2026-03-18T06:32:05.120Z")) == [
                .nothing, .text("moon"), .text("无"), .text("2026-03-18 14:32:05"),
            ], "times as the reader has them")
        #expect(
            said("moon.landing", AuditChange(member: "moon", before: nil, after: "full")) == [
                .nothing, .text("moon"), .text("无"), .text("full"),
            ])
        let new = AuditChange(member: "moon", before: nil, after: "full").view(of: "moon.landing", frame().1, isWhole: true)
        #expect(new["was"] == .nothing && new["became"] == "full", "what is new was nothing as a whole")
    }

    @Test(
        arguments: [
            ("escalation.explain", "12", "Escalation 12 (Acme Ltd)", "leads/4711"), ("escalation.explain", "13", "Escalation 13", nil),
            ("escalation.explain", "14", "Escalation 14 (Opportunity 9)", nil), ("lead.assign", "4711", "Acme Ltd", "leads/4711"),
            ("access.change", "access@3", "Permissions, version 3", "permissions"), ("customer.merge", "c12", "Customer 12", nil),
            ("customer_review.link", "5", "Question 5 whether two are one customer", nil),
            ("dlq.redrive", "7", "Rerun 7 of dead letters", "dead-letters"), ("fuse.open", "assignment", "Assignment fuse", "breakers"),
            ("calendar.put", "seller/s1", "Chen Wei", nil), ("calendar.put", "tenant", "Everybody", nil),
            ("key.revoke", "8", "key\u{A0}8", nil), ("worker.drain", "2", "Worker 2", nil), ("moon.landing", "11", "11", nil),
            ("refused", "POST /v1/leads/{id}/assign", "To change: Leads (POST /v1/leads/{id}/assign)", nil),
            ("refused", "GET /v1/dlq:groups", "To see: Dead letters (GET /v1/dlq:groups)", nil),
            ("refused", "PUT /v1/quiet-hours", "To change: Quiet hours (PUT /v1/quiet-hours)", nil),
            ("refused", "GET /v1/moons", "GET /v1/moons", nil),
        ] as [(String, String, String, String?)])
    func `what an action was done to is called as people call it, and leads to its page where there is one`(
        action: String, code: String, name: String, path: String?
    ) throws {
        let names = AuditView.Names(
            sellers: SellerNames(try node(#"{"items":[{"external_id":"s1","name":"Chen Wei"}]}"#)),
            leads: try node(#"{"items":[{"id":"4711","name":"Acme Ltd"}]}"#),
            escalations: try node(
                #"{"items":[{"id":"14","subject_type":"opportunity","subject_id":"9"},{"id":"12","subject_type":"lead","subject_id":"4711"}]}"#
            ))

        let subject = AuditSubject(code, of: action, names, frame().1)

        #expect(subject.name == name)
        #expect(subject.path == path.map { Layout.path($0) })
    }

    @Test func `what somebody may not do is told in words, whichever part of the API it belongs to`() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let api = try String(contentsOf: root.appending(path: "Sources/API/openapi.yaml"), encoding: .utf8)
        let areas = Set(api.matches(of: /\n  \/v1\/([a-z-]+)/).map { String($0.1) }).sorted()

        for language in Language.allCases {
            let clerk = frame(language).1
            let bare = areas.filter { AuditSubject("GET /v1/\($0)", of: "refused", AuditView.Names(), clerk).name == "GET /v1/\($0)" }
            #expect(bare == [], "\(language)")
        }

        #expect(areas.count > 30)
    }

    @Test func `an escalation that was explained leads to its lead, which stands by its name`() async throws {
        try await House.with { house in
            let lead = try #require(
                try await house.call("POST", "/v1/leads", #"{"external_id":"L-1","source":"web","fields":{"company":"Acme Ltd"}}"#)
                    .json["lead_id"])
            _ = try await house.owner.query(
                """
                INSERT INTO escalation (tenant_id, subject_type, subject_id, clock, level, episode, started_at, due_at, recorded_at, late_by, action,
                    acted, told, told_at, urgency, job_id)
                SELECT l.tenant_id, 'lead', l.id, 'lead_first_touch', 'manager', '-infinity', now() - interval '2 hours', now() - interval '1 hour',
                    now(), 3600, 'notify', true, 'told', now(), 'urgent', l.id
                FROM lead l
                """)
            let list = try await house.call("GET", "/v1/escalations")
            let id = try #require(list.text.firstMatch(of: /"id":"(\d+)"/)).1
            let said = try await house.call("POST", "/v1/escalations/\(id)/reason", #"{"reason":"busy"}"#, as: house.acme.operatorKey)
            try #require(said.status == 200, "\(said.text)")
            let browser = Browser(house)
            try await browser.signIn(house.acme.operatorKey)

            let page = try await browser.get("/console/audit?action=escalation.explain")

            #expect(page.text.contains(#"<a href="/console/leads/\#(lead)">Escalation \#(id) (Acme Ltd)</a>"#))
        }
    }

    @Test(arguments: Language.allCases)
    func `each action has a name in words, and one that nobody knows shows its code`(language: Language) {
        let words = Words.of(language)
        #expect(AuditView.actions.filter { AuditView.word(for: $0, words) == $0 } == [])
        #expect(AuditView.word(for: "moon.landing", words) == "moon.landing")
    }

    @Test func `those the log speaks of stand by their names, schedules in words, and the platform's keys as the platform's`() async throws
    {
        try await House.with { house in
            let key = house.acme.operatorKey
            try await house.call("PUT", "/v1/teams/t-1", #"{"name":"East"}"#, as: key)
            try await house.call("PUT", "/v1/teams/t-2", #"{"name":"West"}"#, as: key)
            try await house.call("PUT", "/v1/sellers/s-1", #"{"name":"Lin Wei","team":"t-1"}"#, as: key)
            try await house.call("PUT", "/v1/sellers/s-1/freeze", #"{"frozen":true,"reason":"on leave"}"#, as: key)
            try await house.call("POST", "/v1/queues/probe/pause", #"{"reason":"too many"}"#, as: house.platformKey)
            try await house.call("PUT", "/v1/schedules/nightly", #"{"kind":"rebuild_forecast","every":"day 06:00"}"#, as: key)
            let browser = Browser(house)
            try await browser.signIn(key)

            let page = try await browser.get("/console/audit").text
            #expect(page.contains(">Lin Wei</a>") && page.contains("/console/sellers/s-1"))
            #expect(page.contains("platform key (key"))
            #expect(page.contains(">East</span>") && page.contains("<ins>East</ins>"), "a team by what it is called")
            #expect(page.contains(">Team t-2</span>"), "or as the team of an id, where none of its sellers is known")
            #expect(page.contains("every day 06:00") && page.contains("Rebuild the forecast"))
        }
    }

    @Test(arguments: [
        ("day 06:00", "每天 06:00"), ("weekday 08:30", "周一至周五 08:30"), ("Monday,thu 10:00", "周一、周四 10:00"), ("last day 18:00", nil),
        ("noday 09:00", nil), ("day", nil),
    ])
    func `when a schedule does something is said in words where there are any`(text: String, said: String?) {
        #expect(Words.of(.chinese).every(text) == said)
    }
}
