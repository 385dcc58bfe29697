import Dispatch
import Synchronization

/// Where callers wait and links find work: first come, first served.
final class WorkQueue: Sendable {
    /// What a link is to do next.
    enum Assignment {
        case statements([Request])
        case visit(Request)
        case rest
        case end
    }

    fileprivate struct State {
        var waiting = Fifo<Request>()
        /// Requests in `waiting` that were not given up.
        var live = 0
        var idle: [Wakeup] = []
        var links = 0
        var connected = 0
        var outageSince: Instant?
        var lastFailure: PostgresError?
        var alarm: Instant?
        var isClosed = false
        var threads: [ObjectIdentifier: Wakeup] = [:]
        var closing: [CheckedContinuation<Void, Never>] = []
    }

    /// Statements sent together at most: bounds what one link holds while others may be free.
    private static let window = 256

    let configuration: PostgresConfiguration
    let counters = Counters()
    private let size: Int
    private let limit: Int
    private let start: @Sendable (WorkQueue) -> Void
    private let state = Mutex(State())

    /// `start` makes a link; called up to `size` times, as callers come.
    init(_ configuration: PostgresConfiguration, size: Int, waiting limit: Int, start: @escaping @Sendable (WorkQueue) -> Void) {
        self.configuration = configuration
        self.size = size
        self.limit = limit
        self.start = start
    }
}

// MARK: - Callers

extension WorkQueue {
    func run(_ work: Request.Work, deadline: Duration?) async throws -> any Sendable {
        let request = Request(work, deadline: deadline)
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                enqueue(request, continuation)
            }
        } onCancel: {
            if request.cancel() { forget() }
        }
    }

    private func enqueue(_ request: Request, _ continuation: Request.Continuation) {
        enum Next {
            case refuse(PostgresError)
            case wake(Wakeup)
            case start, nothing
        }
        let next = state.withLock { state -> Next in
            if state.isClosed { return .refuse(PostgresError(.closed, "the pool is closed")) }
            if state.live >= limit { return .refuse(PostgresError(.poolExhausted, "\(limit) callers wait already")) }
            guard request.wait(continuation) else { return .refuse(.cancelledUnsent) }
            state.waiting.append(request)
            state.live += 1
            arm(&state, at: patience(of: request, state))
            if let wakeup = state.idle.popLast() { return .wake(wakeup) }
            guard state.links < size else { return .nothing }
            state.links += 1
            return .start
        }
        switch next {
        case .refuse(let error): continuation.resume(throwing: error)
        case .wake(let wakeup): wakeup.signal()
        case .start: start(self)
        case .nothing: break
        }
    }

    /// How long a caller waits for a link: until its deadline, or as long as a statement may take;
    /// and no longer than `connectTimeout` while there is no link at all.
    private func patience(of request: Request, _ state: State) -> Instant? {
        let timeout = configuration.statementTimeout
        let limit = request.deadline ?? (timeout == .zero ? nil : request.asked + max(timeout, configuration.connectTimeout))
        guard state.connected == 0 else { return limit }
        let outage = max(request.asked, state.outageSince ?? request.asked) + configuration.connectTimeout
        return min(limit ?? outage, outage)
    }

    /// Sees to it that `expire` runs at that time. Not more often than every 5 ms, since each run looks at every caller.
    private func arm(_ state: inout State, at instant: Instant?) {
        guard let instant, state.alarm.map({ instant < $0 }) ?? true else { return }
        state.alarm = instant
        let delay = max(instant - .now, .milliseconds(5))
        DispatchQueue.global().asyncAfter(deadline: .now() + .milliseconds(Int(delay.wholeMilliseconds + 1))) { [weak self] in
            self?.expire()
        }
    }

    /// Ends the waiting of callers whose patience is over.
    private func expire() {
        let now = Instant.now
        let (expired, isOutage, unreachable) = state.withLock { state -> ([Request], Bool, PostgresError) in
            state.alarm = nil
            var expired: [Request] = []
            var earliest: Instant?
            for request in state.waiting where request.isWaiting {
                guard let end = patience(of: request, state) else { continue }
                if end <= now { expired.append(request) } else { earliest = min(earliest ?? end, end) }
            }
            arm(&state, at: earliest)
            return (expired, state.connected == 0, state.unreachable)
        }
        giveUp(expired.filter { $0.interruption(at: now) != nil || !isOutage }, PostgresError(.deadline, "no link was free in time"))
        giveUp(expired, unreachable)
    }

    private func giveUp(_ requests: [Request], _ error: PostgresError) {
        for request in requests where request.giveUp(error) { forget() }
    }

    /// A request in the queue was given up.
    private func forget() {
        // Whoever takes requests out of the queue lets go of them after the lock: what a body holds may be the last thing to hold
        // the pool, which shuts this queue when it ends.
        let gone = state.withLock { $0.forget() }
        withExtendedLifetime(gone) {}
    }
}

// MARK: - Links

extension WorkQueue {
    var isClosed: Bool { state.withLock { $0.isClosed } }

    /// What the link is to do now. With nothing to do it counts as idle, and is woken when there is something.
    func next(for wakeup: Wakeup) -> Assignment {
        let (assignment, gone) = state.withLock { state in
            state.idle.removeAll { $0 === wakeup }
            let (assignment, gone) = state.take(by: wakeup, window: Self.window)
            if case .rest = assignment { state.idle.append(wakeup) }
            return (assignment, gone)
        }
        withExtendedLifetime(gone) {}
        return assignment
    }

    /// A link has begun its life.
    func enter(_ wakeup: Wakeup) {
        let isClosed = state.withLock { state in
            state.threads[ObjectIdentifier(wakeup)] = wakeup
            return state.isClosed
        }
        if isClosed { wakeup.signal() }
    }

    /// A link has ended, the pool being closed.
    func leave(_ wakeup: Wakeup) {
        let done = state.withLock { state in
            state.threads[ObjectIdentifier(wakeup)] = nil
            return state.threads.isEmpty ? exchange(&state.closing, with: []) : []
        }
        for continuation in done { continuation.resume() }
    }

    func linkIsUp() {
        state.withLock { state in
            state.connected += 1
            state.lastFailure = nil
        }
    }

    /// A link lost its connection. If it was woken for something it did not take, another is.
    func linkIsDown(_ wakeup: Wakeup) {
        let other = state.withLock { state in
            state.idle.removeAll { $0 === wakeup }
            state.connected -= 1
            if state.connected == 0 {
                state.outageSince = .now
                if state.live > 0 { arm(&state, at: .now + configuration.connectTimeout) }
            }
            return state.live > 0 ? state.idle.popLast() : nil
        }
        other?.signal()
    }

    /// A link could not connect. A failure that will not pass by itself is told to everyone who waits.
    ///
    /// - Returns: whether it is another failure than the last since there was a connection.
    func linkFailed(_ error: PostgresError) -> Bool {
        let (hopeless, isNews) = state.withLock { state in
            defer { state.lastFailure = error }
            return (error.isLasting && state.connected == 0 ? Array(state.waiting) : [], state.lastFailure != error)
        }
        giveUp(hopeless, error)
        return isNews
    }

    /// Refuses everything from now on, lets what runs end, and returns when the last link has ended.
    func close() async {
        shut()
        await withCheckedContinuation { continuation in
            let isDone = state.withLock { state in
                if state.threads.isEmpty { return true }
                state.closing.append(continuation)
                return false
            }
            if isDone { continuation.resume() }
        }
    }

    func shut() {
        let (requests, threads) = state.withLock { state in
            state.isClosed = true
            return (Array(state.waiting), Array(state.threads.values))
        }
        giveUp(requests, PostgresError(.closed, "the pool is closed"))
        for thread in threads { thread.signal() }
    }

    var waiting: Int { state.withLock { $0.live } }
}

extension WorkQueue.State {
    var unreachable: PostgresError {
        var error = lastFailure ?? PostgresError(.connectionLost, "no connection could be made")
        if case .server = error.code { error.code = .connectionLost }
        return error
    }

    /// The next visit; or this link's share of the statements before it, so that those in a burst go out together on each link.
    /// Beside it those taken out because they were given up.
    fileprivate mutating func take(by wakeup: Wakeup, window: Int) -> (WorkQueue.Assignment, gone: [Request]) {
        let share = min(window, max(1, live / max(1, connected)))
        var statements: [Request] = []
        var gone: [Request] = []
        while let request = waiting.first, statements.count < share {
            if case .visit = request.work, !statements.isEmpty { break }
            waiting.removeFirst()
            guard request.take(by: wakeup) else {
                gone.append(request)
                continue
            }
            live -= 1
            guard case .statement = request.work else { return (.visit(request), gone) }
            statements.append(request)
        }
        if !statements.isEmpty { return (.statements(statements), gone) }
        return (isClosed ? .end : .rest, gone)
    }

    /// A request in the queue was given up. Those are swept out, and returned, when they are the greater part.
    fileprivate mutating func forget() -> [Request] {
        live -= 1
        guard waiting.count > 64, live < waiting.count / 2 else { return [] }
        return waiting.removeAll { !$0.isWaiting }
    }
}
