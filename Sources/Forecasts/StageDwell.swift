/// How a stage was left in the last 180 days: how often forwards, and after how long.
public struct StageDwell: Sendable, Hashable {
    /// Won or moved to a later stage, of all that left; nil: nothing left it. Going back is none.
    public var conversion: Double?
    public var exits = 0
    /// In days, by nearest rank: the smallest that half, or nine in ten, do not exceed; nil: nothing left it.
    public var median: Int?
    public var p90: Int?

    /// By open stage.
    public static func all(_ facts: ForecastFacts, asOf: Day) -> [StageDwell] {
        var dwells = [[Int]](repeating: [], count: facts.policy.stages.count)
        var forwards = [Int](repeating: 0, count: dwells.count)
        for visit in facts.visits {
            guard let left = visit.stay.left, left <= asOf, left > asOf.advanced(by: -180), let exit = visit.stay.exit else { continue }
            dwells[visit.stay.stage].append(visit.stay.entered.distance(to: left))
            if exit.isForwards(from: visit.stay.stage) { forwards[visit.stay.stage] += 1 }
        }
        return zip(dwells, forwards).map { days, forwards in
            guard !days.isEmpty else { return StageDwell() }
            let sorted = days.sorted()
            /// Tenths of all, rounded up: of ten the fifth and the ninth.
            func rank(_ tenths: Int) -> Int { sorted[(sorted.count * tenths + 9) / 10 - 1] }
            return StageDwell(conversion: Double(forwards) / Double(days.count), exits: days.count, median: rank(5), p90: rank(9))
        }
    }
}

extension Exit {
    fileprivate func isForwards(from stage: Int) -> Bool {
        switch self {
        case .won: true
        case .lost: false
        case .moved(let to): to > stage
        }
    }
}
