import Foundation

/// How long calls of a dependency take, and which of them are slow: longer than three times their own 95 % quantile (domain.md f.2),
/// or than a limit somebody has set.
///
/// The quantile is followed call by call on a logarithmic scale: a call above it moves it up by 0.95 steps, one below it down by 0.05,
/// so that it rests where one call in twenty is above. A step is a tenth: after eight calls ten times as long the limit has risen to
/// twice its value, and they were all slow.
public struct Pace: Sendable, Hashable {
    /// Calls before anything is called slow.
    public static let warmUp = 20
    /// No call is slow that took less, seconds: a pause of this machine's own would be.
    public static let least = 0.25
    private static let step = 0.1

    public private(set) var calls = 0
    /// Of these calls' times, seconds: 95 % are below.
    public private(set) var quantile = 0.0

    public init() {}

    /// Takes note of a call.
    ///
    /// - Parameters:
    ///   - seconds: what it took.
    ///   - limit: above it a call is slow, seconds; nil: three times the quantile.
    /// - Returns: whether it was slow, by what was known before it.
    public mutating func record(_ seconds: Double, limit: Double? = nil) -> Bool {
        let isSlow = limit.map { seconds > $0 } ?? (calls >= Self.warmUp && seconds > max(Self.least, quantile * 3))
        if calls < Self.warmUp {
            quantile = max(quantile, seconds, 0.001)
        } else {
            quantile *= exp(Self.step * (seconds > quantile ? 0.95 : -0.05))
        }
        calls = min(calls + 1, 1_000_000)
        return isSlow
    }
}
