import Hummingbird
import HummingbirdCore
import Ledger
import NIOCore
import NIOHTTPTypes
import Records

/// The busiest request's own way through a connection: a `POST /v1/jobs` with nothing unusual about it is read, accepted and answered
/// on the event loop, without a task, a stream or a hop of its own.
///
/// It only ever says yes. Whatever is not plain (`EnqueueLane+accepting.swift`) goes on to the server as it came, and is answered,
/// or refused, there; so is everything while such a request is under way on the connection. While this one is being committed nothing
/// more is read, so a caller who sends ahead waits like one who doesn't.
final class EnqueueLane: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private enum Phase {
        /// Between requests of ours; those the server has are its own affair.
        case idle
        case gathering(HTTPRequest, ByteBuffer, since: ContinuousClock.Instant)
        case answering
    }

    let api: API
    /// The address at the other end; nil on a Unix socket.
    let peer: String?
    /// The last key that was seen here, so that the next request with it costs no hash.
    var pass: (header: String, pass: KeyPass)?
    private var phase = Phase.idle
    /// Requests handed on whose answer has not been written whole.
    private var elsewhere = 0
    /// What came while we answered.
    private var held: [HTTPRequestPart] = []
    private var owesRead = false

    init(_ api: API, peer: String?) {
        self.api = api
        self.peer = peer
    }

    // MARK: What comes in

    func channelRead(context: ChannelHandlerContext, data: NIOAny) { take(unwrapInboundIn(data), context) }

    private func take(_ part: HTTPRequestPart, _ context: ChannelHandlerContext) {
        switch (phase, part) {
        case (.answering, _): held.append(part)
        case (.idle, .head(let head)) where elsewhere == 0 && isPlain(head):
            phase = .gathering(head, ByteBuffer(), since: .now)
        case (.gathering(let head, var body, let since), .body(var more)):
            if body.readableBytes == 0 { body = more } else { body.writeBuffer(&more) }
            guard body.readableBytes <= api.limits.body else { return handOn(head, body, since, nil, context) }
            phase = .gathering(head, body, since: since)
        case (.gathering(let head, let body, let since), .end(let trailers)):
            guard trailers == nil, let job = accept(head, body) else { return handOn(head, body, since, part, context) }
            phase = .answering
            commit(job, since, context)
        default: pass(on: part, context)
        }
    }

    private func pass(on part: HTTPRequestPart, _ context: ChannelHandlerContext) {
        if case .head = part { elsewhere += 1 }
        context.fireChannelRead(wrapInboundOut(part))
    }

    /// Gives the server what was gathered: it is not ours after all.
    private func handOn(
        _ head: HTTPRequest, _ body: ByteBuffer, _ since: ContinuousClock.Instant, _ end: HTTPRequestPart?, _ context: ChannelHandlerContext
    ) {
        phase = .idle
        pass(on: .head(head), context)
        if body.readableBytes > 0 { pass(on: .body(body), context) }
        if let end { pass(on: end, context) }
    }

    // MARK: What goes out

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if case .end = unwrapOutboundIn(data) { elsewhere -= 1 }
        context.write(data, promise: promise)
    }

    func read(context: ChannelHandlerContext) {
        if case .answering = phase { owesRead = true } else { context.read() }
    }

    private func commit(_ accepted: Accepted, _ since: ContinuousClock.Instant, _ context: ChannelHandlerContext) {
        let loop = context.eventLoop
        let bound = NIOLoopBound((self, context), eventLoop: loop)
        let (kind, state, deferral) = (accepted.job.kind, accepted.state, accepted.deferral)
        api.ledger.enqueue(
            [accepted.job], answer: { placed in (202, jobAnswer(placed[0], kind: kind, state: state, deferral: deferral)) },
            then: { result in
                loop.execute {
                    let (lane, context) = bound.value
                    lane.answer(result, since, context)
                }
            })
    }

    private func answer(_ result: Result<EnqueueAnswer, any Error>, _ since: ContinuousClock.Instant, _ context: ChannelHandlerContext) {
        let (status, fields, body) = words(for: result)
        api.metrics.count(request: (method: "POST", path: "/v1/jobs"), status: status.code, took: .now - since)
        api.metrics.countLane()
        guard context.channel.isActive else { return }
        context.write(wrapOutboundOut(.head(HTTPResponse(status: status, headerFields: fields))), promise: nil)
        context.write(wrapOutboundOut(.body(ByteBuffer(bytes: body))), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        phase = .idle
        let parts = held
        held = []
        for part in parts { take(part, context) }
        // What was handed on is looked at when a read is over, and this one has long been.
        if !parts.isEmpty { context.fireChannelReadComplete() }
        if owesRead, case .idle = phase {
            owesRead = false
            context.read()
        }
    }

    private func words(for result: Result<EnqueueAnswer, any Error>) -> (HTTPResponse.Status, HTTPFields, [UInt8]) {
        var fields = HTTPFields()
        fields.reserveCapacity(4)
        let (status, body): (HTTPResponse.Status, [UInt8])
        switch result {
        case .success(.fresh(_, _, let answer)), .success(.replayed(_, let answer)):
            (status, body) = (.accepted, answer)
            fields[.contentType] = "application/json"
        case .success(.keyReused): preconditionFailure("a request without a key has none to reuse")
        case .failure(let error):
            let response = log(Problem(error), error).response
            (status, fields) = (response.status, response.headers)
            body = Problem(error).body
        }
        fields[.contentLength] = String(body.count)
        fields[.date] = DateHeader.now
        fields[.server] = APIServer.name
        return (status, fields, body)
    }

    private func log(_ problem: Problem, _ error: any Error) -> Problem {
        if problem.status == 500 { api.logger.error("request failed", metadata: ["error": "\(error)"]) }
        if problem.status == 503 { api.logger.warning("request could not be served", metadata: ["error": "\(error)"]) }
        return problem
    }
}

@available(*, unavailable)
extension EnqueueLane: Sendable {}

/// Opens the lane once the connection's pipeline is whole: it lies behind the handler that watches for idle and closing connections,
/// which so sees every request.
final class LaneOpening: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart

    private let api: API

    init(_ api: API) { self.api = api }

    func channelActive(context: ChannelHandlerContext) {
        let pipeline = context.pipeline.syncOperations
        if let watch = try? pipeline.handler(type: HTTPConnectionStateHandler.self) {
            try? pipeline.addHandler(EnqueueLane(api, peer: context.channel.remoteAddress?.ipAddress), position: .after(watch))
        }
        context.fireChannelActive()
        context.pipeline.syncOperations.removeHandler(self, promise: nil)
    }
}

@available(*, unavailable)
extension LaneOpening: Sendable {}
