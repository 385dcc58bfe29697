import API
import Synchronization

/// What failed to be counted after its page was shown, for the page's next reading.
final class FailedCounts: Sendable {
    /// Who comes back later has it counted anew.
    private static let age = Duration.seconds(15)
    /// Of pages nobody came back to.
    private static let most = 1_000

    private let failures = Mutex<[String: (error: any Error, at: ContinuousClock.Instant)]>([:])

    /// What is refused is about who asked, and is told to nobody else of their tenant.
    func note(_ error: any Error, of count: String) {
        if let problem = error as? Problem, problem.status < 500 { return }
        failures.withLock { failures in
            if failures.count >= Self.most { failures.removeAll() }
            failures[count] = (error, .now)
        }
    }

    func take(_ count: String) -> (any Error)? {
        let failure = failures.withLock { $0.removeValue(forKey: count) }
        return failure.flatMap { .now - $0.at < Self.age ? $0.error : nil }
    }
}
