/// What was really got for each unit that had been entered: over everything, and by segment as far as that was seen often enough.
public struct AmountRatio: Sendable, Hashable {
    public let overall: Double
    private let bySegment: [Int: Double]
    /// How many won opportunities it rests on.
    public let wins: Int

    /// As if this many average opportunities had been got for exactly what was entered, and for each segment at the overall ratio.
    static let believed = (overall: 5.0, segment: 10.0)
    /// Beyond, something else than a discount was entered.
    static let bounds = 0.2...2.0

    /// - Parameter won: amounts in minor units of one currency.
    public init(won: some Sequence<(entered: Double, realised: Double, segment: Int)>) {
        var sums: [Int: (entered: Double, realised: Double, count: Int)] = [:]
        for deal in won where deal.entered > 0 {
            sums[deal.segment, default: (0, 0, 0)].entered += deal.entered
            sums[deal.segment]!.realised += deal.realised
            sums[deal.segment]!.count += 1
        }
        // In order, so that the sum is the same to the last digit whenever it is worked out.
        let ordered = sums.sorted { $0.key < $1.key }
        let entered = ordered.reduce(0) { $0 + $1.value.entered }
        let realised = ordered.reduce(0) { $0 + $1.value.realised }
        let wins = ordered.reduce(0) { $0 + $1.value.count }
        let mean = wins > 0 ? entered / Double(wins) : 1
        let ratio = (realised + Self.believed.overall * mean) / (entered + Self.believed.overall * mean)
        self.wins = wins
        overall = ratio.clamped(to: Self.bounds)
        bySegment = Dictionary(
            uniqueKeysWithValues: ordered.map { segment, sum in
                let mean = sum.entered / Double(sum.count)
                let own = (sum.realised + Self.believed.segment * mean * ratio) / (sum.entered + Self.believed.segment * mean)
                return (segment, own.clamped(to: Self.bounds))
            })
    }

    public subscript(segment: Int) -> Double { bySegment[segment] ?? overall }
}

extension Double {
    func clamped(to range: ClosedRange<Double>) -> Double { Swift.min(Swift.max(self, range.lowerBound), range.upperBound) }
}
