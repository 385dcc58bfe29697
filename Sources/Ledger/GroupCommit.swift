import Synchronization

/// Gathers what many callers want written and commits it together.
///
/// There is no timer: a batch leaves as soon as one of the few writers is free, so a lone caller waits for nobody and a crowd
/// shares its commits. Callers wait in order; above `limit` waiting items the next caller is turned away.
public final class GroupCommit<Item: Sendable, Answer: Sendable>: Sendable {
    private struct Waiting {
        let item: Item
        let weight: Int
        let then: @Sendable (Result<Answer, any Error>) -> Void
    }

    private struct State {
        var waiting: [Waiting] = []
        var weight = 0
        var writers = 0
    }

    private let state = Mutex(State())
    private let writers: Int
    private let batch: Int
    private let limit: Int
    private let commit: @Sendable ([Item]) async -> [Result<Answer, any Error>]

    /// - Parameters:
    ///   - writers: batches under way at once.
    ///   - batch: the most weight one batch carries, unless a single item is heavier.
    ///   - limit: the most weight that may wait.
    ///   - commit: writes a batch, answers each item in order.
    public init(writers: Int, batch: Int, limit: Int, commit: @escaping @Sendable ([Item]) async -> [Result<Answer, any Error>]) {
        self.writers = writers
        self.batch = batch
        self.limit = limit
        self.commit = commit
    }

    /// Returns when the item is committed.
    ///
    /// - Throws: `LedgerError.busy` when too much waits.
    public func submit(_ item: Item, weight: Int) async throws -> Answer {
        try await withCheckedThrowingContinuation { waiter in submit(item, weight: weight) { waiter.resume(with: $0) } }
    }

    /// The same for a caller that does not wait: `then` is told, once, on whatever thread the answer comes.
    public func submit(_ item: Item, weight: Int, then: @escaping @Sendable (Result<Answer, any Error>) -> Void) {
        let (refused, starts) = state.withLock { state -> (Bool, Bool) in
            guard state.weight + weight <= limit || state.waiting.isEmpty else { return (true, false) }
            state.waiting.append(Waiting(item: item, weight: weight, then: then))
            state.weight += weight
            guard state.writers < writers else { return (false, false) }
            state.writers += 1
            return (false, true)
        }
        if refused { then(.failure(LedgerError.busy)) }
        if starts { Task { await write() } }
    }

    private func write() async {
        while let taken = take() {
            let answers = await commit(taken.map(\.item))
            for (entry, answer) in zip(taken, answers) { entry.then(answer) }
        }
    }

    /// The next batch; nil, and one writer fewer, when nothing waits.
    private func take() -> [Waiting]? {
        state.withLock { state in
            guard !state.waiting.isEmpty else {
                state.writers -= 1
                return nil
            }
            var count = 0
            var weight = 0
            while count < state.waiting.count, count == 0 || weight + state.waiting[count].weight <= batch {
                weight += state.waiting[count].weight
                count += 1
            }
            let taken = Array(state.waiting.prefix(count))
            state.waiting.removeFirst(count)
            state.weight -= weight
            return taken
        }
    }
}
