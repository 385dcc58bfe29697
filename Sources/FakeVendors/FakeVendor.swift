import Foundation

/// A request as a vendor sees it.
public struct FakeRequest: Sendable, Hashable {
    public let method: String
    public let path: String
    public let query: [String: String]
    /// Names in lower case.
    public let headers: [String: String]
    public let body: [UInt8]

    public init(_ method: String, _ path: String, query: [String: String] = [:], headers: [String: String] = [:], body: [UInt8] = []) {
        self.method = method
        self.path = path
        self.query = query
        self.headers = headers
        self.body = body
    }

    /// The body as a JSON object.
    var object: [String: Any]? { try? JSONSerialization.jsonObject(with: Data(body)) as? [String: Any] }
}

/// What a vendor answers.
public struct FakeAnswer: Sendable, Hashable {
    public let status: Int
    public let headers: [String: String]
    public let body: String

    public init(_ status: Int, headers: [String: String] = [:], _ body: String) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// 200, as most vendors answer whatever happened.
    public init(_ body: String) { self.init(200, body) }
}

/// Something a vendor showed to people.
public struct Shown: Sendable, Hashable {
    /// Which robot, app, number or address.
    public let place: String
    public let text: String
    public let at: Date
    /// Ours, where the vendor takes one.
    public let id: String?
}

/// An outside system as it behaves: it signs, limits, mutes, drops and fails like the real one, at times it is told. No part of it looks
/// at a clock.
public protocol FakeVendor: Sendable {
    /// Whether the request is for this vendor.
    func knows(_ request: FakeRequest) -> Bool
    mutating func answer(_ request: FakeRequest, at now: Date) -> FakeAnswer
    /// What people saw, in order.
    var shown: [Shown] { get }
    /// How often it punished somebody for too many requests.
    var penalties: Int { get }
}

/// A limit of so many in a minute: of the clock, or the last sixty seconds; nobody says which, so both.
struct MinuteLimit: Sendable {
    let most: Int
    private var arrivals: [Date] = []

    init(_ most: Int) { self.most = most }

    /// Counts one more. False when it is one too many.
    mutating func take(at now: Date) -> Bool {
        arrivals = arrivals.filter { now.timeIntervalSince($0) < 120 } + [now]
        let minute = (now.timeIntervalSince1970 / 60).rounded(.down)
        let ofClock = arrivals.count { ($0.timeIntervalSince1970 / 60).rounded(.down) == minute }
        return ofClock <= most && arrivals.count { now.timeIntervalSince($0) < 60 } <= most
    }

    func count(within seconds: TimeInterval, at now: Date) -> Int { arrivals.count { now.timeIntervalSince($0) < seconds } }
}
