import Synchronization

/// One caller's wish. Taken by one link, or given up before; answered once.
final class Request: Sendable {
    enum Work: Sendable {
        /// Autocommit; may share a trip with its neighbours.
        case statement(Statement)
        /// Has the link to itself while it runs.
        case visit(@Sendable (Connection) throws -> any Sendable)
    }

    typealias Continuation = CheckedContinuation<any Sendable, any Error>

    private enum Phase {
        case new
        case waiting(Continuation)
        case running(Continuation, Wakeup)
        case answered
    }

    let work: Work
    let asked: Instant
    let deadline: Instant?
    private let phase = Mutex(Phase.new)
    private let cancelled = Atomic(false)

    init(_ work: Work, deadline: Duration?) {
        self.work = work
        let now = Instant.now
        asked = now
        self.deadline = deadline.map { now + $0 }
    }

    /// Waits for a link from now on. False when it was cancelled before.
    func wait(_ continuation: Continuation) -> Bool {
        phase.withLock { phase in
            // Looked at under the lock: a cancellation comes either before, and is seen, or after, and finds the continuation.
            if cancelled.load(ordering: .acquiring) { return false }
            phase = .waiting(continuation)
            return true
        }
    }

    var isWaiting: Bool {
        phase.withLock { if case .waiting = $0 { true } else { false } }
    }

    /// Whether the link that listens to `wakeup` may run it.
    func take(by wakeup: Wakeup) -> Bool {
        phase.withLock { phase in
            guard case .waiting(let continuation) = phase else { return false }
            phase = .running(continuation, wakeup)
            return true
        }
    }

    /// The calling task was cancelled. True when it was still waiting, and so ends here.
    func cancel() -> Bool {
        cancelled.store(true, ordering: .releasing)
        let wakeup = phase.withLock { phase in
            if case .running(_, let wakeup) = phase { wakeup } else { Wakeup?.none }
        }
        wakeup?.signal()
        return giveUp(.cancelledUnsent)
    }

    /// Ends it, and says true, if no link took it yet.
    func giveUp(_ error: PostgresError) -> Bool {
        let continuation = phase.withLock { phase -> Continuation? in
            guard case .waiting(let continuation) = phase else { return nil }
            phase = .answered
            return continuation
        }
        continuation?.resume(throwing: error)
        return continuation != nil
    }

    /// Ends it on its link. Only the first answer counts.
    func answer(_ result: Result<any Sendable, any Error>) {
        let continuation = phase.withLock { phase -> Continuation? in
            guard case .running(let continuation, _) = phase else { return nil }
            phase = .answered
            return continuation
        }
        continuation?.resume(with: result)
    }

    /// Why it should not go on, if so.
    func interruption(at now: Instant) -> PostgresError.Code? {
        if cancelled.load(ordering: .acquiring) { return .cancelled }
        if let deadline, now >= deadline { return .deadline }
        return nil
    }
}
