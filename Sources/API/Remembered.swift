import Synchronization

/// An answer that is kept for a while, and asked for once however many want it at the same time.
final class Remembered<Value: Sendable>: Sendable {
    /// The last time it was asked for; good until then, or while it has not ended.
    private typealias Asked = (task: Task<Value, any Error>, until: ContinuousClock.Instant?)

    private let lifetime: Duration
    private let ask: @Sendable () async throws -> Value
    private let asked = Mutex<Asked?>(nil)

    init(for lifetime: Duration, _ ask: @Sendable @escaping () async throws -> Value) {
        self.lifetime = lifetime
        self.ask = ask
    }

    func value() async throws -> Value {
        let task = asked.withLock { asked in
            if let asked, asked.until.map({ $0 > .now }) ?? true { return asked.task }
            let task = Task {
                let result: Result<Value, any Error>
                do { result = .success(try await self.ask()) } catch { result = .failure(error) }
                self.end(result)
                return try result.get()
            }
            asked = (task, nil)
            return task
        }
        return try await task.value
    }

    /// Whoever asks next asks anew.
    func forget() { asked.withLock { $0 = nil } }

    /// What failed is asked again at once.
    private func end(_ result: Result<Value, any Error>) {
        let until = if case .success = result { ContinuousClock.now + lifetime } else { ContinuousClock.now }
        asked.withLock { $0?.until = until }
    }
}

/// The same for each of many questions; what nobody asks any more is forgotten.
final class RememberedByKey<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private let lifetime: Duration
    private let most = 1_000
    private let answers = Mutex<[Key: (answer: Remembered<Value>, lastAsked: ContinuousClock.Instant)]>([:])

    init(for lifetime: Duration) { self.lifetime = lifetime }

    func value(of key: Key, _ ask: @Sendable @escaping () async throws -> Value) async throws -> Value {
        let remembered = answers.withLock { answers in
            if answers[key] == nil {
                answers = answers.filter { $0.value.lastAsked + lifetime > .now }
                if answers.count >= most, let oldest = answers.min(by: { $0.value.lastAsked < $1.value.lastAsked }) {
                    answers[oldest.key] = nil
                }
            }
            let answer = answers[key]?.answer ?? Remembered(for: lifetime, ask)
            answers[key] = (answer, .now)
            return answer
        }
        return try await remembered.value()
    }
}
