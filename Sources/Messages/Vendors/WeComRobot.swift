import Foundation
import JSONEnvelope

/// WeCom's group robot: `POST /cgi-bin/webhook/send`, unsigned, answered with 200 whatever happened; `errcode` says what.
public struct WeComRobot: Sendable, Hashable {
    public var url: String
    public var key: String

    public init(url: String, key: String) {
        self.url = url
        self.key = key
    }

    /// A single message is a text of at most 2,048 bytes that calls people; several are Markdown of at most 4,096.
    public func question(_ notice: Notice) -> HTTPQuestion {
        .json(
            "\(url)/cgi-bin/webhook/send?key=\(key.queryEncoded)",
            JSONWriter.object(capacity: 512) { body in
                if notice.isCard {
                    let calls = notice.recipients.filter { !$0.isMobile }.map { "<@\(Markup.markdown($0))>" }.joined()
                    let heading = "**\(Markup.markdown(Markup.cut(notice.title, bytes: 100)))**\n"
                    body.member("msgtype", "markdown")
                    body.object("markdown") {
                        $0.member(
                            "content", heading + Markup.list(notice.lines, bytes: 4_090 - heading.utf8.count - calls.utf8.count) + calls)
                    }
                } else {
                    body.member("msgtype", "text")
                    body.object("text") {
                        $0.member("content", Markup.cut(notice.lines.first.map(Markup.line) ?? "", bytes: 2_048))
                        $0.member("mentioned_list", notice.recipients.filter { !$0.isMobile })
                        $0.member("mentioned_mobile_list", notice.recipients.filter(\.isMobile))
                    }
                }
            })
    }

    public static func result(_ answer: HTTPAnswer, at now: Date) -> DeliveryResult {
        if let failure = DeliveryResult.ofStatus(answer, at: now) { return failure }
        guard let body = VendorBody(answer), let code = body.integer("errcode") else { return .unreadable(answer) }
        let (name, message) = (String(code), body.string("errmsg") ?? "")
        switch code {
        case 0:
            let dropped = ["invaliduser", "invalidparty", "invalidtag"].flatMap {
                (body.string($0) ?? "").split(separator: "|").map(String.init)
            }
            return .delivered(reference: body.string("msgid"), dropped: dropped)
        case -1: return .failed(.transient, name, message)
        case 45009 where message.contains("day"):
            return .failed(.quota, name, message, until: midnight(after: now))
        case 45009, 45033: return .failed(.throttled, name, message, until: now.addingTimeInterval(60))
        // A key that is none or was taken out of its group, a robot that was switched off, an app that is none or may not.
        case 93000, 93004, 93008, 40001, 40013, 40056, 48002, 60011, 60020, 301_002: return .failed(.config, name, message)
        case 40014, 42001: return .failed(.auth, name, message)
        case 81013, 60111: return .failed(.target, name, message)
        case 40058, 40008, 44004: return .failed(.content, name, message)
        // A code nobody has seen: tried again, and elsewhere soon. It says nothing against WeCom.
        default: return .failed(.transient, name, message)
        }
    }

    /// The next midnight in China: day limits follow the calendar.
    private static func midnight(after now: Date) -> Date {
        let day = 86_400.0
        let offset = 8 * 3_600.0
        return Date(timeIntervalSince1970: (((now.timeIntervalSince1970 + offset) / day).rounded(.down) + 1) * day - offset)
    }
}
