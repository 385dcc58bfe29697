/// One of the three things process health is made of.
public enum Dimension: String, Sendable, Hashable, Codable, CaseIterable {
    case conversion
    case rhythm
    case keyActions = "key_actions"

    public func tally(in counts: WeekCounts) -> Tally {
        switch self {
        case .conversion: counts.conversion
        case .rhythm: counts.rhythm
        case .keyActions: counts.keyActions
        }
    }

    public func target(in targets: HealthTargets) -> Double {
        switch self {
        case .conversion: targets.conversion
        case .rhythm: targets.rhythm
        case .keyActions: targets.keyActions
        }
    }

    public func leastCases(in targets: HealthTargets) -> Int { self == .keyActions ? 1 : targets.leastCases }
}

/// A dimension of one seller's week.
public struct DimensionReading: Sendable, Hashable {
    public let dimension: Dimension
    public let tally: Tally
    public let target: Double
    /// Nil: too few cases to judge, or none.
    public let passes: Bool?

    init(_ dimension: Dimension, _ counts: WeekCounts, _ targets: HealthTargets) {
        self.dimension = dimension
        tally = dimension.tally(in: counts)
        target = dimension.target(in: targets)
        passes = tally.cases >= dimension.leastCases(in: targets) ? tally.rate.map { [target] in $0 >= target } : nil
    }

    /// The rate as a part of the target; 1 is exactly the target. Nil where it is not judged.
    public var ratio: Double? { passes == nil ? nil : tally.rate.map { $0 / target } }
}

/// The process health of one seller in one week.
///
/// The index is 100 times the mean, over the dimensions that can be judged, of min(1, rate ÷ target), all weighing the same (I-13). It is
/// below the base line when any of them misses its target, so everyone at the base line has 100: how far above is `headroom`.
public struct HealthReading: Sendable, Hashable {
    public enum Status: String, Sendable, Hashable, Codable {
        case ok
        /// Something happened, too little to judge by: fewer than five cases.
        case insufficient
        /// Nothing happened that is judged.
        case noData = "no_data"
    }

    public let dimensions: [DimensionReading]
    public let status: Status
    /// 0 to 100; nil unless the status is ok.
    public let index: Double?
    /// From all judged dimensions at the low ends of their 95 % intervals to all at the high ends: wide rather than narrow.
    public let interval: ClosedRange<Double>?
    /// How many cases it rests on.
    public let cases: Int

    public init(_ counts: WeekCounts, targets: HealthTargets = .standard) {
        dimensions = Dimension.allCases.map { DimensionReading($0, counts, targets) }
        let judged = dimensions.filter { $0.passes != nil }
        cases = judged.reduce(0) { $0 + $1.tally.cases }
        let any = dimensions.contains { $0.tally.cases > 0 }
        status = !any ? .noData : cases < targets.leastCases ? .insufficient : .ok
        guard status == .ok else {
            (index, interval) = (nil, nil)
            return
        }
        func mean(_ rate: (DimensionReading) -> Double) -> Double {
            100 * judged.reduce(0) { $0 + min(1, rate($1) / $1.target) } / Double(judged.count)
        }
        index = mean { $0.tally.rate! }  // judged means that there are cases
        interval = mean { $0.tally.interval!.lowerBound }...mean { $0.tally.interval!.upperBound }
    }

    /// Nil where there is no index.
    public var isBelow: Bool? { status == .ok ? dimensions.contains { $0.passes == false } : nil }

    /// The smallest part of a target that was reached, not cut off at 1, among the targets that can be exceeded: what tells healthy
    /// sellers apart. 1 where only such are judged as cannot.
    public var headroom: Double? {
        guard status == .ok else { return nil }
        return dimensions.filter { $0.target < 1 }.compactMap(\.ratio).min() ?? dimensions.compactMap(\.ratio).min()
    }
}

extension [HealthReading] {
    /// Sellers at the base line among those with an index; nil where nobody has one (SPI-05).
    public var attainment: Tally {
        reduce(into: Tally()) { tally, reading in if let below = reading.isBelow { tally.add(!below) } }
    }
}
