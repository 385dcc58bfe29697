import Foundation

/// Feishu's custom bots: the signature in the body, 100 a minute and 5 a second, busy on the full and the half hour, 20 KB.
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

    private static let path = "/open-apis/bot/v2/hook/"

    public init() {}

    public func knows(_ request: FakeRequest) -> Bool { request.path.hasPrefix(Self.path) }

    private static func error(_ code: Int, _ message: String, status: Int = 200, headers: [String: String] = [:]) -> FakeAnswer {
        FakeAnswer(status, headers: headers, #"{"code":\#(code),"data":{},"msg":"\#(message)"}"#)
    }

    public mutating func answer(_ request: FakeRequest, at now: Date) -> FakeAnswer {
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
