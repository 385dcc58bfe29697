import Foundation

/// WeCom's group robots: no signature, 20 a minute, then silence for a minute; limits in bytes.
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

    public init() {}

    public func knows(_ request: FakeRequest) -> Bool { request.path == "/cgi-bin/webhook/send" }

    private static func error(_ code: Int, _ message: String) -> FakeAnswer { FakeAnswer(#"{"errcode":\#(code),"errmsg":"\#(message)"}"#) }

    public mutating func answer(_ request: FakeRequest, at now: Date) -> FakeAnswer {
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
