import Glibc
import Logging
import Synchronization

/// One server program: started until it answers, stopped until it has ended.
final class Server: Sendable {
    let name: String
    private let command: [String]
    private let stops: [Signal]
    private let directory: DataDirectory
    private let logger: Logger
    private let isReady: @Sendable (_ pid: pid_t) -> Bool
    private let state = Mutex(State())

    private struct State {
        var child: ChildProcess?
        var wanted = false
    }

    /// - Parameters:
    ///   - stops: the signals that end it, the gentlest first.
    ///   - isReady: whether it answers; may block for a moment.
    init(
        _ name: String, _ command: [String], stops: [Signal], in directory: DataDirectory, logger: Logger,
        isReady: @escaping @Sendable (_ pid: pid_t) -> Bool
    ) throws {
        self.name = name
        self.command = try directory.user.running(Guard.command(command, signals: stops))
        self.stops = stops
        self.directory = directory
        self.logger = logger
        self.isReady = isReady
    }

    var pid: pid_t { state.withLock { $0.child?.pid ?? 0 } }

    var endedUnexpectedly: Bool { state.withLock { $0.wanted && $0.child?.status != nil } }

    private var log: String { "\(directory.log)/\(name).log" }

    /// Starts it and returns when it answers.
    func start() async throws {
        if let child = state.withLock(\.child), child.status == nil { return }
        rotateLog()
        let deadline = ContinuousClock.now + .seconds(20)
        while true {
            let start = Files.size(of: log)
            let child = try spawn()
            if try await becomesReady(child) {
                return logger.debug("Server started", metadata: ["server": "\(name)", "pid": "\(child.pid)"])
            }
            let tail = Files.tail(of: log, from: start)
            // After a kill -9 the server's own children may need a moment to notice.
            guard tail.contains("pre-existing shared memory block"), ContinuousClock.now < deadline else {
                throw LocalServersError.failed(program: name, reason: endText(child.status ?? 0), log: tail)
            }
            await pause(milliseconds: 100)
        }
    }

    /// Ends it with the signal `first` and, where that is ignored for ten seconds, with harder ones.
    func stop(after first: Signal? = nil) async {
        guard
            let child = state.withLock({
                $0.wanted = false
                return $0.child
            })
        else { return }
        let signals = first.map { first in [first] + stops } ?? stops
        for signal in signals where child.status == nil {
            child.send(signal)
            if await !child.ends(within: .seconds(10)) {
                logger.warning("Server ignores a signal", metadata: ["server": "\(name)", "signal": "\(signal.name)"])
            }
        }
        _ = await child.end()
    }

    private func spawn() throws -> ChildProcess {
        let (theirs, ours) = try Descriptor.pair()
        let inherited = [theirs] + [directory.lock].compactMap(\.self)
        let child = try ChildProcess(command, environment: Program.environment, output: log, inherited: inherited, leash: ours)
        state.withLock { $0 = State(child: child, wanted: true) }
        return child
    }

    /// False when it ended instead. There is no limit: recovery of a large database takes the time it takes, and is said.
    private func becomesReady(_ child: ChildProcess) async throws -> Bool {
        var next = ContinuousClock.now + .seconds(5)
        while await !offThePool({ [isReady] in isReady(child.pid) }) {
            if child.status != nil { return false }
            if Task.isCancelled {
                await stop()
                throw CancellationError()
            }
            if ContinuousClock.now > next {
                logger.notice("Server is still starting", metadata: ["server": "\(name)", "log": "\(log)"])
                next += .seconds(5)
            }
            await pause(milliseconds: 5)
        }
        return true
    }

    /// Keeps one old log once it has grown beyond 10 MB.
    private func rotateLog() {
        if Files.size(of: log) > 10_000_000 { rename(log, "\(log).old") }
    }
}
