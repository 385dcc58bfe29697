import Foundation
import JSONEnvelope

/// A gateway for short messages asked over HTTP: one JSON object for each recipient, its members named as the gateway wants them.
public struct SMSGateway: Sendable, Hashable {
    public var url: String
    /// Sent as `Authorization`.
    public var authorization: String?
    /// What the gateway calls the number, the text and our id.
    public var numberField: String
    public var textField: String
    public var idField: String
    /// A member of the answer that says whether it was taken, and what it says then; nil: a 2xx is enough.
    public var success: (field: String, value: String)?

    public init(
        url: String, authorization: String? = nil, numberField: String = "to", textField: String = "text", idField: String = "id",
        success: (field: String, value: String)? = nil
    ) {
        self.url = url
        self.authorization = authorization
        self.numberField = numberField
        self.textField = textField
        self.idField = idField
        self.success = success
    }

    public static func == (a: SMSGateway, b: SMSGateway) -> Bool {
        a.url == b.url && a.authorization == b.authorization && a.numberField == b.numberField && a.textField == b.textField
            && a.idField == b.idField && a.success?.field == b.success?.field && a.success?.value == b.success?.value
    }

    public func hash(into hasher: inout Hasher) { hasher.combine(url) }

    /// The id goes along in the body and as `Idempotency-Key`, so that a gateway that honours either sends once.
    public func question(_ notice: Notice) -> HTTPQuestion {
        var headers = ["idempotency-key": notice.id]
        if let authorization { headers["authorization"] = authorization }
        let text = notice.isCard ? notice.lines.joined(separator: "；") : notice.lines.first ?? ""
        return .json(
            url, headers: headers,
            JSONWriter.object(capacity: 256) {
                $0.member(numberField, notice.recipients.first)
                $0.member(textField, Markup.cut(Markup.line(text), bytes: ConnectorKind.smsGateway.longestText))
                $0.member(idField, notice.id)
            })
    }

    public func result(_ answer: HTTPAnswer, at now: Date) -> DeliveryResult {
        if answer.status == 429 {
            return .failed(
                .throttled, "http_429", "the gateway asks for patience", until: answer.retryAfter(now) ?? now.addingTimeInterval(60))
        }
        if let failure = DeliveryResult.ofStatus(answer, at: now) { return failure }
        switch answer.status {
        case 200...299: break
        case 401, 403: return .failed(.config, "http_\(answer.status)", "the gateway refuses the credentials")
        case 402:
            return .failed(
                .quota, "http_402", "the gateway's allowance is used up", until: answer.retryAfter(now) ?? now.addingTimeInterval(3_600))
        case 404, 410: return .failed(.config, "http_\(answer.status)", "there is no gateway at that address")
        default: return .failed(.content, "http_\(answer.status)", "the gateway refuses the message")
        }
        let body = VendorBody(answer)
        guard let success else { return .delivered(reference: body?.text(idField)) }
        guard let said = body?.text(success.field) else { return .unreadable(answer) }
        return said == success.value
            ? .delivered(reference: body?.text(idField)) : .failed(.content, said, "the gateway refuses the message")
    }
}
