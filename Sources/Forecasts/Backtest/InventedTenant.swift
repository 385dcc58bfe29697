import Foundation
import Sampling

/// Tenants that nobody's settings were chosen on: three stages, hazards that depend on age, good and bad months.
public struct InventedTenant: Sendable {
    public var seed: UInt64
    public var days: Int
    /// Opportunities begun on a working day, on average at the start; it drifts.
    public var perDay: Double
    /// How much months differ, as the spread of the logarithm of all hazards of winning.
    public var monthSpread: Double

    public init(seed: UInt64, days: Int = 540, perDay: Double = 8, monthSpread: Double = 0.25) {
        self.seed = seed
        self.days = days
        self.perDay = perDay
        self.monthSpread = monthSpread
    }

    public func deals() -> PastDeals {
        var random = SeededNumbers(seed: seed)
        let first = Day(17_000)
        let last = first.advanced(by: days - 1)
        let months = (0...days / 30).map { _ in exp(monthSpread * random.normal() - monthSpread * monthSpread / 2) }
        // Where each stage is quickest, and how often it ends well: drawn, so that no two tenants are alike.
        let paces = (0..<3).map { _ in 5 + 25 * random.uniform() }
        let rates = (0..<3).map { stage in
            (won: [0, 0.004, 0.02][stage] * (0.5 + random.uniform()), lost: 0.004 + 0.012 * random.uniform())
        }
        let drift = 0.002 * (random.uniform() - 0.5)
        var deals: [PastDeals.Deal] = []
        for day in stride(from: first, through: last, by: 1) {
            let mean = perDay * exp(drift * Double(first.distance(to: day))) * (Arrivals.weekends(day) ? 0.2 : 1)
            for _ in 0..<random.poisson(mean) {
                let amount = 1e6 * exp(random.normal())
                deals.append(
                    deal(day, last, amount, &random) { stage, age, day in
                        let pace = paces[stage]
                        let ripe = Double(age) / pace * exp(1 - Double(age) / pace)
                        let month = months[first.distance(to: day) / 30]
                        return (rates[stage].won * (0.3 + ripe) * month, rates[stage].lost, stage < 2 ? 0.02 + 0.06 * ripe : 0)
                    })
            }
        }
        return PastDeals(name: "invented \(seed)", deals: deals, stages: 3, lastBeginning: last, lastEnding: last)
    }

    private func deal(
        _ begin: Day, _ last: Day, _ amount: Double, _ random: inout SeededNumbers,
        rates: (_ stage: Int, _ age: Int, Day) -> (won: Double, lost: Double, moved: Double)
    ) -> PastDeals.Deal {
        var stays: [Stay] = []
        var stay = Stay(entered: begin)
        for day in stride(from: begin, through: last, by: 1) {
            let rate = rates(stay.stage, stay.entered.distance(to: day), day)
            let drawn = random.uniform()
            guard drawn < rate.won + rate.lost + rate.moved else { continue }
            let exit: Exit = drawn < rate.won ? .won : drawn < rate.won + rate.lost ? .lost : .moved(to: stay.stage + 1)
            stays.append(Stay(stage: stay.stage, entered: stay.entered, left: day, exit: exit))
            guard case .moved(let next) = exit else {
                return PastDeals.Deal(
                    stays: stays, expected: amount, realised: exit == .won ? amount * (0.7 + 0.3 * random.uniform()) : nil)
            }
            stay = Stay(stage: next, entered: day)
        }
        return PastDeals.Deal(stays: stays + [stay], expected: amount)
    }
}
