import Foundation

/// The chance that something happens to an opportunity today, by its stage, how long it has been there, and the month of the quarter.
///
/// Cause-specific hazards: h = (d + κ·h₀) ÷ (E + κ), where E are the days at risk, d what happened in them, and h₀ what is believed
/// beforehand: the stage's own rate in the shape that all stages together have by age, which in turn leans on the rate over everything.
/// A month of the quarter multiplies them by (d + c) ÷ (expected + c), for each bin of ages. With κ = 200 days and c = 20 events a stage that
/// was seen for ten days says little of its own, one seen for ten thousand nearly everything.
///
/// Two more numbers multiply the hazards of winning. Of each segment, (d + c) ÷ (expected + c). And the level of the last 28 days, the square
/// root of the same figure: a good month is half remembered, since it may have been luck.
public struct HazardModel: Sendable {
    public let stages: Int
    public let bins: AgeBins
    public let settings: HazardSettings
    /// What hazards of winning are multiplied by because of how the last 28 days went.
    public let level: Double
    /// By segment, what its hazards of winning are multiplied by; empty where there is one.
    public let segmentEffects: [Double]
    /// Where a move from a stage (row) leads: shares that make 1.
    let transitions: [Double]
    /// By stage: whether it was left too seldom to know.
    public let isMostlyBelieved: [Bool]
    /// By cause; by stage, bin and phase.
    private let hazards: [[Double]]

    public init(_ counts: HazardCounts, settings: HazardSettings = HazardSettings()) {
        stages = counts.stages
        bins = counts.bins
        self.settings = settings
        var hazards = HazardCounts.Cause.allCases.map { Fit(counts, $0, settings).hazards }
        let won = hazards[HazardCounts.Cause.won.rawValue]
        func expected(_ exposure: some Collection<Double>) -> Double { zip(exposure, won).reduce(0) { $0 + $1.0 * $1.1 } }
        let c = settings.effectEvents
        let level = pow((counts.recentWins + c) / (expected(counts.recentExposure) + c), settings.persistence)
        hazards[HazardCounts.Cause.won.rawValue] = won.map { min(0.95, $0 * level) }
        segmentEffects = counts.segmentWins.enumerated().map { segment, wins in
            (wins + c) / (expected(counts.segmentExposure[segment * won.count..<(segment + 1) * won.count]) + c)
        }
        self.level = level
        self.hazards = hazards
        transitions = Self.transitions(counts)
        isMostlyBelieved = counts.exits.map { $0 < settings.exitsWanted }
    }

    func hazard(_ cause: HazardCounts.Cause, _ stage: Int, _ bin: Int, _ phase: Int) -> Double {
        hazards[cause.rawValue][(stage * bins.count + bin) * HazardCounts.phases + phase]
    }

    /// Half a move to the next stage is believed beforehand; from the last one, to itself.
    private static func transitions(_ counts: HazardCounts) -> [Double] {
        let n = counts.stages
        return (0..<n).flatMap { stage -> [Double] in
            var row = Array(counts.moves[stage * n..<(stage + 1) * n])
            row[min(stage + 1, n - 1)] += 0.5
            let sum = row.reduce(0, +)
            return row.map { $0 / sum }
        }
    }
}

/// The hazards of one cause.
private struct Fit {
    let hazards: [Double]

    init(_ counts: HazardCounts, _ cause: HazardCounts.Cause, _ settings: HazardSettings) {
        let (stages, bins, phases) = (counts.stages, counts.bins.count, HazardCounts.phases)
        let (kappa, c) = (settings.shrinkageDays, settings.effectEvents)
        let (exposure, events) = (counts.exposure, counts.events[cause.rawValue])
        /// Without the month of the quarter; by stage and bin.
        var plain = [Double](repeating: 0, count: stages * bins)
        /// By bin and phase.
        var effect = [Double](repeating: 1, count: bins * phases)

        // Each is what it is given the other; five rounds change the last digits only.
        for _ in 0..<5 {
            var (days, happened) = ([Double](repeating: 0, count: stages * bins), [Double](repeating: 0, count: stages * bins))
            for stage in 0..<stages {
                for bin in 0..<bins {
                    for phase in 0..<phases {
                        let cell = counts.cell(stage, bin, phase)
                        days[stage * bins + bin] += exposure[cell] * effect[bin * phases + phase]
                        happened[stage * bins + bin] += events[cell]
                    }
                }
            }
            func sums(_ values: [Double], byBin: Bool) -> [Double] {
                var sums = [Double](repeating: 0, count: byBin ? bins : stages)
                for (place, value) in values.enumerated() { sums[byBin ? place % bins : place / bins] += value }
                return sums
            }
            let overall = (happened.reduce(0, +) + kappa * settings.prior[cause]) / (days.reduce(0, +) + kappa)
            let byAge = zip(sums(happened, byBin: true), sums(days, byBin: true)).map { ($0 + kappa * overall) / ($1 + kappa) }
            let byStage = zip(sums(happened, byBin: false), sums(days, byBin: false)).map { ($0 + kappa * overall) / ($1 + kappa) }
            for place in plain.indices {
                let believed = byStage[place / bins] * byAge[place % bins] / overall
                plain[place] = (happened[place] + kappa * believed) / (days[place] + kappa)
            }
            for bin in 0..<bins {
                for phase in 0..<phases {
                    var (seen, expected) = (0.0, 0.0)
                    for stage in 0..<stages {
                        let cell = counts.cell(stage, bin, phase)
                        seen += events[cell]
                        expected += exposure[cell] * plain[stage * bins + bin]
                    }
                    effect[bin * phases + phase] = (seen + c) / (expected + c)
                }
            }
        }
        hazards = (0..<stages * bins * phases).map { place in
            let (bin, phase) = (place / phases % bins, place % phases)
            return min(0.95, plain[place / phases] * effect[bin * phases + phase])
        }
    }
}
