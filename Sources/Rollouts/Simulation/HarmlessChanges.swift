import Sampling

/// Many changes that do no harm, each looked at after every lead: how often are they taken back all the same?
///
/// They differ in what may matter: how often stable fails (from never to 3 %), how often leads are touched in time, the canary's share, and
/// whether the day has its tides. Stable's last 1,000 leads are drawn anew for each, so that the error of their bound is inside the figure.
public struct HarmlessChanges: Sendable {
    public var changes: Int
    public var leads: Int
    public var seed: UInt64

    public init(changes: Int = 10_000, leads: Int = 3_000, seed: UInt64 = 1) {
        self.changes = changes
        self.leads = leads
        self.seed = seed
    }

    public struct Report: Sendable, Hashable, Encodable {
        public var changes: Int
        public var leadsEach: Int
        public var seed: UInt64
        public var rolledBack: Int
        /// Which guard took them back.
        public var byGuard: [String: Int]
        /// The most it may be: `GuardBudget.most`.
        public var bound: Double
        /// An exact 95 % upper bound of the true rate behind the count.
        public var upperBound: Double
    }

    static let failureRates = [0, 0.0005, 0.002, 0.005, 0.01, 0.03]
    static let touchRates = [0.6, 0.9, 0.97]
    static let shares = [500, 2_000, 5_000]

    public func run() -> Report {
        var byGuard: [String: Int] = [:]
        for number in 0..<changes {
            guard let name = stopped(number) else { continue }
            byGuard[name, default: 0] += 1
        }
        let rolledBack = byGuard.values.reduce(0, +)
        return Report(
            changes: changes, leadsEach: leads, seed: seed, rolledBack: rolledBack, byGuard: byGuard, bound: GuardBudget.most,
            upperBound: Binomial.upperBound(failures: rolledBack, of: changes, error: 0.05))
    }

    /// What takes back the change of this number.
    private func stopped(_ number: Int) -> String? {
        var random = SeededNumbers(seed: seed &* 0x2545_f491_4f6c_dd1d &+ UInt64(number))
        guard let failures = Self.failureRates.randomElement(using: &random), let touch = Self.touchRates.randomElement(using: &random),
            let hundredths = Self.shares.randomElement(using: &random), let percent = Percent(hundredths: hundredths)
        else { return nil }
        let wave = random.isHit(0.5) ? min(0.3, 1 - touch) : 0
        let change = SimulatedChange(
            share: percent.share, stableFailures: failures, canaryFailures: failures, stableTouch: touch, canaryTouch: touch, wave: wave)
        let before = change.before(&random)
        var watch = GuardWatch(plan: .standard(before: before, behaviours: ["first_touch"]), before: before, percent: percent)
        return change.watched(by: &watch, most: leads, &random)?.name
    }
}

extension SimulatedChange {
    struct Stop: Sendable {
        let name: String
        let leads: Int
        let canaryLeads: Int
    }

    /// Lets leads come until the watch stops them.
    func watched(by watch: inout some RolloutWatch, most: Int, _ random: inout SeededNumbers) -> Stop? {
        var sums = SimulatedSums()
        for number in 0..<most {
            let lead = lead(number, &random)
            sums.add(lead)
            if let name = watch.stops(sums, after: lead) {
                return Stop(name: name, leads: sums.leads, canaryLeads: sums.success.canary.leads)
            }
        }
        return nil
    }
}
