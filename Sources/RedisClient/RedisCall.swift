import NIOCore
import Synchronization

/// One caller's wait for one reply, or for all replies of a pipeline.
///
/// The reply, an error, the timeout and the caller's cancellation race; whoever comes first resumes the caller, the others find the
/// call over. That is why an unsafe continuation is safe here: the state gives its waiter away once.
final class RedisCall: Sendable {
    enum Waiter {
        case one(UnsafeContinuation<RedisValue, any Error>)
        case all(UnsafeContinuation<[RedisValue], any Error>)
    }

    private enum State {
        case new
        case queued(Waiter)
        case written(Waiter)
        case over
    }

    /// How many replies make the answer.
    let replies: Int
    let submitted = NIODeadline.now()
    private let state = Mutex(State.new)

    init(replies: Int) {
        self.replies = replies
    }

    /// Takes in the caller; resumes it at once when it was cancelled before it came to wait.
    /// - Returns: whether the call should be made.
    func begin(_ waiter: Waiter) -> Bool {
        let isCancelled = state.withLock { state in
            guard case .new = state else { return true }
            state = .queued(waiter)
            return false
        }
        if isCancelled { waiter.fail(CancellationError()) }
        return !isCancelled
    }

    /// The call's bytes are handed to the network now.
    /// - Returns: false when the caller has gone: then nothing should be sent.
    func markWritten() -> Bool {
        state.withLock { state in
            guard case .queued(let waiter) = state else { return false }
            state = .written(waiter)
            return true
        }
    }

    func succeed(_ reply: RedisValue) {
        guard case .one(let continuation) = end().waiter else { return }
        continuation.resume(returning: reply)
    }

    func succeed(_ replies: [RedisValue]) {
        guard case .all(let continuation) = end().waiter else { return }
        continuation.resume(returning: replies)
    }

    /// - Returns: whether somebody was still waiting.
    @discardableResult
    func fail(_ error: RedisError) -> Bool {
        let (waiter, wasWritten) = end()
        waiter?.fail(error.withFateUnknown(wasWritten))
        return waiter != nil
    }

    /// - Returns: whether the command was under way, so that its reply is still to come.
    func cancel() -> Bool {
        let (waiter, wasWritten) = end()
        waiter?.fail(CancellationError())
        return wasWritten
    }

    private func end() -> (waiter: Waiter?, wasWritten: Bool) {
        state.withLock { state in
            defer { state = .over }
            return switch state {
            case .queued(let waiter): (waiter, false)
            case .written(let waiter): (waiter, true)
            case .new, .over: (nil, false)
            }
        }
    }
}

extension RedisCall.Waiter {
    fileprivate func fail(_ error: any Error) {
        switch self {
        case .one(let continuation): continuation.resume(throwing: error)
        case .all(let continuation): continuation.resume(throwing: error)
        }
    }
}
