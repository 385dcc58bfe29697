import NIOCore

/// One connection: the commands under way in the order they were sent, which is the order of their replies.
///
/// Lives on its event loop; not `Sendable`.
final class RedisConnection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private enum Stage {
        /// Connected, and nothing said yet.
        case silent
        case greeting(Greeting)
        case open
        case closed
    }

    private let eventLoop: any EventLoop
    private let commandTimeout: TimeAmount?
    private let counters: RedisCounters
    private weak var observer: RedisLink?

    private var stage = Stage.silent
    private var context: ChannelHandlerContext?
    private var reader = ReplyReader()
    private var awaited = CircularBuffer<RedisCall>()
    /// The replies of the first awaited call, while it waits for more.
    private var gathered: [RedisValue] = []
    /// So many calls at the front have run into their timeout; their replies are still to come.
    private var overdue = 0
    private var lastHeard = NIODeadline.now()
    private var alarm: Scheduled<Void>?
    private var closeReason: (any Error)?

    init(eventLoop: any EventLoop, commandTimeout: TimeAmount?, counters: RedisCounters) {
        self.eventLoop = eventLoop
        self.commandTimeout = commandTimeout
        self.counters = counters
    }

    /// Says hello; the observer hears how it went, and once more when the connection ends.
    func greet(_ greeting: Greeting, within limit: TimeAmount, observer: RedisLink) {
        guard let context else { return observer.ended(self, because: closeReason ?? RedisError.lost) }
        self.observer = observer
        stage = .greeting(greeting)
        var bytes = ByteBuffer()
        for command in greeting.commands { bytes.writeCommand(command) }
        context.writeAndFlush(wrapOutboundOut(bytes), promise: nil)
        alarm = eventLoop.assumeIsolated().scheduleTask(in: limit) {
            self.end(because: RedisError(.connectionLost, "the server did not answer the greeting"))
        }
    }

    func write(_ batch: consuming Outbox.Batch) {
        for call in batch.markWritten() { counters.pending.subtract(call.replies, ordering: .relaxed) }
        guard let context, !batch.entries.isEmpty else { return }
        for entry in batch.entries { awaited.append(entry.call) }
        context.writeAndFlush(wrapOutboundOut(batch.bytes), promise: nil)
        setAlarm()
    }

    func isAwaiting(_ call: RedisCall) -> Bool {
        awaited.contains { $0 === call }
    }

    /// Closes the connection; what is under way fails for this reason, unless the connection is ending for another already.
    @discardableResult
    func end(because reason: any Error) -> EventLoopFuture<Void> {
        closeReason = closeReason ?? reason
        guard let context else { return eventLoop.makeSucceededVoidFuture() }
        context.close(promise: nil)
        return context.channel.closeFuture
    }

    // MARK: What the channel says

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        lastHeard = .now()
        do {
            try reader.feed(unwrapInboundIn(data))
            while closeReason == nil, let reply = try reader.next() { try hear(reply) }
        } catch {
            end(because: error)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        end(because: error)
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.context = nil
        alarm?.cancel()
        stage = .closed
        let reason = closeReason ?? RedisError(.connectionLost, "the server closed the connection")
        failAwaited(RedisError(loss: reason))
        observer?.ended(self, because: reason)
        context.fireChannelInactive()
    }

    private func failAwaited(_ error: RedisError) {
        for call in awaited {
            counters.pending.subtract(call.replies, ordering: .relaxed)
            call.fail(error)
        }
        awaited.removeAll()
    }

    // MARK: Replies

    private func hear(_ reply: RedisValue) throws {
        switch stage {
        case .open: try answer(reply)
        case .greeting(var greeting):
            let isDone = try greeting.hear(reply)
            stage = isDone ? .open : .greeting(greeting)
            if isDone { opened() }
        case .silent, .closed: throw RedisError.unsolicited
        }
    }

    private func opened() {
        alarm?.cancel()
        alarm = nil
        observer?.opened(self)
    }

    private func answer(_ reply: RedisValue) throws {
        guard let call = awaited.first else { throw RedisError.unsolicited }
        if call.replies == 1 {
            finish(call)
            return call.succeed(reply)
        }
        if gathered.isEmpty { gathered.reserveCapacity(call.replies) }
        gathered.append(reply)
        guard gathered.count == call.replies else { return }
        let replies = gathered
        gathered = []
        finish(call)
        call.succeed(replies)
    }

    /// Before the caller is resumed: it may look at the counters, and its next command needs the room.
    private func finish(_ call: RedisCall) {
        awaited.removeFirst()
        overdue = max(0, overdue - 1)
        counters.pending.subtract(call.replies, ordering: .relaxed)
        counters.answered.add(call.replies, ordering: .relaxed)
        counters.nanosecondsWaited.add(Int((lastHeard - call.submitted).nanoseconds), ordering: .relaxed)
    }

    // MARK: Timeouts

    /// Rings when the oldest call that still hopes runs into its timeout, or when the server has been silent for as long.
    private func setAlarm() {
        guard alarm == nil, let commandTimeout, !awaited.isEmpty else { return }
        let patient = overdue < awaited.count ? awaited[awaited.index(awaited.startIndex, offsetBy: overdue)].submitted : .distantFuture
        let silent = overdue > 0 ? lastHeard : .distantFuture
        alarm = eventLoop.assumeIsolated().scheduleTask(deadline: min(patient, silent) + commandTimeout) {
            self.alarm = nil
            self.giveUpOverdue(commandTimeout)
        }
    }

    /// A late call fails alone while the server answers others; a server that says nothing at all is taken for dead.
    private func giveUpOverdue(_ commandTimeout: TimeAmount) {
        let limit = NIODeadline.now() - commandTimeout
        let error = RedisError(.timeout, "no answer within the command timeout")
        for call in awaited.dropFirst(overdue).prefix(while: { $0.submitted <= limit }) {
            overdue += 1
            if call.fail(error) { counters.timeouts.add(1, ordering: .relaxed) }
        }
        if overdue > 0, lastHeard <= limit {
            end(because: RedisError(.connectionLost, "the server fell silent"))
        } else {
            setAlarm()
        }
    }
}

extension RedisError {
    static let lost = RedisError(.connectionLost, "the connection was lost")
    static let unsolicited = RedisError(.protocol, "the server sent a reply nobody asked for")

    /// What commands under way are told when their connection ends for `reason`.
    init(loss reason: any Error) {
        self = reason as? RedisError ?? RedisError(.connectionLost, "the connection was lost: \(reason)")
    }
}
