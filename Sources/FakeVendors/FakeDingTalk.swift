import Foundation

/// DingTalk: group robots that sign, want keywords, and fall silent for ten minutes after 20 messages a minute; to-dos behind a token.
public struct FakeDingTalk: FakeVendor {
    public struct Robot: Sendable {
        public var secret: String?
        public var keywords: [String] = []
        var limit = MinuteLimit(20)
        var mutedUntil = Date.distantPast

        public init(secret: String? = nil, keywords: [String] = []) {
            self.secret = secret
            self.keywords = keywords
        }
    }

    /// By access token.
    public var robots: [String: Robot] = [:]
    /// App secrets by app key.
    public var apps: [String: String] = [:]
    /// Requests the organisation still has this month; nil: enough.
    public var allowance: Int?
    public private(set) var shown: [Shown] = []
    public private(set) var penalties = 0
    private var tokens: [String: Date] = [:]
    private var todos: [String: String] = [:]
    private var number = 0

    public init() {}

    public func knows(_ request: FakeRequest) -> Bool {
        request.path == "/robot/send" || request.path.hasPrefix("/v1.0/")
    }

    public mutating func answer(_ request: FakeRequest, at now: Date) -> FakeAnswer {
        request.path == "/robot/send" ? robot(request, now) : api(request, now)
    }

    /// Makes every token invalid before its time.
    public mutating func forgetTokens() { tokens = [:] }

    // MARK: Robots

    private static func error(_ code: Int, _ message: String) -> FakeAnswer { FakeAnswer(#"{"errcode":\#(code),"errmsg":"\#(message)"}"#) }

    private mutating func robot(_ request: FakeRequest, _ now: Date) -> FakeAnswer {
        guard let token = request.query["access_token"], var robot = robots[token] else { return Self.error(300_005, "token is not exist") }
        defer { robots[token] = robot }
        if let allowance, allowance <= 0 { return Self.error(90_030, "webhook over limit") }
        if let secret = robot.secret {
            guard let text = request.query["timestamp"], let milliseconds = Int64(text),
                abs(Double(milliseconds) / 1_000 - now.timeIntervalSince1970) <= 3_600
            else { return Self.error(310_000, "invalid timestamp") }
            let sign = FakeSigning.hmac(key: secret, "\(milliseconds)\n\(secret)")
            guard request.query["sign"] == sign else { return Self.error(310_000, "sign not match") }
        }
        guard let body = request.object, let text = Self.text(body) else { return Self.error(400_400, "msgtype is null") }
        guard robot.keywords.isEmpty || robot.keywords.contains(where: text.contains) else {
            return Self.error(310_000, "keywords not in content")
        }
        let isMuted = robot.mutedUntil > now
        let isTaken = robot.limit.take(at: now)
        guard isTaken, !isMuted else {
            if !isMuted {
                penalties += 1
                robot.mutedUntil = now.addingTimeInterval(600)
            }
            return FakeAnswer(
                #"{"status":1111,"wait":5,"source":"x5","punish":"deny","uuid":"u","errcode":130101,"errmsg":"send too fast, exceed 20 times per minute"}"#
            )
        }
        if let left = allowance { allowance = left - 1 }
        shown.append(Shown(place: token, text: text, at: now, id: nil))
        return Self.error(0, "ok")
    }

    private static func text(_ body: [String: Any]) -> String? {
        switch body["msgtype"] as? String {
        case "text": (body["text"] as? [String: Any])?["content"] as? String
        case "markdown":
            (body["markdown"] as? [String: Any]).flatMap { $0["title"] is String ? $0["text"] as? String : nil }
        default: nil
        }
    }

    // MARK: The newer interfaces

    private static func refusal(_ status: Int, _ code: String, _ message: String) -> FakeAnswer {
        FakeAnswer(status, #"{"code":"\#(code)","message":"\#(message)","requestid":"r"}"#)
    }

    private mutating func api(_ request: FakeRequest, _ now: Date) -> FakeAnswer {
        guard let body = request.object else { return Self.refusal(400, "invalidParameter.body", "no JSON") }
        if request.path == "/v1.0/oauth2/accessToken" {
            guard let key = body["appKey"] as? String, let secret = apps[key], body["appSecret"] as? String == secret else {
                return Self.refusal(400, "invalidClientIdOrSecret", "wrong appKey or appSecret")
            }
            number += 1
            tokens["token-\(number)"] = now.addingTimeInterval(7_200)
            return FakeAnswer(#"{"accessToken":"token-\#(number)","expireIn":7200}"#)
        }
        guard let until = request.headers["x-acs-dingtalk-access-token"].flatMap({ tokens[$0] }), until > now else {
            return Self.refusal(401, "InvalidAuthentication", "the access token is not valid")
        }
        if let left = allowance {
            guard left > 0 else { return Self.refusal(403, "Forbidden.AccessDenied.ApiCountLimitForOrg", "the month's calls are used up") }
            allowance = left - 1
        }
        guard request.path.hasPrefix("/v1.0/todo/users/"), request.path.hasSuffix("/tasks"), let subject = body["subject"] as? String,
            let executors = body["executorIds"] as? [String]
        else { return Self.refusal(404, "InvalidAction.NotFound", "no such interface") }
        guard subject.count <= 1_024, (body["description"] as? String ?? "").count <= 4_096 else {
            return Self.refusal(400, "invalidParameter.subject.tooLong", "too long")
        }
        let source = body["sourceId"] as? String
        if let source, let known = todos[source] { return Self.todo(known, source) }
        number += 1
        if let source { todos[source] = "todo\(number)" }
        shown.append(Shown(place: executors.joined(separator: ","), text: body["description"] as? String ?? subject, at: now, id: source))
        return Self.todo("todo\(number)", source ?? "")
    }

    private static func todo(_ id: String, _ source: String) -> FakeAnswer {
        FakeAnswer(#"{"id":"\#(id)","sourceId":"\#(source)","done":false,"requestId":"r"}"#)
    }
}
