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
        case ended
    }

    private let channel: any Channel
    private let commandTimeout: TimeAmount?
    private let counters: RedisCounters
    private weak var observer: RedisLink?

    private var stage = Stage.silent
    private var reader = ReplyReader()
    private var awaited = CircularBuffer<RedisCall>()
    /// The replies of the first awaited call, while it waits for more.
    private var gathered: [RedisValue] = []
    /// So many calls at the front have run into their timeout; their replies are still to come.
    private var overdue = 0
    private var lastHeard = NIODeadline.now()
    private var alarm: Scheduled<Void>?

    init(_ channel: any Channel, commandTimeout: TimeAmount?, counters: RedisCounters) {
        self.channel = channel
        self.commandTimeout = commandTimeout
        self.counters = counters
    }

    /// Says hello. The observer hears when the connection is open, and when it ends for another reason than `end(because:)`.
    func greet(_ greeting: Greeting, within limit: TimeAmount, observer: RedisLink) {
        self.observer = observer
        stage = .greeting(greeting)
        var bytes = ByteBuffer()
        for command in greeting.commands { bytes.writeCommand(command) }
        channel.writeAndFlush(bytes, promise: nil)
        setAlarm(.now() + limit) { $0.breakOff(because: RedisError(.connectionLost, "the server does not answer the greeting")) }
    }

    func write(_ batch: consuming Outbox.Batch) {
        for call in batch.markWritten() { counters.pending.subtract(call.replies, ordering: .relaxed) }
        if batch.entries.isEmpty { return }
        for entry in batch.entries { awaited.append(entry.call) }
        channel.writeAndFlush(batch.bytes, promise: nil)
        watchTimeouts()
    }

    func isAwaiting(_ call: RedisCall) -> Bool {
        awaited.contains { $0 === call }
    }

    /// Fails what is under way and closes the connection; its owner wants it so.
    /// - Returns: when the channel is closed.
    @discardableResult
    func end(because error: RedisError) -> EventLoopFuture<Void> {
        observer = nil
        breakOff(because: error)
        return channel.closeFuture
    }

    /// The same for a reason of its own. At once, not when the channel is closed: TLS takes its time to say goodbye.
    private func breakOff(because reason: any Error) {
        if case .ended = stage { return }
        stage = .ended
        alarm?.cancel()
        for call in awaited {
            counters.pending.subtract(call.replies, ordering: .relaxed)
            call.fail(RedisError(lossBecause: reason))
        }
        awaited.removeAll()
        channel.close(promise: nil)
        observer?.ended(self, because: reason)
    }

    // MARK: What the channel says

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        lastHeard = .now()
        do {
            try reader.feed(unwrapInboundIn(data))
            while let reply = try reader.next() { try hear(reply) }
        } catch {
            breakOff(because: error)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        breakOff(because: error)
    }

    func channelInactive(context: ChannelHandlerContext) {
        breakOff(because: RedisError(.connectionLost, "the server closed the connection"))
        context.fireChannelInactive()
    }

    // MARK: Replies

    private func hear(_ reply: RedisValue) throws {
        switch stage {
        case .open: try answer(reply)
        case .greeting(var greeting):
            let isDone = try greeting.hear(reply)
            stage = isDone ? .open : .greeting(greeting)
            if isDone { opened() }
        case .silent: throw RedisError.unsolicited
        case .ended: break
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

    /// Sets the alarm for when the oldest call that still hopes runs into its timeout, or, while replies are overdue, for when the server
    /// has been silent for as long.
    private func watchTimeouts() {
        guard alarm == nil, let commandTimeout, !awaited.isEmpty else { return }
        let silent = overdue > 0 ? lastHeard : .distantFuture
        let patient = awaited.dropFirst(overdue).first?.submitted ?? .distantFuture
        setAlarm(min(patient, silent) + commandTimeout) { $0.giveUpOverdue(commandTimeout) }
    }

    /// A late call fails alone while the server answers others; a server that says nothing at all is taken for dead.
    private func giveUpOverdue(_ commandTimeout: TimeAmount) {
        let limit = NIODeadline.now() - commandTimeout
        for call in awaited.dropFirst(overdue).prefix(while: { $0.submitted <= limit }) {
            overdue += 1
            if call.fail(RedisError(.timeout, "no answer within the command timeout")) { counters.timeouts.add(1, ordering: .relaxed) }
        }
        if overdue > 0, lastHeard <= limit {
            breakOff(because: RedisError(.connectionLost, "the server fell silent"))
        } else {
            watchTimeouts()
        }
    }

    private func setAlarm(_ deadline: NIODeadline, _ ring: @escaping (RedisConnection) -> Void) {
        alarm = channel.eventLoop.assumeIsolated().scheduleTask(deadline: deadline) { [weak self] in
            self?.alarm = nil
            if let self { ring(self) }
        }
    }
}

extension RedisError {
    fileprivate static let unsolicited = RedisError(.protocol, "the server sent a reply nobody asked for")

    /// What the commands under way are told.
    fileprivate init(lossBecause reason: any Error) {
        self = reason as? RedisError ?? RedisError(.connectionLost, "the connection was lost: \(reason)")
    }
}
