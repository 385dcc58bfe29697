import FakeVendors
import Foundation
import Hummingbird
import Logging
import NIOCore
import Synchronization

/// All the vendors behind one address, for tests and demonstrations: a real HTTP server.
public final class LocalVendors: Sendable {
    /// What a vendor has at the moment.
    public enum Trouble: Sendable, Hashable {
        case none
        /// Every request is answered 503.
        case down
        /// No request is answered within this.
        case silent(Duration)
    }

    public struct State: Sendable {
        public var dingtalk = FakeDingTalk()
        public var wecom = FakeWeCom()
        public var feishu = FakeFeishu()
        public var sms = FakeSMS()
        public var receiver = FakeReceiver()
        public var troubles: [Name: Trouble] = [:]
    }

    public enum Name: String, Sendable, Hashable, CaseIterable { case dingtalk, wecom, feishu, sms, receiver }

    private let state = Mutex(State())

    public init() {}

    /// Looks at the vendors, or changes them.
    public func with<R: Sendable>(_ body: (inout sending State) -> sending R) -> R { state.withLock(body) }

    /// Everything anybody was shown.
    public var shown: [Shown] { with { $0.dingtalk.shown + $0.wecom.shown + $0.feishu.shown + $0.sms.shown + $0.receiver.shown } }

    public var penalties: Int { with { $0.dingtalk.penalties + $0.wecom.penalties + $0.feishu.penalties } }

    public func answer(_ request: FakeRequest, at now: Date) async -> FakeAnswer {
        let name = with { $0.vendor(of: request) }
        guard let name else { return FakeAnswer(404, "") }
        switch with({ $0.troubles[name] ?? .none }) {
        case .none: break
        case .down: return FakeAnswer(503, "")
        case .silent(let duration):
            try? await Task.sleep(for: duration)
            return FakeAnswer(504, "")
        }
        return with { $0.answer(request, by: name, at: now) }
    }

    /// Gives `body` the address of the running server.
    public func serving<R: Sendable>(_ body: @Sendable (_ address: String) async throws -> R) async throws -> R {
        var logger = Logger(label: "fake-vendors")
        logger.logLevel = .critical
        let router = Router()
        for method in [HTTPRequest.Method.get, .post, .put] {
            router.on("**", method: method) { [self] request, _ in
                let bytes = try await request.body.collect(upTo: 1 << 20)
                let answer = await answer(FakeRequest(request, Array(bytes.readableBytesView)), at: Date())
                var headers = HTTPFields()
                headers[.contentType] = "application/json"
                for (name, value) in answer.headers { if let name = HTTPFields.Element.Name(name) { headers[name] = value } }
                return Response(
                    status: .init(code: answer.status), headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(string: answer.body)))
            }
        }
        return try await serve(router, logger: logger, body)
    }
}

extension LocalVendors.State {
    fileprivate func vendor(of request: FakeRequest) -> LocalVendors.Name? {
        if dingtalk.knows(request) { return .dingtalk }
        if wecom.knows(request) { return .wecom }
        if feishu.knows(request) { return .feishu }
        if sms.knows(request) { return .sms }
        return receiver.knows(request) ? .receiver : nil
    }

    fileprivate mutating func answer(_ request: FakeRequest, by name: LocalVendors.Name, at now: Date) -> FakeAnswer {
        switch name {
        case .dingtalk: dingtalk.answer(request, at: now)
        case .wecom: wecom.answer(request, at: now)
        case .feishu: feishu.answer(request, at: now)
        case .sms: sms.answer(request, at: now)
        case .receiver: receiver.answer(request, at: now)
        }
    }
}

extension FakeRequest {
    fileprivate init(_ request: Request, _ body: [UInt8]) {
        let query = request.uri.queryParameters.reduce(into: [String: String]()) { $0[String($1.key)] = String($1.value) }
        let headers = request.headers.reduce(into: [String: String]()) { $0[$1.name.canonicalName] = $1.value }
        self.init(request.method.rawValue, request.uri.path, query: query, headers: headers, body: body)
    }
}
