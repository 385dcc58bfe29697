import Foundation
import JSONEnvelope

/// DingTalk's custom group robot: `POST /robot/send`, answered with 200 whatever happened; `errcode` says what.
public struct DingTalkRobot: Sendable, Hashable {
    public var url: String
    public var token: String
    /// `SEC…`; nil where the robot is guarded by keywords or addresses instead.
    public var secret: String?

    public init(url: String, token: String, secret: String?) {
        self.url = url
        self.token = token
        self.secret = secret
    }

    /// - Parameter now: signed, and more than an hour off it is refused.
    public func question(_ notice: Notice, at now: Date) -> HTTPQuestion {
        var address = "\(url)/robot/send?access_token=\(token.queryEncoded)"
        if let secret {
            let milliseconds = Int64((now.timeIntervalSince1970 * 1_000).rounded())
            address += "&timestamp=\(milliseconds)&sign=\(Signing.dingtalk(milliseconds: milliseconds, secret: secret).queryEncoded)"
        }
        return .json(address, Self.body(notice))
    }

    /// `@` works only for those who are also named in the text. A phone number calls by mobile, anything else by user id.
    private static func body(_ notice: Notice) -> [UInt8] {
        let calls = notice.recipients.map { "@\($0)" }.joined(separator: " ")
        let room = ConnectorKind.dingtalkRobot.longestText - calls.utf8.count - 1
        return JSONWriter.object(capacity: 512) { body in
            if notice.isCard {
                body.member("msgtype", "markdown")
                body.object("markdown") {
                    $0.member("title", Markup.cut(notice.title, bytes: 64))
                    $0.member("text", Markup.list(notice.lines, bytes: room) + (calls.isEmpty ? "" : "\n" + calls))
                }
            } else {
                let text = Markup.cut(notice.lines.first.map(Markup.line) ?? "", bytes: room)
                body.member("msgtype", "text")
                body.object("text") { $0.member("content", calls.isEmpty ? text : "\(text) \(calls)") }
            }
            body.object("at") {
                $0.member("atMobiles", notice.recipients.filter(\.isMobile))
                $0.member("atUserIds", notice.recipients.filter { !$0.isMobile })
                $0.member("isAtAll", false)
            }
        }
    }

    /// - Parameter now: the vendor tells no time; a robot that sent too fast is silent for ten minutes.
    public static func result(_ answer: HTTPAnswer, at now: Date) -> DeliveryResult {
        if let failure = DeliveryResult.ofStatus(answer, at: now) { return failure }
        guard let body = VendorBody(answer), let code = body.integer("errcode") else { return .unreadable(answer) }
        let message = body.string("errmsg") ?? ""
        return DingTalk.result(code: code, message, at: now)
    }
}

extension String {
    /// Eleven digits from 1: a mobile number of China.
    var isMobile: Bool { utf8.count == 11 && utf8.first == UInt8(ascii: "1") && utf8.allSatisfy { (48...57).contains($0) } }
}

/// DingTalk's codes, of its older interfaces and of its newer ones.
enum DingTalk {
    static func result(code: Int64, _ message: String, at now: Date) -> DeliveryResult {
        let name = String(code)
        return switch code {
        case 0: .delivered(reference: nil)
        case -1: .failed(.transient, name, message)
        case 130101, 410100: .failed(.throttled, name, message, until: now.addingTimeInterval(600))
        case 90018, 90005, 90006: .failed(.throttled, name, message, until: now.addingTimeInterval(60))
        case 90020, 90030: .failed(.quota, name, message, until: Self.monthEnd(after: now))
        // A robot's token that is none (300001, 300005, 400101, 400106), a robot that was switched off, security settings.
        case 300_001, 300_005, 400_101, 400_102, 400_106, 310_000, 88: .failed(.config, name, message)
        case 40014, 42001: .failed(.auth, name, message)
        case 400_013: .failed(.target, name, message)
        case 34016, 400_105, 430_101...430_104: .failed(.content, name, message)
        // A code nobody has seen: tried again, and elsewhere soon. It says nothing against DingTalk.
        default: .failed(.transient, name, message)
        }
    }

    /// Answers of `api.dingtalk.com`: no 2xx, and a name instead of a number.
    static func result(name: String, _ message: String, status: Int, at now: Date) -> DeliveryResult {
        if name.hasPrefix("Throttling") { return .failed(.throttled, name, message, until: now.addingTimeInterval(60)) }
        if name.contains("ApiCountLimitForOrg") { return .failed(.quota, name, message, until: monthEnd(after: now)) }
        if name.hasPrefix("invalidParameter") { return .failed(.content, name, message) }
        return switch name {
        case "group.disbanded", "bot.stopped": .failed(.target, name, message)
        case "token.notExisted": .failed(.config, name, message)
        default:
            status == 401
                ? .failed(.auth, name, message)
                : status == 403 ? .failed(.config, name, message) : .failed(.transient, name, message)
        }
    }

    /// The first moment of the next month in China, where the allowance is counted.
    static func monthEnd(after now: Date) -> Date {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = TimeZone(secondsFromGMT: 8 * 3_600) ?? .gmt
        return calendar.dateInterval(of: .month, for: now)?.end ?? now.addingTimeInterval(31 * 86_400)
    }
}
