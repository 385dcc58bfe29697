import Foundation

/// WeCom's group robots: no signature, 20 a minute, then silence for a minute; limits in bytes. Its apps: a token of two hours, and what one
/// member gets beyond 30 a minute is dropped in silence.
public struct FakeWeCom: FakeVendor {
    public struct Robot: Sendable {
        var limit = MinuteLimit(20)
        var mutedUntil = Date.distantPast

        public init() {}
    }

    /// By key.
    public var robots: [String: Robot] = [:]
    public private(set) var shown: [Shown] = []
    public private(set) var penalties = 0

    /// App secrets by corporation.
    public var corporations: [String: String] = [:]
    /// Those who are there; nil: anybody.
    public var members: Set<String>?
    /// What members got too much of was dropped without a word: so many times.
    public private(set) var droppedSilently = 0
    private var tokens: [String: Date] = [:]
    private var ofMembers: [String: MinuteLimit] = [:]
    private var lately: [String: Date] = [:]
    private var number = 0

    public init() {}

    public func knows(_ request: FakeRequest) -> Bool {
        ["/cgi-bin/webhook/send", "/cgi-bin/gettoken", "/cgi-bin/message/send"].contains(request.path)
    }

    /// Makes every token invalid before its time.
    public mutating func forgetTokens() { tokens = [:] }

    public mutating func answer(_ request: FakeRequest, at now: Date) -> FakeAnswer {
        switch request.path {
        case "/cgi-bin/gettoken": token(request, now)
        case "/cgi-bin/message/send": app(request, now)
        default: robot(request, now)
        }
    }

    // MARK: Apps

    private mutating func token(_ request: FakeRequest, _ now: Date) -> FakeAnswer {
        guard let corporation = request.query["corpid"], let secret = corporations[corporation] else {
            return Self.error(40_013, "invalid corpid")
        }
        guard request.query["corpsecret"] == secret else { return Self.error(40_001, "invalid credential") }
        number += 1
        tokens["wecom-token-\(number)"] = now.addingTimeInterval(7_200)
        return FakeAnswer(#"{"errcode":0,"errmsg":"ok","access_token":"wecom-token-\#(number)","expires_in":7200}"#)
    }

    /// Success, whatever members beyond 30 a minute get to see of it.
    private mutating func app(_ request: FakeRequest, _ now: Date) -> FakeAnswer {
        guard let until = request.query["access_token"].flatMap({ tokens[$0] }) else { return Self.error(40_014, "invalid access_token") }
        guard until > now else { return Self.error(42_001, "access_token expired") }
        guard let body = request.object, body["agentid"] is Int, body["msgtype"] as? String == "text",
            let text = (body["text"] as? [String: Any])?["content"] as? String, !text.isEmpty
        else { return Self.error(40_008, "invalid message type") }
        guard text.utf8.count <= 2_048 else { return Self.error(40_058, "content exceeds 2048 bytes") }
        let users = (body["touser"] as? String ?? "").split(separator: "|").map(String.init)
        let known = users.filter { members?.contains($0) ?? true }
        guard !known.isEmpty else { return Self.error(81_013, "user & party & tag all invalid") }
        for user in known {
            if body["enable_duplicate_check"] as? Int == 1, let interval = body["duplicate_check_interval"] as? Int,
                let last = lately["\(user)\n\(text)"], now.timeIntervalSince(last) < Double(interval)
            {
                continue
            }
            lately["\(user)\n\(text)"] = now
            guard ofMembers[user, default: MinuteLimit(30)].take(at: now) else {
                droppedSilently += 1
                continue
            }
            shown.append(Shown(place: user, text: text, at: now, id: nil))
        }
        number += 1
        // In lower case, whatever was asked.
        let invalid = users.filter { !known.contains($0) }.map { $0.lowercased() }.joined(separator: "|")
        return FakeAnswer(
            #"{"errcode":0,"errmsg":"ok","invaliduser":"\#(invalid)","invalidparty":"","invalidtag":"","msgid":"m\#(number)"}"#)
    }

    // MARK: Robots

    private static func error(_ code: Int, _ message: String) -> FakeAnswer { FakeAnswer(#"{"errcode":\#(code),"errmsg":"\#(message)"}"#) }

    private mutating func robot(_ request: FakeRequest, _ now: Date) -> FakeAnswer {
        guard let key = request.query["key"], var robot = robots[key] else { return Self.error(93_000, "invalid webhook url") }
        defer { robots[key] = robot }
        guard let body = request.object else { return Self.error(40_008, "invalid message type") }
        let text: String?
        let limit: Int
        switch body["msgtype"] as? String {
        case "text": (text, limit) = ((body["text"] as? [String: Any])?["content"] as? String, 2_048)
        case "markdown": (text, limit) = ((body["markdown"] as? [String: Any])?["content"] as? String, 4_096)
        default: return Self.error(40_008, "invalid message type")
        }
        guard let text, !text.isEmpty else { return Self.error(44_004, "content is empty") }
        guard text.utf8.count <= limit else { return Self.error(40_058, "content exceeds \(limit) bytes") }
        let isMuted = robot.mutedUntil > now
        let isTaken = robot.limit.take(at: now)
        guard isTaken, !isMuted else {
            if !isMuted {
                penalties += 1
                robot.mutedUntil = now.addingTimeInterval(60)
            }
            return Self.error(45_009, "api freq out of limit")
        }
        shown.append(Shown(place: key, text: text, at: now, id: nil))
        return Self.error(0, "ok")
    }
}
