import Hummingbird

extension HTTPFields.Element.Name {
    static let idempotencyKey = Self("Idempotency-Key")!
    static let idempotencyReplayed = Self("Idempotency-Replayed")!
    static let kitelineTenant = Self("Kiteline-Tenant")!
    static let forwardedProto = Self("X-Forwarded-Proto")!
    static let lastEventID = Self("Last-Event-ID")!
    static let traceparent = Self("traceparent")!
    static let retryAfter = Self("Retry-After")!
}
