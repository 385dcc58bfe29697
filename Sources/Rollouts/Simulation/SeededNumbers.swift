/// Random numbers that are the same for the same seed, on every machine: SplitMix64 (Steele, Lea and Flood 2014).
struct SeededNumbers: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    /// In 0 ..< 1.
    mutating func uniform() -> Double { Double(next() >> 11) * 0x1p-53 }

    mutating func isHit(_ rate: Double) -> Bool { uniform() < rate }

    /// How many of so many are hit.
    mutating func hits(_ rate: Double, of count: Int) -> Int { (0..<count).reduce(0) { sum, _ in sum + (isHit(rate) ? 1 : 0) } }
}
