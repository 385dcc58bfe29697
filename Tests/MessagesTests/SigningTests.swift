import Foundation
import Messages
import Testing

/// The test vectors of the vendors' and the standard's papers.
@Suite struct SigningTests {
    @Test func `DingTalk's signature is of milliseconds and secret`() {
        #expect(
            Signing.dingtalk(milliseconds: 1_700_000_000_000, secret: "SECabcdef0123456789")
                == "dV0RXHUD72d0VKcnHrBhJ9jhSbDS3HUiduucxO+izso=")
    }

    @Test(arguments: [
        (Int64(1_599_360_473), "demo", "l1N0gAcBjdwBvGm1xMjOF0XSyaLRpR7tuO5dHfhAYc8="),
        (1_700_000_000, "feishu-secret-001", "7arqS1pobdd20BQw2otHWMTwsRLdaW4738ypW+E9Bxc="),
    ])
    func `Feishu's has seconds and secret as its key, and no text`(seconds: Int64, secret: String, signature: String) {
        #expect(Signing.feishu(seconds: seconds, secret: secret) == signature)
    }

    @Test func `a webhook's is the one of the standard's own example`() {
        #expect(
            Signing.webhook(
                id: "msg_p5jXN8AQM9LWM0D4loKWxJek", seconds: 1_614_265_330, body: Array(#"{"test": 2432232314}"#.utf8),
                secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw") == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")
    }

    @Test(arguments: ["", "whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_dG9vIHNob3J0", "whsec_!!!"])
    func `what is no webhook's secret signs nothing`(secret: String) {
        #expect(Signing.webhook(id: "m", seconds: 1, body: [], secret: secret) == nil)
    }

    @Test func `DingTalk's signature stands percent-encoded in the address`() {
        let robot = DingTalkRobot(url: "https://oapi.dingtalk.com", token: "a/b", secret: "SECabcdef0123456789")

        let question = robot.question(Notice(id: "1", title: "", lines: ["x"]), at: Date(timeIntervalSince1970: 1_700_000_000))

        #expect(
            question.url
                == "https://oapi.dingtalk.com/robot/send?access_token=a%2Fb&timestamp=1700000000000&sign=dV0RXHUD72d0VKcnHrBhJ9jhSbDS3HUiduucxO%2Bizso%3D"
        )
    }
}
