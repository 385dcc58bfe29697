import Foundation

/// What becomes of a job after an attempt.
public enum Disposition: Sendable, Equatable {
    case end(JobEnd, outcome: String?, Failure?)
    /// Waits until `at`; an attempt that was not its own fault is given back.
    case retry(at: Date, Failure, chargesAttempt: Bool)
}

/// How a run of a job can end.
public enum JobEnd: String, Sendable {
    case completed, cancelled, discarded
}

/// When a failed attempt is tried again: full jitter, `rand(0, min(cap, base · 2ⁿ))`, n = 0 after the first attempt.
///
/// With base 1 s and cap 300 s the upper ends are 1, 2, 4, 8, 16 s …: five attempts take at most 15 s, about 8 on average.
public struct RetryPolicy: Sendable {
    public var base: TimeInterval
    public var cap: TimeInterval

    public init(base: TimeInterval = 1, cap: TimeInterval = 300) {
        self.base = base
        self.cap = cap
    }

    /// - Parameters:
    ///   - chance: uniform in 0 ..< 1.
    ///   - doublings: how often more it is doubled because there are too many retries; such a delay is spread over its second half only.
    /// - Returns: seconds to wait after the given attempt.
    public func delay(afterAttempt attempt: Int, chance: Double, doublings: Int = 0) -> TimeInterval {
        let most = min(cap, base * pow(2, Double(min(attempt - 1 + doublings, 62))))
        return doublings == 0 ? most * chance : most * (0.5 + chance / 2)
    }
}

extension Outcome {
    /// Where this outcome takes the job.
    ///
    /// - Parameters:
    ///   - chance: uniform in 0 ..< 1, spreads retries.
    ///   - doublings: asked when it is to be tried again: how often the delay is doubled because what it depends on has too many retries.
    public func disposition(
        of attempt: Attempt, policy: RetryPolicy, now: Date, chance: Double, doublings: () -> Int = { 0 }
    ) -> Disposition {
        switch end {
        case .completed where isResultTooLong, .held where isResultTooLong:
            let message = "its result has \(result?.count ?? 0) bytes; at most \(Self.longestResult) are kept"
            return .end(.discarded, outcome: nil, Failure(.permanent, message))
        case .completed(let code), .held(let code):
            return .end(.completed, outcome: code, nil)
        case .failed(let failure):
            switch failure.errorClass {
            case .cancelled:
                return .end(.cancelled, outcome: nil, failure)
            case .permanent, .poison:
                return .end(.discarded, outcome: nil, failure)
            case .transient where attempt.number >= attempt.maxAttempts:
                return .end(.discarded, outcome: nil, failure)
            case .transient:
                return .retry(at: retryTime(attempt, policy, failure, now, chance, doublings()), failure, chargesAttempt: true)
            case .rateLimited, .dependency:
                return .retry(at: retryTime(attempt, policy, failure, now, chance, doublings()), failure, chargesAttempt: false)
            }
        }
    }

    private var isResultTooLong: Bool { (result?.count ?? 0) > Self.longestResult }

    private func retryTime(
        _ attempt: Attempt, _ policy: RetryPolicy, _ failure: Failure, _ now: Date, _ chance: Double, _ doublings: Int
    ) -> Date {
        let delay = policy.delay(afterAttempt: attempt.number, chance: chance, doublings: doublings)
        let jittered = now.addingTimeInterval(delay)
        return max(jittered, failure.retryAfter ?? jittered)
    }
}
