import Foundation
import Messages
import Testing

/// What goes out, as the vendors write it.
@Suite struct BodyTests {
    private let now = Date(timeIntervalSince1970: 1_599_360_473)

    private func object(_ question: HTTPQuestion) throws -> NSDictionary {
        try #require(try JSONSerialization.jsonObject(with: Data(question.body)) as? NSDictionary)
    }

    private func expect(_ question: HTTPQuestion, _ json: String) throws {
        let expected = try #require(try JSONSerialization.jsonObject(with: Data(json.utf8)) as? NSDictionary)
        #expect(try object(question) == expected)
        #expect(question.method == "POST")
        #expect(question.headers["content-type"]?.hasPrefix("application/json") == true)
    }

    private let one = Notice(id: "d1", title: "1", lines: ["Lead <A&B> waits"], recipients: ["chen", "13800138000"])
    private let two = Notice(id: "d2", title: "2 messages", lines: ["first *one*", "second @all"], recipients: ["chen"])

    @Test func `DingTalk: a text that calls people by name and number`() throws {
        try expect(
            DingTalkRobot(url: "", token: "t", secret: nil).question(one, at: now),
            #"{"msgtype":"text","text":{"content":"Lead <A&B> waits @chen @13800138000"},"at":{"atMobiles":["13800138000"],"atUserIds":["chen"],"isAtAll":false}}"#
        )
        try expect(
            DingTalkRobot(url: "", token: "t", secret: nil).question(two, at: now),
            #"{"msgtype":"markdown","markdown":{"title":"2 messages","text":"- first \\*one\\*\n- second ＠all\n@chen"},"at":{"atMobiles":[],"atUserIds":["chen"],"isAtAll":false}}"#
        )
    }

    @Test func `WeCom: a text with lists of the called, or Markdown`() throws {
        try expect(
            WeComRobot(url: "", key: "k").question(one),
            #"{"msgtype":"text","text":{"content":"Lead <A&B> waits","mentioned_list":["chen"],"mentioned_mobile_list":["13800138000"]}}"#)
        try expect(
            WeComRobot(url: "", key: "k").question(two),
            #"{"msgtype":"markdown","markdown":{"content":"**2 messages**\n- first \\*one\\*\n- second ＠all<@chen>"}}"#)
    }

    @Test func `Feishu: the signature in the body, and no tag that calls everybody`() throws {
        let bot = FeishuBot(url: "https://open.feishu.cn", hook: "h", secret: "demo")
        let question = bot.question(Notice(id: "1", title: "", lines: [#"<at user_id="all">all</at>"#]), at: now)

        #expect(question.url == "https://open.feishu.cn/open-apis/bot/v2/hook/h")
        try expect(
            question,
            #"{"timestamp":"1599360473","sign":"l1N0gAcBjdwBvGm1xMjOF0XSyaLRpR7tuO5dHfhAYc8=","msg_type":"text","content":{"text":"&lt;at user_id=\"all\"&gt;all&lt;/at&gt;"}}"#
        )
        let card = try object(FeishuBot(url: "", hook: "h", secret: nil).question(two, at: now))
        #expect(card["msg_type"] as? String == "interactive")
        #expect(card["card"] != nil && card["content"] == nil && card["sign"] == nil)
    }

    @Test func `DingTalk's to-do is made under our id`() throws {
        let todo = DingTalkTodo(url: "https://api.dingtalk.com", key: "k", secret: "s", creator: "boss")
        let question = todo.question(
            Notice(id: "d1", title: "t", lines: ["Call Wang"], recipients: ["u1"], isUrgent: true), token: "tok")

        #expect(question.url == "https://api.dingtalk.com/v1.0/todo/users/boss/tasks?operatorId=boss")
        #expect(question.headers["x-acs-dingtalk-access-token"] == "tok")
        try expect(
            question,
            #"{"sourceId":"d1","subject":"Call Wang","creatorId":"boss","description":"Call Wang","executorIds":["u1"],"isOnlyShowExecutor":true,"priority":40,"notifyConfigs":{"dingNotify":"1"}}"#
        )
    }

    @Test func `a gateway's members are named as it wants them`() throws {
        let gateway = SMSGateway(url: "https://sms.example/send", authorization: "Bearer x", numberField: "phone", textField: "content")
        let question = gateway.question(Notice(id: "d1", title: "", lines: ["hello"], recipients: ["13800138000"]))

        #expect(question.headers["authorization"] == "Bearer x")
        #expect(question.headers["idempotency-key"] == "d1")
        try expect(question, #"{"phone":"13800138000","content":"hello","id":"d1"}"#)
    }

    @Test(arguments: 0..<3)
    func `no limit of bytes is exceeded, however long the text and whatever its characters`(which: Int) throws {
        let long = String(repeating: "线索<&>*_", count: 3_000)
        for lines in [[long], Array(repeating: String(long.prefix(200)), count: 60)] {
            let notice = Notice(id: "1", title: long, lines: lines, recipients: ["chen"])
            switch which {
            case 0:
                let body = try object(DingTalkRobot(url: "", token: "", secret: nil).question(notice, at: now))
                let text = (body["text"] as? NSDictionary)?["content"] ?? (body["markdown"] as? NSDictionary)?["text"]
                #expect((text as? String ?? long).utf8.count <= 5_000)
                #expect(((body["markdown"] as? NSDictionary)?["title"] as? String ?? "").utf8.count <= 64)
            case 1:
                let body = try object(WeComRobot(url: "", key: "").question(notice))
                #expect(((body["text"] as? NSDictionary)?["content"] as? String ?? "").utf8.count <= 2_048)
                #expect(((body["markdown"] as? NSDictionary)?["content"] as? String ?? "").utf8.count <= 4_096)
            default:
                #expect(FeishuBot(url: "", hook: "", secret: "s").question(notice, at: now).body.count <= 20 * 1_024)
            }
        }
    }

    @Test func `a webhook is a CloudEvent, signed by each secret in turn`() throws {
        let event = CloudEvent(
            id: "evt_1", source: "/tenants/acme", type: "sales.lead.assigned.v1", subject: "lead/7",
            time: Date(timeIntervalSince1970: 1_700_000_000), data: Array(#"{"lead_id":"7"}"#.utf8))
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

        let question = Webhook(url: "https://example.com/hook", secrets: [secret, secret]).question(event, at: now)

        #expect(
            String(decoding: question.body, as: UTF8.self)
                == #"{"specversion":"1.0","id":"evt_1","source":"/tenants/acme","type":"sales.lead.assigned.v1","subject":"lead/7","time":"2023-11-14T22:13:20Z","datacontenttype":"application/json","data":{"lead_id":"7"}}"#
        )
        let signature = try #require(Signing.webhook(id: "evt_1", seconds: 1_599_360_473, body: question.body, secret: secret))
        #expect(question.headers["webhook-id"] == "evt_1")
        #expect(question.headers["webhook-timestamp"] == "1599360473")
        #expect(question.headers["webhook-signature"] == "\(signature) \(signature)")
        #expect(question.headers["content-type"]?.hasPrefix("application/cloudevents+json") == true)
    }

    @Test func `ten tries of a webhook take 75.6 hours`() {
        var at = now
        for tries in 1...9 {
            at = try! #require(
                Webhook.nextTry(after: tries, failure: DeliveryFailure(.transient, code: "", message: ""), at: at, chance: 0.5))
        }
        #expect(abs(at.timeIntervalSince(now) / 3_600 - 75.6) < 0.05)
        #expect(Webhook.nextTry(after: 10, failure: DeliveryFailure(.transient, code: "", message: ""), at: at, chance: 0) == nil)
        let patient = DeliveryFailure(.throttled, code: "", message: "", until: now.addingTimeInterval(900))
        #expect(Webhook.nextTry(after: 1, failure: patient, at: now, chance: 0) == now.addingTimeInterval(900))
    }

    @Test func `an event whose job took its workers with it is tried four times at most`() {
        #expect((0...5).map { Webhook.pause(afterPoison: $0) } == [nil, 5, 300, 1_800, nil, nil])
    }

    @Test func `a mail is whole whatever its text, and its id is the message's`() {
        let notice = Notice(
            id: "d7", title: "提醒", lines: ["线索「华东机械」\r\nBcc: x@y.z", "." + String(repeating: "长", count: 90)], recipients: ["a@b.cn"])
        let text = String(decoding: MailMessage(from: "kiteline@example.com", notice: notice).text(at: now), as: UTF8.self)
        let lines = text.components(separatedBy: "\r\n")

        #expect(lines.contains("Message-ID: <d7@example.com>"))
        #expect(lines.contains("Subject: =?utf-8?B?5o+Q6YaS?="))
        #expect(!lines.contains { $0.hasPrefix("Bcc") || $0.hasPrefix(".") })
        #expect(lines.allSatisfy { $0.utf8.count <= 78 })
        #expect(MailMessage.isAddress("a@b.cn"))
        for bad in ["a@b\r\nBcc: c@d", "a", "@b", "a@b>", "a@b@c", "a b@c"] { #expect(!MailMessage.isAddress(bad)) }
    }

    @Test(arguments: [
        ("8.8.8.8", true), ("127.0.0.1", false), ("10.0.0.1", false), ("172.16.0.1", false), ("172.32.0.1", true), ("192.168.1.1", false),
        ("169.254.169.254", false), ("100.64.0.1", false), ("0.0.0.0", false), ("224.0.0.1", false), ("255.255.255.255", false),
        ("198.18.0.1", false), ("203.0.113.9", false),
    ])
    func `addresses of internal networks are told from public ones`(text: String, isPublic: Bool) throws {
        let bytes = text.split(separator: ".").compactMap { UInt8($0) }
        #expect(NetworkAddress(v4: bytes)?.isPublic == isPublic)
        let mapped = [UInt8](repeating: 0, count: 10) + [0xFF, 0xFF] + bytes
        let translated = [0x00, 0x64, 0xFF, 0x9B] + [UInt8](repeating: 0, count: 8) + bytes
        let sixToFour = [0x20, 0x02] + bytes + [UInt8](repeating: 0, count: 10)
        for form in [mapped, translated, sixToFour] { #expect(NetworkAddress(v6: form)?.isPublic == isPublic) }
    }

    @Test func `of IPv6 only what is given out is public`() {
        func address(_ head: [UInt8]) -> NetworkAddress? { NetworkAddress(v6: head + [UInt8](repeating: 1, count: 16 - head.count)) }
        #expect(address([0x24, 0x04, 0x68])?.isPublic == true)
        for head: [UInt8] in [[0xFE, 0x80], [0xFC, 0], [0xFD, 0], [0xFF, 0x02], [0x20, 0x01, 0x0D, 0xB8], [0x20, 0x01, 0, 0]] {
            #expect(address(head)?.isPublic == false)
        }
        let loopback = NetworkAddress(v6: [UInt8](repeating: 0, count: 15) + [1])
        #expect(loopback?.isPublic == false && loopback?.isLoopback == true)
        #expect(NetworkAddress(v6: [UInt8](repeating: 0, count: 16))?.isPublic == false)
    }
}
