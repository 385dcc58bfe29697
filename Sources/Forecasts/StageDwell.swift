/// How a stage was left in the last 180 days: how often forwards, and after how long.
public struct StageDwell: Sendable, Hashable {
    /// Won or moved on, of all that left; nil: nothing left it.
    public var conversion: Double?
    public var exits = 0
    /// In days; nil: nothing left it.
    public var median: Int?
    public var p90: Int?

    /// By open stage.
    public static func all(_ facts: ForecastFacts, asOf: Day) -> [StageDwell] {
        var dwells = [[Int]](repeating: [], count: facts.policy.stages.count)
        var forwards = [Int](repeating: 0, count: dwells.count)
        for visit in facts.visits {
            guard let left = visit.stay.left, left <= asOf, left > asOf.advanced(by: -180) else { continue }
            dwells[visit.stay.stage].append(visit.stay.entered.distance(to: left))
            if visit.stay.exit != .lost { forwards[visit.stay.stage] += 1 }
        }
        return zip(dwells, forwards).map { days, forwards in
            guard !days.isEmpty else { return StageDwell() }
            let sorted = days.sorted()
            return StageDwell(
                conversion: Double(forwards) / Double(days.count), exits: days.count, median: sorted[sorted.count / 2],
                p90: sorted[min(sorted.count - 1, sorted.count * 9 / 10)])
        }
    }
}
