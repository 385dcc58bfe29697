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

    /// What failed is asked again at once.
    private func end(_ result: Result<Value, any Error>) {
        let until = if case .success = result { ContinuousClock.now + lifetime } else { ContinuousClock.now }
        asked.withLock { $0?.until = until }
    }
}
