import Foundation

/// An interval from the errors that forecasts really had, wider after a miss and narrower after a hit.
///
/// Split-conformal on log((actual + 1) ÷ (forecast + 1)), with the level of adaptive conformal inference (Gibbs and Candès 2021):
/// α ← α + γ (target − missed), γ = 0.05. Ten errors of a spread, such as 0.35, are believed beforehand, so that there is an interval before there
/// is an error; they stay in, ten among many. An error is learnt when its period is over, never before.
public struct AdaptiveInterval: Sendable, Hashable {
    /// The share of actual values outside that is aimed at.
    public let target: Double
    public private(set) var alpha: Double
    /// Ascending.
    private var errors: [Double]

    static let gamma = 0.05
    static let believed = 10

    /// - Parameters:
    ///   - target: the share that may lie outside.
    ///   - spread: of the errors that are believed beforehand.
    public init(target: Double = 0.2, spread: Double = 0.35) {
        self.target = target
        alpha = target
        // The middles of ten equal shares of a normal distribution: 5 %, 15 %, … 95 %.
        let quantiles = [0.125_661, 0.385_320, 0.674_490, 1.036_433, 1.644_854]
        errors = (quantiles.map { -$0 } + quantiles).map { $0 * spread }.sorted()
    }

    /// How many real errors it knows.
    public var learnt: Int { errors.count - Self.believed }

    /// - Parameter interval: what was given for it then; nil: none, and the level stays.
    public mutating func learn(forecast: Double, actual: Double, interval: ClosedRange<Double>?) {
        let error = log((max(0, actual) + 1) / (max(0, forecast) + 1))
        errors.insert(error, at: errors.firstIndex { $0 > error } ?? errors.count)
        guard let interval else { return }
        alpha += Self.gamma * (target - (interval.contains(actual) ? 0 : 1))
    }

    public func interval(around forecast: Double) -> ClosedRange<Double> {
        let alpha = min(max(alpha, 0.02), 0.6)
        func bound(_ share: Double) -> Double { max(0, (max(0, forecast) + 1) * exp(quantile(share)) - 1) }
        return bound(alpha / 2)...bound(1 - alpha / 2)
    }

    /// What a period has in common, as the spread of the logarithm: the root mean square of the errors.
    public var spread: Double { (errors.reduce(0) { $0 + $1 * $1 } / Double(errors.count)).squareRoot() }

    private func quantile(_ share: Double) -> Double {
        let place = share * Double(errors.count - 1)
        let below = Int(place)
        guard below + 1 < errors.count else { return errors[errors.count - 1] }
        return errors[below] + (place - Double(below)) * (errors[below + 1] - errors[below])
    }
}
