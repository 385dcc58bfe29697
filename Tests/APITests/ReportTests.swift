import Foundation
import JobKinds
import Jobs
import Ledger
import Records
import Rules
import Tenancy
import TestSupport
import Testing

/// Reports that jobs make.
@Suite struct ReportTests {
    private func report(_ house: SalesHouse, _ tenant: TenantID, _ arguments: String) async throws {
        _ = try await house.ledger.enqueue([
            NewJob(tenant: tenant, kind: "generate_report", arguments: Array(#"{"report":"assignment_effectiveness"\#(arguments)}"#.utf8))
        ])
        try await house.workThrough()
    }

    /// FC-22, from the leads to the alarm.
    @Test func `three sellers who take most leads and one who starves are reported and alarmed, until it is better`() async throws {
        try await SalesHouse.with { house in
            let tenant = try await house.tenant()
            for name in ["a", "b", "c", "new"] { try await house.seller(name, of: tenant) { $0.capacity = 1_000 } }
            try await house.seller("away", of: tenant) { ($0.capacity, $0.status) = (1_000, .leave) }
            try await house.rule(.route, "rules: [{ id: few, to: { sellers: [a, b, c] }, by: round_robin }]", of: tenant)
            try await house.workThrough()
            let ids = try await house.leads((0..<12).map { house.lead("\($0)") }, of: tenant)
            try await house.workThrough()
            try await house.touch("0", of: tenant)
            // All of it 50 days ago; the touch came an hour after.
            try await house.asOwner(
                "UPDATE assignment SET assigned_at = assigned_at - interval '50 days', touched_at = touched_at - interval '49 days 23 hours'"
            )
            try await house.asOwner("UPDATE activity SET at = at - interval '49 days 23 hours'")
            try await house.asOwner("UPDATE seller_status_history SET from_at = from_at - interval '60 days'")
            let now = Date()
            func text(_ days: Double) -> String { (now - days * 86_400).ISO8601Format() }

            try await report(house, tenant, #","from":"\#(text(55))","to":"\#(text(5))""#)

            let page = try await house.records.reports(of: tenant, limit: 9).items
            #expect(page.count == 1 && page[0].kind == "assignment_effectiveness")
            let body = JSON(try JSONSerialization.jsonObject(with: Data(page[0].body.bytes)))
            #expect(body["all"]["received"].int == 12)
            #expect(body["all"]["touched"].int == 1 && (3_600..<3_800).contains(body["all"]["median_first_touch_s"].int ?? 0))
            #expect(body["all"]["followed_up_72h"].int == 1 && body["all"]["judged"].int == 12)
            #expect(body["all"]["conversion_30d"].isNull)
            #expect(body["sellers"].array?.count == 3 && body["strategies"][0]["name"].string == "few")
            let fairness = body["fairness"]
            #expect(fairness["top3_share"].double == 1 && fairness["is_unfair"].bool == true)
            #expect(fairness["longest_droughts"][0]["seller"].string == "new")
            #expect(fairness["longest_droughts"][0]["days"].double == 50)
            let named = fairness["longest_droughts"].array?.compactMap { $0["seller"].string }
            #expect(named?.contains("away") == false, "who is on leave does not starve")
            #expect(try await house.count("alert WHERE code = 'unfair_spread' AND resolved_at IS NULL") == 1)
            #expect(try await house.count("notification WHERE code = 'report_made' AND recipient = 'role:operator'") == 1)
            #expect(ids.count == 12)

            // The next time nobody could starve: it is short, and there were no leads.
            try await report(house, tenant, #","from":"\#(text(3))","to":"\#(text(1))""#)
            #expect(try await house.count("alert WHERE code = 'unfair_spread' AND resolved_at IS NULL") == 0)
            #expect(try await house.records.reports(of: tenant, limit: 9).items.count == 2, "what was made stays")
        }
    }

    @Test func `leads are reported by what gave them: a rule, a customer's owner, a clock, a hand`() async throws {
        try await SalesHouse.with { house in
            let tenant = try await house.tenant()
            for name in ["anna", "bert", "wang"] { try await house.seller(name, of: tenant) { ($0.capacity, $0.team) = (1_000, "north") } }
            _ = try await house.records.putTeam("north", TeamProfile(name: "North", manager: "wang"), of: tenant, by: "test")
            try await house.rule(.map, "{ sources: ['*'], fields: { phone: { from: phone, optional: true } } }", of: tenant)
            try await house.rule(.route, "rules: [{ id: hers, to: { sellers: [anna] } }]", of: tenant)
            try await house.rule(
                .clock,
                """
                clocks: [{ id: first, subject: lead, starts: { on: created }, stops: { on: contact },
                  levels: [{ id: b, after: 30m, to: manager, do: transfer_to_manager }] }]
                """, of: tenant)
            try await house.workThrough()
            let phone = #"{"phone":"13800000001"}"#
            for id in ["1", "2"] {
                try await house.leads([house.lead(id, phone)], of: tenant)
                try await house.workThrough()
            }
            let given = try await house.leads([house.lead("3")], of: tenant)[0]
            try await house.workThrough()
            try await house.give(given, to: "bert", of: tenant, isOverride: true)
            var late = house.lead("4")
            late.receivedAt = Date().addingTimeInterval(-31 * 60)
            try await house.leads([late], of: tenant)
            try await house.working {
                try await soon {
                    try await house.count("assignment a JOIN seller s ON s.id = a.seller_id WHERE s.external_id = 'wang'") == 1
                }
            }
            let now = Date()

            try await report(
                house, tenant,
                #","from":"\#((now - 3_600).ISO8601Format())","to":"\#((now + 3_600).ISO8601Format())""#)

            let page = try await house.records.reports(of: tenant, limit: 9).items
            let body = JSON(try JSONSerialization.jsonObject(with: Data(try #require(page.first).body.bytes)))
            let counts = (body["strategies"].array ?? []).map { "\($0["name"].string ?? "") \($0["received"].int ?? 0)" }
            #expect(counts == ["by a clock 1", "by hand 1", "customer's owner 1", "hers 3"])
        }
    }

    @Test func `without a time it is the tenant's last month, and a wrong time fails for good`() async throws {
        try await SalesHouse.with { house in
            let tenant = try await house.tenant()
            try await report(house, tenant, "")
            let made = try #require(try await house.records.reports(of: tenant, limit: 9).items.first)
            var calendar = Calendar(identifier: .gregorian)
            calendar.timeZone = try await house.reader.timeZone(of: tenant)
            #expect(calendar.component(.day, from: made.period.lowerBound) == 1)
            #expect(calendar.dateComponents([.month], from: made.period.lowerBound, to: made.period.upperBound).month == 1)
            #expect(made.period.upperBound <= Date())

            try await report(house, tenant, #","from":"2026-02-01T00:00:00Z","to":"2026-01-01T00:00:00Z""#)
            let said = "job_history WHERE kind = 'generate_report' AND state = 'discarded' AND error LIKE '%to must come after%'"
            #expect(try await house.count(said) == 1, "what is wrong with the arguments is said")
            #expect(try await house.records.reports(of: tenant, limit: 9).items.count == 1)
        }
    }

    @Test func `reports are read over HTTP, by their own tenant`() async throws {
        try await TestAPI.with { api in
            try await api.working([AnyHandler(GenerateReport(records: RoutingReader(postgres: api.app)))]) {
                _ = try await api.ledger.enqueue([
                    NewJob(tenant: api.acme.id, kind: "generate_report", arguments: Array(#"{"report":"assignment_effectiveness"}"#.utf8))
                ])
                try await expectSoon { try await api.count("report") == 1 }
            }
            let list = try await api.send("GET", "/v1/reports?kind=assignment_effectiveness")
            let id = try #require(try list.json["items"][0]["id"].string)
            #expect(try list.json["items"].array?.count == 1)
            let one = try await api.send("GET", "/v1/reports/\(id)")
            #expect(try one.status == 200 && one.json["body"]["all"]["received"].int == 0)
            #expect(try one.json["body"]["all"]["follow_up_rate"].isNull == true, "no leads is no figure")
            #expect(try await api.send("GET", "/v1/reports/\(id)", as: api.globex.tenantKey).status == 404)
            #expect(try await api.send("GET", "/v1/reports", as: api.globex.tenantKey).json["items"].array?.isEmpty == true)
            #expect(try await api.send("GET", "/v1/reports?kind=horoscope").status == 422)
        }
    }
}
