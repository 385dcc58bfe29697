import Sampling

/// The incident that began it: a rule with which 92 % of assignments fail, let out to 5 % of the customers of a tenant whose last 1,000 leads
/// all went well.
public struct FaultyRelease: Sendable {
    public var runs: Int
    public var seed: UInt64

    public init(runs: Int = 200, seed: UInt64 = 1) {
        self.runs = runs
        self.seed = seed
    }

    public struct Report: Sendable, Hashable, Encodable {
        public var runs: Int
        public var seed: UInt64
        public var stopped: Int
        public var failureRate: Double
        public var percent: Double
        public var medianCanaryLeads: Int
        public var p95CanaryLeads: Int
        public var mostCanaryLeads: Int
        /// Leads of both arms that arrived until then.
        public var medianLeads: Int
        public var p95Leads: Int
        /// Leads that failed until then, on average.
        public var meanFailures: Double
    }

    static let failureRate = 0.92

    public func run() -> Report {
        let change = SimulatedChange(share: 0.05, stableFailures: 0, canaryFailures: Self.failureRate, stableTouch: 1, canaryTouch: 1)
        let before = Counts(good: 1_000)
        let stops = (0..<runs).compactMap { run in
            var random = SeededNumbers(seed: seed &* 0xd1b5_4a32_d192_ed03 &+ UInt64(run))
            var watch = GuardWatch(plan: .standard(before: before), before: before, percent: Percent(hundredths: 500) ?? .all)
            return change.watched(by: &watch, most: 10_000, &random)
        }
        let (all, canary) = (stops.map(\.leads).sorted(), stops.map(\.canaryLeads).sorted())
        func quantile(_ share: Double, _ sorted: [Int]) -> Int {
            sorted.isEmpty ? 0 : sorted[min(sorted.count - 1, max(0, Int((share * Double(sorted.count)).rounded(.up)) - 1))]
        }
        return Report(
            runs: runs, seed: seed, stopped: stops.count, failureRate: Self.failureRate, percent: 5,
            medianCanaryLeads: quantile(0.5, canary), p95CanaryLeads: quantile(0.95, canary), mostCanaryLeads: canary.last ?? 0,
            medianLeads: quantile(0.5, all), p95Leads: quantile(0.95, all),
            meanFailures: Self.failureRate * Double(canary.reduce(0, +)) / Double(max(1, canary.count)))
    }
}
