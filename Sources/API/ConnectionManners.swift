import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import NIOHTTPTypesHTTP1
import Tenancy

/// Watches how the other end speaks: what is no HTTP is answered with a problem, and whoever keeps us waiting is hung up on.
///
/// Only time we spend waiting counts: while we store what came and read no further, nobody is late. A streamed body may take
/// as long as it likes, as long as bytes come; another has to get on.
final class ConnectionManners: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private enum Phase {
        /// Between requests; how long is the server's to say.
        case idle
        case head
        case body(isStreamed: Bool)
    }

    /// Bytes a second that a body which is not streamed comes with at least.
    private static let pace = 1_000
    /// What the other end is given to read our last words before the connection is closed.
    private static let farewell = TimeAmount.seconds(1)

    private let limits: Limits
    private var phase = Phase.idle
    /// Requests whose head was read, and answers that were written whole.
    private var heads = 0
    private var answers = 0
    /// Whether the other end asked for the connection to end with the answer to the request in hand.
    private var isLast = false
    /// Whether events are written, which have no end the reader could wait for.
    private var isStreaming = false
    /// Whether only the head of what was asked for last is wanted.
    private var isHead = false
    /// Whether the other end will send nothing more.
    private var isInputClosed = false
    /// Since when we wait for bytes; nil while we do not ask for any.
    private var waitingSince: NIODeadline?
    /// Of this phase.
    private var waited = TimeAmount.zero
    private var bytes = 0
    private var isTicking = false
    /// What the server's bare 400 shall say.
    private var complaint: Problem?
    private var isComplaining = false

    init(_ limits: Limits) { self.limits = limits }

    func handlerAdded(context: ChannelHandlerContext) {
        // Only the first handler sees bytes; this one sees what they mean.
        try? context.pipeline.syncOperations.addHandler(
            ByteWatch(onBytes: { [weak self] in self?.took($0, context) }, onRead: { [weak self] in self?.asked() }), position: .first)
    }

    // MARK: What comes in

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            heads += 1
            isHead = head.method == .head
            isLast = head.headerFields[.connection]?.lowercased() == "close"
            begin(.body(isStreamed: head.path?.hasPrefix(API.streamedPath) ?? false))
        case .body: break
        case .end: begin(.idle)
        }
        context.fireChannelRead(data)
    }

    /// The server lets whoever has said all read on; who asked for events and says so has gone.
    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event as? ChannelEvent == .inputClosed {
            isInputClosed = true
            if isStreaming { return context.close(promise: nil) }
        }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard error is HTTPParserError || error is HTTP1TypeConversionError else {
            context.fireErrorCaught(error)
            return
        }
        complain(Problem(framing: error), error as? HTTPParserError ?? .unknown, context)
    }

    /// Has the server end the connection with its 400, which becomes this problem on its way out.
    private func complain(_ problem: Problem, _ error: HTTPParserError, _ context: ChannelHandlerContext) {
        if case .body = phase, answers == heads {
            context.close(promise: nil)  // was answered before it was read
            return
        }
        complaint = complaint ?? problem
        begin(.idle)
        context.fireErrorCaught(error)
    }

    // MARK: What goes out

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head(let head):
            isStreaming = !isHead && head.headerFields[.contentType] == API.eventStreamType
            if isStreaming, isInputClosed {
                promise?.fail(ChannelError.inputClosed)
                return context.close(promise: nil)
            }
            guard let complaint, head.status == .badRequest, head.headerFields[.contentLength] == "0" else { break }
            isComplaining = true
            let (response, body) = (complaint.response, complaint.body)
            var fields = response.headers
            fields[.contentLength] = String(body.count)
            fields[.connection] = "close"
            context.write(wrapOutboundOut(.head(.init(status: response.status, headerFields: fields))), promise: nil)
            context.write(wrapOutboundOut(.body(ByteBuffer(bytes: body))), promise: promise)
            return
        case .body: break
        case .end:
            answers += 1
            isStreaming = false
            // A body that was refused is not read to its end, so the server would wait for it.
            let isUnread = if case .body = phase { isLast } else { false }
            if isComplaining || isUnread { hangUp(context) }
        }
        context.write(data, promise: promise)
    }

    private func hangUp(_ context: ChannelHandlerContext) {
        context.eventLoop.assumeIsolatedUnsafeUnchecked().scheduleTask(in: Self.farewell) { context.close(promise: nil) }
    }

    // MARK: Time

    private func begin(_ next: Phase) {
        phase = next
        waited = .zero
        bytes = 0
        if waitingSince != nil { waitingSince = .now() }
    }

    private func asked() { waitingSince = waitingSince ?? .now() }

    private func took(_ count: Int, _ context: ChannelHandlerContext) {
        if case .idle = phase {
            begin(.head)
            tickLater(context)
        } else if let waitingSince {
            waited = waited + (.now() - waitingSince)
        }
        waitingSince = nil
        bytes += count
    }

    private func tickLater(_ context: ChannelHandlerContext) {
        guard !isTicking else { return }
        isTicking = true
        let interval = TimeAmount(min(.seconds(1), limits.headerTime / 4, limits.bodyPause / 4))
        context.eventLoop.assumeIsolatedUnsafeUnchecked().scheduleTask(in: interval) { [weak self] in self?.tick(context) }
    }

    private func tick(_ context: ChannelHandlerContext) {
        isTicking = false
        guard context.channel.isActive else { return }
        let pause = waitingSince.map { .now() - $0 } ?? .zero
        let isLate: Bool
        switch phase {
        case .idle: return
        // While an earlier answer is on its way the connection is worth keeping.
        case .head: isLate = answers == heads && waited + pause > TimeAmount(limits.headerTime)
        case .body(isStreamed: true): isLate = pause > TimeAmount(limits.bodyPause)
        case .body(isStreamed: false):
            let earned = TimeAmount.milliseconds(Int64(bytes) * 1_000 / Int64(Self.pace))
            isLate = pause > TimeAmount(limits.bodyPause) || waited + pause > TimeAmount(limits.bodyPause) + earned
        }
        guard !isLate else { return complain(.tooSlow, .unknown, context) }
        tickLater(context)
    }
}

@available(*, unavailable)
extension ConnectionManners: Sendable {}

/// Tells of every read, before anybody knows what it means.
private final class ByteWatch: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer

    private let onBytes: (Int) -> Void
    private let onRead: () -> Void

    init(onBytes: @escaping (Int) -> Void, onRead: @escaping () -> Void) {
        self.onBytes = onBytes
        self.onRead = onRead
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        onBytes(unwrapInboundIn(data).readableBytes)
        context.fireChannelRead(data)
    }

    func read(context: ChannelHandlerContext) {
        onRead()
        context.read()
    }
}

@available(*, unavailable)
extension ByteWatch: Sendable {}

extension Problem {
    static let tooSlow = Problem(
        408, "too_slow", "The request came too slowly",
        detail:
            "The connection was closed while the rest of it was waited for. What it carried may be sent again, with the same Idempotency-Key."
    )

    /// What is wrong with a request that could not be told apart from its neighbours.
    fileprivate init(framing error: any Error) {
        switch error {
        case HTTPParserError.headerOverflow:
            self.init(
                431, "headers_too_large", "The headers are too large", detail: "At most 8 KiB a header, 32 KiB and 100 of them are taken.")
        default:
            self.init(400, "bad_request", "The request is not HTTP", detail: Self.words(for: error))
        }
    }

    private static func words(for error: any Error) -> String {
        switch error as? HTTPParserError {
        case .invalidMethod: "The method is none."
        case .invalidURL, .invalidHost, .invalidPath, .invalidPort, .invalidQueryString, .invalidFragment:
            "The target is no URL path. What is not ASCII is percent-encoded: 成 is %E6%88%90."
        case .invalidVersion: "The version is none that is spoken here."
        case .invalidHeaderToken: "A header holds a character that none may hold."
        case .invalidContentLength: "The Content-Length is no number."
        case .unexpectedContentLength: "Content-Length comes twice, or beside Transfer-Encoding."
        case .invalidChunkSize: "A chunk does not begin with its size."
        case .invalidEOFState, .closedConnection: "It ended too early."
        default: "Its lines or headers cannot be told apart."
        }
    }
}
