import Foundation
import Hummingbird
import JSONEnvelope
import NIOCore
import Records
import Tenancy

/// Pages for people, served by the API's server beside the API.
///
/// A site writes and reads nothing past the API: it asks the same endpoints as everybody, in its visitors' names, within the process.
/// So what a key may do, which fields are wrong, what is audited and what is answered twice is decided in one place.
public protocol Site: Sendable {
    /// Whether it, and not the API, answers this request.
    func serves(_ request: Request) -> Bool

    func respond(to request: Request, from source: RequestSource, asking desk: Desk) async -> Response
}

/// Who asks, where that was found out by other means than a key in the request.
public struct Visitor: Sendable {
    /// As they would be with their key.
    public let principal: Principal
    /// Asked now and then by answers that have no end.
    public let isStillWelcome: @Sendable () async -> Bool

    public init(_ principal: Principal, isStillWelcome: @Sendable @escaping () async -> Bool) {
        self.principal = principal
        self.isStillWelcome = isStillWelcome
    }
}

/// The API from within the process.
public struct Desk: Sendable {
    private let responder: Responder
    private let source: RequestSource

    init(_ responder: Responder, _ source: RequestSource) {
        self.responder = responder
        self.source = source
    }

    /// What the API answers.
    public struct Reply: Sendable {
        public let status: Int
        public let body: [UInt8]
        /// Why not, when it is a refusal or a failure.
        public let problem: Problem?
        /// Whether an earlier request with its key did it, and this one nothing.
        public let isReplayed: Bool
    }

    /// One request as it would come over the wire, without a key.
    public struct Wish: Sendable {
        public var method: HTTPRequest.Method
        /// Path and query.
        public var target: String
        public var body: [UInt8]?
        public var type = "application/json"
        /// For which tenant, where the visitor bears a platform key.
        public var tenant: String?
        /// Lets it be repeated without being done twice.
        public var idempotencyKey: String?
        public var lastEventID: String?
        /// Refused where what is put is there already.
        public var onlyCreates = false

        public init(_ method: HTTPRequest.Method, _ target: String, _ body: [UInt8]? = nil) {
            self.method = method
            self.target = target
            self.body = body
        }

        fileprivate var request: Request {
            var headers = HTTPFields()
            if body != nil { headers[.contentType] = type }
            headers[.kitelineTenant] = tenant
            headers[.idempotencyKey] = idempotencyKey
            headers[.lastEventID] = lastEventID
            if onlyCreates { headers[.ifNoneMatch] = "*" }
            return Request(
                head: HTTPRequest(method: method, scheme: nil, authority: nil, path: target, headerFields: headers),
                body: RequestBody(buffer: ByteBuffer(bytes: body ?? [])))
        }
    }

    /// Answers whole.
    public func ask(_ wish: Wish, for visitor: Visitor) async -> Reply {
        switch await responder.answer(wish.request, from: source.with(visitor)) {
        case .success(let answer): Reply(status: answer.status, body: answer.body, problem: nil, isReplayed: answer.isReplayed)
        case .failure(let problem): Reply(status: problem.status, body: problem.body, problem: problem, isReplayed: false)
        }
    }

    /// Answers that come bit by bit.
    public func stream(_ wish: Wish, for visitor: Visitor) async -> Response {
        switch await responder.answer(wish.request, from: source.with(visitor)) {
        case .success(let answer): answer.response
        case .failure(let problem): problem.response
        }
    }
}

extension RequestSource {
    fileprivate func with(_ visitor: Visitor) -> RequestSource {
        var source = self
        source.visitor = visitor
        return source
    }
}
