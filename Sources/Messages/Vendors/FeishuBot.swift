import Foundation
import JSONEnvelope

/// Feishu's (and Lark's) custom bot: `POST /open-apis/bot/v2/hook/{id}`, the signature inside the body.
public struct FeishuBot: Sendable, Hashable {
    public var url: String
    public var hook: String
    /// Nil where the bot is guarded by keywords or addresses instead.
    public var secret: String?

    public init(url: String, hook: String, secret: String?) {
        self.url = url
        self.hook = hook
        self.secret = secret
    }

    /// - Parameter now: signed, and more than an hour off it is refused.
    public func question(_ notice: Notice, at now: Date) -> HTTPQuestion {
        let seconds = Int64(now.timeIntervalSince1970.rounded(.down))
        return .json(
            "\(url)/open-apis/bot/v2/hook/\(hook.queryEncoded)",
            JSONWriter.object(capacity: 512) { body in
                if let secret {
                    body.member("timestamp", String(seconds))
                    body.member("sign", Signing.feishu(seconds: seconds, secret: secret))
                }
                if notice.isCard {
                    body.member("msg_type", "interactive")
                    body.object("card") { card in
                        card.object("header") { header in
                            header.object("title") {
                                $0.member("tag", "plain_text")
                                $0.member("content", Markup.cut(notice.title, bytes: 200))
                            }
                        }
                        card.array("elements") { elements in
                            elements.object {
                                $0.member("tag", "markdown")
                                $0.member("content", Markup.list(notice.lines, bytes: ConnectorKind.feishuBot.longestText) + calls(notice))
                            }
                        }
                    }
                } else {
                    let text = Markup.cut(Markup.tagless(notice.lines.first ?? ""), bytes: ConnectorKind.feishuBot.longestText)
                    body.member("msg_type", "text")
                    body.object("content") { $0.member("text", text + calls(notice)) }
                }
            })
    }

    private func calls(_ notice: Notice) -> String {
        notice.recipients.map { " <at user_id=\"\(Markup.tagless($0).replacing("\"", with: ""))\"></at>" }.joined()
    }

    public static func result(_ answer: HTTPAnswer, at now: Date) -> DeliveryResult {
        let body = VendorBody(answer)
        let code = body?.integer("code") ?? body?.integer("StatusCode")
        let message = body?.string("msg") ?? body?.string("StatusMessage") ?? ""
        if answer.status == 429 || code == 99_991_400 {
            let seconds = answer.headers["x-ogw-ratelimit-reset"].flatMap(TimeInterval.init)
                .flatMap { $0.isNaN ? nil : min(max($0, 1), 86_400) }
            let until = seconds.map(now.addingTimeInterval) ?? answer.retryAfter(now) ?? now.addingTimeInterval(60)
            return .failed(.throttled, code.map { String($0) } ?? "http_429", message, until: until)
        }
        if let failure = DeliveryResult.ofStatus(answer, at: now) { return failure }
        guard let code else { return .unreadable(answer) }
        let name = String(code)
        return switch code {
        case 0: .delivered(reference: nil)
        case 1_500: .failed(.transient, name, message)
        // Everybody sends on the full and the half hour; a different second for each answer spreads them again.
        case 11_232:
            .failed(
                .throttled, name, message,
                until: now.addingTimeInterval(5 + (now.timeIntervalSince1970 * 7).truncatingRemainder(dividingBy: 55)))
        // A hook's id that is none (19001), an app without its bot, its right, or its place in the group.
        case 19_001, 19_021, 19_022, 19_024, 99_991_672, 230_006, 230_027: .failed(.config, name, message)
        case 99_991_663, 99_991_664, 99_991_671: .failed(.auth, name, message)
        case 230_002, 230_013, 230_029: .failed(.target, name, message)
        case 9_499, 230_001, 19_036: .failed(.content, name, message)
        // A code nobody has seen: tried again, and elsewhere soon. It says nothing against Feishu.
        default: .failed(.transient, name, message)
        }
    }
}
