import Foundation

/// Random numbers that are the same for the same seed, on every machine: SplitMix64 (Steele, Lea and Flood 2014).
public struct SeededNumbers: RandomNumberGenerator, Sendable {
    private var state: UInt64

    public init(seed: UInt64) { state = seed }

    public mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    /// In 0 ..< 1.
    public mutating func uniform() -> Double { Double(next() >> 11) * 0x1p-53 }

    /// True this often.
    public mutating func isHit(_ rate: Double) -> Bool { uniform() < rate }

    /// How many of so many are hit.
    public mutating func hits(_ rate: Double, of count: Int) -> Int { (0..<count).reduce(0) { sum, _ in sum + (isHit(rate) ? 1 : 0) } }

    /// Mean 0, variance 1 (Box and Muller 1958).
    public mutating func normal() -> Double { (-2 * log(1 - uniform())).squareRoot() * cos(2 * .pi * uniform()) }

    /// Of this mean (Knuth 1969); a large one as the normal number nearest to it.
    public mutating func poisson(_ mean: Double) -> Int {
        guard mean > 0 else { return 0 }
        guard mean < 60 else { return max(0, Int((mean + mean.squareRoot() * normal()).rounded())) }
        var (count, product) = (0, uniform())
        let end = exp(-mean)
        while product > end {
            product *= uniform()
            count += 1
        }
        return count
    }
}
