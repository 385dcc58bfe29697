import Foundation

/// ln Γ, without the global sign that C's function writes.
func logGamma(_ x: Double) -> Double { lgamma(x).0 }

/// ln B(a, b) = ln Γ(a) + ln Γ(b) − ln Γ(a + b).
func logBeta(_ a: Double, _ b: Double) -> Double { logGamma(a) + logGamma(b) - logGamma(a + b) }

/// ln Σ exp(xᵢ), where the terms themselves would overflow.
func logSum(_ terms: some Collection<Double>) -> Double {
    guard let largest = terms.max(), largest > -.infinity else { return -.infinity }
    return largest + log(terms.reduce(0) { $0 + exp($1 - largest) })
}

/// n ln x, where nothing of anything is nothing: 0 · ln 0 = 0.
func times(_ count: Double, log x: Double) -> Double {
    if count == 0 { return 0 }
    return x > 0 ? count * log(x) : -.infinity
}

/// A belief about a rate before the first lead, spread as Beta(a, b).
struct Prior: Sendable {
    let a: Double
    let b: Double

    /// Jeffreys' prior: no rate is favoured much.
    static let even = Prior(a: 0.5, b: 0.5)
    /// Nearly everything succeeds: nearly two thirds of its weight above 99.8 %.
    static let nearlyAllGood = Prior(a: 200, b: 0.5)
}

extension Sample {
    /// ln of θ^total · (1 − θ)^rest. For values that are not just 0 and 1 it is no likelihood, yet all that follows holds: x ↦ (q/p)^x
    /// ((1−q)/(1−p))^(1−x) is convex, so its mean is at most that of a coin with the same mean, which is 1.
    func logLikelihood(at rate: Double) -> Double { times(total, log: rate) + times(rest, log: 1 - rate) }

    /// ln of the likelihood at the rate that fits best.
    var logMaximum: Double { logLikelihood(at: mean) }

    /// ln ∫ θ^total (1 − θ)^rest dBeta(a, b).
    func logMixture(_ prior: Prior = .even) -> Double { logBeta(total + prior.a, rest + prior.b) - logBeta(prior.a, prior.b) }

    /// The mean of both mixtures. Against `even` alone it costs ln 2 at most, and where nearly everything succeeds it needs
    /// fewer leads for the same bound.
    var logPromotionMixture: Double {
        logSum([logMixture(.even), logMixture(.nearlyAllGood)]) - log(2)
    }
}

/// Exact bounds for a share of a fixed number.
enum Binomial {
    /// The largest rate at which so few failures are not rarer than `error`: Clopper and Pearson's one-sided upper bound (1934). It solves
    /// Σ_{i ≤ k} C(n, i) pⁱ (1 − p)ⁿ⁻ⁱ = error. No failure of 1,000 at 0.2 %: 0.62 %.
    static func upperBound(failures: Int, of count: Int, error: Double) -> Double {
        guard count > 0, failures < count else { return 1 }
        return bisect(Double(failures) / Double(count), 1) { logAtMost(failures, of: count, rate: $0) > log(error) }
    }

    /// ln of the chance of at most so many.
    static func logAtMost(_ most: Int, of count: Int, rate: Double) -> Double {
        let n = Double(count)
        return logSum(
            (0...most).map { i in
                let k = Double(i)
                let ways = logGamma(n + 1) - logGamma(k + 1) - logGamma(n - k + 1)
                return ways + times(k, log: rate) + times(n - k, log: 1 - rate)
            })
    }
}

/// Where `isBelow` turns false between two places; to the last bit that matters.
func bisect(_ from: Double, _ to: Double, while isBelow: (Double) -> Bool) -> Double {
    var (low, high) = (from, to)
    for _ in 0..<60 {
        let middle = (low + high) / 2
        if isBelow(middle) { low = middle } else { high = middle }
    }
    return (low + high) / 2
}
