import Foundation
import JSONEnvelope

/// A message to people in WeCom by an app: `POST /cgi-bin/message/send` behind a token of two hours.
public struct WeComApp: Sendable, Hashable {
    public var url: String
    public var corporation: String
    public var secret: String
    /// The app's number.
    public var agent: Int

    public init(url: String, corporation: String, secret: String, agent: Int) {
        self.url = url
        self.corporation = corporation
        self.secret = secret
        self.agent = agent
    }

    public init(_ account: ConnectorAccount) {
        self.init(
            url: account.url, corporation: account.secrets["corp_id"] ?? "", secret: account.secrets["corp_secret"] ?? "",
            agent: account.settings.agent ?? 0)
    }

    public var tokenQuestion: HTTPQuestion {
        HTTPQuestion("GET", "\(url)/cgi-bin/gettoken?corpid=\(corporation.queryEncoded)&corpsecret=\(secret.queryEncoded)")
    }

    public static func token(_ answer: HTTPAnswer, at now: Date) -> Result<AccessToken, DeliveryFailure> {
        let body = VendorBody(answer)
        if body?.integer("errcode") == 0, let token = body?.string("access_token"), let seconds = body?.integer("expires_in") {
            return .success(AccessToken(text: token, until: now.addingTimeInterval(TimeInterval(seconds))))
        }
        return .failure(AccessToken.refusal(WeComRobot.result(answer, at: now)))
    }

    /// Said twice within two minutes, as by a worker that died in between, the same is shown once.
    ///
    /// - Parameter notice: its recipients are members' ids; all of its lines are one text, of 2,048 bytes at most.
    public func question(_ notice: Notice, token: String) -> HTTPQuestion {
        .json(
            "\(url)/cgi-bin/message/send?access_token=\(token.queryEncoded)",
            JSONWriter.object(capacity: 512) { body in
                body.member("touser", notice.recipients.prefix(1_000).joined(separator: "|"))
                body.member("msgtype", "text")
                body.member("agentid", agent)
                body.object("text") {
                    $0.member("content", Markup.cut(notice.lines.map(Markup.line).joined(separator: "\n"), bytes: 2_048))
                }
                body.member("safe", 0)
                body.member("enable_duplicate_check", 1)
                body.member("duplicate_check_interval", 120)
            })
    }

    /// Its words are the robot's, and who could not be told is listed with success.
    public static func result(_ answer: HTTPAnswer, at now: Date) -> DeliveryResult { WeComRobot.result(answer, at: now) }
}

extension AccessToken {
    /// Why there is no token: what passes by itself, or else the credentials.
    static func refusal(_ result: DeliveryResult) -> DeliveryFailure {
        guard case .failed(let failure) = result else {
            return DeliveryFailure(.transient, code: "unreadable", message: "the answer holds no token")
        }
        switch failure.failureClass {
        case .transient where failure.code.hasPrefix("http_") || failure.code == "-1" || failure.code == "unreadable": return failure
        case .throttled, .quota: return failure
        default: return DeliveryFailure(.config, code: failure.code, message: failure.message)
        }
    }
}
