import Foundation

/// Feishu's custom bots: the signature in the body, 100 a minute and 5 a second, busy on the full and the half hour, 20 KB.
/// Its apps: a token of two hours, five a second for one person, each `uuid` once.
public struct FakeFeishu: FakeVendor {
    public struct Bot: Sendable {
        public var secret: String?
        public var keywords: [String] = []
        var limit = MinuteLimit(100)

        public init(secret: String? = nil, keywords: [String] = []) {
            self.secret = secret
            self.keywords = keywords
        }
    }

    /// By the id in the address.
    public var bots: [String: Bot] = [:]
    /// Whether it answers 11232 in the first ten seconds of the full and the half hour.
    public var isBusyOnTheHour = false
    public private(set) var shown: [Shown] = []
    public private(set) var penalties = 0

    /// App secrets by app id.
    public var apps: [String: String] = [:]
    /// Those who are there; nil: anybody.
    public var members: Set<String>?
    private var tokens: [String: Date] = [:]
    private var ofMembers: [String: MinuteLimit] = [:]
    private var ids: Set<String> = []
    private var number = 0

    private static let path = "/open-apis/bot/v2/hook/"
    private static let tokenPath = "/open-apis/auth/v3/tenant_access_token/internal"
    private static let messagePath = "/open-apis/im/v1/messages"

    public init() {}

    public func knows(_ request: FakeRequest) -> Bool {
        request.path.hasPrefix(Self.path) || request.path == Self.tokenPath || request.path == Self.messagePath
    }

    /// Makes every token invalid before its time.
    public mutating func forgetTokens() { tokens = [:] }

    public mutating func answer(_ request: FakeRequest, at now: Date) -> FakeAnswer {
        switch request.path {
        case Self.tokenPath: token(request, now)
        case Self.messagePath: message(request, now)
        default: bot(request, now)
        }
    }

    // MARK: Apps

    private mutating func token(_ request: FakeRequest, _ now: Date) -> FakeAnswer {
        guard let body = request.object, let app = body["app_id"] as? String, let secret = apps[app] else {
            return Self.error(10_003, "invalid param")
        }
        guard body["app_secret"] as? String == secret else { return Self.error(10_014, "app secret invalid") }
        number += 1
        tokens["feishu-token-\(number)"] = now.addingTimeInterval(7_200)
        return FakeAnswer(#"{"code":0,"msg":"ok","tenant_access_token":"feishu-token-\#(number)","expire":7200}"#)
    }

    private mutating func message(_ request: FakeRequest, _ now: Date) -> FakeAnswer {
        let token = request.headers["authorization"].flatMap { $0.hasPrefix("Bearer ") ? String($0.dropFirst(7)) : nil }
        guard let until = token.flatMap({ tokens[$0] }), until > now else {
            return Self.error(99_991_663, "invalid access token", status: 400)
        }
        guard ["open_id", "user_id", "union_id", "email", "chat_id"].contains(request.query["receive_id_type"] ?? ""),
            let body = request.object, let receiver = body["receive_id"] as? String, body["msg_type"] as? String == "text",
            let content = body["content"] as? String,
            let text = (try? JSONSerialization.jsonObject(with: Data(content.utf8)) as? [String: Any])?["text"] as? String
        else { return Self.error(230_001, "param error, ext=content is not a string in json format", status: 400) }
        guard members?.contains(receiver) ?? true else { return Self.error(230_002, "the user is out of the app's reach", status: 400) }
        if let id = body["uuid"] as? String, !ids.insert(id).inserted { return Self.sent(id) }
        var limit = ofMembers[receiver, default: MinuteLimit(1_000)]
        let isTaken = limit.take(at: now) && limit.count(within: 1, at: now) <= 5
        ofMembers[receiver] = limit
        guard isTaken else {
            penalties += 1
            return Self.error(
                99_991_400, "request trigger frequency limit", status: 429,
                headers: ["x-ogw-ratelimit-limit": "5", "x-ogw-ratelimit-reset": "1"])
        }
        shown.append(Shown(place: receiver, text: text, at: now, id: body["uuid"] as? String))
        return Self.sent(body["uuid"] as? String ?? "")
    }

    private static func sent(_ id: String) -> FakeAnswer {
        FakeAnswer(#"{"code":0,"msg":"success","data":{"message_id":"om_\#(id)"}}"#)
    }

    // MARK: Bots

    private static func error(_ code: Int, _ message: String, status: Int = 200, headers: [String: String] = [:]) -> FakeAnswer {
        FakeAnswer(status, headers: headers, #"{"code":\#(code),"data":{},"msg":"\#(message)"}"#)
    }

    private mutating func bot(_ request: FakeRequest, _ now: Date) -> FakeAnswer {
        let id = String(request.path.dropFirst(Self.path.count))
        guard var bot = bots[id] else { return Self.error(19_001, "param invalid: incoming webhook access token invalid") }
        defer { bots[id] = bot }
        guard request.body.count <= 20 * 1_024 else { return Self.error(9_499, "Bad Request") }
        guard let body = request.object, let text = Self.text(body) else { return Self.error(9_499, "Bad Request") }
        if let secret = bot.secret {
            guard let seconds = (body["timestamp"] as? String).flatMap({ Int64($0) }),
                abs(Double(seconds) - now.timeIntervalSince1970) <= 3_600,
                body["sign"] as? String == FakeSigning.hmac(key: "\(seconds)\n\(secret)", "")
            else { return Self.error(19_021, "sign match fail or timestamp is not within one hour from current time") }
        }
        guard bot.keywords.isEmpty || bot.keywords.contains(where: text.contains) else { return Self.error(19_024, "Key Words Not Found") }
        let isTaken = bot.limit.take(at: now)
        guard isTaken, bot.limit.count(within: 1, at: now) <= 5 else {
            penalties += 1
            return Self.error(
                99_991_400, "request trigger frequency limit", status: 429,
                headers: ["x-ogw-ratelimit-limit": "100", "x-ogw-ratelimit-reset": isTaken ? "1" : "60"])
        }
        if isBusyOnTheHour, now.timeIntervalSince1970.truncatingRemainder(dividingBy: 1_800) < 10 {
            return Self.error(11_232, "frequency limited")
        }
        shown.append(Shown(place: id, text: text, at: now, id: nil))
        return FakeAnswer(#"{"StatusCode":0,"StatusMessage":"success","code":0,"data":{},"msg":"success"}"#)
    }

    private static func text(_ body: [String: Any]) -> String? {
        switch body["msg_type"] as? String {
        case "text": (body["content"] as? [String: Any])?["text"] as? String
        case "interactive":
            ((body["card"] as? [String: Any])?["elements"] as? [[String: Any]])?.compactMap { $0["content"] as? String }.joined(
                separator: "\n")
        default: nil
        }
    }
}
