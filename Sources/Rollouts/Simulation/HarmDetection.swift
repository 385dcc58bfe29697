import Sampling

/// How soon a harmful change is stopped, beside two rules that are often used, on the same leads.
public struct HarmDetection: Sendable {
    public var runs: Int
    /// Leads after which a run counts as not stopped.
    public var leads: Int
    public var seed: UInt64

    public init(runs: Int = 200, leads: Int = 4_000, seed: UInt64 = 1) {
        self.runs = runs
        self.leads = leads
        self.seed = seed
    }

    /// How soon one rule stopped the runs of one row.
    public struct Times: Sendable, Hashable, Encodable {
        public var stopped: Int
        /// All leads until then, of both arms; nil where not so many runs were stopped.
        public var medianLeads: Int?
        public var p95Leads: Int?
        public var medianCanaryLeads: Int?
        public var p95CanaryLeads: Int?
    }

    public struct Row: Sendable, Hashable, Encodable {
        /// Such as `10 % fail`.
        public var harm: String
        /// Percent of the customers in the canary arm.
        public var percent: Double
        public var runs: Int
        public var guards: Times
        public var fixedThreshold: Times
        public var peekedZTest: Times
    }

    struct Harm: Sendable {
        let words: String
        let figure: WatchedFigure
        var stableFailures = HarmDetection.healthyFailures
        var failures = HarmDetection.healthyFailures
        var touch = HarmDetection.healthyTouch
    }

    static let healthyFailures = 0.0005
    static let healthyTouch = 0.9

    static let harms =
        [
            Harm(words: "none (0.05 % fail)", figure: .success),
            Harm(words: "none (0.5 % fail)", figure: .success, stableFailures: 0.005, failures: 0.005),
        ]
        + [0.92, 0.5, 0.1, 0.05, 0.02].map { Harm(words: "\(($0 * 100).words(decimals: 0)) % fail", figure: .success, failures: $0) }
        + [Harm(words: "none (90 % touched)", figure: .touch)]
        + [0.3, 0.6, 0.8].map { Harm(words: "\(($0 * 100).words(decimals: 0)) % touched", figure: .touch, touch: $0) }

    public func rows() -> [Row] {
        Self.harms.flatMap { harm in [500, 2_000, 5_000].compactMap(Percent.init(hundredths:)).map { row(harm, $0) } }
    }

    func row(_ harm: Harm, _ percent: Percent) -> Row {
        let change = SimulatedChange(
            share: percent.share, stableFailures: harm.stableFailures, canaryFailures: harm.failures, stableTouch: Self.healthyTouch,
            canaryTouch: harm.touch)
        // The limit a person would set: 1 % of failures, or a point more of untouched leads than usual.
        let allowed = harm.figure == .success ? 0.01 : 1 - Self.healthyTouch + 0.01
        return Row(
            harm: harm.words, percent: percent.share * 100, runs: runs,
            guards: times(change) { GuardWatch(plan: .standard(before: $0, behaviours: ["first_touch"]), before: $0, percent: percent) },
            fixedThreshold: times(change) { _ in FixedThreshold(harm.figure, allowed: allowed) },
            peekedZTest: times(change) { _ in PeekedZTest(figure: harm.figure) })
    }

    /// Every rule meets the same leads: the same seed for the same run.
    private func times<Watch: RolloutWatch>(_ change: SimulatedChange, _ watch: (Counts) -> Watch) -> Times {
        let stops = (0..<runs).compactMap { run in
            var random = SeededNumbers(seed: seed &* 0x9fb2_1c65_1e98_df25 &+ UInt64(run))
            var watch = watch(change.before(&random))
            return change.watched(by: &watch, most: leads, &random)
        }
        let (all, canary) = (stops.map(\.leads).sorted(), stops.map(\.canaryLeads).sorted())
        return Times(
            stopped: stops.count, medianLeads: quantile(0.5, all), p95Leads: quantile(0.95, all), medianCanaryLeads: quantile(0.5, canary),
            p95CanaryLeads: quantile(0.95, canary))
    }

    /// Of all runs: those that were not stopped are the slowest.
    private func quantile(_ share: Double, _ sorted: [Int]) -> Int? {
        let place = Int((share * Double(runs)).rounded(.up)) - 1
        return sorted.indices.contains(place) ? sorted[place] : nil
    }
}
