@testable import Rollouts

/// The exact chance that a coin of this rate is ever stopped within so many tosses: the paths that were not are followed by their number of
/// hits, so nothing is left to luck.
///
/// - Parameter stops: whether so many hits in so many tosses are a reason to stop.
func chanceToStop(rate: Double, within most: Int, stops: (_ tosses: Int, _ hits: Int) -> Bool) -> [Double] {
    var going = [1.0]
    var stopped = 0.0
    return (1...most).map { tosses in
        var next = [Double](repeating: 0, count: tosses + 1)
        for (hits, chance) in going.enumerated() where chance > 1e-15 {
            next[hits] += chance * (1 - rate)
            next[hits + 1] += chance * rate
        }
        for hits in next.indices where next[hits] > 1e-15 && stops(tosses, hits) {
            stopped += next[hits]
            next[hits] = 0
        }
        going = next
        return stopped
    }
}

/// C(n, k) pᵏ (1 − p)ⁿ⁻ᵏ.
func binomial(_ n: Int, _ k: Int, _ rate: Double) -> Double {
    (0..<k).reduce(1.0) { $0 * Double(n - $1) / Double($1 + 1) * rate } * (0..<(n - k)).reduce(1.0) { product, _ in product * (1 - rate) }
}

func sample(_ good: Int, of count: Int) -> Sample { Sample(count: count, total: Double(good)) }
