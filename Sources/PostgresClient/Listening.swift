import CLibPQ
import Logging
import Synchronization

/// What a listener hears.
public enum PostgresNotification: Sendable, Hashable {
    /// LISTEN is in effect: whatever is sent from now on is heard.
    case listening
    /// The same, after a gap in which notifications may have been missed.
    case reconnected
    case message(channel: String, payload: String)
}

/// A connection that only listens, and the thread that drives it.
final class Listener: Sendable {
    private let channels: [String]
    private let configuration: PostgresConfiguration
    private let continuation: AsyncStream<PostgresNotification>.Continuation
    private let logger: Logger
    private let wakeup = Wakeup()
    private let stopped = Atomic(false)

    static func stream(
        _ channels: [String], _ configuration: PostgresConfiguration, _ listeners: Listeners, _ logger: Logger
    ) -> AsyncStream<PostgresNotification> {
        let (stream, continuation) = AsyncStream.makeStream(of: PostgresNotification.self, bufferingPolicy: .bufferingNewest(10_000))
        let listener = Listener(channels, configuration, continuation, logger)
        continuation.onTermination = { [weak listener] _ in listener?.stop() }
        guard listeners.add(listener) else {
            continuation.finish()
            return stream
        }
        startThread("pg-listen") {
            listener.live()
            listeners.remove(listener)
        }
        return stream
    }

    private init(
        _ channels: [String], _ configuration: PostgresConfiguration, _ continuation: AsyncStream<PostgresNotification>.Continuation,
        _ logger: Logger
    ) {
        self.channels = channels
        self.configuration = configuration
        self.continuation = continuation
        self.logger = logger
    }

    func stop() {
        stopped.store(true, ordering: .releasing)
        wakeup.signal()
    }

    private var isStopped: Bool { stopped.load(ordering: .acquiring) }

    private func live() {
        var backoff = Backoff()
        var greeting = PostgresNotification.listening
        var told: String?
        while !isStopped {
            do {
                let connection = try Connection.open(configuration, wakeup: wakeup, unless: { isStopped })
                try connection.undisturbed { try connection.simple(listenSQL) }
                continuation.yield(greeting)
                greeting = .reconnected
                backoff = Backoff()
                told = nil
                try hear(connection)
            } catch {
                pause(error, backoff.next(), told == "\(error)" ? .debug : .warning)
                told = "\(error)"
            }
        }
        continuation.finish()
    }

    private var listenSQL: String {
        channels.map { channel in
            let quoted = channel.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"")
            return "LISTEN \"\(quoted)\";"
        }.joined(separator: " ")
    }

    private func hear(_ connection: Connection) throws {
        while !isStopped {
            while let notification = PQnotifies(connection.pointer) {
                defer { PQfreemem(notification) }
                let channel = String(cString: notification.pointee.relname)
                continuation.yield(.message(channel: channel, payload: String(cString: notification.pointee.extra)))
            }
            try connection.rest()
        }
    }

    private func pause(_ error: any Error, _ wait: Duration, _ level: Logger.Level) {
        guard !isStopped else { return }
        logger.log(level: level, "Postgres listener lost", metadata: ["error": "\(error)"])
        let end = Instant.now + wait
        while Instant.now < end, !isStopped { _ = Readiness.wait(socket: -1, wakeup: wakeup, until: end) }
    }
}

/// The listeners of a pool, to end them with it.
final class Listeners: Sendable {
    private struct State {
        var running: [ObjectIdentifier: Listener] = [:]
        var isClosed = false
        var closing: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

    func add(_ listener: Listener) -> Bool {
        state.withLock { state in
            guard !state.isClosed else { return false }
            state.running[ObjectIdentifier(listener)] = listener
            return true
        }
    }

    func remove(_ listener: Listener) {
        let done = state.withLock { state in
            state.running[ObjectIdentifier(listener)] = nil
            return state.running.isEmpty ? exchange(&state.closing, with: []) : []
        }
        for continuation in done { continuation.resume() }
    }

    func close() {
        let running = state.withLock { state in
            state.isClosed = true
            return Array(state.running.values)
        }
        for listener in running { listener.stop() }
    }

    /// Returns when all of them have ended.
    func ended() async {
        await withCheckedContinuation { continuation in
            let isDone = state.withLock { state in
                if state.running.isEmpty { return true }
                state.closing.append(continuation)
                return false
            }
            if isDone { continuation.resume() }
        }
    }
}
