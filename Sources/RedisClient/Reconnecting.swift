import Logging
import NIOCore

/// Keeps a client connected: makes a connection when commands wait for one, and again after it is lost.
///
/// Lives on one event loop; not `Sendable`.
final class RedisLink {
    private enum State {
        case idle
        case connecting
        case backingOff
        case greeting(RedisConnection)
        case open(RedisConnection, since: NIODeadline)
        case closed
    }

    private let configuration: RedisConfiguration
    private let eventLoop: any EventLoop
    private let outbox: Outbox
    private let counters: RedisCounters
    private let logger: Logger

    private var state = State.idle
    private var backoff = Backoff()
    private var lastFailure: RedisError?
    /// Rings when the oldest waiting command has waited for a connection as long as it may.
    private var patience: Scheduled<Void>?

    init(_ configuration: RedisConfiguration, eventLoop: any EventLoop, outbox: Outbox, counters: RedisCounters, logger: Logger) {
        self.configuration = configuration
        self.eventLoop = eventLoop
        self.outbox = outbox
        self.counters = counters
        self.logger = logger
    }

    /// Sends what waits, or sees to a connection first.
    func flush() {
        switch state {
        case .open(let connection, _): connection.write(outbox.take())
        case .idle:
            setPatience(from: .now())
            connectWhenDue()
        case .connecting, .backingOff, .greeting:
            // All that waited before may have given up, and nobody watches over this one yet.
            if patience == nil { setPatience(from: .now()) }
        case .closed: break
        }
    }

    /// Ends the connection that is busy with a call nobody waits for any more; the next call makes a new one.
    func abandon(_ call: RedisCall) {
        guard case .open(let connection, _) = state, connection.isAwaiting(call) else { return }
        state = .idle
        connection.end(because: RedisError(.connectionLost, "the connection was closed to end a cancelled command"))
    }

    /// Everything that waits or comes later fails with `closed`.
    func close() -> EventLoopFuture<Void> {
        let last = state
        state = .closed
        patience?.cancel()
        outbox.close()
        fail(outbox.take().calls, .closed)
        switch last {
        case .greeting(let connection), .open(let connection, _): return connection.end(because: .closed)
        case .idle, .connecting, .backingOff, .closed: return eventLoop.makeSucceededVoidFuture()
        }
    }

    // MARK: What the connection says

    func opened(_ connection: RedisConnection) {
        guard case .greeting(let greeted) = state, greeted === connection else { return }
        state = .open(connection, since: .now())
        patience?.cancel()
        patience = nil
        lastFailure = nil
        let (before, _) = counters.connections.add(1, ordering: .releasing)
        logger.log(level: before == 0 ? .debug : .info, "Redis connected", metadata: ["server": "\(configuration)"])
        flush()
    }

    func ended(_ connection: RedisConnection, because reason: any Error) {
        switch state {
        case .greeting(let current) where current === connection: failed(because: reason)
        case .open(let current, let since) where current === connection:
            // One that breaks as soon as it is made is as good as none.
            if NIODeadline.now() - since < .seconds(1) { backoff.postpone() } else { backoff = Backoff() }
            state = .idle
            logger.warning(
                "Redis connection lost", metadata: ["server": "\(configuration)", "reason": "\(reason)"])
        default: break
        }
    }

    // MARK: Connecting

    private func connectWhenDue() {
        let delay = backoff.due - .now()
        guard delay > .zero else { return connect() }
        state = .backingOff
        eventLoop.assumeIsolated().scheduleTask(in: delay) {
            guard case .backingOff = self.state else { return }
            if self.outbox.isEmpty { self.state = .idle } else { self.connect() }
        }
    }

    private func connect() {
        state = .connecting
        Connector(configuration, counters: counters).connect(on: eventLoop).assumeIsolated().whenComplete { result in
            do {
                self.greet(try result.get())
            } catch {
                self.failed(because: error)
            }
        }
    }

    private func greet(_ channel: any Channel) {
        guard case .connecting = state else { return channel.close(promise: nil) }
        do {
            let connection = try channel.pipeline.syncOperations.handler(type: RedisConnection.self)
            state = .greeting(connection)
            connection.greet(Greeting(configuration), within: TimeAmount(configuration.connectTimeout), observer: self)
        } catch {
            failed(because: error)
        }
    }

    private func failed(because reason: any Error) {
        if case .closed = state { return }
        state = .idle
        backoff.postpone()
        counters.failedAttempts.add(1, ordering: .relaxed)
        let refusal = (reason as? Greeting.Refusal)?.error
        let error = refusal ?? reason as? RedisError ?? RedisError(.connectionLost, "\(reason)")
        if lastFailure != error {
            logger.warning("Redis cannot be reached", metadata: ["server": "\(configuration)", "reason": "\(error.message)"])
        }
        lastFailure = error
        if let refusal { fail(outbox.take().calls, refusal) }
        if !outbox.isEmpty { connectWhenDue() }
    }

    // MARK: Waiting commands

    private func setPatience(from oldest: NIODeadline) {
        patience?.cancel()
        let deadline = oldest + TimeAmount(configuration.connectTimeout)
        patience = eventLoop.assumeIsolated().scheduleTask(deadline: deadline) { self.giveUpExpired() }
    }

    private func giveUpExpired() {
        let limit = NIODeadline.now() - TimeAmount(configuration.connectTimeout)
        let (expired, oldest) = outbox.takeExpired(submittedBefore: limit)
        let reason = lastFailure.map { ": \($0.message)" } ?? ""
        fail(expired, RedisError(.connectionLost, "no connection within the connect timeout\(reason)"))
        patience = nil
        // A hair later than due, so that a crowd of calls is not taken one by one.
        if let oldest { setPatience(from: oldest + .milliseconds(5)) }
    }

    private func fail(_ calls: [RedisCall], _ error: RedisError) {
        for call in calls {
            counters.pending.subtract(call.replies, ordering: .relaxed)
            call.fail(error)
        }
    }
}

/// When to try next: at once, then after 10 ms, 20, 40 … 1 s, each shortened at random by up to half so that clients don't come in step.
private struct Backoff {
    private(set) var due = NIODeadline.uptimeNanoseconds(0)
    private var failures = 0

    mutating func postpone() {
        let ceiling = min(1000, 10 << min(failures, 10))
        due = .now() + .milliseconds(.random(in: Int64(ceiling / 2)...Int64(ceiling)))
        failures += 1
    }
}
