import Foundation
import Messages
import Testing

/// What each vendor's answers mean: the table of error classes, row by row.
@Suite struct ResultTests {
    private static let now = Date(timeIntervalSince1970: 1_700_000_000)

    struct Row: Sendable, CustomTestStringConvertible {
        let code: String
        let expected: FailureClass?
        let after: TimeInterval?

        init(_ code: String, _ expected: FailureClass?, _ after: TimeInterval? = nil) {
            self.code = code
            self.expected = expected
            self.after = after
        }

        var testDescription: String { code }
    }

    private func expect(_ result: DeliveryResult, _ row: Row) {
        switch result {
        case .delivered: #expect(row.expected == nil)
        case .failed(let failure):
            #expect(failure.failureClass == row.expected)
            #expect(failure.until?.timeIntervalSince(Self.now) == row.after)
        }
    }

    private func answer(_ json: String, _ status: Int = 200, _ headers: [String: String] = [:]) -> HTTPAnswer {
        HTTPAnswer(status: status, headers: headers, body: Array(json.utf8))
    }

    /// Until the end of November 2023 in China.
    private static let monthEnd = Date(timeIntervalSince1970: 1_701_360_000).timeIntervalSince(now)

    @Test(arguments: [
        Row("0", nil), Row("-1", .transient), Row("130101", .throttled, 600), Row("90018", .throttled, 60), Row("90006", .throttled, 60),
        Row("90020", .quota, monthEnd), Row("90030", .quota, monthEnd), Row("310000", .config), Row("88", .config), Row("40014", .auth),
        Row("34016", .content), Row("777", .transient),
        // What a wrong or withdrawn token really gets.
        Row("300001", .config), Row("300005", .config), Row("400101", .config), Row("400102", .config), Row("400106", .config),
        Row("400013", .target), Row("410100", .throttled, 600), Row("430102", .content),
    ])
    func `DingTalk answers 200 and says in errcode what happened`(row: Row) {
        expect(DingTalkRobot.result(answer(#"{"errcode":\#(row.code),"errmsg":"x"}"#), at: Self.now), row)
    }

    @Test(arguments: [
        Row("Throttling.Api", .throttled, 60), Row("Forbidden.AccessDenied.ApiCountLimitForOrg", .quota, monthEnd),
        Row("invalidParameter.msgParam.tooLong", .content), Row("bot.stopped", .target), Row("group.disbanded", .target),
        Row("token.notExisted", .config),
    ])
    func `DingTalk's newer interfaces name what is wrong`(row: Row) {
        expect(DingTalkTodo.result(answer(#"{"code":"\#(row.code)","message":"x"}"#, 400), at: Self.now), row)
    }

    @Test(arguments: [
        Row("0", nil), Row("-1", .transient), Row("45009", .throttled, 60), Row("45033", .throttled, 60), Row("93000", .config),
        Row("40001", .config), Row("60020", .config), Row("42001", .auth), Row("81013", .target), Row("40058", .content),
        Row("40013", .config), Row("40056", .config), Row("93004", .config), Row("44004", .content),
    ])
    func `WeCom answers 200 and says in errcode what happened`(row: Row) {
        expect(WeComRobot.result(answer(#"{"errcode":\#(row.code),"errmsg":"x"}"#), at: Self.now), row)
    }

    @Test func `WeCom's day limit lasts until midnight in China`() {
        let result = WeComRobot.result(answer(#"{"errcode":45009,"errmsg":"api freq out of day limit"}"#), at: Self.now)
        // 2023-11-14 22:13:20 UTC is 06:13:20 in China.
        expect(result, Row("45009", .quota, 17 * 3_600 + 46 * 60 + 40))
    }

    @Test(arguments: [
        Row("0", nil), Row("1500", .transient), Row("19021", .config), Row("19022", .config), Row("19024", .config),
        Row("99991663", .auth), Row("230002", .target), Row("9499", .content), Row("230001", .content),
        Row("19001", .config), Row("230006", .config), Row("230013", .target),
    ])
    func `Feishu answers 200 and says in code what happened`(row: Row) {
        expect(FeishuBot.result(answer(#"{"code":\#(row.code),"msg":"x"}"#), at: Self.now), row)
    }

    @Test func `Feishu's limits name their end in a header`() {
        let body = #"{"code":99991400,"msg":"request trigger frequency limit"}"#
        for status in [429, 400] {
            expect(FeishuBot.result(answer(body, status, ["x-ogw-ratelimit-reset": "7"]), at: Self.now), Row("x", .throttled, 7))
        }
        guard case .failed(let busy) = FeishuBot.result(answer(#"{"code":11232,"msg":"rate"}"#), at: Self.now) else {
            Issue.record("taken")
            return
        }
        #expect((5...60).contains(busy.until?.timeIntervalSince(Self.now) ?? 0))
    }

    @Test func `who was left out of a success is named`() {
        let result = WeComRobot.result(answer(#"{"errcode":0,"errmsg":"ok","invaliduser":"a|b","msgid":"m"}"#), at: Self.now)
        #expect(result == .delivered(reference: "m", dropped: ["a", "b"]))
        // In lower case, however they were asked for; and taken for nobody is not taken.
        #expect(result.reaching(["A", "c"]) == .delivered(reference: "m", dropped: ["A"]))
        #expect(result.reaching(["c"]) == .delivered(reference: "m"))
        expect(result.reaching(["B", "a"]), Row("nobody", .target))
    }

    @Test func `only silence and a status speak of an outage; what a vendor says in its own words never does`() {
        func isOutage(_ result: DeliveryResult) -> Bool? {
            guard case .failed(let failure) = result else { return nil }
            return failure.isOutage
        }
        for code in ["-1", "777", "300005", "130101"] {
            #expect(isOutage(DingTalkRobot.result(answer(#"{"errcode":\#(code),"errmsg":"x"}"#), at: Self.now)) == false)
        }
        #expect(isOutage(WeComRobot.result(answer(#"{"errcode":77,"errmsg":"x"}"#), at: Self.now)) == false)
        #expect(isOutage(FeishuBot.result(answer(#"{"code":77,"msg":"x"}"#), at: Self.now)) == false)
        #expect(isOutage(DingTalkTodo.result(answer(#"{"code":"Unheard.Of","message":"x"}"#, 400), at: Self.now)) == false)
        for status in [500, 503, 408] { #expect(isOutage(DingTalkRobot.result(answer("", status), at: Self.now)) == true) }
        #expect(isOutage(WeComRobot.result(answer("<html>"), at: Self.now)) == true)
        #expect(isOutage(.failed(DeliveryFailure(.transient, code: "timeout", message: ""))) == true)
        #expect(isOutage(.failed(DeliveryFailure(.transient, code: "stopping", message: ""))) == false)
        #expect(isOutage(MailMessage.result(code: 421, "x", at: Self.now)) == true)
    }

    @Test(arguments: [
        Row("200", nil), Row("204", nil), Row("301", .transient), Row("400", .transient), Row("410", .target), Row("429", .throttled, 60),
        Row("500", .transient), Row("502", .transient),
    ])
    func `a webhook is taken with 2xx, and over with 410`(row: Row) {
        expect(Webhook.result(HTTPAnswer(status: Int(row.code)!), at: Self.now), row)
    }

    @Test func `Retry-After is seconds or a date, and a day at most`() {
        func after(_ text: String) -> TimeInterval? {
            guard case .failed(let failure) = Webhook.result(HTTPAnswer(status: 429, headers: ["retry-after": text]), at: Self.now) else {
                return nil
            }
            return failure.until?.timeIntervalSince(Self.now)
        }
        #expect(after("120") == 120)
        #expect(after("Tue, 14 Nov 2023 22:15:20 GMT") == 120)
        #expect(after("99999999") == 86_400)
        #expect(after("soon") == 60)
    }

    @Test(arguments: [
        Row("250", nil), Row("421", .transient), Row("452", .throttled, 300), Row("535", .config), Row("550", .target),
        Row("554", .content),
        Row("0", .transient),
    ])
    func `a mail server's code says whether to come again`(row: Row) {
        expect(MailMessage.result(code: Int(row.code)!, "x", at: Self.now), row)
    }

    @Test func `a gateway's own word of success is asked for`() {
        let gateway = SMSGateway(url: "http://sms.example", success: ("code", "0"))
        #expect(gateway.result(answer(#"{"code":0,"id":"77"}"#), at: Self.now) == .delivered(reference: "77"))
        expect(gateway.result(answer(#"{"code":"15"}"#), at: Self.now), Row("15", .content))
        expect(gateway.result(answer("", 401), at: Self.now), Row("401", .config))
        expect(gateway.result(answer("ok"), at: Self.now), Row("unreadable", .transient))
    }

    @Test(
        arguments: [
            { DingTalkRobot.result($0, at: $1) }, { WeComRobot.result($0, at: $1) }, { FeishuBot.result($0, at: $1) },
            { DingTalkTodo.result($0, at: $1) }, { Webhook.result($0, at: $1) },
        ] as [@Sendable (HTTPAnswer, Date) -> DeliveryResult])
    func `trouble on the other side passes`(result: @Sendable (HTTPAnswer, Date) -> DeliveryResult) {
        for status in [500, 503] {
            expect(result(HTTPAnswer(status: status), Self.now), Row("\(status)", .transient))
        }
    }
}
