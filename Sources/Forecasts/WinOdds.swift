/// The chance to be won within a window of days, for every stage and age at once.
///
/// Worked out backwards from the window's last day: V(d, s, a) = won + moved · Σ T(s, s′) · V(d+1, s′, 1) + (1 − all three) · V(d+1, s, a+1), each
/// day with its month's hazards; what is won before the window's first day does not count. A lost opportunity is in no stage: it has none.
public struct WinOdds: Sendable {
    public let window: ClosedRange<Day>
    /// The day from which they are seen; its own events have happened.
    public let asOf: Day
    /// What hazards of winning are multiplied by; places are the callers'.
    public let multipliers: [Double]

    private let ages: Int
    private let stages: Int
    /// As of the evening of `asOf`: by multiplier, stage and age on the next day.
    private let odds: [Double]
    /// Of an opportunity that begins in a stage on a day after `asOf`, with multiplier 0; by day, then stage.
    private let beginning: [Double]

    public init(_ model: HazardModel, asOf: Day, window: ClosedRange<Day>, multipliers: [Double] = [1]) {
        precondition(!multipliers.isEmpty, "Odds need a multiplier, such as 1.")
        self.asOf = asOf
        self.window = window
        self.multipliers = multipliers
        stages = model.stages
        ages = model.bins.oldest + 1
        let days = max(0, asOf.distance(to: window.upperBound))
        var (odds, beginning) = ([Double](), [Double](repeating: 0, count: days * model.stages))
        for (place, multiplier) in multipliers.enumerated() {
            var later = [Double](repeating: 0, count: model.stages * ages)
            for offset in stride(from: days, through: 1, by: -1) {
                let day = asOf.advanced(by: offset)
                later = Self.layer(model, day, counts: window.contains(day), multiplier, later)
                guard place == 0 else { continue }
                for stage in 0..<stages { beginning[(offset - 1) * stages + stage] = later[stage * ages] }
            }
            odds += later
        }
        self.odds = odds
        self.beginning = beginning
    }

    /// One day earlier.
    private static func layer(_ model: HazardModel, _ day: Day, counts: Bool, _ multiplier: Double, _ later: [Double]) -> [Double] {
        let (stages, ages, phase) = (model.stages, model.bins.oldest + 1, day.quarterPhase)
        var layer = [Double](repeating: 0, count: later.count)
        for stage in 0..<stages {
            var moved = 0.0
            for next in 0..<stages { moved += model.transitions[stage * stages + next] * later[next * ages + min(1, ages - 1)] }
            for bin in 0..<model.bins.count {
                var won = min(0.95, model.hazard(.won, stage, bin, phase) * multiplier)
                var lost = model.hazard(.lost, stage, bin, phase)
                var goes = model.hazard(.moved, stage, bin, phase)
                // Not more can happen in a day than something.
                let all = won + lost + goes
                if all > 1 { (won, lost, goes) = (won / all, lost / all, goes / all) }
                let stays = max(0, 1 - won - lost - goes)
                let reward = (counts ? won : 0) + goes * moved
                for age in model.bins.firsts[bin]...(model.bins.last(of: bin) ?? model.bins.oldest) {
                    layer[stage * ages + age] = reward + stays * later[stage * ages + min(age + 1, ages - 1)]
                }
            }
        }
        return layer
    }

    /// For an opportunity that is in a stage since `entered`, as of the evening of `asOf`.
    public func odds(stage: Int, entered: Day, multiplier: Int = 0) -> Double {
        let age = min(max(0, entered.distance(to: asOf) + 1), ages - 1)
        return odds[(multiplier * stages + stage) * ages + age]
    }

    /// For an opportunity that begins in a stage on a day after `asOf`.
    public func odds(beginningIn stage: Int, on day: Day) -> Double {
        let offset = asOf.distance(to: day)
        guard offset >= 1, offset * stages <= beginning.count else { return 0 }
        return beginning[(offset - 1) * stages + stage]
    }
}
