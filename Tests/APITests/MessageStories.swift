import FakeVendors
import Foundation
import Jobs
import Ledger
import LocalVendors
import Messages
import PostgresClient
import Records
import SalesModel
import Testing

/// Messages from the transaction that tells of something to the people it is for, over real HTTP to the vendors' fakes.
@Suite struct MessageStories {
    @Test func `what is committed is told to the outside, and what is not is not`() async throws {
        try await MessageHouse.with { house in
            try await house.connectAll()
            await #expect(throws: CancellationError.self) {
                try await house.house.engine.transaction { transaction in
                    _ = try transaction.pipeline(house.told("never happened"))
                    throw CancellationError()
                }
            }

            try await house.tell("a lead waits")
            try await house.sending { try await house.settled() }

            #expect(house.vendors.shown.map(\.text) == ["a lead waits"])
            let messages = try await house.messages()
            #expect(messages.map(\.state) == [.sent])
            #expect(messages.map(\.connector) == ["ding"])
            #expect(messages[0].tries.map(\.connector) == ["ding"])
            #expect(messages[0].tries.allSatisfy { $0.failureClass == nil && $0.endedAt != nil })
        }
    }

    @Test func `two channels are two messages with a status each; who left no number is not pretended to be told`() async throws {
        try await MessageHouse.with { house in
            try await house.connectAll()
            try await house.connect("sms", .smsGateway, place: 9, secrets: [:]) {
                $0.url = house.address + "/sms"
                $0.successField = "code"
            }
            try await house.house.seller("chen", of: house.tenant) {
                $0.channels = JSONBytes(Array(#"{"sms":"13800138000","dingtalk":"chen1"}"#.utf8))
            }
            try await house.house.seller("wang", of: house.tenant)
            try await house.house.seller("li", of: house.tenant) {
                $0.channels = JSONBytes(Array(#"{"sms":"139","opt_out":["sms"]}"#.utf8))
            }

            for name in ["chen", "wang", "li"] { try await house.tell("lead for \(name)", channels: [.workApp, .sms], to: name) }
            try await house.sending { try await house.settled() }

            let states = try await house.messages().reduce(into: [String: String]()) {
                $0["\($1.recipient) \($1.channel)"] = "\($1.state.rawValue) \($1.connector ?? $1.reason ?? "")"
            }
            #expect(
                states == [
                    "chen work_app": "sent ding", "chen sms": "sent sms", "wang work_app": "sent ding", "wang sms": "failed not_connected",
                    "li work_app": "sent ding", "li sms": "failed not_connected",
                ])
            #expect(house.vendors.with { $0.sms.shown.map(\.place) } == ["13800138000"])
            #expect(house.vendors.with { $0.dingtalk.shown.map(\.text) }.contains("lead for chen @chen1"))
        }
    }

    @Test func `a new lead is told its owner at once on two channels, an old one without haste`() async throws {
        try await MessageHouse.with { house in
            try await house.connectAll()
            try await house.connect("sms", .smsGateway, place: 9, secrets: [:]) { $0.url = house.address + "/sms" }
            try await house.house.seller("chen", of: house.tenant) { $0.channels = JSONBytes(Array(#"{"sms":"13800138000"}"#.utf8)) }
            try await house.house.rule(.route, "rules: [{ id: all, to: everyone }]", of: house.tenant)
            try await house.house.rule(
                .message,
                "messages: [{ id: new_lead, subject: lead, texts: [{ language: en, body: A new lead. }, { language: zh, body: 新线索。 }] }]",
                of: house.tenant)
            let old = NewLead(source: "website", externalID: "old", receivedAt: Date() - 86_400, fields: Array("{}".utf8))

            try await house.sending {
                try await house.house.leads([house.house.lead("new"), old], of: house.tenant)
                try await soon { try await house.house.count("notification WHERE code = 'new_lead'") == 2 }
                try await soon { try await house.house.count("message WHERE urgency = 'urgent' AND state = 'sent'") == 2 }
            }

            let told = try await house.messages().map { "\($0.channel) \($0.urgency.rawValue)" }.sorted()
            #expect(told == ["sms normal", "sms urgent", "work_app normal", "work_app urgent"])
            #expect(house.vendors.with { $0.sms.shown.map(\.place) }.first == "13800138000")
        }
    }

    @Test func `fields nobody has mapped are told the operators' group at once, in one message, and once`() async throws {
        try await MessageHouse.with { house in
            try await house.connect("wecom", .wecomRobot, place: 1, secrets: ["key": "k"])
            try await house.house.seller("chen", of: house.tenant)
            try await house.house.rule(.map, "{ sources: [website], fields: { region: { from: city } } }", of: house.tenant)
            try await house.house.rule(.route, "rules: [{ id: all, to: everyone }]", of: house.tenant)

            try await house.sending {
                for number in 1...3 {
                    try await house.house.leads(
                        [house.house.lead("l\(number)", #"{"city":"杭州","trade":"x","size":"9"}"#)], of: house.tenant)
                    try await soon { try await house.house.count("lead WHERE state = 'assigned'") == number }
                }
                try await house.settled()
            }

            #expect(
                house.vendors.with { $0.wecom.shown.map(\.text) } == [
                    "来源“website”出现未映射的新字段：size、trade。请在映射中说明其含义，或列入 ignore。"
                ])
        }
    }

    @Test func `a seller is told in WeCom and Feishu by their apps, each by their own id, and nobody else is`() async throws {
        try await MessageHouse.with { house in
            house.vendors.with {
                $0.wecom.corporations["c"] = "s"
                $0.feishu.apps["a"] = "s"
                $0.feishu.members = ["ou_li"]
            }
            try await house.house.seller("chen", of: house.tenant) { $0.channels = JSONBytes(Array(#"{"wecom":"ChenWei"}"#.utf8)) }
            try await house.house.seller("li", of: house.tenant) { $0.channels = JSONBytes(Array(#"{"feishu":"ou_li"}"#.utf8)) }
            try await house.connect("wecom", .wecomApp, place: 1, secrets: ["corp_id": "c", "corp_secret": "s"]) { $0.agent = 7 }
            try await house.connect("feishu", .feishuApp, place: 2, secrets: ["app_id": "a", "app_secret": "s"])

            try await house.sending {
                try await house.tell("to chen", to: "chen")
                try await house.tell("to li", to: "li")
                try await house.settled()
                // A token that has become stale is fetched anew.
                house.vendors.with { $0.wecom.forgetTokens() }
                try await house.tell("again", to: "chen")
                try await house.settled()
            }

            #expect(house.vendors.with { $0.wecom.shown.map { "\($0.place): \($0.text)" } } == ["ChenWei: to chen", "ChenWei: again"])
            #expect(house.vendors.with { $0.feishu.shown.map { "\($0.place): \($0.text)" } } == ["ou_li: to li"])
            #expect(try await house.messages().allSatisfy { $0.state == .sent })
        }
    }

    @Test func `a colleague who left closes nothing: only the way to them is put aside`() async throws {
        try await MessageHouse.with { house in
            house.vendors.with {
                $0.wecom.corporations["c"] = "s"
                $0.wecom.members = ["chen"]
                $0.feishu.apps["a"] = "s"
                $0.feishu.members = ["ou_chen"]
            }
            for (name, wecom, feishu) in [("chen", "chen", "ou_chen"), ("gone", "gone", "ou_gone")] {
                let channels = #"{"wecom":"\#(wecom)","feishu":"\#(feishu)","sms":"139\#(name.count)"}"#
                try await house.house.seller(name, of: house.tenant) { $0.channels = JSONBytes(Array(channels.utf8)) }
            }
            try await house.connect("wecom", .wecomApp, place: 1, secrets: ["corp_id": "c", "corp_secret": "s"]) { $0.agent = 7 }
            try await house.connect("feishu", .feishuApp, place: 2, secrets: ["app_id": "a", "app_secret": "s"])
            try await house.connect("sms", .smsGateway, place: 9, secrets: [:]) { $0.url = house.address + "/sms" }

            try await house.sending {
                for text in ["one", "two"] {
                    try await house.tell("\(text) to gone", to: "gone")
                    try await house.settled()
                }
                try await house.tell("to chen", to: "chen")
                try await house.settled()
            }

            #expect(try await house.messages().map(\.connector) == ["wecom", "sms", "sms"])
            for name in ["wecom", "feishu"] {
                let record = try #require(try await house.house.records.connector(name, of: house.tenant))
                #expect(record.closedUntil == nil, "\(name): \(record.closedReason ?? "")")
            }
            // Each was asked once for who is gone; somebody hears of it.
            #expect(try await house.house.count("delivery_try WHERE failure_class = 'target'") == 2)
            let alerts = try await house.house.records.alerts(of: house.tenant, open: true).items.map { "\($0.code) \($0.subject)" }
            #expect(alerts.sorted() == ["recipient_gone feishu/gone", "recipient_gone wecom/gone"])

            // Who comes back is told as before, when the settings are said again or a day has gone by.
            house.vendors.with { $0.wecom.members = nil }
            _ = try await house.house.rows("UPDATE recipient_gone SET until = now() WHERE connector = 'wecom'")
            try await house.tell("back", to: "gone")
            try await house.sending { try await house.settled() }
            #expect(house.vendors.with { $0.wecom.shown.map(\.text) } == ["to chen", "back"])
            #expect(try await house.house.count("recipient_gone") == 1)
            #expect(try await house.house.count("alert WHERE resolved_at IS NULL") == 1)
        }
    }

    @Test func `of several, those whom the vendor leaves out are put aside although it says yes`() async throws {
        try await MessageHouse.with { house in
            house.vendors.with {
                $0.wecom.corporations["c"] = "s"
                $0.wecom.members = ["li"]
            }
            try await house.connect("wecom", .wecomApp, place: 1, secrets: ["corp_id": "c", "corp_secret": "s"]) {
                $0.agent = 7
                $0.to = ["Gone", "li"]
            }

            try await house.sending {
                for text in ["one", "two"] {
                    try await house.tell(text, to: "role:operator")
                    try await house.settled()
                }
            }

            #expect(house.vendors.with { $0.wecom.shown.map { "\($0.place) \($0.text)" } } == ["li one", "li two"])
            let addresses = try await house.house.rows("SELECT address FROM delivery ORDER BY id").map { try $0.get(0, as: String.self) }
            #expect(addresses == ["Gone,li", "li"])
            #expect(try await house.house.count("recipient_gone WHERE address = 'Gone'") == 1)
            #expect(try await house.house.count("alert WHERE code = 'recipient_gone' AND subject = 'wecom/role:operator'") == 1)
        }
    }

    @Test func `a mistyped key is found out by one try: an alarm, the next connector, and nothing against the vendor`() async throws {
        try await MessageHouse.with { house in
            try await house.connectAll()
            try await house.connect("ding", .dingtalkRobot, place: 1, secrets: ["access_token": "mistyped"])
            try await house.connect("feishu", .feishuBot, place: 2, secrets: ["hook_id": "mistyped"])

            try await house.sending {
                for number in 0..<5 {
                    try await house.tell("alert \(number)")
                    try await house.settled()
                }
            }

            #expect(try await house.messages().allSatisfy { $0.state == .sent && $0.connector == "wecom" })
            let tries = try await house.house.rows(
                "SELECT connector, count(*) AS n, min(code) AS code FROM delivery_try WHERE failure_class IS NOT NULL GROUP BY 1 ORDER BY 1"
            )
            #expect(
                try tries.map {
                    "\(try $0.get("connector", as: String.self)) \(try $0.get("code", as: String.self)) \(try $0.get("n", as: Int64.self))"
                }
                    == ["ding 300005 1", "feishu 19001 1"])
            for name in ["ding", "feishu"] {
                #expect(try await house.house.records.connector(name, of: house.tenant)?.isBroken == true)
            }
            #expect(try await house.house.count("alert WHERE code = 'connector_closed' AND resolved_at IS NULL") == 2)
            #expect(try await house.house.count("breaker WHERE state <> 'closed'") == 0)
        }
    }

    @Test func `in the tenant's quiet hours only what is urgent goes, and the rest when they are taken away`() async throws {
        try await MessageHouse.with { house in
            try await house.connect("wecom", .wecomRobot, place: 1, secrets: ["key": "k"])
            // Quiet around the clock but for a minute that is twelve hours away, in the tenant's zone.
            let minute = Int(Date().timeIntervalSince1970 / 60 + 8 * 60 + 12 * 60) % 1_440
            let hours = try #require(QuietHours(from: (minute + 1) % 1_440, to: minute))
            let records = house.house.records
            #expect(try await records.setQuietHours(hours, of: house.tenant, by: "key:1", reason: "night"))

            try await house.sending {
                try await house.tell("normal", urgency: .normal)
                try await house.tell("urgent")
                try await soon { house.vendors.with { $0.wecom.shown.count } == 1 }
                #expect(try await house.house.count("message WHERE state = 'waiting' AND urgency = 'normal'") == 1)
                #expect(try await records.setQuietHours(nil, of: house.tenant, by: "key:1", reason: "day"))
                try await house.settled()
            }

            #expect(house.vendors.with { $0.wecom.shown.map(\.text) } == ["urgent", "normal"])
            #expect(try await house.house.count("audit_log WHERE action IN ('quiet_hours.put', 'quiet_hours.delete')") == 2)
        }
    }

    @Test func `wrong settings close a connector with an alarm, and its messages go on to the next`() async throws {
        try await MessageHouse.with { house in
            try await house.connectAll()
            try await house.connect("ding", .dingtalkRobot, place: 1, secrets: ["access_token": "t", "secret": "SECwrong"])

            try await house.sending {
                try await house.tell("first")
                try await house.settled()
                try await house.tell("second")
                try await house.settled()
            }

            #expect(house.vendors.with { $0.wecom.shown.map(\.text) } == ["first", "second"])
            let record = try #require(try await house.house.records.connector("ding", of: house.tenant))
            #expect(record.isBroken)
            #expect(record.closedReason == "sign not match")
            #expect(try await house.house.count("alert WHERE code = 'connector_closed' AND subject = 'ding' AND resolved_at IS NULL") == 1)
            // One request found it out.
            #expect(try await house.house.count("delivery_try WHERE connector = 'ding'") == 1)
            try await house.connect("ding", .dingtalkRobot, place: 1, secrets: ["access_token": "t", "secret": "SECabc"])
            try await house.tell("third")
            try await house.sending { try await house.settled() }
            #expect(house.vendors.with { $0.dingtalk.shown.map(\.text) } == ["third"])
            #expect(try await house.house.count("alert WHERE resolved_at IS NULL") == 0)
        }
    }

    @Test func `with a vendor down its messages fail over, and leads are assigned as ever`() async throws {
        try await MessageHouse.with { house in
            try await house.connectAll()
            try await house.house.seller("chen", of: house.tenant) { $0.capacity = 100 }
            try await house.house.rule(.route, "rules: [{ id: all, to: everyone }]", of: house.tenant)
            house.vendors.with { $0.troubles[.dingtalk] = .down }
            var terms = MessagePlanner.Terms()
            terms.patience = 10

            try await house.sending(MessagePlanner(terms)) {
                for number in 0..<10 { try await house.tell("alert \(number)·") }
                try await house.house.leads((0..<20).map { house.house.lead("l\($0)") }, of: house.tenant)
                try await house.settled()
                try await soon { try await house.house.count("lead WHERE state = 'assigned'") == 20 }
            }

            #expect(try await house.messages().allSatisfy { $0.state == .sent && $0.connector != "ding" })
            let shown = house.vendors.shown.map(\.text).joined()
            for number in 0..<10 { #expect(shown.matches(of: try Regex("alert \(number)·")).count == 1) }
            #expect(house.vendors.penalties == 0)
            // Nobody's attempts were burnt, and nothing was set aside.
            #expect(try await house.house.count("dlq") == 0)
        }
    }

    @Test func `five hundred alerts at once: each is shown once, nobody is punished, and what is urgent goes first`() async throws {
        try await MessageHouse.with { house in
            try await house.connectAll()
            let alerts = (0..<500).map { ("alert #\($0)·", $0 % 5 == 0 ? Urgency.urgent : .normal) }
            _ = try await house.house.engine.pipeline(
                [.tenants([house.tenant])] + alerts.flatMap { house.told($0.0, urgency: $0.1).dropFirst() })

            try await house.sending(workers: 2) { try await house.settled() }

            let shown = house.vendors.shown.sorted { $0.at < $1.at }
            var times: [Int: (count: Int, last: Date)] = [:]
            for one in shown {
                for mark in one.text.matches(of: /#([0-9]+)·/) {
                    times[Int(mark.1)!, default: (0, one.at)].count += 1
                    times[Int(mark.1)!]?.last = one.at
                }
            }
            #expect(times.count == 500)
            #expect(times.values.allSatisfy { $0.count == 1 })
            #expect(house.vendors.penalties == 0)
            #expect(try await house.house.count("message WHERE state <> 'sent'") == 0)
            // Half the urgent ones were shown before nine tenths of the others.
            let urgent = times.filter { $0.key % 5 == 0 }.values.map(\.last).sorted()
            let others = times.filter { $0.key % 5 != 0 }.values.map(\.last).sorted()
            #expect(urgent[50] < others[40])
            #expect(urgent[99] < others[399])
        }
    }

    @Test func `a vendor that is back is used again, first in its order`() async throws {
        try await MessageHouse.with { house in
            try await house.connectAll()
            house.vendors.with { $0.troubles[.dingtalk] = .down }
            var terms = MessagePlanner.Terms()
            terms.patience = 1

            try await house.sending(MessagePlanner(terms)) {
                // More than its allowance: none of it may be missing when it is back.
                for number in 0..<30 {
                    try await house.tell("alert \(number)")
                    try await house.settled()
                }
                #expect(house.vendors.with { $0.dingtalk.shown.isEmpty })
                house.vendors.with { $0.troubles = [:] }
                try await soon {
                    try await house.tell("are you back?")
                    try await house.settled()
                    return house.vendors.with { !$0.dingtalk.shown.isEmpty }
                }
            }

            #expect(house.vendors.penalties == 0)
            #expect(try await house.house.count("message WHERE state <> 'sent'") == 0)
        }
    }

    @Test func `a throttled robot is left alone until its time, and its messages go elsewhere at once`() async throws {
        try await MessageHouse.with { house in
            try await house.connectAll()
            // Somebody else uses the same robot.
            let now = Date()
            house.vendors.with { state in
                for _ in 0..<20 { _ = state.dingtalk.answer(MessageHouse.robotRequest(at: now), at: now) }
            }

            try await house.tell("urgent")
            try await house.sending { try await house.settled() }

            #expect(try await house.messages().map(\.connector) == ["wecom"])
            let record = try #require(try await house.house.records.connector("ding", of: house.tenant))
            #expect(record.closedClass == "throttled")
            #expect(!record.isBroken)
            #expect(abs((record.closedUntil ?? now).timeIntervalSince(now) - 600) < 60)
        }
    }

    @Test func `when every channel fails, the operators are told inside`() async throws {
        try await MessageHouse.with { house in
            try await house.connect("wecom", .wecomRobot, place: 1, secrets: ["key": "no such"])

            try await house.tell("nobody hears this", channels: [.workApp, .sms])
            try await house.sending { try await house.settled() }

            #expect(try await house.messages().allSatisfy { $0.state == .failed })
            let told = try await house.house.records.notifications(of: house.tenant, to: "role:operator").items
            #expect(told.map(\.code) == ["message_undelivered"])
            #expect(told.first?.english.contains("nobody hears this") == true)
        }
    }

    @Test func `a to-do is made in somebody's DingTalk, under our number`() async throws {
        try await MessageHouse.with { house in
            try await house.connect("todo", .dingtalkTodo, place: 1, secrets: ["app_key": "k", "app_secret": "s"]) { $0.creator = "boss" }
            try await house.house.seller("chen", of: house.tenant) {
                $0.channels = JSONBytes(Array(#"{"dingtalk_union_id":"u1"}"#.utf8))
            }

            try await house.sending {
                try await house.tell("first interview")
                try await house.settled()
                house.vendors.with { $0.dingtalk.forgetTokens() }
                try await house.tell("second interview")
                try await house.settled()
            }

            let todos = house.vendors.with { $0.dingtalk.shown }
            #expect(todos.map(\.text) == ["first interview", "second interview"])
            #expect(todos.allSatisfy { $0.place == "u1" && $0.id?.hasPrefix("kiteline-") == true })
        }
    }

    @Test func `an event becomes a signed webhook, once; what a receiver refuses comes again with the same id`() async throws {
        try await MessageHouse.with { house in
            try await house.connect("hook", .webhook, place: 1, secrets: ["secret": MessageHouse.webhookSecret]) {
                $0.url = house.address + "/hook"
                $0.events = ["lead"]
            }
            try await house.house.seller("chen", of: house.tenant)
            try await house.house.rule(.route, "rules: [{ id: all, to: everyone }]", of: house.tenant)
            house.vendors.with { $0.receiver.status = 500 }

            try await house.sending {
                try await soon { try await house.house.count("connector WHERE seen_tx IS NOT NULL") == 1 }
                try await house.house.leads([house.house.lead("l1")], of: house.tenant)
                try await soon { house.vendors.with { !$0.receiver.requests.isEmpty } }
                house.vendors.with { $0.receiver.status = nil }
                try await soon { house.vendors.with { !$0.receiver.shown.isEmpty } }
            }

            let requests = house.vendors.with { $0.receiver.requests }
            #expect(Set(requests.map { $0.headers["webhook-id"] }).count == 1)
            #expect(requests.count >= 2)
            #expect(house.vendors.with { $0.receiver.refused } == 0)
            let shown = try #require(house.vendors.with { $0.receiver.shown }.first)
            let event = JSON(try JSONSerialization.jsonObject(with: Data(shown.text.utf8)))
            #expect(event["type"].string == "sales.lead.assigned.v1")
            #expect(event["source"].string == "/tenants/acme")
            #expect(event["id"].string == shown.id)
            #expect(event["data"]["owner"].string == "chen")
        }
    }

    @Test func `looking for what is to be told uses up no numbers of jobs`() async throws {
        try await MessageHouse.with { house in
            try await house.connect("hook", .webhook, place: 1, secrets: ["secret": MessageHouse.webhookSecret]) {
                $0.events = ["lead"]
            }
            let before = try await house.house.ledger.reserve(1)[0].rawValue
            for _ in 0..<100 { try await house.house.records.relayWebhooks(now: Date()) }

            // They would be 4,000; a slow machine may have given up a thousand or two.
            #expect(try await house.house.ledger.reserve(1)[0].rawValue < before + 3_000)
        }
    }

    @Test func `an event whose job took its workers with it is told again, with the same id, and given up after the fourth such try`()
        async throws
    {
        try await MessageHouse.with { house in
            try await house.connect("hook", .webhook, place: 1, secrets: ["secret": MessageHouse.webhookSecret]) {
                $0.events = ["lead"]
            }
            try await house.house.seller("chen", of: house.tenant)
            try await house.house.rule(.route, "rules: [{ id: all, to: everyone }]", of: house.tenant)
            while try await house.house.records.relayWebhooks(now: Date()) {}
            try await house.house.leads([house.house.lead("l1")], of: house.tenant)
            try await house.house.workThrough()
            var ids: [String] = []
            for number in 1...4 {
                // As if its pause were over.
                _ = try await house.house.engine.pipeline([.tenants([house.tenant]), "UPDATE delivery SET not_before = NULL"])
                // An event is told of when every transaction that began before its own is over.
                try await soon {
                    while try await house.house.records.relayWebhooks(now: Date()) {}
                    return try await house.house.count("delivery WHERE state = 'sending'") == 1
                }
                let attempts = try await house.house.begin(of: "send_notification")
                #expect(attempts.count == 1, "try \(number)")
                let death = Failure(.poison, "its worker died 3 times while running it")
                let settlements = attempts.map {
                    Settlement(
                        attempt: $0, outcome: .failed(.poison, death.message), disposition: .end(.discarded, outcome: nil, death))
                }
                _ = try await house.house.ledger.settle(settlements)
                try await house.house.acknowledge(attempts)
                let rows = try await house.house.rows("SELECT event_id, state FROM delivery")
                ids += try rows.map { try "\($0.get("event_id", as: String.self)) \($0.get("state", as: String.self))" }
            }
            #expect(Set(ids.map { $0.prefix { $0 != " " } }).count == 1)
            #expect(ids.map { $0.split(separator: " ").last } == ["waiting", "waiting", "waiting", "failed"])
        }
    }

    @Test func `a webhook hears of others' breakers, never of its own`() async throws {
        try await MessageHouse.with { house in
            try await house.connect("hook", .webhook, place: 1, secrets: ["secret": MessageHouse.webhookSecret]) {
                $0.url = house.address + "/hook"
            }
            try await house.sending {
                try await soon { try await house.house.count("connector WHERE seen_tx IS NOT NULL") == 1 }
                _ = try await house.house.rows(
                    """
                    INSERT INTO event (tenant_id, type, body)
                    SELECT c.tenant_id, 'breaker.changed', jsonb_build_object('dependency', d.name, 'state', 'open', 'reason', 'x')
                    FROM connector c, LATERAL (VALUES (c.dependency), ('another')) AS d(name)
                    """)
                try await soon { house.vendors.with { !$0.receiver.shown.isEmpty } }
            }

            #expect(try await house.house.count("delivery") == 1)
            #expect(house.vendors.with { $0.receiver.shown }.allSatisfy { $0.text.contains("another") })
        }
    }

    @Test func `a webhook that hears of jobs' ends does not hear of the jobs that tell it`() async throws {
        try await MessageHouse.with { house in
            try await house.connect("hook", .webhook, place: 1, secrets: ["secret": MessageHouse.webhookSecret]) {
                $0.url = house.address + "/hook"
                $0.events = ["job"]
            }
            try await house.house.seller("chen", of: house.tenant)
            try await house.house.rule(.route, "rules: [{ id: all, to: everyone }]", of: house.tenant)

            try await house.sending {
                try await soon { try await house.house.count("connector WHERE seen_tx IS NOT NULL") == 1 }
                // What happens after the first was told of is passed on after whatever its telling made happen.
                for name in ["l1", "l2"] {
                    let before = house.vendors.with { $0.receiver.shown.count }
                    try await house.house.leads([house.house.lead(name)], of: house.tenant)
                    try await soon { house.vendors.with { $0.receiver.shown.count } > before }
                    try await soon { try await house.house.count("job_history WHERE kind = 'send_notification'") > 0 }
                }
                // What says no kind is told all the same.
                _ = try await house.house.rows(
                    """
                    INSERT INTO event (tenant_id, type, body)
                    SELECT tenant_id, 'job.progress', '{"job_id": "1", "progress": 0.5}' FROM connector
                    """)
                try await soon { house.vendors.with { $0.receiver.shown }.contains { $0.text.contains("sales.job.progress") } }
            }

            #expect(try await house.house.count("event WHERE body->>'kind' = 'send_notification'") > 0)
            #expect(house.vendors.with { $0.receiver.shown }.contains { $0.text.contains("sales.job.progress") })
            #expect(house.vendors.with { $0.receiver.shown }.allSatisfy { !$0.text.contains("send_notification") })
            #expect(try await house.house.count("delivery WHERE event::text LIKE '%send_notification%'") == 0)
        }
    }

    @Test func `410 ends a webhook, with an alarm`() async throws {
        try await MessageHouse.with { house in
            try await house.connect("hook", .webhook, place: 1, secrets: ["secret": MessageHouse.webhookSecret]) {
                $0.url = house.address + "/hook"
            }
            house.vendors.with { $0.receiver.status = 410 }

            try await house.sending {
                try await soon { try await house.house.count("connector WHERE seen_tx IS NOT NULL") == 1 }
                _ = try await house.house.engine.pipeline([
                    .tenants([house.tenant]), .raise("test", "1", detail: JSONBytes(Array("{}".utf8)), of: house.tenant, at: Date()),
                ])
                try await soon { try await house.house.count("connector WHERE closed_class = 'target'") == 1 }
            }

            #expect(try await house.house.count("alert WHERE code = 'connector_closed'") == 1)
            #expect(try await house.house.count("delivery WHERE state = 'failed'") >= 1)
        }
    }
}

extension MessageHouse {
    /// A signed request to the DingTalk robot, as anybody who knows its secret makes it.
    static func robotRequest(at now: Date) -> FakeRequest {
        let question = DingTalkRobot(url: "", token: "t", secret: "SECabc").question(Notice(id: "", title: "", lines: ["x"]), at: now)
        let items = URLComponents(string: question.url)?.queryItems ?? []
        return FakeRequest(
            "POST", "/robot/send", query: items.reduce(into: [:]) { $0[$1.name] = $1.value }, headers: question.headers, body: question.body
        )
    }
}
