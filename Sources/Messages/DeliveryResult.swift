import Foundation

/// What the other side answered to one request.
public enum DeliveryResult: Sendable, Hashable {
    /// Taken. `dropped`: those the vendor listed as not told although it answered with success.
    case delivered(reference: String?, dropped: [String] = [])
    case failed(DeliveryFailure)

    /// Taken for nobody is not taken. Those left out are named as they were asked for: WeCom answers in lower case.
    public func reaching(_ recipients: [String]) -> DeliveryResult {
        guard case .delivered(let reference, let dropped) = self, !dropped.isEmpty else { return self }
        let left = Set(dropped.map { $0.lowercased() })
        let gone = recipients.filter { left.contains($0.lowercased()) }
        guard gone.count < recipients.count || recipients.isEmpty else {
            return .failed(.target, "nobody", "none of those it was for is there")
        }
        return .delivered(reference: reference, dropped: gone)
    }

    static func failed(_ class: FailureClass, _ code: String, _ message: String, until: Date? = nil) -> DeliveryResult {
        .failed(DeliveryFailure(`class`, code: code, message: message, until: until))
    }
}

/// Why a request was not taken.
public struct DeliveryFailure: Error, Sendable, Hashable {
    public let failureClass: FailureClass
    /// The vendor's own: `130101`, `http_503`, `timeout`.
    public let code: String
    /// For people. Holds no secret and nothing of the message.
    public let message: String
    /// When it may be tried again, where that is known.
    public let until: Date?

    public init(_ failureClass: FailureClass, code: String, message: String, until: Date? = nil) {
        self.failureClass = failureClass
        self.code = code
        self.message = String(message.prefix(300))
        self.until = until
    }

    /// Whether it may be a sign that the other side is down: silence, a broken connection, a status or a mail server's code that says so. What a
    /// vendor answers in its own words is none, whatever it says: somebody was there to say it.
    public var isOutage: Bool {
        failureClass == .transient
            && (code.hasPrefix("http_") || code.hasPrefix("smtp_")
                || ["timeout", "unreachable", "no_host", "unreadable", "too_long"].contains(code))
    }
}

/// What kind of failure it was; this alone decides what happens next.
public enum FailureClass: String, Sendable, Hashable, CaseIterable {
    /// May pass by itself: tried again. The only one that speaks of the other side's health.
    case transient
    /// Too much at once: nothing is sent until the vendor's time.
    case throttled
    /// A day's or month's allowance is used up.
    case quota
    /// Wrong credentials or settings: nothing is sent until they are changed.
    case config
    /// The token is stale: fetched anew once, then `config`.
    case auth
    /// The recipient is not there any more: others are tried.
    case target
    /// What was said is refused, however often it is said.
    case content
}

/// What came back over HTTP.
public struct HTTPAnswer: Sendable, Hashable {
    public let status: Int
    /// Names in lower case.
    public let headers: [String: String]
    public let body: [UInt8]

    public init(status: Int, headers: [String: String] = [:], body: [UInt8] = []) {
        self.status = status
        self.headers = headers
        self.body = body
    }
}

/// What is to be sent over HTTP.
public struct HTTPQuestion: Sendable, Hashable {
    public let method: String
    public let url: String
    public let headers: [String: String]
    public let body: [UInt8]

    public init(_ method: String, _ url: String, headers: [String: String] = [:], body: [UInt8] = []) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
    }

    static func json(_ url: String, headers: [String: String] = [:], _ body: [UInt8]) -> HTTPQuestion {
        HTTPQuestion(
            "POST", url, headers: headers.merging(["content-type": "application/json; charset=utf-8"]) { given, _ in given }, body: body)
    }
}
