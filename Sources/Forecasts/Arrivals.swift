import Foundation

/// How many opportunities begin on a day, and how unevenly: a Poisson process with more variance than its mean.
public struct Arrivals: Sendable {
    /// By day of work, and by day off.
    public let working: Double
    public let off: Double
    /// Variance of a week's number over its mean, at least 1.
    public let dispersion: Double
    /// Where they begin: shares by stage, that make 1.
    public let stages: [Double]
    private let isOff: @Sendable (Day) -> Bool

    /// Saturdays and Sundays.
    public static let weekends: @Sendable (Day) -> Bool = { $0.weekday >= 5 }

    /// - Parameters:
    ///   - begun: how many began in each stage, by day; days after `asOf` do not count.
    ///   - since: the first day that was recorded.
    ///   - halfLife: days after which a day counts half; new business turns quickly.
    public init(
        begun: [(day: Day, stage: Int)], stages: Int, since: Day, asOf: Day, halfLife: Double = 28,
        isOff: @escaping @Sendable (Day) -> Bool = Arrivals.weekends
    ) {
        let first = max(since, asOf.advanced(by: -364))
        let days = max(1, first.distance(to: asOf) + 1)
        var (counts, byStage) = ([Double](repeating: 0, count: days), [Double](repeating: 0, count: stages))
        for (day, stage) in begun where day >= first && day <= asOf {
            let place = first.distance(to: day)
            counts[place] += 1
            byStage[stage] += Self.weight(days - 1 - place, halfLife)
        }
        var sums = (working: (days: 0.0, count: 0.0), off: (days: 0.0, count: 0.0))
        for place in 0..<days {
            let weight = Self.weight(days - 1 - place, halfLife)
            if isOff(first.advanced(by: place)) {
                sums.off.days += weight
                sums.off.count += weight * counts[place]
            } else {
                sums.working.days += weight
                sums.working.count += weight * counts[place]
            }
        }
        working = sums.working.count / max(sums.working.days, 1)
        off = sums.off.count / max(sums.off.days, 1)
        dispersion = Self.dispersion(counts)
        let all = byStage.reduce(0, +)
        self.stages = byStage.enumerated().map { all > 0 ? $1 / all : $0 == 0 ? 1 : 0 }
        self.isOff = isOff
    }

    public func expected(on day: Day) -> Double { isOff(day) ? off : working }

    /// How many of those that begin after `odds.asOf` are won within the window.
    public func expectedWins(_ odds: WinOdds) -> Double {
        var sum = 0.0
        for offset in 1...max(1, odds.asOf.distance(to: odds.window.upperBound)) {
            let day = odds.asOf.advanced(by: offset)
            for (stage, share) in stages.enumerated() where share > 0 {
                sum += expected(on: day) * share * odds.odds(beginningIn: stage, on: day)
            }
        }
        return sum
    }

    private static func weight(_ age: Int, _ halfLife: Double) -> Double { exp2(-Double(age) / halfLife) }

    /// From the last weeks, at most 26, each beside the mean of itself and its neighbours: growth is no unevenness.
    private static func dispersion(_ counts: [Double]) -> Double {
        let weeks = stride(from: counts.count, through: 7, by: -7).prefix(26).map { end in counts[end - 7..<end].reduce(0, +) }
        guard weeks.count >= 4 else { return 2 }
        var (sum, n) = (0.0, 0)
        for place in 1..<weeks.count - 1 {
            let mean = (weeks[place - 1] + weeks[place] + weeks[place + 1]) / 3
            guard mean > 0 else { continue }
            // The middle of three around their mean: two thirds of the variance.
            sum += (weeks[place] - mean) * (weeks[place] - mean) / mean * 1.5
            n += 1
        }
        return n > 0 ? max(1, sum / Double(n)) : 2
    }
}
