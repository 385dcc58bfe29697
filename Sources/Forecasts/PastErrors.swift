/// What an interval rests on.
public enum IntervalBasis: String, Sendable, Hashable {
    /// Errors of forecasts of the same length, of the same scope, open and new business together.
    case learnt
    /// Too few of them: a spread that is believed beforehand, and what chance alone does.
    case believed
}

/// How far off forecasts like this one were, had they been made on past days: as far ahead, as many days, of the same opportunities.
///
/// Each rests on what happened up to its day, not on when we heard of it. Odds are learnt from the whole tenant, as this forecast's are;
/// what is forecast, and what came, is the scope's: all its wins in the window, also of what began after the day.
struct PastErrors: Sendable {
    let interval: AdaptiveInterval
    let basis: IntervalBasis
    /// What a period has in common, for drawing paths, which draw chance themselves.
    let spread: Double

    /// So many past days are forecast once more, a week apart, or an eighth of the days ahead: forecasts that overlap say nearly the same.
    static let origins = 13
    /// With fewer errors nothing is said to be learnt.
    static let wanted = 4
    /// Days ahead that are forecast at least, and at most: of a longer period the errors of half a year are learnt.
    static let reach = 7...182

    /// - Parameter expected: what is forecast, open and new.
    init(of period: ClosedRange<Day>, asOf: Day, expected: Double, _ facts: ForecastFacts, _ settings: HazardSettings) {
        let ahead = Self.ahead(asOf.distance(to: period.lowerBound), asOf.distance(to: period.upperBound))
        var learner = AdaptiveInterval(spread: Self.believed(expected))
        var common = AdaptiveInterval()
        let first = facts.visits.lazy.compactMap(\.stay.left).min()
        let step = max(7, ahead.upperBound / 8)
        let origins = (0..<Self.origins).map { asOf.advanced(by: -ahead.upperBound - step * $0) }.filter { day in
            first.map { $0.distance(to: day) >= Backtest.teaching } ?? false
        }
        guard origins.count >= Self.wanted else {
            (interval, basis, spread) = (learner, .believed, common.spread)
            return
        }
        var tried = 0
        var unlearnt: [(day: Day, forecast: Double, actual: Double, interval: ClosedRange<Double>)] = []
        for day in origins.reversed() {
            while let told = unlearnt.first, told.day.advanced(by: ahead.upperBound) <= day {
                unlearnt.removeFirst()
                common.learn(forecast: told.forecast, actual: told.actual, interval: nil)
                learner.learn(forecast: told.forecast, actual: told.actual, interval: told.interval)
            }
            let window = day.advanced(by: ahead.lowerBound)...day.advanced(by: ahead.upperBound)
            let forecast = Self.forecast(of: window, on: day, facts, settings)
            let actual = Double(facts.won.reduce(0) { $0 + (window.contains($1) ? 1 : 0) })
            // Where nothing was open and nothing came, two zeros are no good forecast.
            guard actual > 0 || facts.visits.contains(where: { $0.isOpen(on: day) }) else { continue }
            tried += 1
            unlearnt.append((day, forecast, actual, learner.interval(around: forecast)))
        }
        guard tried >= Self.wanted else {
            (interval, basis, spread) = (AdaptiveInterval(spread: Self.believed(expected)), .believed, AdaptiveInterval().spread)
            return
        }
        for told in unlearnt {
            common.learn(forecast: told.forecast, actual: told.actual, interval: nil)
            learner.learn(forecast: told.forecast, actual: told.actual, interval: told.interval)
        }
        (interval, basis, spread) = (learner, .learnt, common.spread)
    }

    /// The spread believed beforehand: of the period, 0.35, and of chance, which is great where few wins are expected: of two it makes 0.68,
    /// of two hundred 0.36.
    private static func believed(_ expected: Double) -> Double { (0.35 * 0.35 + 1 / (max(0, expected) + 1)).squareRoot() }

    /// The first and the last day of the window, counted from the day it is seen from; what is past is no part of it.
    static func ahead(_ first: Int, _ last: Int) -> ClosedRange<Int> {
        let last = max(last, reach.lowerBound)
        let first = min(max(first, 1), last - reach.lowerBound + 1)
        guard last > reach.upperBound else { return first...last }
        return max(1, first - (last - reach.upperBound))...reach.upperBound
    }

    private static func forecast(of window: ClosedRange<Day>, on day: Day, _ facts: ForecastFacts, _ settings: HazardSettings) -> Double {
        let odds = WinOdds(HazardModel(ForecastRun.counts(facts, day, settings), settings: settings), asOf: day, window: window)
        var forecast = 0.0
        for visit in facts.visits where visit.isOpen(on: day) {
            forecast += odds.odds(stage: visit.stay.stage, entered: visit.stay.entered)
        }
        let hasBegun = facts.begun.contains { $0.day <= day }
        return forecast + (hasBegun ? facts.arrivals(day).expectedWins(odds) : 0)
    }

    /// Around a forecast of the number of wins. One that is only believed is never narrower than chance alone makes it.
    func interval(around forecast: Double, paths: Spread) -> ClosedRange<Double> {
        let interval = interval.interval(around: forecast)
        guard basis == .believed else { return interval }
        return min(interval.lowerBound, paths.p10)...max(interval.upperBound, paths.p90)
    }
}

extension ForecastFacts.Visit {
    /// Whether it is of the scope and its opportunity stood there on that day.
    fileprivate func isOpen(on day: Day) -> Bool { isInScope && stay.entered <= day && stay.left.map { $0 > day } ?? true }
}
