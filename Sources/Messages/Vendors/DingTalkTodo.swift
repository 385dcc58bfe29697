import Foundation
import JSONEnvelope

/// A to-do of an organisation's DingTalk app: `POST /v1.0/todo/users/{unionId}/tasks`, made under our id (`sourceId`).
public struct DingTalkTodo: Sendable, Hashable {
    public var url: String
    public var key: String
    public var secret: String
    /// The union id under which to-dos are made.
    public var creator: String

    public init(url: String, key: String, secret: String, creator: String) {
        self.url = url
        self.key = key
        self.secret = secret
        self.creator = creator
    }

    public init(_ account: ConnectorAccount) {
        self.init(
            url: account.url, key: account.secrets["app_key"] ?? "", secret: account.secrets["app_secret"] ?? "",
            creator: account.settings.creator ?? "")
    }

    /// Asks for a token, which lasts two hours.
    public var tokenQuestion: HTTPQuestion {
        .json(
            "\(url)/v1.0/oauth2/accessToken",
            JSONWriter.object {
                $0.member("appKey", key)
                $0.member("appSecret", secret)
            })
    }

    public static func token(_ answer: HTTPAnswer, at now: Date) -> Result<AccessToken, DeliveryFailure> {
        if case .failed(let failure)? = DeliveryResult.ofStatus(answer, at: now) { return .failure(failure) }
        guard let body = VendorBody(answer) else {
            return .failure(DeliveryFailure(.transient, code: "unreadable", message: "the answer is not what DingTalk answers"))
        }
        if let token = body.string("accessToken"), let seconds = body.integer("expireIn") {
            return .success(AccessToken(text: token, until: now.addingTimeInterval(TimeInterval(seconds))))
        }
        let code = body.string("code") ?? "http_\(answer.status)"
        guard case .failed(let failure) = DingTalk.result(name: code, body.string("message") ?? "", status: answer.status, at: now) else {
            return .failure(DeliveryFailure(.config, code: code, message: "no token"))
        }
        // Whatever else is wrong with asking for a token, it is the credentials.
        let isPassing = failure.failureClass == .throttled || failure.failureClass == .quota
        return .failure(isPassing ? failure : DeliveryFailure(.config, code: code, message: failure.message))
    }

    /// - Parameter notice: its recipients are union ids; lines beyond the first go into the description.
    public func question(_ notice: Notice, token: String) -> HTTPQuestion {
        .json(
            "\(url)/v1.0/todo/users/\(creator.queryEncoded)/tasks?operatorId=\(creator.queryEncoded)",
            headers: ["x-acs-dingtalk-access-token": token],
            JSONWriter.object(capacity: 512) { body in
                body.member("sourceId", notice.id)
                body.member("subject", String((notice.isCard ? notice.title : notice.lines.first ?? notice.title).prefix(1_024)))
                body.member("creatorId", creator)
                body.member("description", String(notice.lines.joined(separator: "\n").prefix(4_096)))
                body.member("executorIds", Array(notice.recipients.prefix(1_000)))
                body.member("isOnlyShowExecutor", true)
                body.member("priority", notice.isUrgent ? 40 : 20)
                body.object("notifyConfigs") { $0.member("dingNotify", "1") }
            })
    }

    public static func result(_ answer: HTTPAnswer, at now: Date) -> DeliveryResult {
        if let failure = DeliveryResult.ofStatus(answer, at: now) { return failure }
        guard let body = VendorBody(answer) else { return .unreadable(answer) }
        if (200...299).contains(answer.status), let id = body.string("id") { return .delivered(reference: id) }
        return DingTalk.result(
            name: body.string("code") ?? "http_\(answer.status)", body.string("message") ?? "", status: answer.status, at: now)
    }
}

/// What an app shows to be let in, and until when.
public struct AccessToken: Sendable, Hashable {
    public let text: String
    public let until: Date

    public init(text: String, until: Date) {
        self.text = text
        self.until = until
    }
}
