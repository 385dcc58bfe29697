import Logging
import NIOCore
import Synchronization

/// A Redis server, through one connection that all callers share.
///
/// Commands of concurrent callers leave together and are answered in order, so a slow one delays those behind it: blocking commands
/// belong on a ``dedicated()`` connection. Since callers share the connection, `MULTI` … `EXEC` belong in one ``pipeline(_:)``, and
/// `SELECT`, `WATCH`, `SUBSCRIBE` or `MONITOR` nowhere.
///
/// The connection is made when the first command needs it, and made again after it was lost. A command under way at that moment fails
/// and is never sent a second time; a command that comes later waits for the new connection up to the connect timeout.
///
/// A cancelled caller is resumed at once with `CancellationError`. Its command is not sent any more, or, when it already was, may have run.
public final class RedisClient: Sendable {
    private let configuration: RedisConfiguration
    private let eventLoop: any EventLoop
    private let logger: Logger
    private let isDedicated: Bool
    private let outbox = Outbox()
    private let counters = RedisCounters()
    private let link: NIOLoopBoundBox<RedisLink>

    public convenience init(_ configuration: RedisConfiguration, group: any EventLoopGroup, logger: Logger) {
        self.init(configuration, eventLoop: group.any(), logger: logger, isDedicated: false)
    }

    private init(_ configuration: RedisConfiguration, eventLoop: any EventLoop, logger: Logger, isDedicated: Bool) {
        self.configuration = configuration
        self.eventLoop = eventLoop
        self.logger = logger
        self.isDedicated = isDedicated
        link = .makeBoxSendingValue(
            RedisLink(configuration, eventLoop: eventLoop, outbox: outbox, counters: counters, logger: logger),
            eventLoop: eventLoop)
    }

    deinit {
        if outbox.isClosed { return }
        let link = link
        eventLoop.execute { _ = link.value.close() }
    }

    /// A client with a connection of its own, for blocking commands such as `BZPOPMIN`. It has no command timeout, and cancelling a
    /// caller whose command is under way closes the connection, which ends the command on the server; the next command makes a new one.
    /// A command cancelled in the moment it is answered may have had its effect: an element popped then is lost.
    public func dedicated() -> RedisClient {
        var configuration = configuration
        configuration.commandTimeout = nil
        return RedisClient(configuration, eventLoop: eventLoop, logger: logger, isDedicated: true)
    }

    /// Sends a command and waits for its reply.
    /// - Throws: ``RedisError``, with the code `reply` for an error reply; `CancellationError`.
    public func send(_ command: RedisCommand) async throws -> RedisValue {
        let reply = try await perform(RedisCall(replies: 1)) { call, continuation in
            self.submit(call, .one(continuation), CollectionOfOne(command))
        }
        if case .error(let text) = reply { throw RedisError.reply(text) }
        return reply
    }

    /// Sends commands together and waits for all their replies, which are in the commands' order. Other callers' commands do not come
    /// between them, but they are not a transaction: each runs, whether or not the one before failed.
    /// - Returns: one reply a command; an error reply is a value among them.
    /// - Throws: ``RedisError`` when the replies cannot be had; `CancellationError`.
    public func pipeline(_ commands: [RedisCommand]) async throws -> [RedisValue] {
        if commands.isEmpty { return [] }
        if commands.count == 1 {
            return [try await perform(RedisCall(replies: 1)) { self.submit($0, .one($1), commands) }]
        }
        return try await perform(RedisCall(replies: commands.count)) { self.submit($0, .all($1), commands) }
    }

    /// Runs a script by its digest, or in full when the server does not know it, as after a restart or `SCRIPT FLUSH`.
    /// `NOSCRIPT` means that nothing ran, so a script never runs twice.
    public func evaluate(_ script: RedisScript, keys: [String], arguments: [RedisArgument] = []) async throws -> RedisValue {
        do {
            return try await send(RedisCommand(script, keys: keys, arguments: arguments))
        } catch let error as RedisError where error.prefix == "NOSCRIPT" {
            return try await send(RedisCommand(inFull: script, keys: keys, arguments: arguments))
        }
    }

    /// Teaches the server scripts, for pipelines of ``RedisCommand/init(_:keys:arguments:)``.
    public func load(_ scripts: RedisScript...) async throws {
        for reply in try await pipeline(scripts.map { ["SCRIPT", "LOAD", $0.source] }) {
            if case .error(let text) = reply { throw RedisError.reply(text) }
        }
    }

    /// How many times a connection was made. A change means that the server may be another or a restarted one, without our data.
    public var connections: Int { counters.connections.load(ordering: .acquiring) }

    public var statistics: RedisStatistics { counters.statistics }

    /// Closes the connection. Commands under way or waiting, and all later ones, fail with the code `closed`.
    public func close() async {
        outbox.close()
        let link = link
        try? await eventLoop.flatSubmit { link.value.close() }.get()
    }

    // MARK: Calls

    private func perform<Answer>(
        _ call: RedisCall, _ submit: (RedisCall, UnsafeContinuation<Answer, any Error>) -> Void
    ) async throws -> Answer {
        // Otherwise the client, whose end closes the connection, could end before the answer.
        defer { extendLifetime(self) }
        return try await withTaskCancellationHandler {
            try await withUnsafeThrowingContinuation { submit(call, $0) }
        } onCancel: {
            if call.cancel(), isDedicated { abandon(call) }
        }
    }

    private func submit(_ call: RedisCall, _ waiter: RedisCall.Waiter, _ commands: some Collection<RedisCommand>) {
        guard call.begin(waiter) else { return }
        do throws(RedisError) {
            try counters.reserve(call.replies, of: configuration.maximumPending)
            do throws(RedisError) {
                if try outbox.add(call, commands) { flush() }
            } catch {
                counters.pending.subtract(call.replies, ordering: .relaxed)
                throw error
            }
        } catch {
            call.fail(error)
        }
    }

    private func flush() {
        let link = link
        eventLoop.execute { link.value.flush() }
    }

    private func abandon(_ call: RedisCall) {
        let link = link
        eventLoop.execute { link.value.abandon(call) }
    }
}
