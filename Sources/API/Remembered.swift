import Synchronization

/// How old an answer may be that is given again.
enum Freshness: Sendable {
    /// So old, whatever it costs.
    case fixed(Duration)
    /// By what it cost: as good as new for ten times as long as it took, and at most as long as `atMost`. Until it is ten times as old as that,
    /// and at most 20 seconds older, it is still given out while it is asked for anew, so that nobody waits for it.
    case byCost(atMost: Duration)

    private static let longestGiven = Duration.seconds(20)

    /// So long an answer that took `cost` is as good as new, and so long it is given out at all.
    func ages(cost: Duration) -> (fresh: Duration, given: Duration) {
        switch self {
        case .fixed(let age): return (age, age)
        case .byCost(let most):
            let fresh = min(cost * 10, most)
            return (fresh, fresh + min(fresh * 9, Self.longestGiven))
        }
    }

    /// No answer is given out that is older, whatever it cost.
    var oldest: Duration {
        switch self {
        case .fixed(let most), .byCost(let most): ages(cost: most).given
        }
    }
}

/// An answer that is kept for a while, and asked for once however many want it at the same time.
final class Remembered<Value: Sendable>: Sendable {
    private struct Known {
        let value: Value
        let freshUntil: ContinuousClock.Instant
        let givenUntil: ContinuousClock.Instant
    }

    private enum Answer {
        case known(Value)
        case asked(Task<Value, any Error>)
    }

    private struct State {
        var known: Known?
        /// The question that is under way, and which one it is.
        var asking: (number: Int, task: Task<Value, any Error>)?
        var questions = 0
    }

    private let freshness: Freshness
    private let ask: @Sendable () async throws -> Value
    private let now: @Sendable () -> ContinuousClock.Instant
    private let state = Mutex(State())

    /// - Parameter now: for tests to turn.
    init(
        _ freshness: Freshness, now: @Sendable @escaping () -> ContinuousClock.Instant = { .now },
        _ ask: @Sendable @escaping () async throws -> Value
    ) {
        self.freshness = freshness
        self.now = now
        self.ask = ask
    }

    /// - Throws: what the question throws, where an answer had to be waited for.
    func value() async throws -> Value {
        let at = now()
        let answer = state.withLock { state -> Answer in
            if let known = state.known, at < known.freshUntil { return .known(known.value) }
            let asking = state.asking?.task ?? begin(&state)
            if let known = state.known, at < known.givenUntil { return .known(known.value) }
            return .asked(asking)
        }
        switch answer {
        case .known(let value): return value
        case .asked(let task): return try await task.value
        }
    }

    /// Whoever asks next asks anew.
    func forget() { state.withLock { ($0.known, $0.asking) = (nil, nil) } }

    private func begin(_ state: inout State) -> Task<Value, any Error> {
        state.questions += 1
        let (number, start) = (state.questions, now())
        let task = Task {
            do {
                let value = try await ask()
                end(number) { end in
                    let ages = freshness.ages(cost: end - start)
                    return Known(value: value, freshUntil: end + ages.fresh, givenUntil: end + ages.given)
                }
                return value
            } catch {
                // What failed is asked again at once; what is known is given out as long as it would be.
                end(number) { _ in nil }
                throw error
            }
        }
        state.asking = (number, task)
        return task
    }

    /// A question that was forgotten meanwhile leaves nothing.
    private func end(_ number: Int, _ known: (ContinuousClock.Instant) -> Known?) {
        let at = now()
        state.withLock { state in
            guard state.asking?.number == number else { return }
            state.asking = nil
            if let known = known(at) { state.known = known }
        }
    }
}

/// The same for each of many questions; what nobody asks any more is forgotten.
final class RememberedByKey<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private let freshness: Freshness
    private let now: @Sendable () -> ContinuousClock.Instant
    private let most = 1_000
    private let answers = Mutex<[Key: (answer: Remembered<Value>, lastAsked: ContinuousClock.Instant)]>([:])

    /// - Parameter now: for tests to turn.
    init(_ freshness: Freshness, now: @Sendable @escaping () -> ContinuousClock.Instant = { .now }) {
        self.freshness = freshness
        self.now = now
    }

    func value(of key: Key, _ ask: @Sendable @escaping () async throws -> Value) async throws -> Value {
        let at = now()
        let remembered = answers.withLock { answers in
            if answers[key] == nil {
                answers = answers.filter { $0.value.lastAsked + freshness.oldest > at }
                if answers.count >= most, let oldest = answers.min(by: { $0.value.lastAsked < $1.value.lastAsked }) {
                    answers[oldest.key] = nil
                }
            }
            let answer = answers[key]?.answer ?? Remembered(freshness, now: now, ask)
            answers[key] = (answer, at)
            return answer
        }
        return try await remembered.value()
    }

    /// Whoever asks next for one of these asks anew.
    func forget(where isMeant: (Key) -> Bool) { answers.withLock { $0 = $0.filter { !isMeant($0.key) } } }
}
