import Foundation

/// How many retries a dependency is burdened with: one for ten successes, and three a second.
///
/// A bucket of tokens, one a retry. A retry that finds none is not refused, it waits longer: twice as long, and twice again for every
/// further `most` retries beyond the budget. So a storm of retries thins out, and no attempt is lost.
public struct RetryBudget: Sendable, Hashable {
    public static let perSuccess = 0.1
    public static let perSecond = 3.0
    /// What a quiet time saves up: ten seconds' worth.
    public static let most = 30.0
    /// Deeper in debt it does not go, so that it is out of it in 100 s at most.
    public static let deepest = -300.0

    /// Below 0: retries beyond the budget.
    public private(set) var tokens = RetryBudget.most
    private var at: Date?

    public init() {}

    public mutating func noteSuccess(at now: Date) {
        advance(to: now)
        tokens = min(Self.most, tokens + Self.perSuccess)
    }

    /// Takes a token for a retry.
    /// - Returns: how often its delay is to be doubled.
    public mutating func noteRetry(at now: Date) -> Int {
        advance(to: now)
        tokens = max(Self.deepest, tokens - 1)
        return tokens >= 0 ? 0 : 1 + Int(-tokens / Self.most)
    }

    /// A clock that goes back brings nothing and takes nothing.
    private mutating func advance(to now: Date) {
        if let at { tokens = min(Self.most, tokens + max(0, now.timeIntervalSince(at)) * Self.perSecond) }
        at = max(now, at ?? now)
    }
}
