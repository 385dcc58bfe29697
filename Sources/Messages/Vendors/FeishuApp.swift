import Foundation
import JSONEnvelope

/// A message to one person in Feishu (or Lark) by an app: `POST /open-apis/im/v1/messages` behind a token of two hours.
public struct FeishuApp: Sendable, Hashable {
    public var url: String
    public var app: String
    public var secret: String

    public init(url: String, app: String, secret: String) {
        self.url = url
        self.app = app
        self.secret = secret
    }

    public init(_ account: ConnectorAccount) {
        self.init(url: account.url, app: account.secrets["app_id"] ?? "", secret: account.secrets["app_secret"] ?? "")
    }

    public var tokenQuestion: HTTPQuestion {
        .json(
            "\(url)/open-apis/auth/v3/tenant_access_token/internal",
            JSONWriter.object {
                $0.member("app_id", app)
                $0.member("app_secret", secret)
            })
    }

    public static func token(_ answer: HTTPAnswer, at now: Date) -> Result<AccessToken, DeliveryFailure> {
        let body = VendorBody(answer)
        if body?.integer("code") == 0, let token = body?.string("tenant_access_token"), let seconds = body?.integer("expire") {
            return .success(AccessToken(text: token, until: now.addingTimeInterval(TimeInterval(seconds))))
        }
        return .failure(AccessToken.refusal(FeishuBot.result(answer, at: now)))
    }

    /// - Parameter notice: the first of its recipients is told, under our id (`uuid`); all of its lines are one text.
    public func question(_ notice: Notice, token: String) -> HTTPQuestion {
        let recipient = notice.recipients.first ?? ""
        let text = Markup.cut(notice.lines.map(Markup.tagless).joined(separator: "\n"), bytes: ConnectorKind.feishuApp.longestText)
        return .json(
            "\(url)/open-apis/im/v1/messages?receive_id_type=\(Self.type(of: recipient))", headers: ["authorization": "Bearer \(token)"],
            JSONWriter.object(capacity: 512) { body in
                body.member("receive_id", recipient)
                body.member("msg_type", "text")
                // The content is JSON written as a text.
                body.member("content", String(decoding: JSONWriter.object { $0.member("text", text) }, as: UTF8.self))
                body.member("uuid", String(notice.id.prefix(50)))
            })
    }

    public static func result(_ answer: HTTPAnswer, at now: Date) -> DeliveryResult { FeishuBot.result(answer, at: now) }

    /// What kind of id it is, as its beginning tells.
    private static func type(of recipient: String) -> String {
        if recipient.hasPrefix("ou_") { return "open_id" }
        if recipient.hasPrefix("on_") { return "union_id" }
        if recipient.hasPrefix("oc_") { return "chat_id" }
        return recipient.contains("@") ? "email" : "user_id"
    }
}
