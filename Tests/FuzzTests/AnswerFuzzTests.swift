import Foundation
import Messages
import Sampling
import Testing

/// Whatever comes back, it means something, and nothing falls over.
@Suite struct AnswerFuzzTests {
    private static let texts = [
        #"{"errcode":0,"errmsg":"ok","invaliduser":"a|b","msgid":"m"}"#,
        #"{"status":1111,"errcode":130101,"errmsg":"send too fast, exceed 20 times per minute"}"#,
        #"{"code":99991400,"msg":"request trigger frequency limit","data":{}}"#, #"{"accessToken":"t","expireIn":7200}"#,
        #"{"id":"todo1","sourceId":"d1"}"#, #"{"code":"Throttling.Api","message":"x"}"#,
    ]

    @Test(arguments: Fuzz.seeds)
    func `damaged answers are understood as something`(seed: UInt64) {
        let words = ["9e999", "\"", "\\u0000", "[", "{", "-1"]
        Fuzz.run("answer", seed, texts: Self.texts, words: words) { text, chance in expectMeaning(of: text, &chance) }
    }

    private func expectMeaning(of body: [UInt8], _ random: inout SeededNumbers) {
        let now = Date(timeIntervalSince1970: 1_700_000_000)
        let answer = HTTPAnswer(
            status: [200, 200, 204, 302, 400, 401, 403, 404, 410, 429, 500, 503, 999].randomElement(using: &random)!,
            headers: [
                "retry-after": ["-1", "1e400", "99999999999", "soon", "Tue, 14 Nov 2023 22:15:20 GMT"].randomElement(using: &random)!,
                "x-ogw-ratelimit-reset": ["nan", "-5", "1e300", "7"].randomElement(using: &random)!,
            ], body: body)
        let results = [
            DingTalkRobot.result(answer, at: now), DingTalkTodo.result(answer, at: now), WeComRobot.result(answer, at: now),
            FeishuBot.result(answer, at: now), Webhook.result(answer, at: now),
            SMSGateway(url: "", success: ("errcode", "0")).result(answer, at: now),
        ]
        _ = DingTalkTodo.token(answer, at: now)

        for case .failed(let failure) in results {
            // Never before now, never beyond a month: nobody is silenced for ever by a number.
            if let until = failure.until { #expect((0...32 * 86_400).contains(until.timeIntervalSince(now))) }
            #expect(!failure.code.isEmpty && failure.message.count <= 300)
        }
        if !(200...299).contains(answer.status) {
            for result in [results[4], results[5]] { #expect({ if case .failed = result { true } else { false } }()) }
        }
    }
}
