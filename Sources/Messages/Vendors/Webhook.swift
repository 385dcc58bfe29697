import Foundation
import JSONEnvelope

/// A tenant's own address, told of events: Standard Webhooks' headers around a CloudEvent.
public struct Webhook: Sendable, Hashable {
    public var url: String
    /// The first signs first; a second, older one signs too while it is being replaced. Each `whsec_…`.
    public var secrets: [String]

    public init(url: String, secrets: [String]) {
        self.url = url
        self.secrets = secrets
    }

    /// - Parameter now: signed: a receiver refuses what is some minutes off, so each try is signed anew.
    public func question(_ event: CloudEvent, at now: Date) -> HTTPQuestion {
        let (body, seconds) = (event.json, Int64(now.timeIntervalSince1970.rounded(.down)))
        let signatures = secrets.compactMap { Signing.webhook(id: event.id, seconds: seconds, body: body, secret: $0) }
        return HTTPQuestion(
            "POST", url,
            headers: [
                "content-type": "application/cloudevents+json; charset=utf-8", "webhook-id": event.id, "webhook-timestamp": String(seconds),
                "webhook-signature": signatures.joined(separator: " "),
            ], body: body)
    }

    /// 2xx is taken, anything else is not; 410 says never again.
    public static func result(_ answer: HTTPAnswer, at now: Date) -> DeliveryResult {
        let (code, after) = ("http_\(answer.status)", answer.retryAfter(now))
        return switch answer.status {
        case 200...299: .delivered(reference: nil)
        case 410: .failed(.target, code, "the address is gone (HTTP 410)")
        case 429: .failed(.throttled, code, "the receiver asks for patience (HTTP 429)", until: after ?? now.addingTimeInterval(60))
        case 300...399: .failed(.transient, code, "the address sends elsewhere (HTTP \(answer.status)); it is not followed")
        default: .failed(.transient, code, "not taken (HTTP \(answer.status))", until: after)
        }
    }

    /// Pauses between tries, in seconds: 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h; the last of ten tries is 75.6 h after the first.
    public static let pauses: [TimeInterval] = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400]

    /// When a failed delivery is tried again; nil: it has been tried ten times.
    /// - Parameters:
    ///   - tries: how many there have been.
    ///   - chance: uniform in 0 ..< 1: a tenth more or less, so that what failed together is not tried together.
    public static func nextTry(after tries: Int, failure: DeliveryFailure, at now: Date, chance: Double) -> Date? {
        guard tries >= 1, tries <= pauses.count else { return nil }
        let planned = now.addingTimeInterval(pauses[tries - 1] * (0.9 + chance / 5))
        return max(planned, failure.until ?? planned)
    }

    /// Seconds until a delivery is tried again whose job was set aside because its workers died: it may have stood beside one that killed
    /// them. Nil after the fourth such try, for each costs three workers where it does kill them.
    public static func pause(afterPoison tries: Int) -> TimeInterval? {
        (1...3).contains(tries) ? pauses[tries - 1] : nil
    }
}

/// What happened, as CloudEvents 1.0 writes it (structured mode).
public struct CloudEvent: Sendable, Hashable {
    /// Unique for its source; also the webhook's id.
    public var id: String
    public var source: String
    public var type: String
    public var subject: String?
    public var time: Date
    /// A JSON value.
    public var data: [UInt8]

    public init(id: String, source: String, type: String, subject: String? = nil, time: Date, data: [UInt8]) {
        self.id = id
        self.source = source
        self.type = type
        self.subject = subject
        self.time = time
        self.data = data
    }

    public var json: [UInt8] {
        JSONWriter.object(capacity: 256 + data.count) { event in
            event.member("specversion", "1.0")
            event.member("id", id)
            event.member("source", source)
            event.member("type", type)
            if let subject { event.member("subject", subject) }
            event.member("time", time)
            event.member("datacontenttype", "application/json")
            event.member("data", json: data)
        }
    }
}
