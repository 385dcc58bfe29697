import Foundation
import JobKinds
import Jobs
import Ledger
import LocalVendors
import Messages
import PostgresClient
import Records
import Rules
import SalesModel
import Tenancy
import Testing

/// What went wrong in sales once, elsewhere, and must not happen here (requirements F): from the leads to who hears of it.
@Suite struct SalesFailureStories {
    /// All that a tenant of a trade begins with.
    private func pack(_ name: String, _ house: SalesHouse, _ tenant: TenantID) async throws {
        for (kind, source) in try #require(RulePack.named(name)).ordered { try await house.rule(kind, source, of: tenant) }
    }

    private func record(_ activities: [NewActivity], _ house: SalesHouse, of tenant: TenantID) async throws {
        _ = try await house.records.record(activities, of: tenant, key: nil) { _ in StoredAnswer(status: 201, body: []) }
    }

    /// Until every timer's next look is well ahead.
    private func settled(_ house: SalesHouse) async throws {
        try await soon {
            let running = try await house.count("job_live WHERE run_at < now() + interval '20 seconds'")
            let asked = try await house.count("clock_rearm")
            let waiting = try await house.count("clock_subject WHERE next_at < now() + interval '20 seconds'")
            return running + asked + waiting == 0
        }
    }

    private func ago(_ seconds: Double) -> Date { Date().addingTimeInterval(-seconds) }

    /// FC-21: 87 leads of one live stream.
    @Test func `leads of a live stream that come at once have an owner each and two hours, and nobody more than nine`() async throws {
        try await SalesHouse.with { house in
            let tenant = try await house.tenant()
            for number in 0..<10 { try await house.seller("s\(number)", of: tenant) { $0.regions = ["江苏"] } }
            try await pack("manufacturing", house, tenant)
            try await house.workThrough()
            func viewer(_ number: Int) -> NewLead {
                house.lead(
                    "v\(number)", source: "douyin",
                    #"{"phone":"138\#(10_000_000 + number)","province":"江苏","industry_tag":"机械","#
                        + #""source_channel":"直播","title":"经理","budget":"300000","needed_in_days":"60","interactions":"1"}"#)
            }

            _ = try await house.records.takeIn((0..<87).map(viewer), of: tenant, trigger: .batchImport)
            try await house.workThrough(workers: 2)

            #expect(try await house.count("lead WHERE state = 'assigned'") == 87)
            let due = """
                clock_subject c JOIN lead l ON c.subject_type = 'lead' AND l.id = c.subject_id
                    CROSS JOIN jsonb_array_elements(c.clocks) k CROSS JOIN jsonb_array_elements(k->'levels') v
                WHERE k->>'clock' = 'lead_source_response'
                    AND abs(extract(epoch FROM (v->>'due_at')::timestamptz - l.received_at) - 7200) < 0.01
                """
            #expect(try await house.count(due) == 87)
            func fullest() async throws -> Int32 {
                try #require(try await house.rows("SELECT max(pending) AS n FROM seller_load").first).get("n")
            }
            #expect(try await fullest() == 9)
            #expect(try await house.count("seller_load WHERE pending >= 8") == 10, "evenly")

            // Ten more than there is room for: they wait in the pool, and nobody's ninth becomes a tenth.
            _ = try await house.records.takeIn((87..<100).map(viewer), of: tenant, trigger: .batchImport)
            try await house.workThrough(workers: 2)
            #expect(try await fullest() == 9)
            #expect(try await house.count("lead WHERE state = 'pooled' AND pool = 'shared'") == 10)
            try await house.expectSound()
        }
    }

    /// FC-42: the reminder at four minutes, with one provider down, and with both.
    @Test(arguments: [false, true])
    func `a reminder goes by the other channel; where both are down it stands inside and the manager hears of it`(areBoth: Bool)
        async throws
    {
        try await MessageHouse.with { messages in
            let (house, tenant) = (messages.house, messages.tenant)
            try await house.seller("wang", of: tenant) { $0.weight = 0 }
            try await house.seller("anna", of: tenant) { $0.team = "north" }
            _ = try await house.records.putTeam("north", TeamProfile(name: "North", manager: "wang"), of: tenant, by: "test")
            try await messages.connect("ding", .dingtalkRobot, place: 1, secrets: ["access_token": "t", "secret": "SECabc"])
            try await messages.connect("wecom", .wecomRobot, place: 2, secrets: ["key": "k"])
            try await house.rule(.route, "rules: [{ id: all, to: everyone, by: round_robin }]", of: tenant)
            try await house.rule(
                .clock,
                """
                clocks: [{ id: lead_first_touch, subject: lead, starts: { on: created }, stops: { on: contact },
                  levels: [{ id: reminder, after: 4m, to: [owner], channels: [work_app] }, { id: late, after: 24h, to: [manager] }] }]
                """, of: tenant)
            try await house.workThrough()
            messages.vendors.with {
                $0.troubles[.dingtalk] = .down
                if areBoth { $0.troubles[.wecom] = .down }
            }
            var terms = MessagePlanner.Terms()
            (terms.patience, terms.alarm) = (1, 2)

            try await messages.sending(MessagePlanner(terms)) {
                try await house.leads(
                    [NewLead(source: "website", externalID: "1", receivedAt: ago(238), fields: Array("{}".utf8))], of: tenant)
                try await soon {
                    try await areBoth
                        ? house.count("notification WHERE code = 'message_undelivered' AND recipient = 'wang'") == 1
                        : house.count("message WHERE state = 'sent'") == 1
                }
                // A slow answer may come when the other channel has been asked already; one that is too slow is no answer.
                try await soon {
                    let tries = try await tries(messages)
                    let asked = Set(tries.map { $0.prefix { $0 != " " } })
                    return asked == ["ding", "wecom"] && (areBoth || tries.contains("wecom taken"))
                }
            }

            let inside = try await house.records.notifications(of: tenant, to: "anna").items
            #expect(inside.map(\.code) == ["lead_first_touch.reminder"])
            let reminder = try #require(try await messages.messages().first { $0.recipient == "anna" })
            let above = try await house.records.notifications(of: tenant).items.filter { $0.code == "message_undelivered" }
            if areBoth {
                #expect(reminder.state != .sent && messages.vendors.shown.isEmpty)
                #expect(above.map(\.recipient).sorted() == ["role:operator", "wang"])
                #expect(above.allSatisfy { $0.english.contains("could be delivered to anna") && $0.urgency == .urgent })
            } else {
                #expect(messages.vendors.with { $0.wecom.shown.count } == 1)
                #expect(above.isEmpty)
            }
        }
    }

    /// What became of the attempts to tell Anna, `connector code`.
    private func tries(_ messages: MessageHouse) async throws -> Set<String> {
        let reminder = try await messages.messages().first { $0.recipient == "anna" }
        return Set(reminder?.tries.map { "\($0.connector) \($0.code ?? "taken")" } ?? [])
    }

    /// FC-43: nobody answers between 12:30 and 13:45; from the leads through their clocks to the map.
    @Test func `the lunch hour is the hottest of the month, for the reasons that were told`() async throws {
        try await SalesHouse.with { house in
            let tenant = try await house.tenant()
            try await house.seller("wang", of: tenant) { $0.weight = 0 }
            try await house.seller("anna", of: tenant) { ($0.team, $0.capacity) = ("north", 1_000) }
            _ = try await house.records.putTeam("north", TeamProfile(name: "North", manager: "wang"), of: tenant, by: "test")
            try await house.rule(.route, "rules: [{ id: all, to: everyone, by: round_robin }]", of: tenant)
            try await house.rule(
                .clock,
                """
                clocks: [{ id: lead_first_touch, subject: lead, starts: { on: created }, stops: { on: contact },
                  levels: [{ id: reminder, after: 4m, to: [owner] }, { id: manager, after: 8m, to: [manager] }] }]
                """, of: tenant)
            try await house.workThrough()
            // Monday, 2 March 2026 in Shanghai.
            let midnight = Date(timeIntervalSince1970: 1_772_380_800)
            func came(_ name: String, _ minute: Int) -> NewLead {
                NewLead(
                    source: "website", externalID: name, receivedAt: midnight.addingTimeInterval(Double(minute) * 60),
                    fields: Array("{}".utf8))
            }
            let lunch = stride(from: 12 * 60 + 30, to: 13 * 60 + 45, by: 3).map { came("l\($0)", $0) }
            let morning = (0..<5).map { came("m\($0)", 10 * 60 + $0) }

            try await house.leads(lunch + morning, of: tenant)
            // Known since they came, not as if they were imported now.
            _ = try await house.rows("UPDATE lead SET created_at = received_at")
            try await house.workThrough()
            try await record(
                morning.map {
                    NewActivity(
                        subjectType: .lead, subject: $0.externalID, type: "call", at: $0.receivedAt.addingTimeInterval(120),
                        data: Array(#"{"result":"wants a quotation"}"#.utf8))
                }, house, of: tenant)
            try await house.working(workers: 2) { try await settled(house) }
            // Ten were rung in vain, eight had a busy line, of seven nobody says why.
            let late = Dictionary(
                grouping: try await house.records.escalations(of: tenant, limit: 500).items.filter { $0.level == "reminder" }, by: \.subject
            )
            for (number, escalation) in late.values.compactMap(\.first).sorted(by: { $0.id < $1.id }).enumerated() where number < 18 {
                _ = try await house.records.explain(
                    escalation: escalation.id, number < 10 ? .notAnswered : .busy, of: tenant, by: "key:1", key: nil
                ) { _ in StoredAnswer(status: 200, body: []) }
            }

            #expect(late.count == 25)
            let map = try await house.records.responseHeatMap("lead_first_touch", month: "2026-03", zone: "Asia/Shanghai", of: tenant)
            #expect(map.cells.map(\.weekday) == Array(repeating: 1, count: 6))
            #expect(map.cells.map(\.minute) == [600, 750, 765, 780, 795, 810])
            #expect(map.cells.map { [$0.late, $0.leads] } == [[0, 5]] + Array(repeating: [5, 5], count: 5))
            #expect(map.cells.allSatisfy { !$0.isGreyed } && map.history == 0)
            let board = try await house.records.responseBoard("lead_first_touch", of: tenant)
            #expect(board.lines.map(\.late) == [25] && board.lines.map(\.owner) == ["anna"])
            for (reasons, unspecified) in [(map.reasons, map.unspecified), (board.reasons, board.unspecified)] {
                #expect(reasons.map(\.reason) == ["not_answered", "busy"] && reasons.map(\.count) == [10, 8] && unspecified == 7)
            }
        }
    }

    /// FC-44: a web form without a budget.
    @Test func `marketing has a lead for a day, then the director sees it; completed, it is assigned like a new one`() async throws {
        try await SalesHouse.with { house in
            let tenant = try await house.tenant()
            try await house.seller("wang", of: tenant) { ($0.team, $0.regions) = ("north", ["新疆"]) }
            try await house.seller("anna", of: tenant) { ($0.team, $0.regions) = ("north", ["江苏"]) }
            _ = try await house.records.putTeam("north", TeamProfile(name: "North", manager: "wang"), of: tenant, by: "test")
            try await house.records.putOffice(.salesDirector, people: ["director"], of: tenant, by: "test")
            try await pack("manufacturing", house, tenant)
            try await house.workThrough()
            func form(_ budget: String) -> NewLead {
                NewLead(
                    source: "web", externalID: "f1", receivedAt: ago(86_390),
                    fields: Array(
                        (#"{"company":"华东精工","phone":"13862510417","province":"江苏","industry_tag":"机械","source_channel":"官网表单","#
                            + #""title":"经理","needed_in_days":"60","interactions":"1"\#(budget)}"#).utf8))
            }
            let id = try await house.leads([form("")], of: tenant)[0]
            try await house.workThrough()
            #expect(try await house.records.lead(id, of: tenant)?.state == .withMarketing)
            // As if it had come a day ago: two seconds are left of its day.
            _ = try await house.rows("UPDATE lead SET created_at = received_at")
            _ = try await house.rows("UPDATE decision_log SET decided_at = now() - interval '23 hours 59 minutes 58 seconds'")
            _ = try await house.rows(
                "UPDATE clock_subject SET next_at = now(), job_id = NULL, fence = fence + 1 WHERE subject_type = 'lead'")

            try await house.working {
                try await soon { try await house.count("escalation WHERE clock = 'marketing_completion'") == 1 }
                let shown = try #require(
                    try await house.records.escalations(of: tenant).items.first { $0.clock == "marketing_completion" })
                #expect(shown.action == "dashboard" && shown.recipients == ["director"] && shown.lateBy < 3_600 && shown.acted)
                #expect(try await house.count("escalation") == 1, "nobody is late with a lead that marketing has")
                try await house.leads([form(#","budget":"300000""#)], of: tenant)
                try await soon { try await house.records.lead(id, of: tenant)?.owner == "anna" }
                try await soon { try await house.count("escalation WHERE met_at IS NOT NULL") == 1 }
                try await settled(house)
            }

            // Its four and eight minutes begin with the completion.
            #expect(try await house.count("escalation") == 1)
            #expect(try await house.records.lead(id, of: tenant)?.owner == "anna")
            #expect(try await house.count("job_history h JOIN job j USING (id) WHERE j.args->>'trigger' = 'marketing_completed'") == 1)
            #expect(try await house.count("clock_subject WHERE subject_type = 'lead' AND next_at > now() + interval '3 minutes'") == 1)
            try await house.expectSound()
        }
    }

    /// FC-45: sent, and not signed for.
    @Test func `what was shipped and not signed for by its day is told of with its deal, and what was signed for is not`() async throws {
        try await SalesHouse.with { house in
            let tenant = try await house.tenant()
            try await house.seller("anna", of: tenant)
            try await pack("medical", house, tenant)
            let expected = Array(#"{"delivery_expected_at":"\#(ago(120).ISO8601Format())"}"#.utf8)
            for name in ["late", "signed", "lost"] {
                let facts = OpportunityFacts(
                    owner: "anna", stage: "quoted", won: name == "lost" ? false : true, closedAt: ago(86_400), fields: expected)
                _ = try await house.records.putOpportunity(name, facts, of: tenant)
            }
            func shipped(_ name: String, signed: Bool, at: Date) -> NewActivity {
                NewActivity(
                    subjectType: .opportunity, subject: name, type: "shipment", at: at,
                    data: Array(#"{"number":"SF1042","signed":\#(signed)}"#.utf8))
            }
            try await record(
                [shipped("late", signed: false, at: ago(7_200)), shipped("signed", signed: true, at: ago(5_400))], house, of: tenant)

            try await house.working { try await settled(house) }

            let told = try await house.records.notifications(of: tenant, to: "anna").items.filter { $0.code == "shipment_unsigned.owner" }
            #expect(told.count == 1)
            let escalation = try #require(
                try await house.records.escalations(of: tenant).items.first { $0.clock == "shipment_unsigned" && $0.told == .told })
            let linked = try await house.rows("SELECT external_id FROM opportunity WHERE id = \(escalation.subject.id)")
            #expect(try linked.first?.get("external_id", as: String.self) == "late")
            #expect(try await house.count("escalation e JOIN opportunity o ON o.id = e.subject_id WHERE o.external_id = 'lost'") == 0)

            try await record([shipped("late", signed: true, at: Date())], house, of: tenant)
            try await house.working {
                try await soon { try await house.count("escalation WHERE met_at IS NULL AND withdrawn_at IS NULL") == 0 }
            }
        }
    }

    /// FC-47: what is not connected says so, and what has no data is no number.
    @Test func `with every connector off nothing is said to be delivered, and figures without data are none`() async throws {
        try await MessageHouse.with { messages in
            let (house, tenant) = (messages.house, messages.tenant)
            try await house.seller("anna", of: tenant)
            try await messages.connect("sms", .smsGateway, place: 1, secrets: [:]) { $0.url = messages.address + "/sms" }

            try await messages.tell("a lead waits", channels: [.workApp, .sms, .mail], to: "anna")
            try await messages.sending { try await messages.settled() }
            _ = try await house.ledger.enqueue([
                NewJob(tenant: tenant, kind: "generate_report", arguments: Array(#"{"report":"assignment_effectiveness"}"#.utf8))
            ])
            try await house.workThrough()

            let said = try await messages.messages()
            #expect(said.count == 3 && said.allSatisfy { $0.state == .failed && $0.reason == "not_connected" && $0.connector == nil })
            #expect(messages.vendors.shown.isEmpty)
            #expect(
                try await house.records.notifications(of: tenant, to: "anna").items.map(\.english) == ["a lead waits"], "it stands inside")
            let report = try #require(try await house.records.reports(of: tenant, limit: 1).items.first)
            let body = JSON(try JSONSerialization.jsonObject(with: Data(report.body.bytes)))
            #expect(body["all"]["received"].int == 0)
            for figure in ["median_first_touch_s", "conversion_30d"] { #expect(body["all"][figure].isNull, "\(figure)") }
            let map = try await house.records.responseHeatMap("lead_first_touch", month: "2026-03", zone: "Asia/Shanghai", of: tenant)
            #expect(map.cells.isEmpty && map.reasons.isEmpty)
        }
    }
}
