import FakeVendors
import Foundation
import Messages
import Testing

/// Our words against the vendors' manners: what we write is taken, and what they refuse we understand.
@Suite struct VendorTests {
    private let now = Date(timeIntervalSince1970: 1_700_000_717)
    private let one = Notice(id: "d1", title: "1", lines: ["Lead 7 waits"], recipients: ["chen"])
    private let card = Notice(id: "d2", title: "2 messages", lines: ["one", "two"])

    private func failure(_ result: DeliveryResult) -> DeliveryFailure? {
        if case .failed(let failure) = result { failure } else { nil }
    }

    @Test func `DingTalk takes what is signed with its secret, and within the hour`() {
        var fake = FakeDingTalk()
        fake.robots["t"] = FakeDingTalk.Robot(secret: "SECabc")
        func send(_ notice: Notice, secret: String?, at signed: Date) -> DeliveryResult {
            let robot = DingTalkRobot(url: "https://oapi.dingtalk.com", token: "t", secret: secret)
            return DingTalkRobot.result(fake.answer(robot.question(notice, at: signed), at: now), at: now)
        }

        #expect(send(one, secret: "SECabc", at: now) == .delivered(reference: nil))
        #expect(send(card, secret: "SECabc", at: now - 3_500) == .delivered(reference: nil))
        #expect(failure(send(one, secret: "SECabd", at: now))?.message == "sign not match")
        #expect(failure(send(one, secret: nil, at: now))?.message == "invalid timestamp")
        #expect(failure(send(one, secret: "SECabc", at: now - 3_700))?.failureClass == .config)
        #expect(fake.shown.count == 2)
    }

    @Test func `WeCom's app tells a member by a token, and says who is none`() throws {
        var fake = FakeWeCom()
        (fake.corporations["c"], fake.members) = ("s", ["chen", "li"])
        func app(_ secret: String = "s") -> WeComApp {
            WeComApp(url: "https://qyapi.weixin.qq.com", corporation: "c", secret: secret, agent: 7)
        }
        func token(_ secret: String = "s") -> Result<AccessToken, DeliveryFailure> {
            WeComApp.token(fake.answer(app(secret).tokenQuestion, at: now), at: now)
        }
        func send(_ lines: [String], to people: [String], _ token: String, at time: Date) -> DeliveryResult {
            let notice = Notice(id: "d1", title: "t", lines: lines, recipients: people)
            return WeComApp.result(fake.answer(app().question(notice, token: token), at: time), at: time)
        }
        let held = try token().get()

        #expect(held.until == now + 7_200)
        #expect(send(["one", "two"], to: ["chen"], held.text, at: now) == .delivered(reference: "m2"))
        #expect(fake.shown.map(\.text) == ["one\ntwo"] && fake.shown.map(\.place) == ["chen"])
        #expect(send(["three"], to: ["li", "nobody"], held.text, at: now) == .delivered(reference: "m3", dropped: ["nobody"]))
        #expect(failure(send(["x"], to: ["nobody"], held.text, at: now))?.failureClass == .target)
        #expect(failure(send(["x"], to: ["chen"], "wrong", at: now))?.failureClass == .auth)
        #expect(failure(send(["x"], to: ["chen"], held.text, at: now + 7_201))?.failureClass == .auth)
        // Said twice, as after a worker that died, it is shown once; cut to what fits.
        #expect(send(["one", "two"], to: ["chen"], held.text, at: now + 60) == .delivered(reference: "m4"))
        #expect(fake.shown.count == 2)
        #expect(send([String(repeating: "线", count: 2_000)], to: ["chen"], held.text, at: now) == .delivered(reference: "m5"))
        guard case .failure(let refused) = token("wrong") else { return #expect(Bool(false), "a wrong secret gives a token") }
        #expect(refused.failureClass == .config && refused.code == "40001")
    }

    @Test func `Feishu's app tells a person by a token, each id once, five a second`() throws {
        var fake = FakeFeishu()
        (fake.apps["a"], fake.members) = ("s", ["ou_chen"])
        func app(_ secret: String = "s") -> FeishuApp { FeishuApp(url: "https://open.feishu.cn", app: "a", secret: secret) }
        func send(_ id: String, to person: String, _ token: String, at time: Date) -> DeliveryResult {
            let notice = Notice(id: id, title: "t", lines: ["<at user_id=\"all\"></at> \(id)"], recipients: [person])
            return FeishuApp.result(fake.answer(app().question(notice, token: token), at: time), at: time)
        }
        let held = try FeishuApp.token(fake.answer(app().tokenQuestion, at: now), at: now).get().text

        #expect(send("d1", to: "ou_chen", held, at: now) == .delivered(reference: nil))
        #expect(send("d1", to: "ou_chen", held, at: now) == .delivered(reference: nil))
        #expect(fake.shown.map(\.text) == ["&lt;at user_id=\"all\"&gt;&lt;/at&gt; d1"], "nobody is called by what a lead is named")
        #expect(failure(send("d2", to: "ou_none", held, at: now))?.failureClass == .target)
        #expect(failure(send("d3", to: "ou_chen", "wrong", at: now))?.failureClass == .auth)
        for number in 0..<4 { #expect(send("e\(number)", to: "ou_chen", held, at: now) == .delivered(reference: nil)) }
        #expect(failure(send("e5", to: "ou_chen", held, at: now))?.until == now + 1)
        #expect(send("f", to: "ou_chen", held, at: now + 2) == .delivered(reference: nil))
        fake.forgetTokens()
        #expect(failure(send("g", to: "ou_chen", held, at: now + 3))?.failureClass == .auth)
        guard case .failure(let refused) = FeishuApp.token(fake.answer(app("wrong").tokenQuestion, at: now), at: now) else {
            return #expect(Bool(false), "a wrong secret gives a token")
        }
        #expect(refused.failureClass == .config && refused.code == "10014")
    }

    @Test func `DingTalk's 21st message in a minute silences the robot for ten`() {
        var fake = FakeDingTalk()
        fake.robots["t"] = FakeDingTalk.Robot()
        func send(at time: Date) -> DeliveryResult {
            DingTalkRobot.result(fake.answer(DingTalkRobot(url: "", token: "t", secret: nil).question(one, at: time), at: time), at: time)
        }
        for second in 0..<20 { #expect(send(at: now + Double(second)) == .delivered(reference: nil)) }

        let refused = failure(send(at: now + 20))
        #expect(refused?.failureClass == .throttled)
        #expect(refused?.until == now + 620)
        #expect(failure(send(at: now + 300))?.failureClass == .throttled)
        #expect(send(at: now + 621) == .delivered(reference: nil))
        #expect(fake.penalties == 1)
    }

    @Test func `keywords, unknown robots and used-up allowances are told apart`() {
        var fake = FakeDingTalk()
        fake.robots["t"] = FakeDingTalk.Robot(keywords: ["Kiteline"])
        func send(_ token: String, _ line: String) -> DeliveryFailure? {
            let robot = DingTalkRobot(url: "", token: token, secret: nil)
            return failure(
                DingTalkRobot.result(fake.answer(robot.question(Notice(id: "", title: "", lines: [line]), at: now), at: now), at: now))
        }

        #expect(send("t", "nothing")?.failureClass == .config)
        #expect(send("t", "Kiteline: x") == nil)
        #expect(send("mistyped", "Kiteline: x") == DeliveryFailure(.config, code: "300005", message: "token is not exist"))
        fake.allowance = 0
        #expect(send("t", "Kiteline: x")?.failureClass == .quota)
    }

    @Test func `a robot nobody knows is a matter of settings, at every vendor`() {
        var (wecom, feishu) = (FakeWeCom(), FakeFeishu())
        let unknown = [
            WeComRobot.result(wecom.answer(WeComRobot(url: "", key: "mistyped").question(one), at: now), at: now),
            FeishuBot.result(feishu.answer(FeishuBot(url: "", hook: "mistyped", secret: nil).question(one, at: now), at: now), at: now),
        ]

        #expect(unknown.map { failure($0)?.failureClass } == [.config, .config])
        #expect(unknown.map { failure($0)?.code } == ["93000", "19001"])
    }

    @Test func `a to-do is made once under our id, and a stale token is noticed`() throws {
        var fake = FakeDingTalk()
        fake.apps["k"] = "s"
        let todo = DingTalkTodo(url: "", key: "k", secret: "s", creator: "boss")
        let token = try DingTalkTodo.token(fake.answer(todo.tokenQuestion, at: now), at: now).get()
        func send(at time: Date) -> DeliveryResult {
            DingTalkTodo.result(fake.answer(todo.question(one, token: token.text), at: time), at: time)
        }

        let first = send(at: now)
        #expect(first == send(at: now + 1))
        #expect(fake.shown.count == 1)
        #expect(token.until == now + 7_200)
        #expect(failure(send(at: now + 7_201))?.failureClass == .auth)
        fake.forgetTokens()
        #expect(failure(send(at: now))?.failureClass == .auth)
        let wrong = DingTalkTodo(url: "", key: "k", secret: "x", creator: "boss")
        guard case .failure(let refused) = DingTalkTodo.token(fake.answer(wrong.tokenQuestion, at: now), at: now) else {
            Issue.record("a wrong secret was given a token")
            return
        }
        #expect(refused.failureClass == .config)
    }

    @Test func `WeCom blocks for a minute, and knows no robot it was not told of`() {
        var fake = FakeWeCom()
        fake.robots["k"] = FakeWeCom.Robot()
        func send(_ notice: Notice, key: String = "k", at time: Date) -> DeliveryResult {
            WeComRobot.result(fake.answer(WeComRobot(url: "", key: key).question(notice), at: time), at: time)
        }
        for _ in 0..<10 {
            #expect(send(one, at: now) == .delivered(reference: nil))
            #expect(send(card, at: now) == .delivered(reference: nil))
        }

        #expect(failure(send(one, at: now + 1))?.until == now + 61)
        #expect(failure(send(one, key: "x", at: now))?.failureClass == .config)
        #expect(send(one, at: now + 121) == .delivered(reference: nil))
        let long = Notice(id: "", title: "", lines: Array(repeating: String(repeating: "长<", count: 300), count: 40))
        #expect(send(long, at: now + 122) == .delivered(reference: nil))
    }

    @Test func `Feishu takes five a second, and says when to come back`() {
        var fake = FakeFeishu()
        fake.bots["h"] = FakeFeishu.Bot(secret: "s")
        func send(secret: String? = "s", at time: Date) -> DeliveryResult {
            FeishuBot.result(fake.answer(FeishuBot(url: "", hook: "h", secret: secret).question(card, at: time), at: time), at: time)
        }
        for _ in 0..<5 { #expect(send(at: now) == .delivered(reference: nil)) }

        #expect(failure(send(at: now))?.until == now + 1)
        #expect(failure(send(secret: "x", at: now + 5))?.failureClass == .config)
        #expect(failure(send(secret: nil, at: now + 5))?.failureClass == .config)
        fake.isBusyOnTheHour = true
        #expect(failure(send(at: Date(timeIntervalSince1970: 1_700_002_801)))?.failureClass == .throttled)
    }

    @Test func `a receiver takes a webhook with its secret, and each id once`() {
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
        var fake = FakeReceiver(secret: secret)
        let event = CloudEvent(id: "evt_1", source: "/tenants/acme", type: "sales.lead.assigned.v1", time: now, data: Array("{}".utf8))
        func send(_ secrets: [String], at signed: Date) -> DeliveryResult {
            Webhook.result(
                fake.answer(Webhook(url: "https://x.example/hook", secrets: secrets).question(event, at: signed), at: now), at: now)
        }
        let other = "whsec_" + Data(repeating: 7, count: 32).base64EncodedString()

        #expect(send([secret], at: now) == .delivered(reference: nil))
        #expect(send([other, secret], at: now - 200) == .delivered(reference: nil))
        #expect(failure(send([other], at: now))?.failureClass == .transient)
        #expect(failure(send([secret], at: now - 400))?.failureClass == .transient)
        #expect(fake.shown.count == 1)
        #expect(fake.refused == 2)
    }
}
