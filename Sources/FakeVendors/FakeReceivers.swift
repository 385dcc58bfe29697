import Foundation

/// A gateway for short messages: one number a request, each id once.
public struct FakeSMS: FakeVendor {
    public var authorization: String?
    public private(set) var shown: [Shown] = []
    public let penalties = 0

    public init(authorization: String? = nil) { self.authorization = authorization }

    public func knows(_ request: FakeRequest) -> Bool { request.path == "/sms" }

    public mutating func answer(_ request: FakeRequest, at now: Date) -> FakeAnswer {
        guard authorization == nil || request.headers["authorization"] == authorization else { return FakeAnswer(401, "{}") }
        guard let body = request.object, let number = body["to"] as? String, let text = body["text"] as? String,
            let id = body["id"] as? String
        else { return FakeAnswer(400, #"{"code":"bad"}"#) }
        if !shown.contains(where: { $0.id == id }) { shown.append(Shown(place: number, text: text, at: now, id: id)) }
        return FakeAnswer(#"{"code":"0","id":"\#(id)"}"#)
    }
}

/// Somebody who takes webhooks: checks the signature, within five minutes, and takes each id once.
public struct FakeReceiver: FakeVendor {
    public var secret: String
    /// What it answers instead, if anything.
    public var status: Int?
    public private(set) var shown: [Shown] = []
    public private(set) var requests: [FakeRequest] = []
    public private(set) var refused = 0
    public let penalties = 0

    public init(secret: String = "") { self.secret = secret }

    public func knows(_ request: FakeRequest) -> Bool { request.path == "/hook" }

    public mutating func answer(_ request: FakeRequest, at now: Date) -> FakeAnswer {
        requests.append(request)
        if let status { return FakeAnswer(status, "") }
        guard let id = request.headers["webhook-id"], let stamp = request.headers["webhook-timestamp"], let seconds = Double(stamp),
            abs(seconds - now.timeIntervalSince1970) <= 300, let key = Data(base64Encoded: String(secret.dropFirst(6)))
        else {
            refused += 1
            return FakeAnswer(400, "")
        }
        let expected = "v1," + FakeSigning.hmac(key: key, Data("\(id).\(stamp).".utf8) + Data(request.body))
        guard (request.headers["webhook-signature"] ?? "").split(separator: " ").contains(Substring(expected)) else {
            refused += 1
            return FakeAnswer(401, "")
        }
        if !shown.contains(where: { $0.id == id }) {
            shown.append(Shown(place: request.path, text: String(decoding: request.body, as: UTF8.self), at: now, id: id))
        }
        return FakeAnswer(204, "")
    }
}
